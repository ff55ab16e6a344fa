package sinks

import (
	"fmt"
	"math"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	zstdcodec "github.com/parquet-go/parquet-go/compress/zstd"

	"servegrid/internal/schema"
)

type countWriter struct{ n int64 }

func (c *countWriter) Write(p []byte) (int, error) { c.n += int64(len(p)); return len(p), nil }

// BenchmarkParquet writes a million full rows of agg_points a time.
func BenchmarkParquet(b *testing.B) {
	const rows, block = 1 << 20, 1 << 14
	var blocks, rounded []*schema.Rows
	for i := range rows / block {
		blocks = append(blocks, aggBlock(block, i))
		rounded = append(rounded, round3(aggBlock(block, i)))
	}
	for _, bm := range []struct {
		name   string
		codec  codec
		blocks []*schema.Rows
	}{
		{"zstd", zstdCodec(), blocks},
		{"snappy", snappyCodec(), blocks},
		{"zstd/digits=3", zstdCodec(), rounded},
		{"snappy/digits=3", snappyCodec(), rounded},
		{"stored/digits=3", storedCodec(), rounded},
	} {
		b.Run("writer=own/codec="+bm.name, func(b *testing.B) {
			b.ReportAllocs()
			w := newParquetWriter(bm.codec)
			var out countWriter
			for b.Loop() {
				out.n = 0
				if err := w.Reset(&out, schema.AggPoints, nil); err != nil {
					b.Fatal(err)
				}
				for _, r := range bm.blocks {
					if err := w.Write(r); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(out.n)/rows, "B/row")
		})
	}
	b.Run("writer=library/codec=zstd", func(b *testing.B) {
		b.ReportAllocs()
		var out countWriter
		w := parquet.NewWriter(&out, librarySchema(schema.AggPoints),
			parquet.Compression(&zstdcodec.Codec{Level: zstd.SpeedFastest}), parquet.MaxRowsPerRowGroup(rowGroupRows))
		values := make([]parquet.Value, block)
		for b.Loop() {
			out.n = 0
			w.Reset(&out)
			for _, r := range blocks {
				for i, cw := range w.ColumnWriters() {
					libraryValues(values, r, i)
					if _, err := cw.WriteRowValues(values); err != nil {
						b.Fatal(err)
					}
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
		b.ReportMetric(float64(out.n)/rows, "B/row")
	})
}

// round3 rounds every metric to three decimals.
func round3(r *schema.Rows) *schema.Rows {
	for i := range r.Cols {
		for j, v := range r.Cols[i].Float {
			r.Cols[i].Float[j] = math.Round(v*1000) / 1000
		}
	}
	return r
}

// librarySchema spells the table for parquet-go's own writer. Its groups sort
// their fields by name; names that keep the order put that right.
func librarySchema(t *schema.Table) *parquet.Schema {
	g := parquet.Group{}
	for i, d := range t.Columns {
		var n parquet.Node
		switch d.Type {
		case schema.String:
			n = parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
		case schema.Int32:
			n = parquet.Encoded(parquet.Leaf(parquet.Int32Type), &parquet.RLEDictionary)
		case schema.Float64:
			n = parquet.Leaf(parquet.DoubleType)
		case schema.Bool:
			n = parquet.Leaf(parquet.BooleanType)
		}
		g[fmt.Sprintf("c%03d_%s", i, d.Name)] = n
	}
	return parquet.NewSchema(t.Name, g)
}

func libraryText(c *schema.Col) [][]byte {
	var b [][]byte
	for _, s := range c.Dict {
		b = append(b, []byte(s))
	}
	return b
}

func libraryValues(dst []parquet.Value, r *schema.Rows, col int) {
	c := &r.Cols[col]
	texts := libraryText(c)
	for i := range dst {
		switch r.Table.Columns[col].Type {
		case schema.String:
			dst[i] = parquet.ByteArrayValue(texts[codeAt(c, i)])
		case schema.Int32:
			dst[i] = parquet.Int32Value(c.IntAt(i))
		case schema.Float64:
			dst[i] = parquet.DoubleValue(c.FloatAt(i))
		case schema.Bool:
			dst[i] = parquet.BooleanValue(c.BoolAt(i))
		}
	}
}

func codeAt(c *schema.Col, i int) int32 {
	if c.Code == nil {
		return 0
	}
	return c.Code[i]
}
