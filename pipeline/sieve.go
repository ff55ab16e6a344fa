package pipeline

import (
	"math"
	"math/bits"
	"slices"
)

// sieve leaves out most of the points that cannot be on a front, before anything is
// sorted. It deals points out to squares by TTFT and TPOT and knows, for every square,
// the highest throughput in all squares that are faster in both: whoever gives less is
// on no front. Of a sweep's candidates a quarter is left, and half of these are on a
// front. It keeps its memory from one call to the next.
//
// All figures are compared by their bits, which for numbers from 0 on sort as the
// numbers do: that needs no branches, which cannot be foreseen here.
type sieve struct {
	ttft, tpot scale
	width      int     // of a row of squares; the first row and column are empty
	most       []int64 // throughput in the squares, by TTFT, then TPOT
	slowest    []int64 // users' speed, by step of TPOT; the first is empty
	faster     []int32 // by point: the square before its own in both directions
}

// drop moves the points that are left to the front, in their order, and returns them.
// All must be of one serving mode.
func (s *sieve) drop(points []rankedPoint) []rankedPoint {
	const few = 32 // are ranked as fast as they are sieved
	if len(points) < few || !s.lay(points) {
		return points
	}
	s.faster = slices.Grow(s.faster[:0], len(points))[:len(points)]
	for i := range points {
		p := &points[i]
		at := s.tpot.step(p.tpot)
		s.slowest[at+1] = min(s.slowest[at+1], order(p.perUser))
		at += s.ttft.step(p.ttft) * s.width
		s.faster[i] = int32(at)
		own := &s.most[at+s.width+1]
		*own = max(*own, order(p.cluster))
	}
	s.spread()
	left := 0
	width := uint32(s.width)
	for i, at := range s.faster {
		p := &points[i]
		enough := s.most[at]
		if order(p.perUser) > s.slowest[uint32(at)%width] {
			enough = 0 // it may be faster than the one that gives most
		}
		given := order(p.cluster)
		points[left] = *p
		if given >= enough {
			left++
		}
	}
	return points[:left]
}

// lay spreads empty squares over the latencies of the points, about one for each. It
// reports whether that can be done: no figure may be negative.
func (s *sieve) lay(points []rankedPoint) bool {
	ttft, tpot, least := newScale(), newScale(), int64(0)
	for i := range points {
		p := &points[i]
		ttft.hold(p.ttft)
		tpot.hold(p.tpot)
		least = min(least, order(p.cluster), order(p.perUser))
	}
	if min(least, ttft.least, tpot.least) < 0 {
		return false
	}
	steps := 1 << (bits.Len(uint(len(points))) / 2)
	s.width = steps + 1
	s.ttft, s.tpot = ttft.divided(steps), tpot.divided(steps)
	s.most = slices.Grow(s.most[:0], s.width*s.width)[:s.width*s.width]
	clear(s.most)
	s.slowest = slices.Grow(s.slowest[:0], s.width)[:s.width]
	for i := range s.slowest {
		s.slowest[i] = math.MaxInt64
	}
	return true
}

// spread lets every square know of those that are faster.
func (s *sieve) spread() {
	for row := s.width; row < len(s.most); row += s.width {
		above, most, left := s.most[row-s.width:row], s.most[row:row+s.width], int64(0)
		for i := range most {
			left = max(left, most[i], above[i])
			most[i] = left
		}
	}
	for i := 1; i < s.width; i++ {
		s.slowest[i] = min(s.slowest[i], s.slowest[i-1])
	}
}

// order is an integer that grows with the number, from 0 on; both zeros are 0.
func order(v float64) int64 { return int64(math.Float64bits(v + 0)) }

// scale divides the range of some numbers into steps of their order, which grow like
// the logarithm. A number on a lower step than another is less.
type scale struct {
	least, most int64
	steps       float64 // per unit of order
}

func newScale() scale { return scale{least: math.MaxInt64, most: math.MinInt64} }

// hold widens the range.
func (s *scale) hold(v float64) { s.least, s.most = min(s.least, order(v)), max(s.most, order(v)) }

func (s scale) divided(steps int) scale {
	s.steps = float64(steps) / (float64(s.most-s.least) + 1) * (1 - 1e-12) // so that rounding makes no further step
	return s
}

func (s *scale) step(v float64) int { return int(float64(float64(order(v)-s.least) * s.steps)) }
