package search

import (
	"math"
	"math/bits"
	"slices"
)

// Order sorts candidates by one figure. Calling a comparison would take nearly all of
// the time, so numbers are sorted that hold the leading bits of the figure and the
// index, and only candidates that these do not tell apart are compared in full. It
// keeps its memory from one call to the next.
type Order struct {
	keys, sorted []uint64
	mask         uint64  // the bits of a key that are the index
	ends         []int32 // of the buckets
	index        []int32
}

// Reset forgets all candidates and makes room for n.
func (o *Order) Reset(n int) {
	o.keys = slices.Grow(o.keys[:0], n)
	o.mask = uint64(1)<<bits.Len(uint(n)) - 1
}

// Add takes the figure of the next candidate, which must not be NaN.
func (o *Order) Add(v float64) { o.keys = append(o.keys, falling(v)&^o.mask|uint64(len(o.keys))) }

// Falling returns the indices of the candidates, as many as Reset made room for, largest
// figure first; compare, which puts the larger one first too, decides between close
// ones. The result is valid until the next call.
func (o *Order) Falling(compare func(i, j int) int) []int32 {
	keys, mask, n := o.sort(), o.mask, len(o.keys)
	o.index = o.index[:0]
	for _, k := range keys {
		o.index = append(o.index, int32(k&mask))
	}
	for from := 0; from < n; {
		upto := from + 1
		for upto < n && keys[upto]&^mask == keys[from]&^mask {
			upto++
		}
		if upto > from+1 {
			slices.SortFunc(o.index[from:upto], func(i, j int32) int { return compare(int(i), int(j)) })
		}
		from = upto
	}
	return o.index
}

// sort sorts the keys. It deals them out to about two buckets per key: the bits of a
// positive number grow like its logarithm, over which the figures of candidates are
// spread evenly, so that few share a bucket.
func (o *Order) sort() []uint64 {
	const few = 32 // are sorted as fast at once
	if len(o.keys) < few {
		slices.Sort(o.keys)
		return o.keys
	}
	least, most := slices.Min(o.keys), slices.Max(o.keys)
	shift := max(0, bits.Len64(most-least)-bits.Len(uint(len(o.keys)))-1)
	buckets := int((most-least)>>shift) + 1
	o.ends = slices.Grow(o.ends[:0], buckets)[:buckets]
	clear(o.ends)
	for _, k := range o.keys {
		o.ends[(k-least)>>shift]++
	}
	end := int32(0)
	for i, size := range o.ends {
		o.ends[i] = end // where it starts, until it is filled
		end += size
	}
	o.sorted = slices.Grow(o.sorted[:0], len(o.keys))[:len(o.keys)]
	for _, k := range o.keys {
		bucket := (k - least) >> shift
		o.sorted[o.ends[bucket]] = k
		o.ends[bucket]++
	}
	start := int32(0)
	for _, end := range o.ends {
		if end > start+1 {
			slices.Sort(o.sorted[start:end])
		}
		start = end
	}
	return o.sorted
}

// falling maps numbers to integers that fall when the number rises.
func falling(v float64) uint64 {
	b := math.Float64bits(v + 0) // one zero, not two
	if b>>63 == 0 {
		return ^b &^ (1 << 63)
	}
	return b
}
