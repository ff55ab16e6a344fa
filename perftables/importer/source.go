package importer

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Limits of what is read from a source. The largest file of AIConfigurator has
// 20 MB, a whole release 200 MB.
const (
	mostEntries = 100_000
	mostTotal   = 4 << 30 // bytes, after decompression
)

// mostFile is the largest file, bytes after decompression. A variable, so that
// tests need none of that size.
var mostFile int64 = 256 << 20

// Source is a folder, an archive or a single file with tables.
type Source struct {
	Names []string // slash-separated paths of all files, sorted

	// Resolve returns the file that a Git LFS pointer stands for. Nil: pointers are
	// refused where their file is needed.
	Resolve func(Pointer) ([]byte, error)

	read  func(name string) ([]byte, error)
	close func() error
	total int64
}

// Open opens a folder, a zip archive or wheel, a tarball, or one table. Archives
// are read in place: nothing of them is ever unpacked to the disk. One with links
// or with names that leave it is refused as a whole.
func Open(name string) (*Source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	var s *Source
	lower := strings.ToLower(name)
	switch {
	case info.IsDir():
		s, err = openFolder(name)
	case hasSuffix(lower, ".zip", ".whl"):
		s, err = openZip(name)
	case hasSuffix(lower, ".tar", ".tar.gz", ".tgz", ".tar.zst"):
		s, err = openTar(name)
	case hasSuffix(lower, ".csv", ".txt", ".parquet", ".yaml", ".yml"):
		s = &Source{Names: []string{filepath.Base(name)}, read: func(string) ([]byte, error) { return readLimited(os.Open(name)) }}
	default:
		return nil, fmt.Errorf("%s is no folder, no .zip, .whl, .tar, .tar.gz, .tgz or .tar.zst, and no .csv, _perf.txt, .parquet or .yaml", name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	slices.Sort(s.Names)
	return s, nil
}

func hasSuffix(s string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(x string) bool { return strings.HasSuffix(s, x) })
}

// Read returns the content of a file.
func (s *Source) Read(name string) ([]byte, error) {
	b, err := s.read(name)
	if err != nil {
		return nil, err
	}
	if p, ok := parsePointer(b); ok && s.Resolve != nil {
		if b, err = s.Resolve(p); err != nil {
			return nil, err
		}
	}
	if s.total += int64(len(b)); s.total > mostTotal {
		return nil, fmt.Errorf("more than %d bytes altogether", int64(mostTotal))
	}
	return b, nil
}

// Close ends the use of the source.
func (s *Source) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}

// readLimited reads a whole file that was just opened.
func readLimited(f io.ReadCloser, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostFile+1))
	if err == nil && int64(len(b)) > mostFile {
		err = fmt.Errorf("it is larger than %d bytes", mostFile)
	}
	return b, err
}

// wanted reports whether a file may matter for an import.
func wanted(name string) bool { return hasSuffix(name, ".parquet", ".txt", ".csv", ".yaml", ".yml") }

func openFolder(root string) (*Source, error) {
	dir := os.DirFS(root)
	s := &Source{read: func(name string) ([]byte, error) { return readLimited(dir.Open(name)) }}
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			s.Names = append(s.Names, name)
		}
		return err
	})
	return s, err
}

// entries checks the entries of an archive.
type entries struct{ links []string }

// check reports an entry that does not belong into an archive of tables: one that
// leaves it, or a link or device where a table is expected. Other links, which
// archives of repositories have, are never followed.
func (e *entries) check(name string, link bool) error {
	clean := strings.TrimSuffix(strings.TrimPrefix(name, "./"), "/")
	through := func(l string) bool { return strings.HasPrefix(clean, l+"/") }
	switch {
	case link && wanted(clean):
		return fmt.Errorf("entry %q is a link or a device; the archive is refused", name)
	case slices.ContainsFunc(e.links, through):
		return fmt.Errorf("entry %q goes through a link; the archive is refused", name)
	case link:
		e.links = append(e.links, clean)
	}
	switch {
	case clean != "" && (!fs.ValidPath(clean) || strings.Contains(clean, `\`)):
		return fmt.Errorf("entry %q leaves the archive; the archive is refused", name)
	}
	return nil
}

func openZip(name string) (*Source, error) {
	z, err := zip.OpenReader(name)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // checked below
		return nil, err
	}
	var check entries
	files := map[string]*zip.File{}
	s := &Source{close: z.Close}
	s.read = func(name string) ([]byte, error) {
		f := files[name]
		if f.UncompressedSize64 > uint64(mostFile) {
			return nil, fmt.Errorf("it is larger than %d bytes", mostFile)
		}
		return readLimited(f.Open())
	}
	if len(z.File) > mostEntries {
		err = fmt.Errorf("it has %d entries, more than %d", len(z.File), mostEntries)
	} else {
		err = nil
	}
	for _, f := range z.File {
		mode := f.Mode()
		if err == nil {
			err = check.check(f.Name, !mode.IsDir() && !mode.IsRegular())
		}
		if err != nil {
			z.Close()
			return nil, err
		}
		if !mode.IsRegular() || !wanted(f.Name) {
			continue
		}
		files[path.Clean(f.Name)] = f
		s.Names = append(s.Names, path.Clean(f.Name))
	}
	return s, nil
}

// openTar reads the wanted files of a tarball into memory: it has no directory.
func openTar(name string) (*Source, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var in io.Reader = f
	switch {
	case hasSuffix(name, "gz"):
		if in, err = gzip.NewReader(f); err != nil {
			return nil, err
		}
	case hasSuffix(name, "zst"):
		z, err := zstd.NewReader(f, zstd.WithDecoderMaxMemory(uint64(mostFile)))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		in = z
	}
	content := map[string][]byte{}
	s := &Source{read: func(name string) ([]byte, error) { return content[name], nil }}
	var check entries
	held := int64(0)
	t := tar.NewReader(io.LimitReader(in, mostTotal))
	for n := 0; ; n++ {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return s, nil
		case err != nil && !errors.Is(err, tar.ErrInsecurePath):
			return nil, err
		case n > mostEntries:
			return nil, fmt.Errorf("it has more than %d entries", mostEntries)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue // what git archive writes first
		}
		if err := check.check(h.Name, h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeDir); err != nil {
			return nil, err
		}
		entry := path.Clean(h.Name)
		if h.Typeflag != tar.TypeReg || !wanted(entry) {
			continue
		}
		b, err := readLimited(io.NopCloser(t), nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry, err)
		}
		if held += int64(len(b)); held > mostTotal/4 {
			return nil, fmt.Errorf("more than %d bytes altogether", int64(mostTotal/4))
		}
		if _, ok := content[entry]; !ok {
			s.Names = append(s.Names, entry)
		}
		content[entry] = b
	}
}
