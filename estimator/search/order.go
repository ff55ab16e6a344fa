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
	keys  []uint64
	index []int32
}

// Falling returns the indices 0 to n-1, largest value first. Values must not be NaN;
// compare, which puts the larger one first too, decides between close ones. The
// result is valid until the next call.
func (o *Order) Falling(n int, value func(i int) float64, compare func(i, j int) int) []int32 {
	width := bits.Len(uint(n))
	mask := uint64(1)<<width - 1
	o.keys, o.index = o.keys[:0], o.index[:0]
	for i := range n {
		o.keys = append(o.keys, falling(value(i))&^mask|uint64(i))
	}
	slices.Sort(o.keys)
	for _, k := range o.keys {
		o.index = append(o.index, int32(k&mask))
	}
	for from := 0; from < n; {
		upto := from + 1
		for upto < n && o.keys[upto]&^mask == o.keys[from]&^mask {
			upto++
		}
		if upto > from+1 {
			slices.SortFunc(o.index[from:upto], func(i, j int32) int { return compare(int(i), int(j)) })
		}
		from = upto
	}
	return o.index
}

// falling maps numbers to integers that fall when the number rises.
func falling(v float64) uint64 {
	b := math.Float64bits(v + 0) // one zero, not two
	if b>>63 == 0 {
		return ^b &^ (1 << 63)
	}
	return b
}
