package sinks

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is written in pieces of any size is in the file, past the page cache or not.
func TestBlockWriter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	want := make([]byte, 3*blockSize+5)
	for i := range want {
		want[i] = byte(rng.Uint32())
	}
	for _, direct := range []bool{false, true} {
		for _, size := range []int{0, 1, blockStart, blockSize - 1, blockSize, blockSize + 1, 2 * blockSize, len(want)} {
			f, err := os.Create(filepath.Join(t.TempDir(), "x"))
			if err != nil {
				t.Fatal(err)
			}
			w := newBlockWriter(f, direct)
			for rest := want[:size]; len(rest) > 0; {
				n := min(len(rest), 1+rng.IntN(1<<rng.IntN(22)))
				if got, err := w.Write(rest[:n]); got != n || err != nil {
					t.Fatalf("%d of %d bytes: %v", got, n, err)
				}
				rest = rest[n:]
			}
			if err := w.finish(); err != nil {
				t.Fatal(err)
			}
			w.drop()
			if got, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(got, want[:size]) {
				t.Errorf("direct %v: %d bytes were written and %d others read, %v", direct, size, len(got), err)
			}
			f.Close()
		}
	}
}

// A file system that takes direct writes may still refuse one, here for its size.
func TestRefusedDirectWrite(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := newBlockWriter(f, true)
	if err := setDirect(f, true); err != nil {
		t.Skip("no direct writes here: ", err)
	}
	w.wanted, w.direct = false, true
	if err := w.put([]byte("odd"), 0); err != nil {
		t.Error(err)
	}
	if err := w.finish(); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(f.Name()); err != nil || string(got) != "odd" {
		t.Errorf("read %q, %v", got, err)
	}
}

// The sum of a file is what other programs make of it: xxHash 0.8.4 through Python.
func TestXXH128(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "99aa06d3014798d86001c324468d497f",
		"servegrid":                        "a09925299314800a957626d791ccb2c3",
		strings.Repeat("servegrid", 1_000): "7e70f9d6c9d87cdad03bb05296a3f3ba",
	} {
		if got := XXH128([]byte(text)); got != want {
			t.Errorf("%d bytes: %s, want %s", len(text), got, want)
		}
	}
}
