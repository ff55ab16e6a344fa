package sinks

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"servegrid/internal/schema"
)

// encode writes the blocks to a file in memory.
func encode(t testing.TB, w *ParquetWriter, table *schema.Table, meta map[string]string, blocks ...*schema.Rows) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := w.Reset(&b, table, meta); err != nil {
		t.Fatal(err)
	}
	want := int64(0)
	for _, r := range blocks {
		want += int64(r.N)
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	n, err := w.Close()
	if err != nil || n != want {
		t.Fatalf("Close = %d, %v; want %d rows", n, err, want)
	}
	return b.Bytes()
}

func open(t testing.TB, data []byte) *parquet.File {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// compare reads the file back and checks every value of the blocks.
func compare(t testing.TB, data []byte, table *schema.Table, blocks ...*schema.Rows) {
	t.Helper()
	f := open(t, data)
	var rows []parquet.Row
	for _, g := range f.RowGroups() {
		r := g.Rows()
		buf := make([]parquet.Row, 512)
		for {
			n, err := r.ReadRows(buf)
			for _, row := range buf[:n] {
				rows = append(rows, row.Clone())
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		r.Close()
	}
	at := 0
	for _, b := range blocks {
		for i := range b.N {
			if at == len(rows) {
				t.Fatalf("file has %d rows, want more", at)
			}
			for j := range table.Columns {
				if msg := differ(rows[at][j], &table.Columns[j], &b.Cols[j], i); msg != "" {
					t.Fatalf("row %d, column %s: %s", at, table.Columns[j].Name, msg)
				}
			}
			at++
		}
	}
	if at != len(rows) {
		t.Fatalf("file has %d rows, want %d", len(rows), at)
	}
}

func differ(got parquet.Value, d *schema.Column, c *schema.Col, i int) string {
	if c.IsNull(i) || got.IsNull() {
		if c.IsNull(i) != got.IsNull() {
			return fmt.Sprintf("null = %v, want %v", got.IsNull(), c.IsNull(i))
		}
		return ""
	}
	switch d.Type {
	case schema.String:
		if g, w := string(got.ByteArray()), c.TextAt(i); g != w {
			return fmt.Sprintf("got %q, want %q", g, w)
		}
	case schema.Int32:
		if g, w := got.Int32(), c.IntAt(i); g != w {
			return fmt.Sprintf("got %d, want %d", g, w)
		}
	case schema.Float64:
		if g, w := got.Double(), c.FloatAt(i); math.Float64bits(g) != math.Float64bits(w) {
			return fmt.Sprintf("got %v, want %v", g, w)
		}
	case schema.Bool:
		if g, w := got.Boolean(), c.BoolAt(i); g != w {
			return fmt.Sprintf("got %v, want %v", g, w)
		}
	}
	return ""
}

func TestParquetRoundTrip(t *testing.T) {
	w, fast := NewParquetWriter(), NewFastParquetWriter() // one for all: Reset must leave nothing behind
	for _, table := range schema.Tables() {
		for seed := range uint64(20) {
			rng := rand.New(rand.NewPCG(seed, 1))
			var blocks []*schema.Rows
			for range rng.IntN(6) {
				if len(blocks) > 0 && rng.IntN(3) == 0 { // one of the last two again
					blocks = append(blocks, blocks[len(blocks)-1-rng.IntN(min(2, len(blocks)))])
					continue
				}
				blocks = append(blocks, randomRows(rng, table, []int{0, 1, 7, 8, 9, 100, 1000}[rng.IntN(7)]))
			}
			t.Run(fmt.Sprintf("%s/%d", table.Name, seed), func(t *testing.T) {
				compare(t, encode(t, w, table, nil, blocks...), table, blocks...)
				compare(t, encode(t, fast, table, nil, blocks...), table, blocks...)
			})
		}
	}
}

// TestParquetRowGroups crosses the boundaries of row groups.
func TestParquetRowGroups(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var blocks []*schema.Rows
	for _, n := range []int{rowGroupRows - 3, 5, 2*rowGroupRows + 1, 1} {
		blocks = append(blocks, randomRows(rng, schema.Coverage, n))
	}
	w := NewParquetWriter()
	compare(t, encode(t, w, schema.Coverage, nil, blocks...), schema.Coverage, blocks...)
	blocks = nil
	for range 3 {
		blocks = append(blocks, randomRows(rng, schema.SLATargets, rowGroupRows/2+1))
	}
	for _, w := range []*ParquetWriter{w, NewFastParquetWriter()} {
		data := encode(t, w, schema.SLATargets, nil, blocks...)
		if n := len(open(t, data).RowGroups()); n != 2 {
			t.Errorf("%d row groups, want 2", n)
		}
		compare(t, data, schema.SLATargets, blocks...)
	}
}

// TestParquetBytesDependOnRowsOnly cuts the same rows in other blocks and
// spells constants in full.
func TestParquetBytesDependOnRowsOnly(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 2))
		table := schema.Tables()[rng.IntN(6)]
		all := randomRows(rng, table, 1+rng.IntN(3000))
		meta := map[string]string{"b": "2", "a": "1", "c": "3"}
		want := encode(t, NewParquetWriter(), table, meta, all)
		var parts []*schema.Rows
		for lo := 0; lo < all.N; {
			hi := min(all.N, lo+rng.IntN(900))
			parts = append(parts, part(rng, all, lo, hi))
			lo = hi
		}
		w := NewParquetWriter()
		encode(t, w, schema.Workers, nil, randomRows(rng, schema.Workers, 50)) // something else before
		if got := encode(t, w, table, meta, parts...); !bytes.Equal(got, want) {
			t.Fatalf("seed %d, table %s: %d parts of %d rows give other bytes", seed, table.Name, len(parts), all.N)
		}
	}
}

func TestParquetMetadata(t *testing.T) {
	r := aggBlock(1000, 1)
	f := open(t, encode(t, NewParquetWriter(), schema.AggPoints, map[string]string{"z": "1", "shard_key": "k"}, r))
	m := f.Metadata()
	if m.CreatedBy != "servegrid" {
		t.Errorf("created by %q", m.CreatedBy)
	}
	got := map[string]string{}
	for _, kv := range m.KeyValueMetadata {
		got[kv.Key] = kv.Value
	}
	want := map[string]string{"z": "1", "shard_key": "k", "schema_version": fmt.Sprint(schema.Version), "grain": schema.AggPoints.Grain}
	for i := range schema.AggPoints.Columns {
		want["column."+schema.AggPoints.Columns[i].Name] = schema.AggPoints.Columns[i].Text()
	}
	if !maps.Equal(got, want) || !slices.IsSortedFunc(m.KeyValueMetadata, func(a, b format.KeyValue) int { return cmp.Compare(a.Key, b.Key) }) {
		t.Errorf("metadata %v, want %v", m.KeyValueMetadata, want)
	}
	stats := m.RowGroups[0].Columns[schema.AggPoints.Index("isl")].MetaData.Statistics
	if lo, hi := parquet.Int32.Value(stats.MinValue).Int32(), parquet.Int32.Value(stats.MaxValue).Int32(); lo != 1000 || hi != 3000 {
		t.Errorf("isl from %d to %d, want 1000 to 3000", lo, hi)
	}
	stats = m.RowGroups[0].Columns[schema.AggPoints.Index("model")].MetaData.Statistics
	if string(stats.MinValue) != "model-value" || string(stats.MaxValue) != "model-value" {
		t.Errorf("model from %q to %q", stats.MinValue, stats.MaxValue)
	}
}

// TestParquetNaN: a NaN is stored, and withholds the bounds, as readers do not
// agree on where it sorts.
func TestParquetNaN(t *testing.T) {
	r := schema.NewRows(schema.SLATargets)
	r.N = 3
	r.Col("ttft_limit_ms").Float = []float64{1, math.NaN(), 3}
	r.Col("tpot_limit_ms").Float = []float64{math.Copysign(0, -1), 0, math.Inf(1)}
	data := encode(t, NewParquetWriter(), schema.SLATargets, nil, r)
	compare(t, data, schema.SLATargets, r)
	cols := open(t, data).Metadata().RowGroups[0].Columns
	if s := cols[0].MetaData.Statistics; s.MinValue != nil || s.MaxValue != nil {
		t.Errorf("bounds %v %v beside a NaN", s.MinValue, s.MaxValue)
	}
	if s := cols[1].MetaData.Statistics; parquet.Double.Value(s.MaxValue).Double() != math.Inf(1) || s.MinValue[7] != 0x80 {
		t.Errorf("bounds %v %v, want -0 and +Inf", s.MinValue, s.MaxValue)
	}
}

// TestParquetConstantsAreFree: a constant column of a million rows takes a few
// bytes a page.
func TestParquetConstantsAreFree(t *testing.T) {
	r := schema.NewRows(schema.GPUBudgets)
	r.N = rowGroupRows
	r.Col("gpus").SetInt(8)
	if n := len(encode(t, NewParquetWriter(), schema.GPUBudgets, nil, r)); n > 1000 {
		t.Errorf("%d bytes for a constant column", n)
	}
}

func TestParquetAllocations(t *testing.T) {
	w := NewParquetWriter()
	blocks := []*schema.Rows{aggBlock(1<<14, 0), aggBlock(1<<14, 1)}
	for range 2 { // grow the buffers: two files of half a row group
		w.Reset(io.Discard, schema.AggPoints, nil)
		for range rowGroupRows / (4 << 14) {
			for _, b := range blocks {
				w.Write(b)
			}
		}
		if _, err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	w.Reset(io.Discard, schema.AggPoints, nil)
	rows := 0
	perCall := testing.AllocsPerRun(24, func() {
		for _, b := range blocks {
			if err := w.Write(b); err != nil {
				t.Fatal(err)
			}
			rows += b.N
		}
	})
	// Pages cost a few allocations each (headers, zstd tables), rows none.
	if perRow := perCall / (2 << 14); perRow > 0.01 {
		t.Errorf("%.4f allocations per row (%.0f per two blocks)", perRow, perCall)
	}
}

// limitWriter fails after n bytes, as a full disk does.
type limitWriter struct{ n int }

var errFull = errors.New("no space left on device")

func (l *limitWriter) Write(p []byte) (int, error) {
	if len(p) > l.n {
		n := l.n
		l.n = 0
		return n, errFull
	}
	l.n -= len(p)
	return len(p), nil
}

func TestParquetFailingWriter(t *testing.T) {
	r := aggBlock(500, 0)
	w := NewParquetWriter()
	whole := len(encode(t, w, schema.AggPoints, nil, r))
	for _, limit := range []int{0, 3, 4, 100, whole / 2, whole - 5, whole - 1} {
		err := w.Reset(&limitWriter{limit}, schema.AggPoints, nil)
		if err == nil {
			w.Write(r)
			_, err = w.Close()
		}
		if !errors.Is(err, errFull) {
			t.Errorf("limit %d of %d: error %v", limit, whole, err)
		}
	}
	encode(t, w, schema.AggPoints, nil, r) // usable again
}

func TestParquetMisuse(t *testing.T) {
	w := NewParquetWriter()
	if err := w.Write(aggBlock(1, 0)); err == nil {
		t.Error("Write before Reset succeeds")
	}
	if _, err := w.Close(); err == nil {
		t.Error("Close before Reset succeeds")
	}
	w.Reset(io.Discard, schema.Workers, nil)
	if err := w.Write(aggBlock(1, 0)); err == nil {
		t.Error("rows of another table are taken")
	}
	w.Reset(io.Discard, schema.AggPoints, nil)
	bad := aggBlock(4, 0)
	bad.Cols[3].Dict = nil
	if err := w.Write(bad); err == nil {
		t.Error("a column without values is taken")
	}
	if _, err := w.Close(); err == nil {
		t.Error("Close hides the failed Write")
	}
}

func FuzzParquet(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, uint16(seed*37), uint8(seed))
	}
	w, fast := NewParquetWriter(), NewFastParquetWriter()
	f.Fuzz(func(t *testing.T, seed uint64, rows uint16, table uint8) {
		rng := rand.New(rand.NewPCG(seed, 9))
		tab := schema.Tables()[int(table)%6]
		blocks := []*schema.Rows{randomRows(rng, tab, int(rows)%3000), randomRows(rng, tab, rng.IntN(20))}
		compare(t, encode(t, w, tab, nil, blocks...), tab, blocks...)
		compare(t, encode(t, fast, tab, nil, blocks...), tab, blocks...)
	})
}

// TestParquetBounds compares the bounds of a column with its values, of any kind and
// number.
func TestParquetBounds(t *testing.T) {
	kinds := []func(r *rand.Rand) float64{
		func(r *rand.Rand) float64 { return r.ExpFloat64() * 300 },
		func(r *rand.Rand) float64 { return r.NormFloat64() },
		func(r *rand.Rand) float64 { return math.Copysign(0, r.Float64()-0.5) },
		func(r *rand.Rand) float64 { return math.Inf(r.IntN(2)*2 - 1) },
		func(r *rand.Rand) float64 { return math.Ldexp(1, r.IntN(2000)-1070) },
	}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 6))
		var blocks []*schema.Rows
		lo, hi := math.Inf(1), math.Inf(-1)
		for range 1 + rng.IntN(3) {
			kind, r := kinds[rng.IntN(len(kinds))], schema.NewRows(schema.SLATargets)
			r.N = 2 + rng.IntN(15)
			for range r.N {
				v := kind(rng)
				lo, hi = min(lo, v), max(hi, v)
				r.Col("ttft_limit_ms").Float = append(r.Col("ttft_limit_ms").Float, v)
			}
			r.Col("tpot_limit_ms").Float = []float64{1}
			blocks = append(blocks, r)
		}
		s := open(t, encode(t, NewFastParquetWriter(), schema.SLATargets, nil, blocks...)).Metadata().RowGroups[0].Columns[0].MetaData.Statistics
		if got := [2]float64{parquet.Double.Value(s.MinValue).Double(), parquet.Double.Value(s.MaxValue).Double()}; got != [2]float64{lo, hi} {
			t.Fatalf("seed %d: bounds %v, want %v and %v", seed, got, lo, hi)
		}
	}
}

// TestHybrid decodes appendHybrid with a slow reader, at every width; value by value the
// same bytes come out.
func TestHybrid(t *testing.T) {
	for width := uint(1); width <= 31; width++ {
		rng := rand.New(rand.NewPCG(uint64(width), 5))
		var rs runs
		var want []int32
		for range 400 {
			v, n := int32(rng.IntN(1<<width)), 1+rng.IntN(12)*rng.IntN(2)
			rs.add(v, n)
			for range n {
				want = append(want, v)
			}
		}
		encoded := appendHybrid(nil, rs, width)
		if each := appendHybridOfEach(nil, want, width); !bytes.Equal(each, encoded) {
			t.Fatalf("width %d: the values give %d bytes, their runs %d", width, len(each), len(encoded))
		}
		got := decodeHybrid(t, encoded, width, len(want))
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("width %d: value %d is %d, want %d", width, i, got[i], want[i])
			}
		}
	}
}

func decodeHybrid(t *testing.T, b []byte, width uint, n int) (out []int32) {
	for len(out) < n {
		head, shift := uint(0), uint(0)
		for {
			c := b[0]
			b = b[1:]
			head |= uint(c&0x7F) << shift
			if shift += 7; c < 0x80 {
				break
			}
		}
		if head&1 == 0 {
			v := int32(0)
			for w := uint(0); w < width; w += 8 {
				v |= int32(b[0]) << w
				b = b[1:]
			}
			for range head >> 1 {
				out = append(out, v)
			}
			continue
		}
		for i := range 8 * (head >> 1) {
			v := int32(0)
			for k := range width {
				at := i*width + k
				v |= int32(b[at/8]>>(at%8)&1) << k
			}
			out = append(out, v)
		}
		b = b[(head>>1)*width:]
	}
	if len(b) != 0 || len(out) > n+7 {
		t.Fatalf("width %d: %d bytes and %d values left over", width, len(b), len(out)-n)
	}
	return out
}

func storedFrame(page []byte) []byte { return bytes.Join(storedCodec().pack(page), nil) }

// TestStoredFrames: other decoders read the frames, and notice a changed byte.
func TestStoredFrames(t *testing.T) {
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	rng := rand.New(rand.NewPCG(11, 12))
	for _, n := range []int{0, 1, 255, 1 << 10, 128<<10 - 1, 128 << 10, 128<<10 + 1, 1 << 20} {
		src := make([]byte, n)
		for i := range src {
			src[i] = byte(rng.Uint32())
		}
		frame := storedFrame(src)
		got, err := dec.DecodeAll(frame, nil)
		if err != nil || !bytes.Equal(got, src) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		for range 20 {
			i := rng.IntN(len(frame))
			frame[i] ^= 1 << rng.IntN(8)
			if got, err := dec.DecodeAll(frame, nil); err == nil && !bytes.Equal(got, src) {
				t.Fatalf("%d bytes: byte %d was changed and other content came out", n, i)
			}
			frame = storedFrame(src)
		}
	}
}

// TestChangedByteIsNoticed: with either writer, a reader never gets another
// value out of a page with a changed byte.
func TestChangedByteIsNoticed(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for _, w := range []*ParquetWriter{NewParquetWriter(), NewFastParquetWriter()} {
		data := encode(t, w, schema.AggPoints, nil, aggBlock(3000, 0))
		want, err := readAll(data)
		if err != nil {
			t.Fatal(err)
		}
		noticed := 0
		for _, chunk := range open(t, data).Metadata().RowGroups[0].Columns {
			m := &chunk.MetaData
			end := m.DataPageOffset + m.TotalCompressedSize
			if m.DictionaryPageOffset > 0 {
				end = m.DictionaryPageOffset + m.TotalCompressedSize
			}
			damaged := bytes.Clone(data)
			damaged[end-1-rng.Int64N(min(16, m.TotalCompressedSize/2))] ^= 0x10
			got, err := readAll(damaged)
			if err == nil && !slices.EqualFunc(got, want, parquet.Row.Equal) {
				t.Errorf("column %s: a changed byte gives other values", m.PathInSchema)
			}
			if err != nil {
				noticed++
			}
		}
		if noticed < 20 { // the others hit what no value depends on
			t.Errorf("only %d changed bytes are noticed", noticed)
		}
	}
}

// readAll reads every row of a file.
func readAll(data []byte) (all []parquet.Row, err error) {
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	for _, g := range f.RowGroups() {
		rows, buf := g.Rows(), make([]parquet.Row, 512)
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				all = append(all, row.Clone())
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// Page headers are spelled by hand: the library's encoder is the definition.
func TestPageHeaderIsTheLibrarys(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		h := pageHeader{raw: r.IntN(1 << r.IntN(31)), packed: r.IntN(1 << r.IntN(31)), values: r.IntN(1 << r.IntN(31))}
		want := format.PageHeader{UncompressedPageSize: int32(h.raw), CompressedPageSize: int32(h.packed)}
		if r.IntN(2) == 0 {
			h.kind, h.encoding = format.DictionaryPage, format.Plain
			want.DictionaryPageHeader.Set(format.DictionaryPageHeader{NumValues: int32(h.values), Encoding: h.encoding})
		} else {
			h.kind, h.nulls = format.DataPage, r.Int64N(1<<r.IntN(60))
			h.encoding = []format.Encoding{format.Plain, format.RLEDictionary}[r.IntN(2)]
			want.DataPageHeader.Set(format.DataPageHeader{
				NumValues: int32(h.values), Encoding: h.encoding, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
				Statistics: format.Statistics{NullCount: h.nulls},
			})
		}
		want.Type = h.kind
		b, err := thrift.Marshal(new(thrift.CompactProtocol), &want)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.appendTo(nil); !bytes.Equal(got, b) {
			t.Fatalf("%+v: %x, want %x", h, got, b)
		}
	}
}
