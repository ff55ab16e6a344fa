package sinks

import "github.com/parquet-go/parquet-go/format"

// pageHeader is what stands before a page.
type pageHeader struct {
	kind        format.PageType // of data or a dictionary
	raw, packed int             // bytes of the page before and after compression
	values      int             // nulls included
	nulls       int64           // of a data page
	encoding    format.Encoding
}

// appendTo appends the header as a format.PageHeader.
//
// Source: parquet.thrift of the format, PageHeader.
func (h *pageHeader) appendTo(dst []byte) []byte {
	c := compact{b: dst}
	c.element(func() {
		c.int(1, thriftInt32, int64(h.kind))
		c.int(2, thriftInt32, int64(h.raw))
		c.int(3, thriftInt32, int64(h.packed))
		if h.kind == format.DictionaryPage {
			c.nested(7, func() {
				c.int(1, thriftInt32, int64(h.values))
				c.int(2, thriftInt32, int64(h.encoding))
			})
			return
		}
		c.nested(5, func() {
			c.int(1, thriftInt32, int64(h.values))
			c.int(2, thriftInt32, int64(h.encoding))
			c.int(3, thriftInt32, int64(format.RLE))               // of definition levels
			c.int(4, thriftInt32, int64(format.RLE))               // of repetition levels
			c.nested(5, func() { c.int(3, thriftInt64, h.nulls) }) // statistics
		})
	})
	return c.b
}
