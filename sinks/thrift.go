package sinks

import "encoding/binary"

// compact spells structs in Thrift's compact protocol: the same bytes as the library's
// encoder, which looks every field up by reflection. A row group of a sweep has a hundred
// page headers and a file as many columns in its footer for every row group; writing the
// former by the library took as long as scoring the rows, the latter as long as the
// checksums of the pages.
//
// Source: thrift-compact-protocol.md.
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

func (c *compact) text(number int, v string) {
	c.field(number, thriftBinary)
	c.b = appendSized(c.b, v)
}

func (c *compact) bytes(number int, v []byte) {
	c.field(number, thriftBinary)
	c.b = appendSized(c.b, v)
}

// appendSized spells a text or bytes, behind a field that was announced or as an element
// of a list.
func appendSized[T string | []byte](dst []byte, v T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(v))), v...)
}

// list announces a list; its elements follow.
func (c *compact) list(number int, kind byte, n int) {
	c.field(number, thriftList)
	if n < 15 {
		c.b = append(c.b, byte(n)<<4|kind)
		return
	}
	c.b = binary.AppendUvarint(append(c.b, 0xF0|kind), uint64(n))
}

// nested spells a field that is a struct.
func (c *compact) nested(number int, fill func()) {
	c.field(number, thriftStruct)
	c.element(fill)
}

// element spells a struct that is no field: an element of a list, or the outermost one.
func (c *compact) element(fill func()) {
	outer := c.last
	c.last = 0
	fill()
	c.b = append(c.b, 0)
	c.last = outer
}
