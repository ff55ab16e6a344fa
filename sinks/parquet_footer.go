package sinks

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"servegrid/internal/schema"
)

// compact spells structs in Thrift's compact protocol: the same bytes as the library's
// encoder, which looks every field up by reflection and took as long for the footers of
// a sweep as checksums for its pages.
//
// Source: thrift-compact-protocol.md; parquet.thrift of the format.
type compact struct {
	b    []byte
	last int // number of the field before in the open struct
}

// Types of fields and of the elements of lists.
const (
	thriftInt16  = 4
	thriftInt32  = 5
	thriftInt64  = 6
	thriftBinary = 8
	thriftList   = 9
	thriftStruct = 12
)

// field announces a field by the distance to the one before.
func (c *compact) field(number int, kind byte) {
	c.b = append(c.b, byte(number-c.last)<<4|kind)
	c.last = number
}

func (c *compact) int(number int, kind byte, v int64) {
	c.field(number, kind)
	c.b = binary.AppendVarint(c.b, v) // zigzag, as Thrift's
}

// text appends a text, of a field that was announced or as an element of a list.
func (c *compact) text(v string) { c.b = append(binary.AppendUvarint(c.b, uint64(len(v))), v...) }

// bytes is text for bytes.
func (c *compact) bytes(v []byte) { c.b = append(binary.AppendUvarint(c.b, uint64(len(v))), v...) }

// list announces a list; its elements follow.
func (c *compact) list(number int, kind byte, n int) {
	c.field(number, thriftList)
	if n < 15 {
		c.b = append(c.b, byte(n)<<4|kind)
		return
	}
	c.b = binary.AppendUvarint(append(c.b, 0xF0|kind), uint64(n))
}

// nested spells a struct, a field or an element of a list.
func (c *compact) nested(fill func()) {
	outer := c.last
	c.last = 0
	fill()
	c.b = append(c.b, 0)
	c.last = outer
}

// rowGroup spells a row group as an element of a list.
func (c *compact) rowGroup(g *format.RowGroup) {
	c.nested(func() {
		c.list(1, thriftStruct, len(g.Columns))
		for i := range g.Columns {
			c.nested(func() {
				c.int(2, thriftInt64, g.Columns[i].FileOffset)
				c.field(3, thriftStruct)
				c.nested(func() { c.columnMetaData(&g.Columns[i].MetaData) })
			})
		}
		c.int(2, thriftInt64, g.TotalByteSize)
		c.int(3, thriftInt64, g.NumRows)
		c.int(5, thriftInt64, g.FileOffset)
		c.int(6, thriftInt64, g.TotalCompressedSize)
		c.int(7, thriftInt16, int64(g.Ordinal))
	})
}

func (c *compact) columnMetaData(m *format.ColumnMetaData) {
	c.int(1, thriftInt32, int64(m.Type))
	c.list(2, thriftInt32, len(m.Encoding))
	for _, e := range m.Encoding {
		c.b = binary.AppendVarint(c.b, int64(e))
	}
	c.list(3, thriftBinary, len(m.PathInSchema))
	for _, name := range m.PathInSchema {
		c.text(name)
	}
	c.int(4, thriftInt32, int64(m.Codec))
	c.int(5, thriftInt64, m.NumValues)
	c.int(6, thriftInt64, m.TotalUncompressedSize)
	c.int(7, thriftInt64, m.TotalCompressedSize)
	c.int(9, thriftInt64, m.DataPageOffset)
	if m.DictionaryPageOffset > 0 {
		c.int(11, thriftInt64, m.DictionaryPageOffset)
	}
	c.field(12, thriftStruct)
	c.nested(func() {
		s := &m.Statistics
		c.int(3, thriftInt64, s.NullCount)
		if s.MaxValue != nil {
			c.field(5, thriftBinary)
			c.bytes(s.MaxValue)
		}
		if s.MinValue != nil {
			c.field(6, thriftBinary)
			c.bytes(s.MinValue)
		}
	})
}

// footer spells the metadata of a file; groups of its row groups are spelled already.
func (c *compact) footer(t *schema.Table, rows int64, groups int, spelled []byte, meta []format.KeyValue) error {
	c.int(1, thriftInt32, 2) // version of the format
	elements := schemaElements(t)
	c.list(2, thriftStruct, len(elements))
	for i := range elements {
		b, err := thrift.Marshal(new(thrift.CompactProtocol), &elements[i])
		if err != nil {
			return err
		}
		c.b = append(c.b, b...)
	}
	c.int(3, thriftInt64, rows)
	c.list(4, thriftStruct, groups)
	c.b = append(c.b, spelled...)
	c.list(5, thriftStruct, len(meta))
	for i := range meta {
		c.nested(func() {
			c.field(1, thriftBinary)
			c.text(meta[i].Key)
			c.field(2, thriftBinary)
			c.text(meta[i].Value)
		})
	}
	c.field(6, thriftBinary)
	c.text(createdBy)
	c.list(7, thriftStruct, len(t.Columns)) // column orders: without them readers ignore min and max
	for range t.Columns {
		c.nested(func() {
			c.field(1, thriftStruct) // that of the type
			c.nested(func() {})
		})
	}
	c.b = append(c.b, 0)
	return nil
}
