package perftables

import (
	"errors"
	"math"
	"slices"
	"strings"
)

// farthest is where the knots of raw kernels end, whatever they count. Beyond it
// they go straight on.
const farthest = 1 << 24

// rawKnots are the axis of a kernel over one number: the measured values, and
// powers of two below and beyond.
func rawKnots(axis []float64) []float64 {
	knots := slices.Clone(axis)
	for x := max(axis[0], 1) / 2; x >= 1; x /= 2 {
		if low := math.Floor(x); low < knots[0] {
			knots = slices.Insert(knots, 0, low)
		}
	}
	for x := axis[len(axis)-1] * 2; x <= farthest; x *= 2 {
		knots = append(knots, x)
	}
	return knots
}

// rawGrid returns the measured points of a slice.
func (db *Database) rawGrid(kind Kind, key ...string) (*rawGrid, error) {
	return db.raws.get(gridKey{kind, strings.Join(key, "\x00")}, func() (*rawGrid, error) {
		rows, err := db.slice(kind, key...)
		if err != nil {
			return nil, err
		}
		return newRawGrid(rows, db.System.boundOf(kind, key)), nil
	})
}

func (db *Database) rawGEMM(q GEMMQuant, n, k int) (*Line, error) {
	g, err := db.rawGrid(KindGEMM, string(q))
	if err != nil {
		return nil, err
	}
	l := &Line{X: rawKnots(g.axes[0])}
	for _, m := range l.X {
		l.Y = append(l.Y, g.at(m, float64(n), float64(k)))
	}
	return l, nil
}

type planeKey struct {
	gridKey
	heads int
}

// rawGeneration is the decode attention of fixed heads as one plane over batch
// and length.
func (db *Database) rawGeneration(kind Kind, heads int, key ...string) (*slab, error) {
	return db.planes.get(planeKey{gridKey{kind, strings.Join(key, "\x00")}, heads}, func() (*slab, error) {
		g, err := db.rawGrid(kind, key...)
		if err != nil {
			return nil, err
		}
		return g.plane(float64(heads)), nil
	})
}

// plane is the grid of one x over the knots of the other two coordinates.
func (g *rawGrid) plane(x float64) *slab {
	p := &grid{x: []float64{x}, y: rawKnots(g.axes[1]), z: rawKnots(g.axes[2])}
	for _, y := range p.y {
		for _, z := range p.z {
			p.v = append(p.v, g.at(x, y, z))
		}
	}
	return &slab{g: p, x: x, single: true}
}

// held continues a measured line beyond its ends by the speed of light, at the
// utilisation of its ends.
func (l *Line) held(sol Kernel) *Line {
	first, last := l.X[0], l.X[len(l.X)-1]
	at := func(x, from, value float64) float64 {
		there, ok1 := sol.At(x)
		here, ok2 := sol.At(from)
		if !ok1 || !ok2 || here == 0 {
			return value
		}
		return value * there / here
	}
	out := &Line{}
	if first > 0 {
		out.X, out.Y = append(out.X, 0), append(out.Y, at(0, first, l.Y[0]))
	}
	out.X, out.Y = append(out.X, l.X...), append(out.Y, l.Y...)
	for x := 2 * max(last, 1); x <= 1<<40; x *= 2 {
		out.X, out.Y = append(out.X, x), append(out.Y, at(x, last, l.Y[len(l.Y)-1]))
	}
	return out
}

// heldKernel is [Line.held] for whatever a query measured.
func heldKernel(measured, sol Kernel) Kernel {
	switch k := measured.(type) {
	case *Line:
		return k.held(sol)
	case split:
		return split{k.upto, k.low, k.high.held(sol)}
	}
	return measured
}

// rawGPUs is the largest measured number of GPUs up to g; 0 when there is none.
func rawGPUs(rows []Row, g int) int {
	most := 0
	for _, r := range rows {
		if r.Coords[0] <= g {
			most = max(most, r.Coords[0])
		}
	}
	return most
}

// rawComm is a collective over g GPUs: as measured, or of the next smaller
// number of GPUs with the time of a ring.
func (db *Database) rawComm(kind Kind, g int, key ...string) (*Line, error) {
	rows, err := db.slice(kind, key...)
	if err != nil {
		return nil, err
	}
	most := rawGPUs(rows, g)
	if most == 0 {
		return nil, noData("%s %s has nothing measured for %d GPUs or fewer", db, kind, g)
	}
	l, err := db.commLine(kind, most, key...)
	if err != nil || most == g {
		return l, err
	}
	return l.scaled(db.System.ringScale(g, most)), nil
}

// splitOrdinary returns the expert layer of a raw table: the low-latency kernels
// where they were measured for the shape, and the ordinary ones.
func splitOrdinary(low *Line, lowErr error, ordinary *Line, err error) (Kernel, error) {
	var missing *NoDataError
	switch {
	case err != nil:
		return nil, err
	case lowErr == nil:
		return split{lowLatencyTokens, low, ordinary}, nil
	case errors.As(lowErr, &missing):
		return ordinary, nil
	}
	return nil, lowErr
}
