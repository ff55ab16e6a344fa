package bucket

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// writerKey is the metadata by which the writer of a create-only object knows it again.
const writerKey = "servegridwriter"

// upload writes an object, whole or not at all.
func (b *Bucket) upload(name string, content *io.SectionReader, isNew bool) error {
	o := &blob.WriterOptions{ContentType: contentType(name), DisableContentTypeDetection: true, IfNotExist: isNew}
	me := ""
	if isNew {
		if err := b.stillLocked(); err != nil {
			return err
		}
		me = rand.Text()
		o.Metadata = map[string]string{writerKey: me}
	}
	within := requestTime + time.Duration(content.Size()/slowestLine)*time.Second
	return b.repeat("upload to "+b.root, within, func(ctx context.Context) error {
		if _, err := content.Seek(0, io.SeekStart); err != nil {
			return err
		}
		err := b.b.Upload(ctx, name, content, o)
		if isNew && gcerrors.Code(err) == gcerrors.FailedPrecondition {
			return b.whose(ctx, name, me)
		}
		return err
	})
}

// errGone is met when what was in the way of a create-only write is gone.
var errGone = errors.New("the object came and went")

// whose tells whether the object that a create-only write met is its own: of a first
// attempt whose answer was lost.
func (b *Bucket) whose(ctx context.Context, name, me string) error {
	a, err := b.b.Attributes(ctx, name)
	switch {
	case gcerrors.Code(err) == gcerrors.NotFound:
		return errGone // another attempt
	case err != nil:
		return err
	case a.Metadata[writerKey] == me:
		return nil
	}
	return fs.ErrExist
}

func contentType(name string) string {
	switch path.Ext(name) {
	case ".json":
		return "application/json"
	case ".csv":
		return "text/csv"
	case ".parquet":
		return "application/vnd.apache.parquet"
	}
	return "application/octet-stream"
}

// Open implements [sinks.Store].
func (b *Bucket) Open(name string) (io.ReadCloser, error) {
	r := &reader{b: b, name: name}
	if err := r.open(); err != nil {
		return nil, err
	}
	return r, nil
}

// reader reads an object, and goes on where it was when a connection is cut.
type reader struct {
	b    *Bucket
	name string
	r    *blob.Reader
	stop context.CancelFunc
	at   int64
	size int64
	cuts int
}

func (r *reader) open() error {
	return r.b.repeat("open "+r.name, 0, func(context.Context) error {
		// The context lives as long as the reader; a request that hangs is cut below.
		ctx, cancel := context.WithCancel(r.b.ctx)
		watch := time.AfterFunc(requestTime, cancel)
		in, err := r.b.b.NewRangeReader(ctx, r.name, r.at, -1, nil)
		if !watch.Stop() && err == nil {
			in.Close()
			err = context.DeadlineExceeded
		}
		if err != nil {
			cancel()
			return err
		}
		r.r, r.stop, r.size = in, cancel, in.Size()
		return nil
	})
}

// Read implements [io.Reader].
func (r *reader) Read(p []byte) (int, error) {
	for {
		if r.at >= r.size && r.r != nil {
			return 0, io.EOF
		}
		if r.r == nil {
			if err := r.open(); err != nil {
				return 0, err
			}
		}
		watch := time.AfterFunc(requestTime, r.stop)
		n, err := r.r.Read(p)
		watch.Stop()
		r.at += int64(n)
		if n > 0 {
			return n, nil
		}
		if err == nil {
			continue
		}
		r.Close()
		if r.cuts++; r.cuts >= attempts || r.b.ctx.Err() != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, fmt.Errorf("read %s: %w", r.name, plain(err))
		}
	}
}

// Close implements [io.Closer].
func (r *reader) Close() error {
	if r.r == nil {
		return nil
	}
	err := r.r.Close()
	r.stop()
	r.r = nil
	return err
}
