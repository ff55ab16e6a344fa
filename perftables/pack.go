package perftables

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A packed table is
//
//	"SGT1"                                  magic
//	uvarint length of the header, header:
//	    kind, source                        strings (uvarint length, bytes)
//	    rows read, rows kept, rows dropped  uvarints
//	    digest                              32 bytes
//	    number of slices, then per slice:
//	        key parts                       uvarint count, strings
//	        rows, offset, length            uvarints; offset counts from the end of the header
//	slices, each one zstd frame over:
//	    per coordinate: uvarint n, n uvarints (the axis, rising), one index per row (1 byte, or 2 if n > 256)
//	    latencies as eight byte planes, least significant first
//
// Rows inside a slice are sorted by coordinates, and no two have the same.
// Slices keep the order in which their first row appeared. The digest is the
// SHA-256 of the rows in a plain encoding, so it does not depend on compression.
const packMagic = "SGT1"

// Row is one measurement: where it stands in its slice, and its latency. DeepEP
// tables are in microseconds as measured, all others in milliseconds.
type Row struct {
	Coords  [3]int // as many as the kind has, the rest 0
	Latency float64
}

// Slice is one independently decodable part of a table.
type Slice struct {
	Key  []string
	Rows []Row
}

// Table is one measured table in memory.
type Table struct {
	Kind    Kind
	Source  string // what it was imported from, for people
	Read    int    // data rows of the original file
	Dropped int    // rows whose key had occurred before
	Slices  []Slice
}

// Kept returns the number of rows.
func (t *Table) Kept() int {
	n := 0
	for _, s := range t.Slices {
		n += len(s.Rows)
	}
	return n
}

// Digest returns the SHA-256 of the table's kind and rows.
func (t *Table) Digest() [sha256.Size]byte {
	h := sha256.New()
	dims := len(Shapes[t.Kind].Coords)
	fmt.Fprintf(h, "%s %d\n", t.Kind, len(t.Slices))
	for _, s := range t.Slices {
		fmt.Fprintf(h, "%q %d\n", s.Key, len(s.Rows))
		var b []byte
		for _, r := range s.Rows {
			for _, c := range r.Coords[:dims] {
				b = binary.LittleEndian.AppendUint64(b, uint64(c))
			}
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(r.Latency))
		}
		h.Write(b)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Pack encodes the table. It sorts the rows of every slice in place.
func (t *Table) Pack() ([]byte, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer enc.Close()
	dims := len(Shapes[t.Kind].Coords)
	var bodies [][]byte
	t.Sort()
	for _, s := range t.Slices {
		for i := 1; i < len(s.Rows); i++ {
			if s.Rows[i].Coords == s.Rows[i-1].Coords {
				return nil, fmt.Errorf("slice %s: two rows at %v", strings.Join(s.Key, " "), s.Rows[i].Coords[:dims])
			}
		}
		raw, err := encodeSlice(s.Rows, dims)
		if err != nil {
			return nil, fmt.Errorf("slice %s: %w", strings.Join(s.Key, " "), err)
		}
		bodies = append(bodies, enc.EncodeAll(raw, nil))
	}

	digest := t.Digest()
	var h []byte
	h = appendString(h, string(t.Kind))
	h = appendString(h, t.Source)
	h = binary.AppendUvarint(h, uint64(t.Read))
	h = binary.AppendUvarint(h, uint64(t.Kept()))
	h = binary.AppendUvarint(h, uint64(t.Dropped))
	h = append(h, digest[:]...)
	h = binary.AppendUvarint(h, uint64(len(t.Slices)))
	offset := 0
	for i, s := range t.Slices {
		h = binary.AppendUvarint(h, uint64(len(s.Key)))
		for _, k := range s.Key {
			h = appendString(h, k)
		}
		h = binary.AppendUvarint(h, uint64(len(s.Rows)))
		h = binary.AppendUvarint(h, uint64(offset))
		h = binary.AppendUvarint(h, uint64(len(bodies[i])))
		offset += len(bodies[i])
	}
	out := []byte(packMagic)
	out = binary.AppendUvarint(out, uint64(len(h)))
	out = append(out, h...)
	return append(out, bytes.Join(bodies, nil)...), nil
}

// Sort sorts the rows of every slice. Rows that are sorted are only read, so that
// tables may share them.
func (t *Table) Sort() {
	for _, s := range t.Slices {
		if !slices.IsSortedFunc(s.Rows, compareRows) {
			slices.SortFunc(s.Rows, compareRows)
		}
	}
}

func compareRows(a, b Row) int { return slices.Compare(a.Coords[:], b.Coords[:]) }

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func encodeSlice(rows []Row, dims int) ([]byte, error) {
	var b []byte
	for d := range dims {
		var axis []int
		for _, r := range rows {
			axis = append(axis, r.Coords[d])
		}
		slices.Sort(axis)
		axis = slices.Compact(axis)
		if len(axis) > math.MaxUint16 || axis[0] < 0 {
			return nil, fmt.Errorf("coordinate %d cannot be stored: %d values from %d", d, len(axis), axis[0])
		}
		b = binary.AppendUvarint(b, uint64(len(axis)))
		for _, v := range axis {
			b = binary.AppendUvarint(b, uint64(v))
		}
		for _, r := range rows {
			i, _ := slices.BinarySearch(axis, r.Coords[d])
			if len(axis) <= 256 {
				b = append(b, byte(i))
			} else {
				b = binary.LittleEndian.AppendUint16(b, uint16(i))
			}
		}
	}
	for plane := range 8 {
		for _, r := range rows {
			b = append(b, byte(math.Float64bits(r.Latency)>>(8*plane)))
		}
	}
	return b, nil
}

// packed is a table whose header has been read and whose slices have not.
type packed struct {
	kind                Kind
	source              string
	read, kept, dropped int
	digest              [sha256.Size]byte
	slices              []packedSlice
	bodies              []byte
}

type packedSlice struct {
	key            []string
	rows           int
	offset, length int
}

var errDamaged = errors.New("damaged table file")

// openPacked reads the header.
func openPacked(b []byte) (*packed, error) {
	if !bytes.HasPrefix(b, []byte(packMagic)) {
		return nil, errDamaged
	}
	r := reader{b: b[len(packMagic):]}
	header := reader{b: r.bytes(r.count())}
	p := &packed{bodies: r.b}
	p.kind, p.source = Kind(header.string()), header.string()
	p.read, p.kept, p.dropped = header.count(), header.count(), header.count()
	copy(p.digest[:], header.bytes(sha256.Size))
	n := header.count()
	for range n {
		var s packedSlice
		for range header.count() {
			if header.bad {
				return nil, errDamaged
			}
			s.key = append(s.key, header.string())
		}
		s.rows, s.offset, s.length = header.count(), header.count(), header.count()
		if header.bad || s.offset+s.length > len(p.bodies) {
			return nil, errDamaged
		}
		p.slices = append(p.slices, s)
	}
	if r.bad || header.bad {
		return nil, errDamaged
	}
	if _, ok := Shapes[p.kind]; !ok {
		return nil, fmt.Errorf("unknown kind of table %q", p.kind)
	}
	return p, nil
}

// find returns the slice with that key, or nil.
func (p *packed) find(key ...string) *packedSlice {
	for i := range p.slices {
		if slices.Equal(p.slices[i].key, key) {
			return &p.slices[i]
		}
	}
	return nil
}

var decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(1<<30))
})

// rows decodes one slice.
func (p *packed) rows(s *packedSlice) ([]Row, error) {
	dec, err := decoder()
	if err != nil {
		return nil, err
	}
	raw, err := dec.DecodeAll(p.bodies[s.offset:s.offset+s.length], nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if s.rows > len(raw) { // a row takes more than one byte: reject before allocating
		return nil, errDamaged
	}
	rows := make([]Row, s.rows)
	r := reader{b: raw}
	for d := range Shapes[p.kind].Coords {
		n := r.count()
		axis := make([]int, 0, min(n, len(raw)))
		for range n {
			if r.bad {
				return nil, errDamaged
			}
			axis = append(axis, r.count())
		}
		width := 1
		if n > 256 {
			width = 2
		}
		index := r.bytes(len(rows) * width)
		if r.bad {
			return nil, errDamaged
		}
		for i := range rows {
			j := int(index[i*width])
			if width == 2 {
				j |= int(index[i*width+1]) << 8
			}
			if j >= n {
				return nil, errDamaged
			}
			rows[i].Coords[d] = axis[j]
		}
	}
	planes := r.bytes(8 * len(rows))
	if r.bad || len(r.b) != 0 {
		return nil, errDamaged
	}
	for i := range rows {
		var bits uint64
		for plane := range 8 {
			bits |= uint64(planes[plane*len(rows)+i]) << (8 * plane)
		}
		rows[i].Latency = math.Float64frombits(bits)
	}
	return rows, nil
}

// unpack decodes the whole table.
func (p *packed) unpack() (*Table, error) {
	t := &Table{Kind: p.kind, Source: p.source, Read: p.read, Dropped: p.dropped}
	for i := range p.slices {
		rows, err := p.rows(&p.slices[i])
		if err != nil {
			return nil, fmt.Errorf("slice %s: %w", strings.Join(p.slices[i].key, " "), err)
		}
		t.Slices = append(t.Slices, Slice{Key: p.slices[i].key, Rows: rows})
	}
	if got := t.Digest(); got != p.digest {
		return nil, fmt.Errorf("%w: digest is %s, header says %s", errDamaged, hex.EncodeToString(got[:8]), hex.EncodeToString(p.digest[:8]))
	}
	return t, nil
}

// Unpack decodes a packed table and verifies its digest.
func Unpack(b []byte) (*Table, error) {
	p, err := openPacked(b)
	if err != nil {
		return nil, err
	}
	return p.unpack()
}

// reader takes values off a byte slice; once it runs dry it is bad and returns
// zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

// count reads a number that is a size or a coordinate; anything that does not
// fit 48 bits is damage.
func (r *reader) count() int {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v >= 1<<48 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

func (r *reader) string() string { return string(r.bytes(r.count())) }
