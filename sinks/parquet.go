package sinks

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go/format"

	"servegrid/internal/schema"
)

// rowGroupRows is the most rows that a row group has. Readers skip whole row groups by
// their statistics, so a sorted file profits from more of them. A column of a row
// group is one page, which is put out when the group ends: no page waits in memory.
const rowGroupRows = 1 << 17

// createdBy is fixed, so that files do not change with the tool's version.
const createdBy = "servegrid"

// parquetMagic opens and closes a file.
const parquetMagic = "PAR1"

// ParquetWriter writes the rows of one table to one file at a time and is reused
// for the next by [ParquetWriter.Reset], which keeps its buffers (about the size
// of one row group). Not safe for concurrent use: one per worker.
//
// Pages are put together here, over the library's format and thrift packages,
// because the library's public writing interfaces take every value as a
// 24-byte parquet.Value: on full agg_points rows they reach 1.6 M rows/s, this
// writer 21 M rows/s on the same core (BenchmarkParquet). A column that is
// constant in a block costs nothing per row and next to nothing in the file.
//
// Text and int32 columns are dictionary encoded, float64 columns are plain.
// Every column chunk has min, max and null count; page indexes are left out, as
// neither DuckDB nor pyarrow prunes by them. A dictionary has no size limit
// within its row group: the columns of the result tables hold a few hundred
// distinct values, and a wide one is merely larger than it could be.
type ParquetWriter struct {
	out     io.Writer
	table   *schema.Table
	meta    []format.KeyValue
	cols    []*column // the table's columns first; spare ones keep their buffers
	pager   pager
	offset  int64
	groups  int             // finished row groups
	spelled compact         // these, as they stand in the footer
	rows    int64           // in these
	group   format.RowGroup // the last one; keeps its memory
	inRow   int             // rows in the open row group
	err     error           // sticky; errIdle when there is no file
}

var errIdle = fmt.Errorf("parquet writer: no file open: call Reset first")

// NewParquetWriter returns a writer without a file; see [ParquetWriter.Reset].
// Its files are compact.
func NewParquetWriter() *ParquetWriter { return newParquetWriter(zstdCodec()) }

// NewFastParquetWriter returns a writer that does not compress: several times as fast
// as a compact one, and the files are twice as large.
func NewFastParquetWriter() *ParquetWriter { return newParquetWriter(storedCodec()) }

func newParquetWriter(c codec) *ParquetWriter {
	w := &ParquetWriter{err: errIdle}
	w.pager = pager{codec: c, write: w.write}
	return w
}

// Reset starts a file of table t on out and forgets an unfinished one. The
// metadata is written in key order; schema_version, the table's grain and the
// meaning of every column (column.NAME) are always added. out is used until Close
// and never closed.
func (w *ParquetWriter) Reset(out io.Writer, t *schema.Table, meta map[string]string) error {
	w.out, w.table, w.offset, w.rows, w.inRow, w.err = out, t, 0, 0, 0, nil
	w.groups, w.spelled.b = 0, w.spelled.b[:0]
	w.meta = w.meta[:0]
	meta = maps.Clone(meta)
	if meta == nil {
		meta = map[string]string{}
	}
	meta["schema_version"] = strconv.Itoa(schema.Version)
	meta["grain"] = t.Grain
	for i := range t.Columns {
		meta["column."+t.Columns[i].Name] = t.Columns[i].Text()
	}
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		w.meta = append(w.meta, format.KeyValue{Key: k, Value: meta[k]})
	}
	for len(w.cols) < len(t.Columns) {
		w.cols = append(w.cols, new(column))
	}
	for i := range t.Columns {
		w.cols[i].reset(&t.Columns[i])
	}
	w.write([]byte(parquetMagic))
	return w.err
}

// Write appends a block. The block may be reused afterwards; its texts are
// kept until the row group is finished. A block that does not fit the table
// is an error; after an error every further call returns it.
func (w *ParquetWriter) Write(r *schema.Rows) error {
	if w.err != nil {
		return w.err
	}
	if r.Table != w.table {
		return w.fail(fmt.Errorf("rows of table %s in a file of table %s", r.Table.Name, w.table.Name))
	}
	if err := r.Check(); err != nil {
		return w.fail(err)
	}
	for lo := 0; lo < r.N; {
		hi := min(r.N, lo+rowGroupRows-w.inRow)
		for i := range r.Cols {
			w.cols[i].write(&r.Cols[i], lo, hi)
		}
		w.inRow += hi - lo
		lo = hi
		if w.inRow == rowGroupRows {
			w.finishGroup()
		}
		if w.err != nil {
			return w.err
		}
	}
	return nil
}

// Cut ends the open row group where it has at least as many rows. Between blocks
// that differ in what people filter by, it lets readers skip more; the row groups
// stay large enough for their dictionaries.
func (w *ParquetWriter) Cut(rows int) error {
	if w.err == nil && w.inRow > 0 && w.inRow >= rows {
		w.finishGroup()
	}
	return w.err
}

// Close writes what is buffered and the footer, and returns the number of rows in
// the file. The file is whole only when the error is nil. The writer needs a Reset
// before its next use.
func (w *ParquetWriter) Close() (rows int64, err error) {
	if w.Cut(1) == nil {
		w.finishFile()
	}
	rows, err = w.rows, w.err
	w.err, w.out = errIdle, nil
	if err != nil {
		return 0, err
	}
	return rows, nil
}

func (w *ParquetWriter) columns() []*column { return w.cols[:len(w.table.Columns)] }

func (w *ParquetWriter) fail(err error) error {
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("write parquet: %w", err)
	}
	return w.err
}

func (w *ParquetWriter) write(b []byte) {
	if w.err != nil || len(b) == 0 {
		return
	}
	n, err := w.out.Write(b)
	w.offset += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	w.fail(err)
}

// finishGroup writes the chunks of the open row group and notes them for the
// footer.
func (w *ParquetWriter) finishGroup() {
	cols := w.columns()
	w.group = format.RowGroup{Columns: slices.Grow(w.group.Columns[:0], len(cols))[:len(cols)], NumRows: int64(w.inRow), FileOffset: w.offset}
	g := &w.group
	for i, c := range cols {
		m := &g.Columns[i].MetaData
		c.describe(m)
		m.NumValues = int64(w.inRow)
		m.Codec = w.pager.codec.id
		m.DictionaryPageOffset, m.TotalUncompressedSize = 0, 0
		start := w.offset
		if c.isDict() {
			m.DictionaryPageOffset = w.offset
			m.TotalUncompressedSize = c.putDict(&w.pager)
		}
		m.DataPageOffset = w.offset
		m.TotalUncompressedSize += c.putValues(&w.pager)
		m.TotalCompressedSize = w.offset - start
		g.TotalByteSize += m.TotalUncompressedSize
		g.TotalCompressedSize += m.TotalCompressedSize
		c.reset(c.def)
	}
	w.addGroup(g)
	w.inRow = 0
}

// addGroup notes a row group for the footer.
func (w *ParquetWriter) addGroup(g *format.RowGroup) {
	g.Ordinal = int16(w.groups)
	w.spelled.rowGroup(g)
	w.groups++
	w.rows += g.NumRows
}

func (w *ParquetWriter) finishFile() {
	var c compact
	if err := c.footer(w.table, w.rows, w.groups, w.spelled.b, w.meta); err != nil {
		w.fail(err)
		return
	}
	c.b = binary.LittleEndian.AppendUint32(c.b, uint32(len(c.b)))
	w.write(append(c.b, parquetMagic...))
}

// schemaElements spells the table as a Parquet schema: a root and its leaves.
func schemaElements(t *schema.Table) []format.SchemaElement {
	root := format.SchemaElement{Name: t.Name}
	root.NumChildren.Set(int32(len(t.Columns)))
	all := []format.SchemaElement{root}
	for i := range t.Columns {
		d := &t.Columns[i]
		e := format.SchemaElement{Name: d.Name}
		e.Type.Set(physicalType(d.Type))
		e.RepetitionType.Set(format.Required)
		if d.Nullable {
			e.RepetitionType.Set(format.Optional)
		}
		if d.Type == schema.String {
			e.ConvertedType.Set(0) // UTF8
			e.LogicalType.Value = new(format.StringType)
		}
		all = append(all, e)
	}
	return all
}

func physicalType(t schema.Type) format.Type {
	switch t {
	case schema.String:
		return format.ByteArray
	case schema.Int32:
		return format.Int32
	case schema.Float64:
		return format.Double
	case schema.Bool:
		return format.Boolean
	}
	panic(fmt.Sprintf("sinks: no parquet type for %v", t))
}
