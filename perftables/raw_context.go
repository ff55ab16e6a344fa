package perftables

import (
	"math"
	"strings"
)

// rawSurface is the context attention of fixed heads over length and batch.
type rawSurface struct {
	lengths, batches []float64
	positions        []float64 // of the lengths
	columns          []cubics  // by batch: the logarithm of the latency over the length
	base             func(b, fresh, prefix float64) float64
}

func (db *Database) rawContext(kind Kind, heads int, sol contextBound, key ...string) (*rawSurface, error) {
	return db.surfaces.get(planeKey{gridKey{kind, strings.Join(key, "\x00")}, heads}, func() (*rawSurface, error) {
		g, err := db.rawGrid(kind, key...)
		if err != nil {
			return nil, err
		}
		return g.surface(float64(heads), g.axes[2], sol), nil
	})
}

// surface is the grid of one number of heads at some batches.
func (g *rawGrid) surface(heads float64, batches []float64, sol contextBound) *rawSurface {
	s := &rawSurface{lengths: g.axes[1], batches: batches}
	s.base = func(b, fresh, prefix float64) float64 { return g.floor + sol(heads, b, fresh, prefix) }
	for _, l := range s.lengths {
		s.positions = append(s.positions, position(l))
	}
	for _, b := range s.batches {
		logs := make([]float64, len(s.lengths))
		for i, l := range s.lengths {
			logs[i] = math.Log(g.at(heads, l, b))
		}
		s.columns = append(s.columns, newCubics(s.positions, logs))
	}
	return s
}

// at returns the latency of b sequences of fresh tokens after prefix cached ones,
// ms. Over the batch it is a straight line. The kernels were measured without a
// prefix: the ratio to the base is that of all tokens.
func (s *rawSurface) at(b, fresh, prefix float64) float64 {
	full := fresh + prefix
	i, w := locate(s.batches, min(max(b, s.batches[0]), s.batches[len(s.batches)-1]))
	if w == 0 {
		return s.ratio(i, full) * s.base(b, fresh, prefix)
	}
	low := s.ratio(i, full) * s.base(s.batches[i], fresh, prefix)
	high := s.ratio(i+1, full) * s.base(s.batches[i+1], fresh, prefix)
	return float64(low*(1-w)) + float64(high*w)
}

// ratio returns the ratio of latency and base of a measured batch. Beyond the
// lengths it is that of the boundary.
func (s *rawSurface) ratio(batch int, length float64) float64 {
	length = min(max(length, s.lengths[0]), s.lengths[len(s.lengths)-1])
	log := s.columns[batch].at(s.positions, position(length))
	return math.Exp(log) / s.base(s.batches[batch], length, 0)
}

// cubics is a monotone cubic through points: it rises and falls where they do, and
// has no extreme between them. Source: Fritsch and Butland, A Method for
// Constructing Local Monotone Piecewise Cubic Interpolants, SIAM J. Sci. Stat.
// Comput. 5 (1984).
type cubics struct{ y, slope []float64 }

func newCubics(x, y []float64) cubics {
	c := cubics{y, make([]float64, len(y))}
	rise := func(i int) float64 { return (y[i+1] - y[i]) / (x[i+1] - x[i]) }
	last := len(y) - 1
	if last < 1 {
		return c
	}
	c.slope[0], c.slope[last] = rise(0), rise(last-1)
	for i := 1; i < last; i++ {
		a, b := rise(i-1), rise(i)
		if a*b <= 0 {
			continue // an extreme, or flat on one side
		}
		before, after := x[i]-x[i-1], x[i+1]-x[i]
		wa, wb := before+2*after, 2*before+after
		c.slope[i] = (wa + wb) / (wa/a + wb/b)
	}
	return c
}

// at returns the value at a place from the first of the points to the last.
func (c *cubics) at(x []float64, to float64) float64 {
	i, t := locate(x, to)
	if t == 0 {
		return c.y[i]
	}
	width, u := x[i+1]-x[i], 1-t
	bend := float64(c.slope[i]*u) - float64(c.slope[i+1]*t)
	return float64(c.y[i]*u*u*(1+2*t)) + float64(c.y[i+1]*t*t*(1+2*u)) + float64(width*t*u*bend)
}
