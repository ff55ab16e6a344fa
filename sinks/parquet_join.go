package sinks

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Append copies the row groups of a finished file of the same table, as they are:
// bytes are moved, nothing is decoded. The file must come from a [ParquetWriter] of
// this schema version.
func (w *ParquetWriter) Append(file io.ReaderAt, size int64) error {
	if w.err != nil {
		return w.err
	}
	if w.inRow > 0 {
		return w.fail(errors.New("append a file behind rows that are not in a row group yet"))
	}
	meta, end, err := readFooter(file, size)
	if err != nil {
		return w.fail(err)
	}
	if len(meta.Schema) != len(w.table.Columns)+1 || meta.Schema[0].Name != w.table.Name {
		return w.fail(fmt.Errorf("append a file of another table to one of %s", w.table.Name))
	}
	shift := w.offset - int64(len(parquetMagic))
	if _, err := io.Copy(copyTo{w}, io.NewSectionReader(file, int64(len(parquetMagic)), end-int64(len(parquetMagic)))); err != nil {
		return w.fail(err)
	}
	for _, g := range meta.RowGroups {
		g.FileOffset += shift
		g.Ordinal = int16(len(w.groups))
		for i := range g.Columns {
			m := &g.Columns[i].MetaData
			m.DataPageOffset += shift
			if m.DictionaryPageOffset > 0 {
				m.DictionaryPageOffset += shift
			}
		}
		w.groups = append(w.groups, g)
		w.rows += g.NumRows
	}
	return w.err
}

// copyTo writes where the writer is.
type copyTo struct{ w *ParquetWriter }

func (c copyTo) Write(b []byte) (int, error) {
	c.w.write(b)
	return len(b), c.w.err
}

// ParquetRows counts the rows of a finished file of that size.
func ParquetRows(file io.ReaderAt, size int64) (int64, error) {
	meta, _, err := readFooter(file, size)
	if err != nil {
		return 0, err
	}
	return meta.NumRows, nil
}

// readFooter returns a file's metadata and where its row groups end.
func readFooter(file io.ReaderAt, size int64) (*format.FileMetaData, int64, error) {
	tail := make([]byte, 8)
	if size < int64(len(parquetMagic)+len(tail)) {
		return nil, 0, fmt.Errorf("a file of %d bytes is no Parquet file", size)
	}
	if _, err := file.ReadAt(tail, size-8); err != nil {
		return nil, 0, err
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	end := size - 8 - length
	if string(tail[4:]) != parquetMagic || end < int64(len(parquetMagic)) {
		return nil, 0, errors.New("the footer is damaged")
	}
	footer := make([]byte, length)
	if _, err := file.ReadAt(footer, end); err != nil {
		return nil, 0, err
	}
	var meta format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), footer, &meta); err != nil {
		return nil, 0, fmt.Errorf("read the footer: %w", err)
	}
	return &meta, end, nil
}
