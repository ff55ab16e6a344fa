package importer

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// records is a table of text as read, before anything is made of it.
type records struct {
	names []string
	cols  [][]string
	n     int
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
func readText(path string) (*records, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := csv.NewReader(f)
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
			r.cols[c] = append(r.cols[c], line[c])
		}
		r.n++
	}
}

// readParquet reads a flat Parquet file. Floats keep their exact value: the
// shortest text that reads back as the same number.
func readParquet(path string) (*records, error) {
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
	r := &records{n: int(file.NumRows())}
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
	return r, nil
}

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
			default:
				return fmt.Errorf("its type %s is not text, integer or double", v.Kind())
			}
			r.cols[c] = append(r.cols[c], text)
		}
		parquet.Release(page)
	}
}
