package sinks

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"servegrid/internal/schema"
)

// A footer has the bytes that the library makes of what it reads there: of all tables,
// of files without rows, with many row groups, and joined.
func TestFooter(t *testing.T) {
	for _, table := range schema.Tables() {
		for seed := range uint64(12) {
			rng := rand.New(rand.NewPCG(seed, 7))
			var out bytes.Buffer
			w := NewFastParquetWriter()
			if err := w.Reset(&out, table, map[string]string{"shard_key": "k", "empty": ""}); err != nil {
				t.Fatal(err)
			}
			for range rng.IntN(40) {
				if err := w.Write(randomRows(rng, table, rng.IntN(9))); err != nil {
					t.Fatal(err)
				}
				w.Cut(1)
			}
			if rng.IntN(2) == 0 {
				w.Append(encode(t, NewParquetWriter(), table, nil, randomRows(rng, table, 20)))
			}
			if _, err := w.Close(); err != nil {
				t.Fatal(err)
			}
			data := out.Bytes()
			tail := len(data) - 8
			footer := data[tail-int(binary.LittleEndian.Uint32(data[tail:])) : tail]
			var meta format.FileMetaData
			if err := thrift.Unmarshal(new(thrift.CompactProtocol), footer, &meta); err != nil {
				t.Fatalf("%s, seed %d: %v", table.Name, seed, err)
			}
			want, err := thrift.Marshal(new(thrift.CompactProtocol), &meta)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(footer, want) {
				t.Fatalf("%s, seed %d: the footer differs from the library's:\n%x\n%x", table.Name, seed, footer, want)
			}
		}
	}
}
