package sinks

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"servegrid/internal/schema"
)

// rowGroup spells a row group as an element of a list.
func (c *compact) rowGroup(g *format.RowGroup) {
	c.element(func() {
		c.list(1, thriftStruct, len(g.Columns))
		for i := range g.Columns {
			c.element(func() {
				c.int(2, thriftInt64, g.Columns[i].FileOffset)
				c.nested(3, func() { c.columnMetaData(&g.Columns[i].MetaData) })
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
		c.b = appendSized(c.b, name)
	}
	c.int(4, thriftInt32, int64(m.Codec))
	c.int(5, thriftInt64, m.NumValues)
	c.int(6, thriftInt64, m.TotalUncompressedSize)
	c.int(7, thriftInt64, m.TotalCompressedSize)
	c.int(9, thriftInt64, m.DataPageOffset)
	if m.DictionaryPageOffset > 0 {
		c.int(11, thriftInt64, m.DictionaryPageOffset)
	}
	c.nested(12, func() {
		s := &m.Statistics
		c.int(3, thriftInt64, s.NullCount)
		if s.MaxValue != nil {
			c.bytes(5, s.MaxValue)
		}
		if s.MinValue != nil {
			c.bytes(6, s.MinValue)
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
		c.element(func() {
			c.text(1, meta[i].Key)
			c.text(2, meta[i].Value)
		})
	}
	c.text(6, createdBy)
	c.list(7, thriftStruct, len(t.Columns)) // column orders: without them readers ignore min and max
	for range t.Columns {
		c.element(func() { c.nested(1, func() {}) }) // that of the type
	}
	c.b = append(c.b, 0)
	return nil
}
