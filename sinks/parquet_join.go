package sinks

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Append copies the row groups of a finished file of the same table, as they are:
// bytes are moved, nothing is decoded. The file must come from a [ParquetWriter] of
// this schema version.
func (w *ParquetWriter) Append(file []byte) error {
	if w.err != nil {
		return w.err
	}
	if w.inRow > 0 {
		return w.fail(errors.New("append a file behind rows that are not in a row group yet"))
	}
	meta, groups, err := readFooter(file)
	if err != nil {
		return w.fail(err)
	}
	if len(meta.Schema) != len(w.table.Columns)+1 || meta.Schema[0].Name != w.table.Name {
		return w.fail(fmt.Errorf("append a file of another table to one of %s", w.table.Name))
	}
	shift := w.offset - int64(len(parquetMagic))
	w.write(groups)
	for k := range meta.RowGroups {
		g := &meta.RowGroups[k]
		g.FileOffset += shift
		for i := range g.Columns {
			m := &g.Columns[i].MetaData
			m.DataPageOffset += shift
			if m.DictionaryPageOffset > 0 {
				m.DictionaryPageOffset += shift
			}
		}
		w.addGroup(g)
	}
	return w.err
}

// ParquetRows counts the rows of a finished file.
func ParquetRows(file []byte) (int64, error) {
	meta, _, err := readFooter(file)
	if err != nil {
		return 0, err
	}
	return meta.NumRows, nil
}

// readFooter returns a file's metadata and the bytes of its row groups.
func readFooter(file []byte) (*format.FileMetaData, []byte, error) {
	start, tail := len(parquetMagic), len(file)-8
	if tail < start {
		return nil, nil, fmt.Errorf("a file of %d bytes is no Parquet file", len(file))
	}
	end := tail - int(binary.LittleEndian.Uint32(file[tail:]))
	if string(file[tail+4:]) != parquetMagic || end < start {
		return nil, nil, errors.New("the footer is damaged")
	}
	var meta format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), file[end:tail], &meta); err != nil {
		return nil, nil, fmt.Errorf("read the footer: %w", err)
	}
	return &meta, file[start:end], nil
}
