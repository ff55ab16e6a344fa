package pipeline

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"servegrid/sinks"
)

// ReadManifest reads the manifest of a run.
func ReadManifest(dir sinks.Store, run string) (*Manifest, error) {
	name := path.Join(runsDir, run, manifestRel)
	b, err := sinks.ReadFile(dir, name)
	if err != nil {
		return nil, err
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	return &m, nil
}

// figuresKind stands in for a kind of table: the figures of an installed system, and how its
// tables are read.
const figuresKind = "figures"

// TableChange is a kernel table that is not the same in two runs; a digest is empty where
// there is no such table. Kind "figures" stands for those of an installed system, and for
// how its tables are read.
type TableChange struct {
	System, Backend, Version, Kind string
	DigestA, DigestB               string
}

// digestOf splits one of the digests of a database. What its answers depend on beside
// tables is spelled out there, and gets a digest here.
func digestOf(entry string) (kind, digest string) {
	kind, digest, _ = strings.Cut(entry, ":")
	if kind == "read" {
		sum := sha256.Sum256([]byte(digest))
		return figuresKind, hex.EncodeToString(sum[:])
	}
	return kind, digest
}

// TableChanges compares the kernel tables of two runs, in order of their names.
func TableChanges(a, b *Manifest) []TableChange {
	changes := map[TableChange]TableChange{}
	for side, m := range []*Manifest{a, b} {
		for _, t := range m.Tables {
			for _, d := range t.Digests {
				kind, digest := digestOf(d)
				key := TableChange{System: t.System, Backend: t.Backend, Version: t.Version, Kind: kind}
				c, ok := changes[key]
				if !ok {
					c = key
				}
				if side == 0 {
					c.DigestA = digest
				} else {
					c.DigestB = digest
				}
				changes[key] = c
			}
		}
	}
	maps.DeleteFunc(changes, func(_, c TableChange) bool { return c.DigestA == c.DigestB })
	return slices.SortedFunc(maps.Values(changes), func(x, y TableChange) int {
		return cmp.Or(cmp.Compare(x.System, y.System), cmp.Compare(x.Backend, y.Backend), cmp.Compare(x.Version, y.Version), cmp.Compare(x.Kind, y.Kind))
	})
}
