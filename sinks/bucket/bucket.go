// Package bucket keeps a warehouse in a bucket of a cloud provider: s3, gs or azblob.
// Linking it makes [sinks.OpenStore] understand such URLs.
//
// An object appears whole or not at all, and a create-only write tells several
// writers of one name which of them won. A bucket has no links and no renames:
// what a directory links is copied by the provider, and a folder is there for
// readers when its marker is. Every request is repeated for a while when it fails
// for a reason that may pass.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync/atomic"

	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"

	"servegrid/sinks"
)

// Bucket is a [sinks.Store] in a bucket.
type Bucket struct {
	ctx      context.Context
	b        *blob.Bucket
	root     string
	attempts int // of each request
	lock     atomic.Pointer[lease]
}

var _ sinks.Store = (*Bucket)(nil)

// New makes a store of an open bucket; root names it in messages. The context ends
// all requests.
func New(ctx context.Context, b *blob.Bucket, root string) *Bucket {
	return &Bucket{ctx: ctx, b: b, root: root, attempts: attempts}
}

// Root implements [sinks.Store].
func (b *Bucket) Root() string { return b.root }

// AtOnce implements [sinks.Store]: a request mostly waits for the network.
func (b *Bucket) AtOnce() int { return requestsAtOnce }

const requestsAtOnce = 32

// Mkdir implements [sinks.Store]: a bucket has no folders.
func (b *Bucket) Mkdir(string) error { return nil }

// CleanTemp implements [sinks.Store]: there are no unfinished objects.
func (b *Bucket) CleanTemp() (int, error) { return 0, nil }

// Group implements [sinks.Store]: what is written lasts.
func (b *Bucket) Group() (sinks.Store, func() error) { return b, func() error { return nil } }

// Show implements [sinks.Store]: there are no links.
func (b *Bucket) Show(string, string) error { return nil }

// Shown implements [sinks.Store].
func (b *Bucket) Shown(string) (folder string, err error) { return "", nil }

// Stage implements [sinks.Store]: the folder is filled where it is to be, and not there
// for readers while its marker is missing.
func (b *Bucket) Stage(folder, _ string) (sinks.Stage, error) { return stage{b, folder}, nil }

// stage is a folder that nobody looks into before its marker is there.
type stage struct {
	b      *Bucket
	folder string
}

func (s stage) Store() sinks.Store { return s.b }
func (s stage) Folder() string     { return s.folder }
func (s stage) Private() bool      { return false }
func (s stage) Publish() error     { return nil } // the marker did
func (s stage) Drop()              {}             // somebody else may be filling it

// Withdraw implements [sinks.Store]: the marker goes first.
func (b *Bucket) Withdraw(folder, marker string) error {
	if err := b.Remove(path.Join(folder, marker)); err != nil {
		return err
	}
	return b.RemoveAll(folder)
}

// Create implements [sinks.Store].
func (b *Bucket) Create(name string) (*sinks.File, error) { return b.create(name, false) }

// CreateNew implements [sinks.Store].
func (b *Bucket) CreateNew(name string) (*sinks.File, error) { return b.create(name, true) }

func (b *Bucket) create(name string, isNew bool) (*sinks.File, error) {
	if !fs.ValidPath(name) || name == "." {
		return nil, fmt.Errorf("create %q: not a name below %s", name, b.root)
	}
	return sinks.NewSpooled(name, func(content *io.SectionReader) error { return b.upload(name, content, isNew) })
}

// Stat implements [sinks.Store].
func (b *Bucket) Stat(name string) (info sinks.Info, err error) {
	err = b.repeat("stat "+name, 0, func(ctx context.Context) error {
		a, err := b.b.Attributes(ctx, name)
		if err == nil {
			info = sinks.Info{Name: name, Size: a.Size, Changed: a.ModTime}
		}
		return err
	})
	return info, err
}

// Damage implements [sinks.Store].
func (b *Bucket) Damage(name string, size int64, _ string) (string, error) {
	return sinks.SizeDamage(b, name, size)
}

// List implements [sinks.Store].
func (b *Bucket) List(folder string) (found []sinks.Info, err error) {
	err = b.list(&blob.ListOptions{Prefix: folder + "/"}, func(o *blob.ListObject) {
		found = append(found, sinks.Info{Name: o.Key, Size: o.Size, Changed: o.ModTime})
	})
	return found, err
}

// Folders implements [sinks.Store].
func (b *Bucket) Folders(folder string) (names []string, err error) {
	err = b.list(&blob.ListOptions{Prefix: folder + "/", Delimiter: "/"}, func(o *blob.ListObject) {
		if o.IsDir {
			names = append(names, path.Base(o.Key))
		}
	})
	return names, err
}

// pageSize is the most that the providers list in one request.
const pageSize = 1000

func (b *Bucket) list(o *blob.ListOptions, each func(*blob.ListObject)) error {
	for token := blob.FirstPageToken; len(token) > 0; {
		err := b.repeat("list "+strings.TrimSuffix(o.Prefix, "/"), 0, func(ctx context.Context) error {
			page, next, err := b.b.ListPage(ctx, token, pageSize, o)
			if err != nil {
				return err
			}
			for _, object := range page {
				each(object)
			}
			token = next
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Link implements [sinks.Store]: the provider copies the object.
func (b *Bucket) Link(oldName, newName string) error {
	return b.repeat("copy "+oldName+" to "+newName, copyTime, func(ctx context.Context) error {
		return b.b.Copy(ctx, newName, oldName, nil)
	})
}

// Remove implements [sinks.Store].
func (b *Bucket) Remove(name string) error {
	err := b.repeat("remove "+name, 0, func(ctx context.Context) error { return b.b.Delete(ctx, name) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// RemoveAll implements [sinks.Store].
func (b *Bucket) RemoveAll(folder string) error {
	objects, err := b.List(folder)
	if err != nil {
		return err
	}
	var jobs errgroup.Group
	jobs.SetLimit(requestsAtOnce)
	for _, o := range objects {
		jobs.Go(func() error { return b.Remove(o.Name) })
	}
	return jobs.Wait()
}
