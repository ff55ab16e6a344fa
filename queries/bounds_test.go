package queries

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestQueryAtMost(t *testing.T) {
	db := openWarehouse(t, tables{}, nil)
	for _, c := range []struct {
		name, query string
		rows        int
		bytes       int64
		want        int
		more        bool
	}{
		{"all", "from range(10)", 10, 1 << 20, 10, false},
		{"rows", "from range(11)", 10, 1 << 20, 10, true},
		{"none", "from range(0)", 10, 1 << 20, 0, false},
		{"texts", "select repeat('x', 1000) from range(100)", 1000, 5000, 6, true},
		{"lists", "select [repeat('x', 1000)] from range(100)", 1000, 5000, 5, true},
		{"structs", "select {'a': repeat('x', 1000)} from range(100)", 1000, 5000, 5, true},
		{"no rows asked", "describe points", 2, 1 << 20, 2, true},
	} {
		r, more, err := db.QueryAtMost(context.Background(), c.query, c.rows, c.bytes)
		if err != nil || len(r.Rows) != c.want || more != c.more {
			t.Errorf("%s: %d rows, more %v, %v; want %d, %v", c.name, len(r.Rows), more, err, c.want, c.more)
		}
	}
	if _, _, err := db.QueryAtMost(context.Background(), "drop view points", 1, 1); !errors.Is(err, ErrNotQuery) {
		t.Errorf("drop: %v", err)
	}
}

func TestOpenWithin(t *testing.T) {
	root := t.TempDir()
	writeWarehouse(t, root, tables{}, nil)
	db, err := OpenWithin(context.Background(), root, Bounds{MemoryBytes: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = db.Query(context.Background(), "select length(string_agg(repeat('x', 10000000), '')) from range(100)")
	if err == nil || !strings.Contains(err.Error(), "Out of Memory") {
		t.Errorf("a gigabyte within 64 MiB: %v", err)
	}
	if r, err := db.Query(context.Background(), "select 1"); err != nil || len(r.Rows) != 1 {
		t.Errorf("after that: %v", err)
	}
}
