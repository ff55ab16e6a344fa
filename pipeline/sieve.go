package pipeline

import (
	"math"
	"math/bits"
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
	width      int      // of a row of squares; the first row and column are empty
	most       []int64  // throughput in the squares, by TTFT, then TPOT
	slowest    []int64  // users' speed, by step of TPOT; the first is empty
	faster     []square // by point: the one before its own in both directions
}

// square is one by its column and by its place among all.
type square struct{ column, at int32 }

// drop moves the points that are left to the front, in their order, and returns them.
// All must be of one serving mode. Who has a figure that is not finite is on no front.
func (s *sieve) drop(points []rankedPoint) []rankedPoint {
	const few = 32 // are ranked as fast as they are sieved
	if !s.measure(points) {
		return onlyFinite(points)
	}
	if len(points) < few {
		return points
	}
	s.lay(len(points))
	for i := range points {
		p := &points[i]
		column := s.tpot.step(p.tpot)
		at := s.ttft.step(p.ttft)*s.width + column
		s.faster[i] = square{int32(column), int32(at)}
		s.slowest[column+1] = min(s.slowest[column+1], order(p.perUser))
		own := &s.most[at+s.width+1]
		*own = max(*own, order(p.cluster))
	}
	s.spread()
	left := 0
	for i, sq := range s.faster {
		p := &points[i]
		enough := s.most[sq.at]
		if order(p.perUser) > s.slowest[sq.column] {
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

// measure takes the ranges of the latencies. It reports whether all figures can be told
// by their bits: none is negative, infinite or no number.
func (s *sieve) measure(points []rankedPoint) bool {
	ttft, tpot, rest := newScale(), newScale(), newScale()
	for i := range points {
		p := &points[i]
		ttft.hold(p.ttft)
		tpot.hold(p.tpot)
		rest.hold(p.cluster)
		rest.hold(p.perUser)
	}
	s.ttft, s.tpot = ttft, tpot
	return min(ttft.least, tpot.least, rest.least) >= 0 && max(ttft.most, tpot.most, rest.most) < order(math.Inf(1))
}

// lay spreads empty squares over the latencies of n points, about one for each.
func (s *sieve) lay(n int) {
	steps := 1 << (bits.Len(uint(n)) / 2)
	s.width = steps + 1
	s.ttft.divide(steps)
	s.tpot.divide(steps)
	s.most = resize(s.most, s.width*s.width)
	clear(s.most)
	s.slowest = resize(s.slowest, s.width)
	for i := range s.slowest {
		s.slowest[i] = math.MaxInt64
	}
	s.faster = resize(s.faster, n)
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

func (s *scale) divide(steps int) {
	s.steps = float64(steps) / (float64(s.most-s.least) + 1) * (1 - 1e-12) // so that rounding makes no further step
}

func (s *scale) step(v float64) int { return int(float64(float64(order(v)-s.least) * s.steps)) }
