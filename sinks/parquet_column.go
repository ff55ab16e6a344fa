package sinks

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go/format"

	"servegrid/internal/schema"
)

// column collects one column of the open row group: as plain float64 bytes, as runs of
// equal values (dictionary ids, or 0 and 1 of a flag), or, from where an int32 differs
// from row to row, as the dictionary ids of the rows.
type column struct {
	def *schema.Column

	values runs    // ids or flags of the rows that are not null, unless there are each
	each   []int32 // ids of the rows that are not null
	levels runs    // 1 for a value, 0 for null; nullable columns only
	plain  []byte  // float64 values
	texts  textDict
	ints   intDict
	recent []int32 // the values that the last of each stand for, where they came as a slice
	remap  []int32 // scratch: code of a block → id, -1 when not met yet

	nulls  int64
	some   bool // a float64 or flag was written
	nan    bool
	lo, hi float64 // of the float64 values, or of the flags
}

func (c *column) reset(def *schema.Column) {
	c.def = def
	c.values = c.values[:0]
	c.each = c.each[:0]
	c.levels = c.levels[:0]
	c.plain = c.plain[:0]
	c.texts.reset()
	c.ints.reset()
	c.recent = c.recent[:0]
	c.nulls = 0
	c.some, c.nan = false, false
	c.lo, c.hi = math.Inf(1), math.Inf(-1)
}

func (c *column) isDict() bool { return c.def.Type == schema.String || c.def.Type == schema.Int32 }

// write adds rows lo to hi of a block.
func (c *column) write(v *schema.Col, lo, hi int) {
	if !c.def.Nullable {
		c.writeValid(v, lo, hi)
		return
	}
	for lo < hi { // stretches of equal validity
		null, n := v.IsNull(lo), hi
		if len(v.Valid) > 1 {
			for n = lo + 1; n < hi && v.Valid[n] != null; n++ {
			}
		}
		if null {
			c.levels.add(0, n-lo)
			c.nulls += int64(n - lo)
		} else {
			c.levels.add(1, n-lo)
			c.writeValid(v, lo, n)
		}
		lo = n
	}
}

func (c *column) writeValid(v *schema.Col, lo, hi int) {
	switch c.def.Type {
	case schema.String:
		c.writeTexts(v, lo, hi)
	case schema.Int32:
		if len(v.Int) == 1 {
			c.writeInt(v.Int[0], hi-lo)
		} else {
			c.writeInts(v.Int[lo:hi])
		}
	case schema.Float64:
		if len(v.Float) == 1 {
			c.writeFloat(v.Float[0], hi-lo)
		} else {
			c.writeFloats(v.Float[lo:hi])
		}
	case schema.Bool:
		if len(v.Bool) == 1 {
			c.writeFlag(v.Bool[0], hi-lo)
		} else {
			c.writeFlags(v.Bool[lo:hi])
		}
	}
}

func (c *column) writeTexts(v *schema.Col, lo, hi int) {
	if len(v.Code) <= 1 {
		c.values.add(c.texts.id(v.TextAt(0)), hi-lo)
		return
	}
	c.remap = c.remap[:0]
	for range v.Dict {
		c.remap = append(c.remap, -1)
	}
	codes := v.Code[lo:hi]
	for i := 0; i < len(codes); {
		code, j := codes[i], i+1
		for j < len(codes) && codes[j] == code {
			j++
		}
		if c.remap[code] < 0 {
			c.remap[code] = c.texts.id(v.Dict[code])
		}
		c.values.add(c.remap[code], j-i)
		i = j
	}
}

func (c *column) writeInt(v int32, n int) {
	id := c.ints.id(v)
	if len(c.each) == 0 {
		c.values.add(id, n)
		return
	}
	for range n {
		c.each = append(c.each, id)
	}
	c.recent = c.recent[:0]
}

func (c *column) writeInts(v []int32) {
	if slices.Equal(v, c.recent) { // what differs by layout only comes again and again
		c.each = append(c.each, c.each[len(c.each)-len(v):]...)
		return
	}
	c.recent = append(c.recent[:0], v...)
	if len(c.each) == 0 {
		for _, r := range c.values {
			for range r.n {
				c.each = append(c.each, r.v)
			}
		}
	}
	c.each = c.ints.appendIDs(c.each, v)
}

func (c *column) writeFlag(v bool, n int) {
	x := 0.
	if v {
		x = 1
	}
	c.values.add(int32(x), n)
	c.some = true
	c.lo, c.hi = min(c.lo, x), max(c.hi, x)
}

func (c *column) writeFlags(v []bool) {
	for i := 0; i < len(v); {
		x, j := v[i], i+1
		for j < len(v) && v[j] == x {
			j++
		}
		c.writeFlag(x, j-i)
		i = j
	}
}

func (c *column) writeFloats(v []float64) {
	n := len(c.plain)
	c.plain = grow(c.plain, 8*len(v))
	least, most := appendBounds(c.plain[n:], v)
	if least < 0 || most > infinityBits { // the bits do not sort as the numbers do
		c.lo, c.hi, c.nan = floatBounds(v, c.lo, c.hi, c.nan)
	} else if len(v) > 0 {
		c.lo = min(c.lo, math.Float64frombits(uint64(least)))
		c.hi = max(c.hi, math.Float64frombits(uint64(most)))
	}
	c.some = true
}

// infinityBits are the bits of +Inf: those of NaN are larger, or negative.
const infinityBits = 0x7FF << 52

// appendBounds puts the numbers into dst and returns the least and the greatest of
// their bits, which from 0 on sort as the numbers do: comparing integers takes half the
// time.
func appendBounds(dst []byte, v []float64) (least, most int64) {
	least, most = math.MaxInt64, math.MinInt64
	for ; len(v) >= 4 && len(dst) >= 32; v, dst = v[4:], dst[32:] {
		a, b, c, d := math.Float64bits(v[0]), math.Float64bits(v[1]), math.Float64bits(v[2]), math.Float64bits(v[3])
		binary.LittleEndian.PutUint64(dst, a)
		binary.LittleEndian.PutUint64(dst[8:], b)
		binary.LittleEndian.PutUint64(dst[16:], c)
		binary.LittleEndian.PutUint64(dst[24:], d)
		least = min(least, min(min(int64(a), int64(b)), min(int64(c), int64(d))))
		most = max(most, max(max(int64(a), int64(b)), max(int64(c), int64(d))))
	}
	for _, x := range v {
		b := math.Float64bits(x)
		binary.LittleEndian.PutUint64(dst, b)
		dst = dst[8:]
		least, most = min(least, int64(b)), max(most, int64(b))
	}
	return least, most
}

// floatBounds widens bounds to numbers of any kind, and notes a NaN.
func floatBounds(v []float64, lo, hi float64, nan bool) (float64, float64, bool) {
	for _, x := range v {
		if x < lo {
			lo = x
		}
		if x > hi {
			hi = x
		}
		nan = nan || x != x
	}
	return lo, hi, nan
}

func (c *column) writeFloat(x float64, rows int) {
	c.writeFloats([]float64{x})
	n := len(c.plain) - 8
	c.plain = grow(c.plain, 8*(rows-1))
	for done := 8; done < 8*rows; done *= 2 { // doubling copies
		copy(c.plain[n+done:], c.plain[n:n+done])
	}
}

// grow extends b by n bytes, doubling its memory when it is full.
func grow(b []byte, n int) []byte {
	if need := len(b) + n; need > cap(b) {
		bigger := make([]byte, len(b), max(need, 2*cap(b)))
		copy(bigger, b)
		b = bigger
	}
	return b[:len(b)+n]
}

// putValues puts the data page out, and returns its size before compression.
func (c *column) putValues(p *pager) int64 {
	body, enc, values := p.body[:0], format.Plain, 0
	scratch := true // whether body is the pager's
	if c.def.Nullable {
		body = append(body, 0, 0, 0, 0)
		body = appendHybrid(body, c.levels, 1)
		binary.LittleEndian.PutUint32(body, uint32(len(body)-4))
		values = c.levels.rows()
	}
	switch c.def.Type {
	case schema.Float64:
		if !c.def.Nullable {
			values = len(c.plain) / 8
		}
		if len(body) == 0 {
			body, scratch = c.plain, false
		} else {
			body = append(body, c.plain...)
		}
	case schema.Bool:
		if !c.def.Nullable {
			values = c.values.rows()
		}
		body = appendBits(body, c.values)
	default:
		if !c.def.Nullable {
			values = max(c.values.rows(), len(c.each))
		}
		enc = format.RLEDictionary
		width := bitWidth(max(len(c.texts.list), len(c.ints.list)))
		body = append(body, byte(width))
		if len(c.each) > 0 {
			body = appendHybridOfEach(body, c.each, width)
		} else {
			body = appendHybrid(body, c.values, width)
		}
	}
	if scratch {
		p.body = body
	}
	return p.put(&pageHeader{kind: format.DataPage, values: values, nulls: c.nulls, encoding: enc}, body)
}

// putDict puts the dictionary page out, and returns its size before compression.
func (c *column) putDict(p *pager) int64 {
	body, n := p.body[:0], 0
	if c.def.Type == schema.String {
		n = len(c.texts.list)
		for _, s := range c.texts.list {
			body = binary.LittleEndian.AppendUint32(body, uint32(len(s)))
			body = append(body, s...)
		}
	} else {
		n = len(c.ints.list)
		for _, v := range c.ints.list {
			body = binary.LittleEndian.AppendUint32(body, uint32(v))
		}
	}
	p.body = body
	return p.put(&pageHeader{kind: format.DictionaryPage, values: n, encoding: format.Plain}, body)
}

// describe fills in what the footer says about the chunk, sizes and offsets
// excepted.
func (c *column) describe(m *format.ColumnMetaData) {
	m.Type = physicalType(c.def.Type)
	m.PathInSchema = append(m.PathInSchema[:0], c.def.Name)
	m.Encoding = append(m.Encoding[:0], format.Plain, format.RLE)
	if c.isDict() {
		m.Encoding = append(m.Encoding, format.RLEDictionary)
	}
	lo, hi := c.bounds()
	m.Statistics = format.Statistics{NullCount: c.nulls, MinValue: lo, MaxValue: hi}
}

// bounds returns the least and the greatest value in plain encoding, or nil where
// there is none. A NaN withholds both: readers do not agree on its place in
// the order.
func (c *column) bounds() (lo, hi []byte) {
	switch c.def.Type {
	case schema.String:
		if len(c.texts.list) == 0 {
			return nil, nil
		}
		a, b := c.texts.bounds()
		return []byte(a), []byte(b)
	case schema.Int32:
		if len(c.ints.list) == 0 {
			return nil, nil
		}
		a, b := c.ints.bounds()
		return binary.LittleEndian.AppendUint32(nil, uint32(a)), binary.LittleEndian.AppendUint32(nil, uint32(b))
	case schema.Bool:
		if !c.some {
			return nil, nil
		}
		return []byte{byte(c.lo)}, []byte{byte(c.hi)}
	}
	if !c.some || c.nan {
		return nil, nil
	}
	a, b := c.lo, c.hi
	if a == 0 { // the format asks for it: zeros of both signs are equal
		a = math.Copysign(0, -1)
	}
	if b == 0 {
		b = 0
	}
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(a)), binary.LittleEndian.AppendUint64(nil, math.Float64bits(b))
}
