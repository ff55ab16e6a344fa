// Package store keeps tables that were installed beside the embedded ones.
//
// A store is a folder:
//
//	index.json              the installed sets in use, in order of precedence
//	lock                    held while a set is installed or removed
//	sets/<name>-<digest>/   one installed set: immutable, complete once it is in the index
//	    set.json            what it is: source, generation, systems
//	    files.json          what became of each file that it was made of
//	    tables/…            packed tables, <system>/<backend>/<version>/<kind>.tbl
//	cache/                  downloads
//
// The index is the only thing that readers follow, and it is replaced by a
// rename: they see a set whole or not at all, also when an installation is
// killed. What a killed installation leaves behind is removed by the next one.
package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"servegrid/internal/suggest"
	"servegrid/perftables"
	"servegrid/perftables/importer"
	"servegrid/perftables/internal/filelock"
)

// formatVersion is the version of the files of a store.
const formatVersion = 1

// Store is a folder of installed sets of tables.
type Store struct{ root string }

// Entry is one installed set.
type Entry struct {
	Name   string `json:"name"`
	Folder string `json:"folder"` // below sets
}

type index struct {
	Format int     `json:"format"`
	Sets   []Entry `json:"sets"`
}

// Info says what an installed set is.
type Info struct {
	Format     int                   `json:"format"`
	Name       string                `json:"name"`
	Source     string                `json:"source"`
	Generation perftables.Generation `json:"generation"`
	Systems    []perftables.System   `json:"systems"`
	Digest     string                `json:"digest"` // of the tables and all of the above
}

// Open returns the store in a folder, which need not exist yet.
func Open(root string) *Store { return &Store{root: root} }

// Root returns the folder.
func (s *Store) Root() string { return s.root }

// Cache returns the folder for downloads.
func (s *Store) Cache() string { return filepath.Join(s.root, "cache") }

// Sets lists the installed sets in order of precedence: the newest first.
func (s *Store) Sets() ([]Entry, error) {
	var x index
	b, err := os.ReadFile(filepath.Join(s.root, "index.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal(b, &x); err != nil {
		return nil, fmt.Errorf("table store %s: index.json: %w", s.root, err)
	}
	if x.Format != formatVersion {
		return nil, fmt.Errorf("table store %s: its format is %d, this program knows %d", s.root, x.Format, formatVersion)
	}
	return x.Sets, nil
}

func (s *Store) folder(e Entry) string { return filepath.Join(s.root, "sets", e.Folder) }

// Info reads what a set is.
func (s *Store) Info(e Entry) (*Info, error) {
	var i Info
	if err := readJSON(filepath.Join(s.folder(e), "set.json"), &i); err != nil {
		return nil, fmt.Errorf("table set %s: %w", e.Name, err)
	}
	return &i, nil
}

// Files reads what became of the files that a set was made of.
func (s *Store) Files(e Entry) ([]importer.FileReport, error) {
	var f []importer.FileReport
	if err := readJSON(filepath.Join(s.folder(e), "files.json"), &f); err != nil {
		return nil, fmt.Errorf("table set %s: %w", e.Name, err)
	}
	return f, nil
}

func readJSON(name string, v any) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// Layers returns the installed sets as layers of tables.
func (s *Store) Layers() ([]perftables.Layer, error) {
	sets, err := s.Sets()
	if err != nil {
		return nil, err
	}
	var layers []perftables.Layer
	for _, e := range sets {
		info, err := s.Info(e)
		if err != nil {
			return nil, err
		}
		layers = append(layers, perftables.Layer{
			Name: e.Name, Files: os.DirFS(filepath.Join(s.folder(e), "tables")), Generation: info.Generation, Systems: info.Systems,
		})
	}
	return layers, nil
}

// ValidName reports whether a set, or an engine version, can have that name.
func ValidName(s string) bool { return importer.PathName(s) }

// Install adds a set of tables under a name, in front of the others; one of the
// same name is replaced. It waits for other installations to finish.
func (s *Store) Install(name string, p *importer.Package) (*Info, error) {
	info := &Info{Format: formatVersion, Name: name, Source: p.Source, Generation: p.Generation, Systems: p.Systems}
	var err error
	if info.Digest, err = digest(info, p.Tables); err != nil {
		return nil, err
	}
	err = s.change(func(sets []Entry) ([]Entry, error) {
		e := Entry{Name: name, Folder: name + "-" + info.Digest[:12]}
		if !slices.Contains(sets, e) {
			if err := s.write(e, info, p); err != nil {
				return nil, err
			}
		}
		sets = slices.DeleteFunc(sets, func(x Entry) bool { return x.Name == name })
		return slices.Insert(sets, 0, e), nil
	})
	if err != nil {
		return nil, fmt.Errorf("install %s: %w", name, err)
	}
	return info, nil
}

// Remove takes a set out of the store.
func (s *Store) Remove(name string) error {
	return s.change(func(sets []Entry) ([]Entry, error) {
		kept := slices.DeleteFunc(slices.Clone(sets), func(e Entry) bool { return e.Name == name })
		if len(kept) == len(sets) {
			var names []string
			for _, e := range sets {
				names = append(names, e.Name)
			}
			return nil, suggest.Unknown("table set", name, names)
		}
		return kept, nil
	})
}

// digest is the SHA-256 of what a set answers with.
func digest(info *Info, tables map[string][]byte) (string, error) {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(info); err != nil {
		return "", err
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		fmt.Fprintf(h, "%s %d\n", name, len(tables[name]))
		h.Write(tables[name])
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// write makes the folder of a set.
func (s *Store) write(e Entry, info *Info, p *importer.Package) error {
	final := s.folder(e)
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(final), tempPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	files := map[string][]byte{}
	for name, b := range p.Tables {
		files[filepath.Join("tables", filepath.FromSlash(name))] = b
	}
	for name, v := range map[string]any{"set.json": info, "files.json": p.Files} {
		if files[name], err = json.MarshalIndent(v, "", " "); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(tmp, "tables"), 0o755); err != nil {
		return err
	}
	for name, b := range files {
		if err := writeSynced(filepath.Join(tmp, name), b); err != nil {
			return err
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(final); err != nil { // of an installation that was killed before the index
		return err
	}
	return os.Rename(tmp, final)
}

// tempPrefix starts the names of what is not finished.
const tempPrefix = ".tmp-"

func writeSynced(name string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// change replaces the index by what f makes of it, under the lock, and removes
// folders that no index names.
func (s *Store) change(f func(sets []Entry) ([]Entry, error)) error {
	if err := os.MkdirAll(s.root, 0o755); err != nil {
		return err
	}
	unlock, err := filelock.Lock(filepath.Join(s.root, "lock"))
	if err != nil {
		return fmt.Errorf("lock %s: %w", s.root, err)
	}
	defer unlock()
	sets, err := s.Sets()
	if err != nil {
		return err
	}
	if sets, err = f(sets); err != nil {
		return err
	}
	b, err := json.MarshalIndent(index{formatVersion, sets}, "", " ")
	if err != nil {
		return err
	}
	tmp := filepath.Join(s.root, tempPrefix+"index.json")
	if err := writeSynced(tmp, append(b, '\n')); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(s.root, "index.json")); err != nil {
		return err
	}
	return s.sweep(sets)
}

// sweep removes folders that are not in the index.
func (s *Store) sweep(sets []Entry) error {
	entries, err := os.ReadDir(filepath.Join(s.root, "sets"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		used := slices.ContainsFunc(sets, func(x Entry) bool { return x.Folder == e.Name() })
		if !used && (strings.HasPrefix(e.Name(), tempPrefix) || e.IsDir()) {
			if err := os.RemoveAll(filepath.Join(s.root, "sets", e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
