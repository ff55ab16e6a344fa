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
	id format.CompressionCodec
	// pack compresses a page to parts that stand behind one another in the file. They
	// are valid until the next call, and as long as the page is.
	pack func(page []byte) [][]byte
}

// appending is a codec of one part, which it appends to memory of its own.
func appending(id format.CompressionCodec, compress func(dst, page []byte) []byte) codec {
	parts := [][]byte{nil}
	return codec{id, func(page []byte) [][]byte {
		parts[0] = compress(parts[0][:0], page)
		return parts
	}}
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
	return appending(format.Zstd, func(dst, page []byte) []byte { return e.EncodeAll(page, dst) })
}

// storedBlock is the most that a block of a zstd frame holds.
const storedBlock = 128 << 10

// storedCodec leaves pages uncompressed, as zstd frames that say so, for their
// checksum: raw blocks between a head and the checksum. Nothing of the page is copied.
//
// Source: RFC 8878, 3.1.1.
func storedCodec() codec {
	const (
		magic   = 0xFD2FB528
		sizeOf4 = 2 << 6 // the size of the content follows in four bytes
		oneBlob = 1 << 5 // it is also the window
		checked = 1 << 2 // a checksum follows the blocks
	)
	var heads []byte
	var parts [][]byte
	return codec{format.Zstd, func(page []byte) [][]byte {
		blocks := max(1, (len(page)+storedBlock-1)/storedBlock)
		heads, parts = slices.Grow(heads[:0], 9+3*blocks+4), parts[:0] // parts point into it
		heads = binary.LittleEndian.AppendUint32(heads, magic)
		heads = append(heads, sizeOf4|oneBlob|checked)
		heads = binary.LittleEndian.AppendUint32(heads, uint32(len(page)))
		from := 0 // of the head
		for rest := page; ; {
			n := min(len(rest), storedBlock)
			head := uint32(n) << 3 // a raw block
			if n == len(rest) {
				head |= 1 // the last one
			}
			heads = append(heads, byte(head), byte(head>>8), byte(head>>16))
			parts = append(parts, heads[from:], rest[:n])
			from = len(heads)
			if rest = rest[n:]; len(rest) == 0 {
				break
			}
		}
		heads = binary.LittleEndian.AppendUint32(heads, uint32(xxhash.Sum64(page)))
		parts = append(parts, heads[from:])
		return parts
	}}
}

// snappyCodec is kept for the comparison in the benchmarks.
func snappyCodec() codec {
	return appending(format.Snappy, func(dst, page []byte) []byte {
		return s2.EncodeSnappy(grow(dst, s2.MaxEncodedLen(len(page))), page)
	})
}

// pager puts pages out, a header before each.
type pager struct {
	codec codec
	write func([]byte)
	body  []byte // scratch: a page before compression
	head  []byte // scratch: the header
}

// put puts a page out and returns its size before compression, header included.
func (p *pager) put(h *pageHeader, body []byte) int64 {
	parts := p.codec.pack(body)
	h.raw = len(body)
	for _, part := range parts {
		h.packed += len(part)
	}
	p.head = h.appendTo(p.head[:0])
	p.write(p.head)
	for _, part := range parts {
		p.write(part)
	}
	return int64(len(p.head) + len(body))
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

// hybrid is Parquet's mix of repeated and bit-packed runs. A packed run holds groups of
// 8 values, at most 63 of them, which keeps its header at one byte.
//
// Source: parquet-format Encodings.md, RLE / bit-packing hybrid.
type hybrid struct {
	b      []byte
	width  uint // bits of a value
	groups int  // in the open packed run
	header int  // where it begins, when there are groups
}

// repeat adds a repeated run.
func (h *hybrid) repeat(v int32, n int) {
	h.groups = 0
	h.b = binary.AppendUvarint(h.b, uint64(n)<<1)
	for w := uint(0); w < h.width; w += 8 {
		h.b = append(h.b, byte(uint32(v)>>w))
	}
}

// pack adds 8 values to a packed run.
func (h *hybrid) pack(v *[8]int32) {
	if h.groups == 0 {
		h.header = len(h.b)
		h.b = append(h.b, 0)
	}
	h.b = appendPacked8(h.b, v, h.width)
	h.groups++
	h.b[h.header] = byte(h.groups<<1 | 1)
	if h.groups == 63 {
		h.groups = 0
	}
}

// appendHybrid appends the values of runs. Repetitions of 8 and more become repeated
// runs; a packed group borrows from the repetition that follows.
func appendHybrid(dst []byte, rs runs, width uint) []byte {
	h := hybrid{b: dst, width: width}
	var group [8]int32
	fill := 0
	for _, r := range rs {
		n := int(r.n)
		for fill > 0 && n > 0 {
			group[fill] = r.v
			n--
			if fill++; fill == 8 {
				h.pack(&group)
				fill = 0
			}
		}
		if n >= 8 {
			h.repeat(r.v, n)
			continue
		}
		for ; n > 0; n-- {
			group[fill] = r.v
			fill++
		}
	}
	if fill > 0 {
		clear(group[fill:])
		h.pack(&group)
	}
	return h.b
}

// appendHybridOfEach appends the values to the same bytes as [appendHybrid] their runs;
// where most runs are short, collecting these takes longer than all of this.
func appendHybridOfEach(dst []byte, values []int32, width uint) []byte {
	h := hybrid{b: dst, width: width}
	for len(values) > 0 {
		if n := startingRun(values); n >= 8 {
			h.repeat(values[0], n)
			values = values[n:]
		} else if len(values) >= 8 {
			h.pack((*[8]int32)(values))
			values = values[8:]
		} else {
			var last [8]int32
			copy(last[:], values)
			h.pack(&last)
			break
		}
	}
	return h.b
}

// startingRun is how many values equal the first.
func startingRun(values []int32) int {
	n := 1
	for n < len(values) && values[n] == values[0] {
		n++
	}
	return n
}

// appendPacked8 appends 8 values of width bits each, first value lowest.
func appendPacked8(dst []byte, v *[8]int32, width uint) []byte {
	if width <= 8 {
		lo, hi := uint64(uint32(v[3])), uint64(uint32(v[7]))
		for i := 2; i >= 0; i-- {
			lo, hi = lo<<(width&63)|uint64(uint32(v[i])), hi<<(width&63)|uint64(uint32(v[4+i]))
		}
		n := len(dst)
		return binary.LittleEndian.AppendUint64(dst, lo|hi<<(4*width&63))[:n+int(width)]
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
