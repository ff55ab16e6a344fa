package sinks

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/zeebo/xxh3"
)

// ErrClosed is returned by a [File] that was committed or aborted.
var ErrClosed = errors.New("file is already finished")

// File is an unfinished file of a [Dir]. End it with Commit or Abort; deferring
// Abort is safe, as it does nothing after Commit. Not safe for concurrent use.
type File struct {
	f    *os.File
	buf  *blockWriter
	sum  *xxh3.Hasher128
	name string
	show func() error // makes what is in f visible under the name
	size int64
	err  error // the first failure
	done bool
}

func newFile(f *os.File, buf *blockWriter, name string, show func() error) *File {
	return &File{f: f, buf: buf, sum: newSum(), name: name, show: show}
}

// NewSpooled returns a file whose contents wait in a private temporary file until
// Commit has upload bring them to where the name is. The temporary file is gone
// with the process, however that ends.
func NewSpooled(name string, upload func(content *io.SectionReader) error) (*File, error) {
	f, err := os.CreateTemp("", "servegrid-")
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	os.Remove(f.Name()) // where an open file cannot be removed, Commit and Abort do it
	file := newFile(f, newBlockWriter(f, false), name, nil)
	file.show = func() error {
		if err := upload(io.NewSectionReader(f, 0, file.size)); err != nil {
			return err
		}
		f.Close()
		os.Remove(f.Name())
		return nil
	}
	return file, nil
}

// Write appends to the file. After an error every further call, Commit
// included, returns that error.
func (f *File) Write(b []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if f.done {
		return 0, fmt.Errorf("write %s: %w", f.name, ErrClosed)
	}
	n, err := f.buf.Write(b)
	f.sum.Write(b[:n])
	f.size += int64(n)
	if err != nil {
		f.err = fmt.Errorf("write %s: %w", f.name, cause(err))
	}
	return n, f.err
}

// Flush begins to write what is buffered, which frees the memory of a file that waits
// for its Commit. No Write may follow.
func (f *File) Flush() {
	if f.err == nil && !f.done {
		f.buf.flush()
	}
}

// Chmod sets the permissions that the file will have, such as 0o755 for a program;
// without it 0o644.
func (f *File) Chmod(mode fs.FileMode) error {
	if err := f.f.Chmod(mode); err != nil {
		return fmt.Errorf("write %s: %w", f.name, cause(err))
	}
	return nil
}

// KeepCached has the file stay in the system's page cache, for who reads it at once. It
// is called before the first Write.
func (f *File) KeepCached() { f.buf.wanted = false }

// Name returns the name the file was created with.
func (f *File) Name() string { return f.name }

// Size returns the bytes written so far.
func (f *File) Size() int64 { return f.size }

// XXH128 returns the XXH3 of 128 bits of what was written so far, in hexadecimal.
func (f *File) XXH128() string { return spell(f.sum.Sum128()) }

// Commit makes the file visible under its name, in a [Dir]: flush, sync, rename, sync
// of the directory. When any step or an earlier Write failed, the temporary file is
// removed. Calling it again changes nothing and returns the same.
func (f *File) Commit() error {
	if f.done {
		return f.err
	}
	if f.err == nil {
		if err := f.buf.finish(); err != nil {
			f.err = fmt.Errorf("write %s: %w", f.name, cause(err))
		}
	}
	if f.err != nil {
		f.Abort()
		return f.err
	}
	err := f.show()
	f.f.Close()
	if err != nil {
		os.Remove(f.f.Name())
	}
	f.done = true
	if err != nil {
		f.err = fmt.Errorf("commit %s: %w", f.name, cause(err))
	}
	return f.err
}

// Abort removes the unfinished file; Commit then returns [ErrClosed], or the
// error of the Write that failed. It does nothing after Commit.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	f.buf.drop()
	f.f.Close()
	os.Remove(f.f.Name())
	if f.err == nil {
		f.err = fmt.Errorf("commit %s: %w", f.name, ErrClosed)
	}
}
