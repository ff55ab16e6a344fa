package sinks

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// codec compresses pages.
type codec struct {
	id     format.CompressionCodec
	append func(dst, src []byte) []byte
	size   func(n int) int // of n bytes compressed, where that is known before; else nil
}

// zstdCodec is what compact files are written with. On a million agg_points rows
// of a sweep, one core: 400 ns and 31 B for the metrics of a row, against 110 ns
// and 41 B for snappy, and 64 B as they are. Snappy lost in compact files because
// storage counts there, and in the others because speed does. Byte-stream-split
// metrics are no smaller: what is left of a value that was rounded to decimals
// is spread over its bytes (130 ns and 48 B with zstd).
//
// Frames carry a checksum, which every decoder verifies. Without it a flipped bit
// was a wrong number in six cases of seven, and an error in the others: the
// checksum that Parquet has for pages is skipped by DuckDB, and by others unless
// asked for, so it is left out.
func zstdCodec() codec {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(true))
	if err != nil {
		panic(err) // only a wrong option could
	}
	return codec{id: format.Zstd, append: func(dst, src []byte) []byte { return e.EncodeAll(src, dst) }}
}

// storedCodec leaves pages uncompressed, as zstd frames that say so: for their
// checksum.
var storedCodec = codec{id: format.Zstd, append: appendStored, size: storedSize}

const (
	storedHead  = 9         // magic, descriptor and size of a stored frame
	storedBlock = 128 << 10 // the most that a block holds
)

// storedSize is what appendStored appends for n bytes: a block has a head of three
// bytes, the checksum has four.
func storedSize(n int) int { return storedHead + n + 3*max(1, (n+storedBlock-1)/storedBlock) + 4 }

// appendStored appends src as a zstd frame of raw blocks with a checksum.
//
// Source: RFC 8878, 3.1.1.
func appendStored(dst, src []byte) []byte {
	const (
		magic   = 0xFD2FB528
		sizeOf4 = 2 << 6 // the size of the content follows in four bytes
		oneBlob = 1 << 5 // it is also the window
		checked = 1 << 2 // a checksum follows the blocks
	)
	dst = slices.Grow(dst, storedSize(len(src)))
	dst = binary.LittleEndian.AppendUint32(dst, magic)
	dst = append(dst, sizeOf4|oneBlob|checked)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(src)))
	for rest := src; ; {
		n := min(len(rest), storedBlock)
		head := uint32(n) << 3 // a raw block
		if n == len(rest) {
			head |= 1 // the last one
		}
		dst = append(dst, byte(head), byte(head>>8), byte(head>>16))
		dst = append(dst, rest[:n]...)
		if rest = rest[n:]; len(rest) == 0 {
			break
		}
	}
	return binary.LittleEndian.AppendUint32(dst, uint32(xxhash.Sum64(src)))
}

// snappyCodec is kept for the comparison in the benchmarks.
func snappyCodec() codec {
	return codec{id: format.Snappy, append: func(dst, src []byte) []byte {
		n := len(dst)
		dst = grow(dst, s2.MaxEncodedLen(len(src)))
		return dst[:n+len(s2.EncodeSnappy(dst[n:], src))]
	}}
}

// pager compresses page bodies and puts headers before them.
type pager struct {
	body   []byte // scratch: a page before compression
	dict   []byte // the last dictionary page
	out    []byte // scratch: a compressed body
	packed int    // size of the last compressed body
}

func (p *pager) appendDataPage(dst, body []byte, c *codec, values int, nulls int64, enc format.Encoding) []byte {
	return p.appendPage(dst, body, c, &pageHeader{kind: format.DataPage, values: values, nulls: nulls, encoding: enc})
}

func (p *pager) appendDictPage(dst, body []byte, c *codec, values int) []byte {
	return p.appendPage(dst, body, c, &pageHeader{kind: format.DictionaryPage, values: values, encoding: format.Plain})
}

func (p *pager) appendPage(dst, body []byte, c *codec, h *pageHeader) []byte {
	h.raw = len(body)
	if c.size != nil {
		p.packed = c.size(len(body))
		h.packed = p.packed
		return c.append(h.appendTo(dst), body)
	}
	p.out = c.append(p.out[:0], body)
	p.packed = len(p.out)
	h.packed = p.packed
	return append(h.appendTo(dst), p.out...)
}

// run is n times the value v.
type run struct {
	v int32
	n int32
}

// runs is a sequence of values as maximal runs of equal ones.
type runs []run

func (r *runs) add(v int32, n int) {
	if k := len(*r); k > 0 && (*r)[k-1].v == v {
		(*r)[k-1].n += int32(n)
		return
	}
	*r = append(*r, run{v, int32(n)})
}

func (r runs) rows() int {
	n := 0
	for i := range r {
		n += int(r[i].n)
	}
	return n
}

// bitWidth returns the bits that hold the ids of a dictionary of n entries, at
// least 1: some readers do not expect 0.
func bitWidth(n int) uint { return uint(max(1, bits.Len(uint(max(0, n-1))))) }

// appendHybrid appends the values in Parquet's mix of repeated and bit-packed
// runs. Repetitions of 8 and more become repeated runs. A packed run holds
// groups of 8 values, so it borrows from the repetition that follows; at
// most 63 groups, which keeps its header at one byte.
//
// Source: parquet-format Encodings.md, RLE / bit-packing hybrid.
func appendHybrid(dst []byte, rs runs, width uint) []byte {
	var group [8]int32
	fill, groups, header := 0, 0, 0 // header is the place of the open packed run's, when groups > 0
	pack := func() {
		if groups == 0 {
			header = len(dst)
			dst = append(dst, 0)
		}
		dst = appendPacked8(dst, &group, width)
		fill = 0
		groups++
		dst[header] = byte(groups<<1 | 1)
		if groups == 63 {
			groups = 0
		}
	}
	for _, r := range rs {
		n := int(r.n)
		for fill > 0 && n > 0 {
			group[fill] = r.v
			n--
			if fill++; fill == 8 {
				pack()
			}
		}
		if n >= 8 {
			groups = 0
			dst = binary.AppendUvarint(dst, uint64(n)<<1)
			for w := uint(0); w < width; w += 8 {
				dst = append(dst, byte(uint32(r.v)>>w))
			}
			continue
		}
		for ; n > 0; n-- {
			group[fill] = r.v
			fill++
		}
	}
	if fill > 0 {
		clear(group[fill:])
		pack()
	}
	return dst
}

// appendPacked8 appends 8 values of width bits each, first value lowest.
func appendPacked8(dst []byte, v *[8]int32, width uint) []byte {
	if width <= 8 {
		var x uint64
		for i := range v {
			x |= uint64(uint32(v[i])) << (uint(i) * width)
		}
		n := len(dst)
		return binary.LittleEndian.AppendUint64(dst, x)[:n+int(width)]
	}
	var x uint64
	var have uint
	for i := range v {
		x |= uint64(uint32(v[i])) << have
		if have += width; have >= 32 {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(x))
			x >>= 32
			have -= 32
		}
	}
	for ; have > 0; have -= 8 {
		dst = append(dst, byte(x))
		x >>= 8
	}
	return dst
}

// appendBits appends flags as bits, first flag lowest.
func appendBits(dst []byte, rs runs) []byte {
	start, bit := len(dst), 0
	dst = grow(dst, (rs.rows()+7)/8)
	out := dst[start:]
	clear(out)
	for _, r := range rs {
		end := bit + int(r.n)
		if r.v == 0 {
			bit = end
		}
		for ; bit < end && bit%8 != 0; bit++ {
			out[bit/8] |= 1 << (bit % 8)
		}
		for ; end-bit >= 8; bit += 8 {
			out[bit/8] = 0xFF
		}
		for ; bit < end; bit++ {
			out[bit/8] |= 1 << (bit % 8)
		}
	}
	return dst
}
