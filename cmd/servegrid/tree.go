package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"servegrid/internal/lazyregexp"
	"servegrid/sinks"
)

// tree is a folder of result files. It lists what it wrote in manifest.json, so
// that the next run into the same folder removes what is left over, and nothing
// else.
type tree struct {
	dir     *sinks.Dir
	sync    func() error // of the folders
	command []string
	files   []treeFile
}

// treeFile is a file of a tree.
type treeFile struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// treeManifest is manifest.json.
type treeManifest struct {
	Version string     `json:"version"` // of servegrid
	Command []string   `json:"command"` // that made the files; run again it makes the same
	Files   []treeFile `json:"files"`
}

const manifestName = "manifest.json"

func openTree(dir string, command []string) (*tree, error) {
	d, err := sinks.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	if _, err := d.CleanTemp(); err != nil {
		return nil, err
	}
	batch, sync := d.Batch()
	return &tree{dir: batch, sync: sync, command: command}, nil
}

// write writes one file, whole or not at all.
func (t *tree) write(name string, fill func(w io.Writer) error) error {
	return t.writeMode(name, 0o644, fill)
}

func (t *tree) writeBytes(name string, mode fs.FileMode, b []byte) error {
	return t.writeMode(name, mode, func(w io.Writer) error { _, err := w.Write(b); return err })
}

func (t *tree) writeMode(name string, mode fs.FileMode, fill func(w io.Writer) error) error {
	f, err := t.dir.Create(name)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := f.Chmod(mode); err != nil {
		return err
	}
	sum := sha256.New() // people check it with sha256sum
	if err := fill(io.MultiWriter(f, sum)); err != nil {
		return err
	}
	if err := f.Commit(); err != nil {
		return err
	}
	t.files = append(t.files, treeFile{name, f.Size(), hex.EncodeToString(sum.Sum(nil))})
	return nil
}

// finish removes what an earlier run left in the folders of ranked rows, and
// writes the manifest.
func (t *tree) finish() error {
	if err := t.removeStale(); err != nil {
		return err
	}
	slices.SortFunc(t.files, func(a, b treeFile) int { return bytes.Compare([]byte(a.Path), []byte(b.Path)) })
	b, err := json.MarshalIndent(treeManifest{release, t.command, t.files}, "", "  ")
	if err != nil {
		return err
	}
	if err := t.dir.WriteFile(manifestName, func(w io.Writer) error { _, err := w.Write(append(b, '\n')); return err }); err != nil {
		return err
	}
	return t.sync()
}

// ranked matches what is below the folder of a ranked row.
var ranked = lazyregexp.New(`(^|/)top\d+/`)

// removeStale removes files below the folders of ranked rows that the old
// manifest lists and this run did not write, and folders that are empty then.
func (t *tree) removeStale() error {
	b, err := os.ReadFile(t.dir.Path(manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var old treeManifest
	if err := json.Unmarshal(b, &old); err != nil {
		return fmt.Errorf("%s of an earlier run is damaged, so what it wrote is not known: %w; remove %s and run again", manifestName, err, t.dir.Path(manifestName))
	}
	for _, f := range old.Files {
		written := slices.ContainsFunc(t.files, func(n treeFile) bool { return n.Path == f.Path })
		if written || !ranked.MatchString(f.Path) {
			continue
		}
		if err := t.dir.Remove(f.Path); err != nil {
			return err
		}
		for dir := path.Dir(f.Path); dir != "."; dir = path.Dir(dir) {
			if t.dir.Remove(dir) != nil { // not empty
				break
			}
		}
	}
	return nil
}
