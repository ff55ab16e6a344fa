package perftables

import (
	"math"
	"sort"
)

// Kernel is the latency of a kernel over the one number x that it still depends
// on once its shape is fixed: rows, elements, bytes or tokens.
type Kernel interface {
	// At returns the latency at x in ms, and false where nothing is known.
	At(x float64) (float64, bool)

	// Pieces returns the same as straight lines. It returns nil when the latency
	// is not piecewise linear, or not known on one interval.
	Pieces() *Pieces
}

// Pieces is a piecewise linear latency on [First, Last].
type Pieces struct {
	List        []Piece // by rising X; each one up to where the next starts
	First, Last float64
}

// Piece is a straight line that starts at X.
type Piece struct {
	X, Value, Slope float64 // Value in ms at X; Slope in ms per unit of x
}

// At is the line's value in ms at x. The product is rounded before it is added, on
// every processor.
func (p *Piece) At(x float64) float64 { return p.Value + float64(p.Slope*(x-p.X)) }

// Pieces implements [Kernel].
func (l *Line) Pieces() *Pieces {
	n := len(l.X)
	slope := func(i int) float64 { return (l.Y[i+1] - l.Y[i]) / (l.X[i+1] - l.X[i]) }
	p := &Pieces{First: l.X[0], Last: l.X[n-1]}
	add := func(x, y, slope float64) { p.List = append(p.List, Piece{x, y, slope}) }
	if !l.Strict {
		// Left of the first knot falling data are held, rising data continued.
		p.First, p.Last = 0, math.Inf(1)
		if s := slope(0); s < 0 {
			add(0, l.Y[0], 0)
		} else {
			add(0, l.Y[0]-float64(s*l.X[0]), s)
		}
	}
	for i := range n - 1 {
		if l.X[i] > 0 || l.Strict {
			add(l.X[i], l.Y[i], slope(i))
		} else {
			p.List = []Piece{{0, l.Y[i], slope(i)}} // a knot at 0 leaves nothing on its left
		}
	}
	if !l.Strict {
		// Right of the last knot falling data jump back to the knot before it. The
		// last knot itself still belongs to the pair on its left.
		x := math.Nextafter(l.X[n-1], math.Inf(1))
		if s := slope(n - 2); s < 0 {
			add(x, l.Y[n-2], 0)
		} else {
			add(x, l.Y[n-1], s)
		}
	}
	return p
}

// affine is a latency of constant + slope x x.
type affine struct{ constant, slope float64 }

func (a affine) At(x float64) (float64, bool) { return a.constant + float64(a.slope*x), true }

func (a affine) Pieces() *Pieces {
	return &Pieces{List: []Piece{{0, a.constant, a.slope}}, Last: math.Inf(1)}
}

// larger is the larger of two affine latencies: arithmetic and memory traffic.
type larger struct{ a, b affine }

func (l larger) At(x float64) (float64, bool) {
	a, _ := l.a.At(x)
	b, _ := l.b.At(x)
	return max(a, b), true
}

func (l larger) Pieces() *Pieces {
	low, high := l.a, l.b // by slope
	if low.slope > high.slope {
		low, high = high, low
	}
	p := &Pieces{Last: math.Inf(1)}
	cross := (low.constant - high.constant) / (high.slope - low.slope)
	if cross > 0 && !math.IsInf(cross, 1) {
		p.List = append(p.List, Piece{0, low.constant, low.slope})
		v, _ := high.At(cross)
		p.List = append(p.List, Piece{cross, v, high.slope})
		return p
	}
	if high.slope == low.slope && low.constant > high.constant {
		high = low
	}
	p.List = []Piece{{0, high.constant, high.slope}}
	return p
}

// formula is a latency that is no straight line.
type formula func(x float64) float64

func (f formula) At(x float64) (float64, bool) { return f(x), true }
func (f formula) Pieces() *Pieces              { return nil }

// split answers by low up to a value of x and by high beyond. Either may be nil:
// then nothing is known there.
type split struct {
	upto      float64
	low, high *Line
}

func (s split) At(x float64) (float64, bool) {
	l := s.low
	if x > s.upto {
		l = s.high
	}
	if l == nil {
		return 0, false
	}
	return l.At(x)
}

func (s split) Pieces() *Pieces {
	after := math.Nextafter(s.upto, math.Inf(1))
	p := &Pieces{First: after, Last: s.upto}
	if s.low != nil {
		low := s.low.Pieces()
		p.First = low.First
		for _, q := range low.List {
			if q.X <= s.upto {
				p.List = append(p.List, q)
			}
		}
	}
	if s.high != nil {
		high := s.high.Pieces()
		p.Last = high.Last
		at := sort.Search(len(high.List), func(i int) bool { return high.List[i].X > after }) - 1
		q := high.List[max(at, 0)]
		p.List = append(p.List, Piece{after, q.Value + float64(q.Slope*(after-q.X)), q.Slope})
		p.List = append(p.List, high.List[max(at, 0)+1:]...)
	}
	return p
}

// scaledKernel is a kernel times a factor.
type scaledKernel struct {
	k Kernel
	f float64
}

func (s scaledKernel) At(x float64) (float64, bool) {
	v, ok := s.k.At(x)
	return v * s.f, ok
}

func (s scaledKernel) Pieces() *Pieces {
	p := s.k.Pieces()
	if p == nil {
		return nil
	}
	out := &Pieces{First: p.First, Last: p.Last}
	for _, q := range p.List {
		out.List = append(out.List, Piece{q.X, q.Value * s.f, q.Slope * s.f})
	}
	return out
}

// hybrid answers by measurements where it can and by a formula elsewhere.
type hybrid struct {
	measured Kernel
	fallback Kernel
}

func (h hybrid) At(x float64) (float64, bool) {
	if v, ok := h.measured.At(x); ok {
		return v, ok
	}
	return h.fallback.At(x)
}

func (h hybrid) Pieces() *Pieces {
	m, f := h.measured.Pieces(), h.fallback.Pieces()
	if m != nil && m.First <= 0 && math.IsInf(m.Last, 1) {
		return m
	}
	if m == nil || f == nil {
		return nil
	}
	p := &Pieces{Last: math.Inf(1)}
	clip := func(from, upto float64) { // the fallback on [from, upto)
		for i, q := range f.List {
			next := math.Inf(1)
			if i+1 < len(f.List) {
				next = f.List[i+1].X
			}
			if next <= from || q.X >= upto {
				continue
			}
			if q.X < from {
				q = Piece{from, q.Value + float64(q.Slope*(from-q.X)), q.Slope}
			}
			p.List = append(p.List, q)
		}
	}
	if m.First > 0 {
		clip(0, m.First)
	}
	p.List = append(p.List, m.List...)
	if !math.IsInf(m.Last, 1) {
		clip(math.Nextafter(m.Last, math.Inf(1)), math.Inf(1))
	}
	return p
}

// Constant is a latency in ms that depends on nothing.
func Constant(ms float64) Kernel { return affine{constant: ms} }
