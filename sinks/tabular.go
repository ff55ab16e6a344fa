package sinks

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"servegrid/internal/suggest"
)

// Tabular is somebody's table, CSV or Parquet, with columns of any name. Its
// cells are read as text and written back unchanged.
type Tabular struct {
	Columns []string
	Len     int

	text   [][]string      // by column
	values [][]parquet.Row // of a Parquet table, kept to write them back as they were
	schema *parquet.Schema // nil: CSV
}

// Added is a column that is written behind those of a [Tabular]. One of Text,
// Float and Int is set, one entry a row; Valid marks rows that have a value, nil
// all of them.
type Added struct {
	Name  string
	Text  []string
	Float []float64
	Int   []int64
	Valid []bool
}

var tabularFormats = []string{".csv", ".parquet"}

// ReadTabular reads a .csv file with a header line, or a flat .parquet file.
func ReadTabular(path string) (*Tabular, error) {
	var t *Tabular
	var err error
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".csv":
		t, err = readCSV(path)
	case ".parquet":
		t, err = readParquet(path)
	default:
		return nil, fmt.Errorf("read table %s: %w", path, suggest.Unknown("extension", ext, tabularFormats))
	}
	if err != nil {
		return nil, fmt.Errorf("read table %s: %w", path, cause(err))
	}
	for i, c := range t.Columns {
		if slices.Contains(t.Columns[:i], c) {
			return nil, fmt.Errorf("read table %s: two columns are named %q", path, c)
		}
	}
	return t, nil
}

// Has reports whether there is a column of that name.
func (t *Tabular) Has(column string) bool { return slices.Contains(t.Columns, column) }

// Text returns a cell; "" for null, and where there is no such column.
func (t *Tabular) Text(row int, column string) string {
	i := slices.Index(t.Columns, column)
	if i < 0 {
		return ""
	}
	return t.text[i][row]
}

func readCSV(path string) (*Tabular, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	recs, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(recs) == 0 {
		return nil, errors.New("it is empty")
	}
	t := &Tabular{Columns: recs[0], Len: len(recs) - 1, text: make([][]string, len(recs[0]))}
	for _, rec := range recs[1:] {
		for i, v := range rec {
			t.text[i] = append(t.text[i], v)
		}
	}
	return t, nil
}

func readParquet(path string) (*Tabular, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return nil, err
	}
	t := &Tabular{schema: file.Schema(), Len: int(file.NumRows())}
	for _, field := range t.schema.Fields() {
		if !field.Leaf() || field.Repeated() {
			return nil, fmt.Errorf("column %s is nested", field.Name())
		}
		t.Columns = append(t.Columns, field.Name())
	}
	t.text = make([][]string, len(t.Columns))
	for _, group := range file.RowGroups() {
		if err := t.readGroup(group); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *Tabular) readGroup(group parquet.RowGroup) error {
	rows := group.Rows()
	defer rows.Close()
	buf := make([]parquet.Row, 256)
	for {
		n, err := rows.ReadRows(buf)
		block := make([]parquet.Row, n)
		for i, row := range buf[:n] {
			block[i] = row.Clone()
			for _, v := range block[i] {
				t.text[v.Column()] = append(t.text[v.Column()], valueText(v))
			}
		}
		t.values = append(t.values, block)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func valueText(v parquet.Value) string {
	switch {
	case v.IsNull():
		return ""
	case v.Kind() == parquet.Double:
		return strconv.FormatFloat(v.Double(), 'g', -1, 64)
	case v.Kind() == parquet.Float:
		return strconv.FormatFloat(float64(v.Float()), 'g', -1, 32)
	case v.Kind() == parquet.ByteArray, v.Kind() == parquet.FixedLenByteArray:
		return string(v.ByteArray())
	}
	return v.String()
}

// Write writes the table with further columns to a .csv or .parquet file, whole
// or not at all. From Parquet to Parquet the types stay; a CSV table becomes
// text columns.
func (t *Tabular) Write(path string, added []Added) error {
	for _, a := range added {
		if t.Has(a.Name) {
			return fmt.Errorf("write table %s: the input has a column %q already", path, a.Name)
		}
	}
	var fill func(w io.Writer) error
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".csv":
		fill = func(w io.Writer) error { return t.writeCSV(w, added) }
	case ".parquet":
		fill = func(w io.Writer) error { return t.writeParquet(w, added) }
	default:
		return fmt.Errorf("write table %s: %w", path, suggest.Unknown("extension", ext, tabularFormats))
	}
	return WriteFile(path, func(w io.Writer) error {
		if err := fill(w); err != nil {
			return fmt.Errorf("write table %s: %w", path, cause(err))
		}
		return nil
	})
}

// cell returns a value of the column as CSV text.
func (a *Added) cell(row int) string {
	switch {
	case !a.valid(row):
		return ""
	case a.Float != nil:
		return strconv.FormatFloat(a.Float[row], 'g', -1, 64)
	case a.Int != nil:
		return strconv.FormatInt(a.Int[row], 10)
	}
	return a.Text[row]
}

func (a *Added) valid(row int) bool { return a.Valid == nil || a.Valid[row] }

func (t *Tabular) writeCSV(w io.Writer, added []Added) error {
	out := csv.NewWriter(w)
	rec := slices.Clone(t.Columns)
	for _, a := range added {
		rec = append(rec, a.Name)
	}
	if err := out.Write(rec); err != nil {
		return err
	}
	for row := range t.Len {
		rec = rec[:0]
		for i := range t.text {
			rec = append(rec, t.text[i][row])
		}
		for i := range added {
			rec = append(rec, added[i].cell(row))
		}
		if err := out.Write(rec); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// orderedGroup is a group whose fields keep their order.
type orderedGroup struct {
	parquet.Group
	order []string
}

// Fields implements [parquet.Node].
func (g orderedGroup) Fields() []parquet.Field {
	fields := g.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(g.order, a.Name()) - slices.Index(g.order, b.Name())
	})
	return fields
}

func (t *Tabular) writeParquet(w io.Writer, added []Added) error {
	g := orderedGroup{Group: parquet.Group{}}
	for i, name := range t.Columns {
		node := parquet.Optional(parquet.String())
		if t.schema != nil {
			node = t.schema.Fields()[i]
		}
		g.Group[name], g.order = node, append(g.order, name)
	}
	for _, a := range added {
		node := parquet.String()
		switch {
		case a.Float != nil:
			node = parquet.Leaf(parquet.DoubleType)
		case a.Int != nil:
			node = parquet.Int(64)
		}
		g.Group[a.Name], g.order = parquet.Optional(node), append(g.order, a.Name)
	}
	out := parquet.NewWriter(w, parquet.NewSchema("table", g), parquet.Compression(&parquet.Zstd))
	kept := slices.Concat(t.values...)
	for row := range t.Len {
		var r parquet.Row
		if t.schema != nil {
			r = kept[row]
		} else {
			for i := range t.text {
				r = append(r, optional(parquet.ByteArrayValue([]byte(t.text[i][row])), t.text[i][row] != "", len(r)))
			}
		}
		for i := range added {
			a := &added[i]
			v := parquet.NullValue()
			switch {
			case !a.valid(row):
			case a.Float != nil:
				v = parquet.DoubleValue(a.Float[row])
			case a.Int != nil:
				v = parquet.Int64Value(a.Int[row])
			default:
				v = parquet.ByteArrayValue([]byte(a.Text[row]))
			}
			r = append(r, optional(v, a.valid(row), len(r)))
		}
		if _, err := out.WriteRows([]parquet.Row{r}); err != nil {
			return err
		}
	}
	return out.Close()
}

// optional places a value of an optional column.
func optional(v parquet.Value, present bool, column int) parquet.Value {
	if !present {
		return parquet.NullValue().Level(0, 0, column)
	}
	return v.Level(0, 1, column)
}
