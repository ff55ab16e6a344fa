package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"servegrid/estimator/calibrate"
)

// A user's constants never take the place of the program's, in a checkout neither; other
// files may be written again.
func TestShippedConstantsAreKept(t *testing.T) {
	shipped, err := calibrate.ShippedSet()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := shipped.Write(&b); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"shipped.json": {b.String(), true},
		"own.json":     {string(bytes.Replace(b.Bytes(), []byte("fitted to"), []byte("fitted by me to"), 1)), false},
		"other.json":   {"{}", false},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := isShipped(path); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if isShipped(filepath.Join(dir, "none.json")) {
		t.Error("a file that does not exist")
	}
	var stdout, stderr bytes.Buffer
	code := run([]string{"servegrid", "calibrate", "--input", filepath.Join(dir, "many.csv"), "--out", filepath.Join(dir, "shipped.json")}, &stdout, &stderr)
	if code != exitUsage || !strings.Contains(stderr.String(), "choose another file") {
		t.Errorf("code %d, %s", code, stderr.String())
	}
}
