package search

import (
	"cmp"
	"slices"
)

// Front holds what candidates are compared by, one entry each.
type Front struct {
	list   []criteria
	order  Order
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

// sort puts the candidates into sorted, in the order of compare: whatever beats a
// candidate comes before it.
func (f *Front) sort() {
	f.sorted = f.sorted[:0]
	f.order.Reset(len(f.list))
	for i := range f.list {
		f.order.Add(f.list[i].throughput)
	}
	for _, i := range f.order.Falling(f.compare) {
		f.sorted = append(f.sorted, ranked{f.list[i], int(i)})
	}
}

// compare puts whatever beats a candidate before it. It spells out what cmp.Or
// would do, which computes every criterion of every pair.
func (f *Front) compare(i, j int) int {
	a, b := &f.list[i], &f.list[j]
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
	return i - j
}

// beats reports whether k, which was sorted before c, is at least as good in
// everything else.
func (k *ranked) beats(by Criteria, c *ranked) bool {
	return k.tpot <= c.tpot && (by == ByFrontier || k.ttft <= c.ttft && k.concurrency >= c.concurrency)
}
