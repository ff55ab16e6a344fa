package sinks

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go/format"
)

// pageHeader is what stands before a page. A row group of a sweep has a hundred of
// them, and writing them by the library, which looks each field up by reflection, took
// as long as scoring the rows.
type pageHeader struct {
	kind        format.PageType // of data or a dictionary
	raw, packed int             // bytes of the page before and after compression
	values      int             // nulls included
	nulls       int64           // of a data page
	encoding    format.Encoding
}

// appendTo appends the header in Thrift's compact protocol, the same bytes as the
// library's encoder writes for a format.PageHeader.
//
// Source: parquet.thrift of the format, PageHeader; thrift-compact-protocol.md.
func (h *pageHeader) appendTo(dst []byte) []byte {
	// A field is announced by the distance to the one before and its type.
	const (
		int32Next, int64Third, stop                = 1<<4 | 5, 3<<4 | 6, 0
		structNext, dataPageStruct, dictPageStruct = 1<<4 | 12, 2<<4 | 12, 4<<4 | 12
	)
	number := func(announced byte, v int64) {
		dst = binary.AppendVarint(append(dst, announced), v) // zigzag, as Thrift's
	}
	number(int32Next, int64(h.kind))
	number(int32Next, int64(h.raw))
	number(int32Next, int64(h.packed))
	if h.kind == format.DictionaryPage {
		dst = append(dst, dictPageStruct)
		number(int32Next, int64(h.values))
		number(int32Next, int64(h.encoding))
		return append(dst, stop, stop)
	}
	dst = append(dst, dataPageStruct)
	number(int32Next, int64(h.values))
	number(int32Next, int64(h.encoding))
	number(int32Next, int64(format.RLE)) // of definition levels
	number(int32Next, int64(format.RLE)) // of repetition levels
	dst = append(dst, structNext)        // statistics
	number(int64Third, h.nulls)
	return append(dst, stop, stop, stop)
}
