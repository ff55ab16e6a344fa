package sinks

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"servegrid/internal/schema"
)

// A joined file holds the rows of its parts in order, in their row groups.
func TestParquetAppend(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var blocks []*schema.Rows
		var files [][]byte
		for range rng.IntN(5) {
			r := randomRows(rng, schema.Coverage, rng.IntN(300))
			blocks = append(blocks, r)
			files = append(files, encode(t, NewParquetWriter(), schema.Coverage, map[string]string{"shard_key": "k"}, r))
		}
		w := NewParquetWriter()
		var out bytes.Buffer
		if err := w.Reset(&out, schema.Coverage, nil); err != nil {
			t.Fatal(err)
		}
		rows := 0
		for i, f := range files {
			if err := w.Append(f); err != nil {
				t.Fatal(err)
			}
			rows += blocks[i].N
		}
		tail := randomRows(rng, schema.Coverage, 40) // writing goes on behind a joined file
		if err := w.Write(tail); err != nil {
			t.Fatal(err)
		}
		if n, err := w.Close(); err != nil || n != int64(rows+40) {
			t.Fatalf("%d rows, %v, want %d", n, err, rows+40)
		}
		compare(t, out.Bytes(), schema.Coverage, append(blocks, tail)...)
	}
}

func TestParquetAppendRefuses(t *testing.T) {
	good := encode(t, NewParquetWriter(), schema.Coverage, nil, randomRows(rand.New(rand.NewPCG(1, 1)), schema.Coverage, 5))
	other := encode(t, NewParquetWriter(), schema.Workers, nil, randomRows(rand.New(rand.NewPCG(1, 1)), schema.Workers, 5))
	for want, file := range map[string][]byte{
		"no Parquet file":   good[:3],
		"footer is damaged": append(bytes.Clone(good[:len(good)-1]), 'X'),
		"read the footer":   append(append(bytes.Clone(good[:40]), 0xff, 0xff, 0xff, 3, 0, 0, 0), parquetMagic...),
		"another table":     other,
	} {
		w := NewParquetWriter()
		if err := w.Reset(new(bytes.Buffer), schema.Coverage, nil); err != nil {
			t.Fatal(err)
		}
		if err := w.Append(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if _, err := w.Close(); err == nil {
			t.Errorf("%s: the file was finished all the same", want)
		}
	}
}
