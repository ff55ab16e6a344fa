package importer

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"servegrid/perftables"
)

// entry is a file of an archive; one with a target is a link.
type entry struct{ name, text, target string }

func zipOf(t testing.TB, entries ...entry) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(0o644)
		if e.target != "" {
			h.SetMode(os.ModeSymlink | 0o777)
			e.text = e.target
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarOf(t testing.TB, entries ...entry) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.text)), Typeflag: tar.TypeReg}
		if e.target != "" {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, e.target, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if e.target == "" {
			if _, err := w.Write([]byte(e.text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func compressed(t testing.TB, ext string, b []byte) []byte {
	var out bytes.Buffer
	switch ext {
	case ".tar.gz":
		w := gzip.NewWriter(&out)
		w.Write(b)
		w.Close()
	case ".tar.zst":
		w, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(b)
		w.Close()
	default:
		return b
	}
	return out.Bytes()
}

var known = perftables.Embedded().Layers()[0].Systems

// importBytes imports a file with that name and content.
func importBytes(t testing.TB, name string, content []byte, o Options) (*Package, error) {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	o.Known = known
	return Import(s, o)
}

const gemmPath = "systems/data/h200_sxm/vllm/0.12.0/gemm_perf.txt"

// A folder and every archive of the same files give the same tables.
func TestArchives(t *testing.T) {
	entries := []entry{{gemmPath, gemmText, ""}, {"README.md", "text", ""}, {"link.md", "", "README.md"}}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, gemmPath)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, gemmPath), []byte(gemmText), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Import(s, Options{Source: "test", Known: known})
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Tables) != 1 || want.Generation != perftables.GenerationGrid || want.Files[0].Rows != 4 || want.Files[0].Kept != 3 {
		t.Errorf("folder: %d tables of generation %s, files %+v", len(want.Tables), want.Generation, want.Files)
	}
	for ext, content := range map[string][]byte{
		".zip": zipOf(t, entries...), ".whl": zipOf(t, entries...),
		".tar": tarOf(t, entries...), ".tar.gz": compressed(t, ".tar.gz", tarOf(t, entries...)), ".tar.zst": compressed(t, ".tar.zst", tarOf(t, entries...)),
	} {
		got, err := importBytes(t, "x"+ext, content, Options{Source: "test"})
		if err != nil {
			t.Errorf("%s: %v", ext, err)
			continue
		}
		for name, b := range want.Tables {
			if !bytes.Equal(got.Tables[name], b) {
				t.Errorf("%s: %s differs", ext, name)
			}
		}
	}
}

// Archives that are damaged or mean harm are one clear line.
func TestHostileArchives(t *testing.T) {
	defer func(n int64) { mostFile = n }(mostFile)
	mostFile = 1 << 20
	good := entry{gemmPath, gemmText, ""}
	bomb := entry{gemmPath, strings.Repeat("\x00", int(mostFile)+1), ""}
	for _, c := range []struct {
		name    string
		entries []entry
		want    string
	}{
		{"slip", []entry{good, {"../../etc/gemm_perf.txt", gemmText, ""}}, "leaves the archive"},
		{"absolute", []entry{good, {"/etc/gemm_perf.txt", gemmText, ""}}, "leaves the archive"},
		{"backslashes", []entry{good, {`..\gemm_perf.txt`, gemmText, ""}}, "leaves the archive"},
		{"link for a table", []entry{good, {"systems/data/h200_sxm/vllm/1.0/gemm_perf.txt", "", "/etc/passwd"}}, "is a link"},
		{"through a link", []entry{{"systems", "", "/etc"}, good}, "goes through a link"},
		{"bomb", []entry{bomb}, "larger than"},
		{"nothing", []entry{{"README.md", "x", ""}}, "it has no tables"},
	} {
		for ext, content := range map[string][]byte{
			".zip": zipOf(t, c.entries...), ".tar.gz": compressed(t, ".tar.gz", tarOf(t, c.entries...)),
		} {
			_, err := importBytes(t, "x"+ext, content, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s%s: got error %v, want one line with %q", c.name, ext, err, c.want)
			}
		}
	}
	for ext, content := range map[string][]byte{
		".zip": zipOf(t, good), ".tar.gz": compressed(t, ".tar.gz", tarOf(t, good)), ".tar.zst": compressed(t, ".tar.zst", tarOf(t, good)), ".tar": tarOf(t, good),
	} {
		for _, n := range []int{0, 10, min(600, len(content)/2)} {
			if _, err := importBytes(t, "x"+ext, content[:n], Options{}); err == nil || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s cut to %d bytes: got error %v, want one line", ext, n, err)
			}
		}
	}
}

func fuzzArchive(f *testing.F, name string, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s)
		f.Add(s[:len(s)/2])
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		p, err := importBytes(t, name, content, Options{})
		if err != nil {
			return
		}
		for name, b := range p.Tables {
			if _, err := perftables.Unpack(b); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	})
}

func FuzzZip(f *testing.F) {
	fuzzArchive(f, "x.zip", zipOf(f, entry{gemmPath, gemmText, ""}, entry{"systems/x.yaml", systemText, ""}))
}

func FuzzTar(f *testing.F) {
	fuzzArchive(f, "x.tar", tarOf(f, entry{gemmPath, gemmText, ""}, entry{"systems/x.yaml", systemText, ""}))
}

func FuzzParquet(f *testing.F) {
	file, err := os.ReadFile("testdata/gemm_perf.parquet")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Fuzz(func(t *testing.T, content []byte) {
		tab, err := Read("gemm.parquet", content, perftables.KindGEMM, Rows{Fastest: true})
		if err != nil {
			return
		}
		if _, err := tab.Pack(); err != nil {
			return
		}
	})
}

func FuzzSystem(f *testing.F) {
	f.Add([]byte(systemText))
	f.Add([]byte("gpu: {mem_bw: .inf}\nnode: {}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := System("x", content)
		if err != nil {
			return
		}
		if !(s.MemBandwidth > 0) || !(s.MemCapacity > 0) || !(s.Float16Rate > 0) || s.GPUsPerNode < 1 {
			t.Fatalf("accepted %+v", s)
		}
	})
}
