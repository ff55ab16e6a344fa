package sinks

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// TempPrefix starts the base name of every file that is not finished. No
// documented glob matches it.
const TempPrefix = ".tmp-"

// Dir is a directory tree whose files appear whole or not at all. Names are
// slash-separated paths below the root. Methods may be called concurrently, also
// by several processes on one directory; the last Commit of a name wins.
type Dir struct {
	root  string
	later *folders // folders to sync later; nil: each at once
}

// OpenDir opens root and creates it where it is missing.
func OpenDir(root string) (*Dir, error) {
	if root == "" {
		return nil, errors.New("open directory: the path is empty")
	}
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("open directory %s: %w", root, err)
	}
	d := &Dir{root: abs}
	if err := d.mkdirAll(abs); err != nil {
		return nil, fmt.Errorf("open directory %s: %w", root, cause(err))
	}
	return d, nil
}

// Batch returns the same directory for writing many files: the folders that it
// changes are synced once, by the function, instead of after every file. Before
// that returns nil a file is visible, whole, but after a power cut it may be
// gone.
func (d *Dir) Batch() (batch *Dir, sync func() error) {
	b := &Dir{root: d.root, later: new(folders)}
	return b, b.later.sync
}

// WriteFile writes one file, whole or not at all. Missing directories are made.
func WriteFile(path string, fill func(w io.Writer) error) error {
	d, err := OpenDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	return d.WriteFile(filepath.Base(path), fill)
}

// WriteFile writes the named file, whole or not at all.
func (d *Dir) WriteFile(name string, fill func(w io.Writer) error) error {
	f, err := d.Create(name)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := fill(f); err != nil {
		return err
	}
	return f.Commit()
}

// Root returns the absolute path of the directory.
func (d *Dir) Root() string { return d.root }

// Path returns where the named file is or will be. A name that leaves the root
// yields an unusable path inside it; the other methods report it.
func (d *Dir) Path(name string) string {
	return filepath.Join(d.root, filepath.FromSlash(filepath.ToSlash(filepath.Clean("/"+name))))
}

// Stat describes the named file; errors.Is(err, fs.ErrNotExist) when there is
// none.
func (d *Dir) Stat(name string) (Info, error) {
	path, err := d.check("stat", name)
	if err != nil {
		return Info{}, err
	}
	fi, err := os.Stat(path)
	if err != nil {
		return Info{}, fmt.Errorf("stat %s: %w", name, cause(err))
	}
	return Info{name, fi.Size(), fi.ModTime()}, nil
}

// Remove deletes the named file or empty directory. A missing one is no error.
func (d *Dir) Remove(name string) error {
	path, err := d.check("remove", name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", name, cause(err))
	}
	return nil
}

// Create opens the named file for writing. Nothing is visible under the name
// before [File.Commit]; an existing file stays until then. Missing directories
// are made.
func (d *Dir) Create(name string) (*File, error) { return d.create(name, os.Rename) }

// CreateNew is Create whose Commit fails with [fs.ErrExist] when the name is taken.
func (d *Dir) CreateNew(name string) (*File, error) {
	return d.create(name, func(temp, path string) error {
		if err := os.Link(temp, path); !noLinks(err) {
			os.Remove(temp)
			return err
		}
		// Without hard links: two that try within the same instant both succeed.
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return cmp.Or(err, fs.ErrExist)
		}
		return os.Rename(temp, path)
	})
}

// noLinks reports whether an error is of a file system without hard links.
func noLinks(err error) bool { return err != nil && !errors.Is(err, fs.ErrExist) }

func (d *Dir) create(name string, show func(temp, path string) error) (*File, error) {
	path, err := d.check("create", name)
	if err != nil {
		return nil, err
	}
	if err := d.mkdirAll(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("create %s: %w", name, cause(err))
	}
	f, err := os.OpenFile(tempPath(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, cause(err))
	}
	return newFile(f, newBlockWriter(f, true), name, func() error {
		err := f.Sync()
		if e := f.Close(); err == nil {
			err = e
		}
		if err == nil {
			err = show(f.Name(), path)
		}
		if err != nil {
			return err
		}
		return d.syncFolder(filepath.Dir(path))
	}), nil
}

// Link makes newName the same file as oldName, replacing what was there in one
// step. Where the file system has no hard links the contents are copied.
func (d *Dir) Link(oldName, newName string) error {
	from, err := d.check("link", oldName)
	if err != nil {
		return err
	}
	to, err := d.check("link", newName)
	if err != nil {
		return err
	}
	fail := func(err error) error { return fmt.Errorf("link %s to %s: %w", oldName, newName, cause(err)) }
	src, err := os.Stat(from)
	if err != nil {
		return fail(err)
	}
	// A rename of one link onto another of the same file does nothing.
	if dst, err := os.Stat(to); err == nil && os.SameFile(src, dst) {
		return nil
	}
	if err := d.mkdirAll(filepath.Dir(to)); err != nil {
		return fail(err)
	}
	temp := tempPath(to)
	if err := os.Link(from, temp); err != nil {
		return d.copy(from, newName)
	}
	if err := os.Rename(temp, to); err != nil {
		os.Remove(temp)
		return fail(err)
	}
	os.Remove(temp) // still there when somebody else linked the same file meanwhile
	if err := d.syncFolder(filepath.Dir(to)); err != nil {
		return fail(err)
	}
	return nil
}

// copy is what Link does without hard links.
func (d *Dir) copy(from, newName string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copy to %s: %w", newName, cause(err))
	}
	defer in.Close()
	out, err := d.Create(newName)
	if err != nil {
		return err
	}
	defer out.Abort()
	if _, err := in.WriteTo(out); err != nil {
		return fmt.Errorf("copy to %s: %w", newName, cause(err))
	}
	return out.Commit()
}

// TempName returns a new name for an unfinished file or folder of this process
// that is to become name.
func TempName(name string) string { return path.Join(path.Dir(name), filepath.Base(tempPath(name))) }

// CleanTemp removes the temporary files and folders of writers that are gone,
// anywhere below the root, and returns how many. Files of running processes on this host stay;
// those of other hosts stay until they have not changed for a day.
func (d *Dir) CleanTemp() (removed int, err error) {
	err = filepath.WalkDir(d.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) { // removed while we walk
				return nil
			}
			return err
		}
		if !strings.HasPrefix(e.Name(), TempPrefix) {
			return nil
		}
		fi, err := e.Info()
		if err != nil || !abandoned(e.Name(), fi.ModTime()) {
			return nil
		}
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		removed++
		if e.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return removed, fmt.Errorf("clean temporary files in %s: %w", d.root, cause(err))
	}
	return removed, nil
}

// check returns the path of a usable name of a finished file.
func (d *Dir) check(verb, name string) (string, error) {
	local := filepath.FromSlash(name)
	if strings.HasPrefix(filepath.Base(local), TempPrefix) {
		return "", fmt.Errorf("%s %q: names with %s are for unfinished files", verb, name, TempPrefix)
	}
	return d.checkAny(verb, name)
}

// checkAny returns the path of a name below the root.
func (d *Dir) checkAny(verb, name string) (string, error) {
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) || filepath.Clean(local) == "." {
		return "", fmt.Errorf("%s %q: not a file name below %s", verb, name, d.root)
	}
	return filepath.Join(d.root, local), nil
}

// Rename moves the named file or folder to another name, where nothing or an
// empty folder may be.
func (d *Dir) Rename(oldName, newName string) error {
	from, err := d.checkAny("rename", oldName)
	if err != nil {
		return err
	}
	to, err := d.check("rename", newName)
	if err != nil {
		return err
	}
	if err := d.mkdirAll(filepath.Dir(to)); err != nil {
		return fmt.Errorf("rename %s: %w", oldName, cause(err))
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("rename %s to %s: %w", oldName, newName, cause(err))
	}
	if err := d.syncFolder(filepath.Dir(to)); err != nil {
		return fmt.Errorf("rename %s to %s: %w", oldName, newName, cause(err))
	}
	return nil
}

// Mkdir makes the named folder, with those above it.
func (d *Dir) Mkdir(name string) error {
	path, err := d.check("make folder", name)
	if err != nil {
		return err
	}
	if err := d.mkdirAll(path); err != nil {
		return fmt.Errorf("make folder %s: %w", name, cause(err))
	}
	return nil
}

// mkdirAll is os.MkdirAll that also syncs the parent of what it made, so that a
// committed file cannot lose its directory.
func (d *Dir) mkdirAll(path string) error {
	if fi, err := os.Stat(path); err == nil {
		if !fi.IsDir() {
			return errors.New("exists and is not a directory")
		}
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := d.mkdirAll(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.syncFolder(parent)
}

// syncFolder makes what happened to the entries of a folder last.
func (d *Dir) syncFolder(path string) error {
	if d.later != nil {
		d.later.add(path)
		return nil
	}
	return syncDir(path)
}

// folders are those that a batch has changed.
type folders struct {
	mu    sync.Mutex
	paths map[string]bool
}

func (f *folders) add(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.paths == nil {
		f.paths = map[string]bool{}
	}
	f.paths[path] = true
}

// sync syncs the folders, several at once, and forgets them. One that is gone or was
// renamed needs no sync under its old name.
func (f *folders) sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var jobs errgroup.Group
	jobs.SetLimit(foldersAtOnce)
	for path := range f.paths {
		jobs.Go(func() error {
			if err := syncDir(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("sync folder %s: %w", path, cause(err))
			}
			return nil
		})
	}
	if err := jobs.Wait(); err != nil {
		return err
	}
	clear(f.paths)
	return nil
}

// foldersAtOnce is how many folders are synced at once: each waits for the disk.
const foldersAtOnce = 8

// cause drops the operation and path that os puts before an error: ours say
// them already, shorter.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	var le *os.LinkError
	if errors.As(err, &le) {
		return le.Err
	}
	return err
}
