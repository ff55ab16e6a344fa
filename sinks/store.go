package sinks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Store is where a warehouse is: a [Dir], or a bucket of a cloud provider. Names are
// slash-separated paths in it, and files appear whole or not at all. Methods may be
// called concurrently, also by several processes on one store; the last Commit of
// a name wins. Of a name that is not there errors.Is(err, fs.ErrNotExist).
type Store interface {
	// Root names the store in messages: a path or a URL, without secrets.
	Root() string

	// Create begins a file. Nothing is visible under its name before [File.Commit].
	Create(name string) (*File, error)
	// CreateNew begins a file whose Commit fails with [fs.ErrExist] when the name
	// is taken by then: of several that try one wins.
	CreateNew(name string) (*File, error)
	// Open reads a file.
	Open(name string) (io.ReadCloser, error)
	// Stat describes a file.
	Stat(name string) (Info, error)
	// List describes the files below a folder, at any depth, in order of their
	// names, without unfinished ones. A folder that is not there has none.
	List(folder string) ([]Info, error)
	// Folders lists the names of the folders in a folder, sorted.
	Folders(folder string) ([]string, error)
	// Link makes newName a file with the contents of oldName, without moving
	// them: a hard link, or a copy that the provider makes.
	Link(oldName, newName string) error
	// Remove deletes a file. A missing one is no error.
	Remove(name string) error
	// RemoveAll deletes all files below a folder.
	RemoveAll(folder string) error

	// Damage says how a file differs from one of this size and sum ([File.XXH128]),
	// or "" when it does not. A bucket compares sizes: its provider keeps the bytes.
	Damage(name string, size int64, xxh128 string) (string, error)

	// Lock locks the store against other processes, without waiting: shared,
	// with any number of others, or exclusive. It fails with [ErrLocked].
	Lock(exclusive bool) (unlock func(), err error)
	// CleanTemp removes what writers that are gone have left.
	CleanTemp() (removed int, err error)
	// Mkdir makes a folder where folders exist without files.
	Mkdir(folder string) error
	// Group returns the same store for writing many files that last when sync
	// returns nil; see [Dir.Batch].
	Group() (group Store, sync func() error)
	// AtOnce is how many requests at once are worth it.
	AtOnce() int

	// Stage prepares a folder that is to appear in one step, by the file marker
	// in it, which has to be the last that is created, with CreateNew.
	Stage(folder, marker string) (Stage, error)
	// Withdraw removes a folder that Stage has made, so that no reader who
	// finds the marker misses other files.
	Withdraw(folder, marker string) error
	// Show makes a folder the one that readers follow the name link to, and Shown says
	// which it is. A bucket has no links: its readers look for the latest marker, and
	// Shown is "".
	Show(link, folder string) error
	Shown(link string) (folder string, err error)
}

// Stage is a folder that is being filled; see [Store].
type Stage interface {
	Store() Store   // to fill it through
	Folder() string // where its files go meanwhile
	Private() bool  // whether no other process sees the folder, or fills it, before Publish
	// Publish makes the folder appear, if the marker did not. It fails with
	// [fs.ErrExist] when there is such a folder already.
	Publish() error
	// Drop removes what is left of a folder that is not published.
	Drop()
}

// Info describes a file of a [Store].
type Info struct {
	Name    string
	Size    int64
	Changed time.Time // by the clock of the store
}

// ErrUnreachable is wrapped when requests to a bucket fail for longer than it is worth
// waiting.
var ErrUnreachable = errors.New("the bucket was asked again and again in vain")

// Access is what another program needs to read a bucket that speaks S3.
type Access struct {
	KeyID, Secret, Token string // Token may be ""
	Region               string
	Endpoint             string // URL of the server; "" for Amazon's
	PathStyle            bool   // the bucket is in the path, not in the host's name
}

// What the package that knows the cloud providers can do; nil in a program without it.
var (
	openBucket func(ctx context.Context, l Location) (Store, error)
	findAccess func(ctx context.Context, l Location) (Access, error)
)

// RegisterBuckets is called by the package that knows the cloud providers when it is
// linked.
func RegisterBuckets(open func(ctx context.Context, l Location) (Store, error), access func(ctx context.Context, l Location) (Access, error)) {
	openBucket, findAccess = open, access
}

// HasBuckets reports whether the program can open buckets.
func HasBuckets() bool { return openBucket != nil }

// FindAccess returns what reads an s3 location, from the usual chain. It is secret.
func FindAccess(ctx context.Context, l Location) (Access, error) {
	if findAccess == nil {
		return Access{}, fmt.Errorf("open warehouse %s: %w", l.Name(), ErrNoBuckets)
	}
	return findAccess(ctx, l)
}

// OpenStore opens a warehouse by its path or URL; see [ParseLocation]. A folder is
// created where it is missing. The context ends all requests to a bucket.
func OpenStore(ctx context.Context, where string) (Store, error) {
	l, err := ParseLocation(where)
	if err != nil {
		return nil, err
	}
	if l.Local() {
		return OpenDir(l.Path)
	}
	if openBucket == nil {
		return nil, fmt.Errorf("open warehouse %s: %w", l.Name(), ErrNoBuckets)
	}
	return openBucket(ctx, l)
}

// SizeDamage is Damage of a [Store] as far as it shows without reading the file.
func SizeDamage(s Store, name string, size int64) (string, error) {
	info, err := s.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return name + " is missing", nil
	case err != nil:
		return "", err
	case info.Size != size:
		return fmt.Sprintf("%s has %d bytes instead of %d", name, info.Size, size), nil
	}
	return "", nil
}

// PutFile writes a file of a store, whole or not at all.
func PutFile(s Store, name string, content []byte) error { return putFile(s.Create, name, content) }

// PutNew is [PutFile] for a name that must be new; see [Store].
func PutNew(s Store, name string, content []byte) error { return putFile(s.CreateNew, name, content) }

func putFile(create func(name string) (*File, error), name string, content []byte) error {
	f, err := create(name)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(content); err != nil {
		return err
	}
	return f.Commit()
}

// ReadFile returns the contents of a file of a store.
func ReadFile(s Store, name string) ([]byte, error) {
	var b bytes.Buffer
	if err := ReadFileTo(&b, s, name); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// ReadFileTo appends the contents of a file of a store.
func ReadFileTo(b *bytes.Buffer, s Store, name string) error {
	f, err := s.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if local, ok := f.(*os.File); ok {
		if info, err := local.Stat(); err == nil {
			b.Grow(int(info.Size()) + bytes.MinRead) // instead of reading into ever larger memory
		}
	}
	if _, err := b.ReadFrom(f); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}
