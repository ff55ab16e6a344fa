package importer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// records is a table of text as read, before anything is made of it.
type records struct {
	names []string
	cols  [][]string
	n     int
	lines []int // of the rows in a text file; nil for Parquet
}

// place says where a row stands, for people.
func (r *records) place(i int) string {
	if r.lines == nil {
		return fmt.Sprintf("row %d", i+1)
	}
	return fmt.Sprintf("line %d", r.lines[i])
}

func (r *records) has(name string) bool { return slices.Contains(r.names, name) }

func (r *records) text(name string, i int) string {
	return r.cols[slices.Index(r.names, name)][i]
}

func (r *records) integer(name string, i int) (int, error) {
	v, err := strconv.Atoi(r.text(name, i))
	if err != nil || v < 0 {
		return 0, fmt.Errorf("%s is %q, want a whole number", name, r.text(name, i))
	}
	return v, nil
}

func (r *records) float(name string, i int) (float64, error) {
	v, err := strconv.ParseFloat(r.text(name, i), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%s is %q, want a number", name, r.text(name, i))
	}
	return v, nil
}

// readText reads comma-separated text with a header line; both kinds of line
// ends are accepted.
func readText(text []byte) (*records, error) {
	if bytes.HasPrefix(text, []byte(lfsPrefix)) {
		return nil, errPointer
	}
	in := csv.NewReader(bytes.NewReader(text))
	in.ReuseRecord = true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty")
	}
	if err != nil {
		return nil, err
	}
	r := &records{names: slices.Clone(header), cols: make([][]string, len(header))}
	for {
		line, err := in.Read()
		if errors.Is(err, io.EOF) {
			return r, nil
		}
		if err != nil {
			return nil, err
		}
		for c := range line {
			r.cols[c] = append(r.cols[c], strings.Clone(line[c]))
		}
		at, _ := in.FieldPos(0)
		r.lines = append(r.lines, at)
		r.n++
	}
}

// readParquet reads a flat Parquet file. Floats keep their exact value: the
// shortest text that reads back as the same number.
func readParquet(content []byte) (r *records, err error) {
	if bytes.HasPrefix(content, []byte(lfsPrefix)) {
		return nil, errPointer
	}
	// The Parquet library panics on some damaged files.
	defer func() {
		if p := recover(); p != nil {
			r, err = nil, fmt.Errorf("damaged Parquet file: %v", p)
		}
	}()
	file, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, err
	}
	if file.NumRows() > mostRows || file.NumRows() < 0 {
		return nil, fmt.Errorf("it says to have %d rows, more than %d", file.NumRows(), mostRows)
	}
	r = &records{n: int(file.NumRows())}
	for _, field := range file.Schema().Fields() {
		if !field.Leaf() {
			return nil, fmt.Errorf("column %s is nested", field.Name())
		}
		r.names = append(r.names, field.Name())
	}
	r.cols = make([][]string, len(r.names))
	for _, group := range file.RowGroups() {
		for c, chunk := range group.ColumnChunks() {
			if err := r.appendChunk(c, chunk); err != nil {
				return nil, fmt.Errorf("column %s: %w", r.names[c], err)
			}
		}
	}
	for c, col := range r.cols {
		if len(col) != r.n {
			return nil, fmt.Errorf("column %s has %d values for %d rows", r.names[c], len(col), r.n)
		}
	}
	return r, nil
}

// mostRows bounds one table. The largest of AIConfigurator has 300,000.
const mostRows = 20_000_000

func (r *records) appendChunk(c int, chunk parquet.ColumnChunk) error {
	pages := chunk.Pages()
	defer pages.Close()
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if page.NumValues() > mostRows-int64(len(r.cols[c])) {
			return fmt.Errorf("more than %d values", mostRows)
		}
		values := make([]parquet.Value, page.NumValues())
		if _, err := page.Values().ReadValues(values); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		for _, v := range values {
			text := ""
			switch v.Kind() {
			case parquet.Int32, parquet.Int64:
				text = strconv.FormatInt(v.Int64(), 10)
			case parquet.Float, parquet.Double:
				text = strconv.FormatFloat(v.Double(), 'g', -1, 64)
			case parquet.ByteArray:
				text = string(v.ByteArray())
			case parquet.Boolean:
				text = strconv.FormatBool(v.Boolean())
			default:
				if v.IsNull() {
					break // as an empty field
				}
				return fmt.Errorf("its type %s is not text, integer or double", v.Kind())
			}
			r.cols[c] = append(r.cols[c], text)
		}
		parquet.Release(page)
	}
}
