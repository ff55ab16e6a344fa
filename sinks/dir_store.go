package sinks

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

var _ Store = (*Dir)(nil)

// Open implements [Store].
func (d *Dir) Open(name string) (io.ReadCloser, error) {
	path, err := d.check("open", name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, cause(err))
	}
	return f, nil
}

// List implements [Store]. Links are not followed.
func (d *Dir) List(folder string) ([]Info, error) {
	root, err := d.check("list", folder)
	if err != nil {
		return nil, err
	}
	var found []Info
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // also: removed while we walk
			return nil
		case err != nil:
			return err
		case path != root && strings.HasPrefix(e.Name(), TempPrefix) && e.IsDir():
			return fs.SkipDir
		case e.IsDir() || strings.HasPrefix(e.Name(), TempPrefix):
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(d.root, path)
		found = append(found, Info{filepath.ToSlash(name), info.Size(), info.ModTime()})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", folder, cause(err))
	}
	return found, nil
}

// Folders implements [Store].
func (d *Dir) Folders(folder string) ([]string, error) {
	path, err := d.check("list", folder)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list %s: %w", folder, cause(err))
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), TempPrefix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// RemoveAll implements [Store].
func (d *Dir) RemoveAll(folder string) error {
	path, err := d.checkAny("remove", folder)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("remove %s: %w", folder, cause(err))
	}
	return nil
}

// Damage implements [Store]; it reads the file.
func (d *Dir) Damage(name string, size int64, sum string) (string, error) {
	if damage, err := SizeDamage(d, name, size); damage != "" || err != nil {
		return damage, err
	}
	f, err := d.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := newSum()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, f, make([]byte, 1<<18)); err != nil {
		return "", fmt.Errorf("read %s: %w", name, cause(err))
	}
	if spell(h.Sum128()) != sum {
		return name + " has other bytes than were written", nil
	}
	return "", nil
}

// Group implements [Store].
func (d *Dir) Group() (Store, func() error) { return d.Batch() }

// AtOnce implements [Store]: what a file system does takes no waiting worth more.
func (d *Dir) AtOnce() int { return 1 }

// dirStage is a folder that is filled under a temporary name.
type dirStage struct {
	dir          *Dir
	batch        *Dir
	sync         func() error
	temp, folder string
}

// Stage implements [Store]: the folder is put together under a temporary name beside
// the topmost one, where no reader looks, and renamed.
func (d *Dir) Stage(folder, _ string) (Stage, error) {
	if _, err := d.check("make folder", folder); err != nil {
		return nil, err
	}
	s := &dirStage{dir: d, temp: TempName(path.Base(folder)), folder: folder}
	s.batch, s.sync = d.Batch()
	return s, nil
}

func (s *dirStage) Store() Store   { return s.batch }
func (s *dirStage) Folder() string { return s.temp }
func (s *dirStage) Private() bool  { return true }

func (s *dirStage) Publish() error {
	if err := s.sync(); err != nil {
		return err
	}
	return s.dir.Rename(s.temp, s.folder)
}

// Drop finds nothing when all went well.
func (s *dirStage) Drop() { os.RemoveAll(s.dir.Path(s.temp)) }

// Withdraw implements [Store]: the folder is gone for readers at once.
func (d *Dir) Withdraw(folder, _ string) error {
	leaving := TempName(path.Base(folder))
	if err := os.Rename(d.Path(folder), d.Path(leaving)); err != nil {
		return fmt.Errorf("remove %s: %w", folder, cause(err))
	}
	return d.RemoveAll(leaving)
}

// Show implements [Store]: the link is replaced in one step.
func (d *Dir) Show(link, folder string) error {
	if info, err := os.Lstat(d.Path(link)); err == nil && info.Mode()&fs.ModeSymlink == 0 {
		return fmt.Errorf("%s is not a link that a sweep made: move it away", d.Path(link))
	}
	temp := TempName(link)
	if err := os.Symlink(folder, d.Path(temp)); err != nil {
		return err
	}
	defer os.Remove(d.Path(temp)) // gone when it was renamed
	return d.Rename(temp, link)
}

// Shown implements [Store].
func (d *Dir) Shown(link string) (string, error) {
	folder, err := os.Readlink(d.Path(link))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return filepath.ToSlash(folder), err
}
