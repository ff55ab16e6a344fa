package search

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// Front holds what candidates are compared by, one entry each.
type Front struct {
	list   []criteria
	keys   []uint64
	sorted []ranked
	kept   []ranked
	result []int
}

// criteria are the figures that candidates are compared by.
type criteria struct {
	ttft, tpot              float64 // smaller is better
	throughput, concurrency float64 // larger is better
}

// asGood reports whether k is at least as good as c in everything.
func (k *criteria) asGood(c *criteria) bool {
	return k.ttft <= c.ttft && k.tpot <= c.tpot && k.throughput >= c.throughput && k.concurrency >= c.concurrency
}

// ranked is a candidate and its index.
type ranked struct {
	criteria
	index int
}

// Append adds a candidate.
func (f *Front) Append(ttft, tpot, throughput, concurrency float64) {
	f.list = append(f.list, criteria{ttft, tpot, throughput, concurrency})
}

// Reset empties the front and keeps its memory.
func (f *Front) Reset() { f.list = f.list[:0] }

// Criteria chooses what candidates are compared by.
type Criteria uint8

// The two comparisons.
const (
	ByAll      Criteria = iota // TTFT, TPOT, throughput and concurrency
	ByFrontier                 // TPOT and throughput only
)

// NonDominated returns the indices of the candidates that no other one beats, in
// rising order: a candidate is beaten by one that is at least as good in every
// criterion and better in one. Of candidates equal in all criteria one is kept:
// the one with the smaller TTFT, then the larger concurrency, then the earlier.
// The result is valid until the next call.
func (f *Front) NonDominated(by Criteria) []int {
	f.sort()
	f.kept, f.result = f.kept[:0], f.result[:0]
next:
	for i := range f.sorted {
		c := &f.sorted[i]
		for k := range f.kept {
			if f.kept[k].beats(by, c) {
				// What beat a candidate often beats the next one too.
				f.kept[k], f.kept[k/2] = f.kept[k/2], f.kept[k]
				continue next
			}
		}
		f.kept = append(f.kept, *c)
		f.result = append(f.result, c.index)
	}
	slices.Sort(f.result)
	return f.result
}

// Leading returns the indices of the candidates that none with more throughput
// equals in everything else, in no order. Whatever order candidates of equal
// throughput are put in, the others play no part. The result is valid until the
// next call.
func (f *Front) Leading() []int {
	f.sort()
	f.kept, f.result = f.kept[:0], f.result[:0]
	ahead := 0 // of those kept, the ones with more throughput
next:
	for i := range f.sorted {
		c := &f.sorted[i]
		if i > 0 && c.throughput != f.sorted[i-1].throughput {
			ahead = len(f.kept)
		}
		for k := range ahead {
			if f.kept[k].beats(ByAll, c) {
				f.kept[k], f.kept[k/2] = f.kept[k/2], f.kept[k]
				continue next
			}
		}
		f.kept = append(f.kept, *c)
		f.result = append(f.result, c.index)
	}
	return f.result
}

// sort puts the candidates into sorted, in the order of compare: whatever beats a
// candidate comes before it. Nearly all of the time would go into calling compare,
// so numbers are sorted that hold the leading bits of the throughput and the
// index, and only equal ones are compared in full.
func (f *Front) sort() {
	width := bits.Len(uint(len(f.list)))
	mask := uint64(1)<<width - 1
	f.keys, f.sorted = f.keys[:0], f.sorted[:0]
	for i := range f.list {
		f.keys = append(f.keys, falling(f.list[i].throughput)&^mask|uint64(i))
	}
	slices.Sort(f.keys)
	for _, k := range f.keys {
		i := int(k & mask)
		f.sorted = append(f.sorted, ranked{f.list[i], i})
	}
	for from := 0; from < len(f.keys); {
		upto := from + 1
		for upto < len(f.keys) && f.keys[upto]&^mask == f.keys[from]&^mask {
			upto++
		}
		if upto > from+1 {
			slices.SortFunc(f.sorted[from:upto], compare)
		}
		from = upto
	}
}

// falling maps numbers to integers that fall when the number rises.
func falling(v float64) uint64 {
	b := math.Float64bits(v + 0) // one zero, not two
	if b>>63 == 0 {
		return ^b &^ (1 << 63)
	}
	return b
}

// compare puts whatever beats a candidate before it. It spells out what cmp.Or
// would do, which computes every criterion of every pair.
func compare(a, b ranked) int {
	if a.throughput != b.throughput {
		return cmp.Compare(b.throughput, a.throughput)
	}
	if c := cmp.Compare(a.tpot, b.tpot); c != 0 {
		return c
	}
	if c := cmp.Compare(a.ttft, b.ttft); c != 0 {
		return c
	}
	if c := cmp.Compare(b.concurrency, a.concurrency); c != 0 {
		return c
	}
	return a.index - b.index
}

// beats reports whether k, which was sorted before c, is at least as good in
// everything else.
func (k *ranked) beats(by Criteria, c *ranked) bool {
	return k.tpot <= c.tpot && (by == ByFrontier || k.ttft <= c.ttft && k.concurrency >= c.concurrency)
}
