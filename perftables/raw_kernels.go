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

// rawKnots are the axis of a kernel over one number: the measured values with
// points between them where they are far apart, and powers of two beyond.
func rawKnots(axis []float64, between int) []float64 {
	var knots []float64
	for i, x := range axis {
		knots = append(knots, x)
		if i+1 == len(axis) {
			break
		}
		for j := 1; j <= between; j++ {
			mid := math.Round(x * math.Pow(axis[i+1]/x, float64(j)/float64(between+1)))
			if mid > knots[len(knots)-1] && mid < axis[i+1] {
				knots = append(knots, mid)
			}
		}
	}
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

// betweenRows is the number of knots that a raw GEMM has between two measured
// ones: its latency is no straight line there.
const betweenRows = 2

func (db *Database) rawGEMM(q GEMMQuant, n, k int) (*Line, error) {
	g, err := db.rawGrid(KindGEMM, string(q))
	if err != nil {
		return nil, err
	}
	l := &Line{X: rawKnots(g.axes[0], betweenRows)}
	for _, m := range l.X {
		l.Y = append(l.Y, g.at(m, float64(n), float64(k)))
	}
	return l, nil
}

type planeKey struct {
	gridKey
	heads int
}

// rawSurface is the context attention of fixed heads: ratios over length and
// batch.
type rawSurface struct {
	lengths, lengthLogs []float64
	batches, batchLogs  []float64
	ratio               []float64 // [length*len(batches)+batch]
	floor               float64
}

func (db *Database) rawContext(kind Kind, heads int, key ...string) (*rawSurface, error) {
	return db.surfaces.get(planeKey{gridKey{kind, strings.Join(key, "\x00")}, heads}, func() (*rawSurface, error) {
		g, err := db.rawGrid(kind, key...)
		if err != nil {
			return nil, err
		}
		s := &rawSurface{lengths: g.axes[1], lengthLogs: g.logs[1], batches: g.axes[2], batchLogs: g.logs[2], floor: g.floor}
		for _, length := range s.lengths {
			for _, b := range s.batches {
				s.ratio = append(s.ratio, g.at(float64(heads), length, b)/(g.floor+g.sol(float64(heads), length, b)))
			}
		}
		return s, nil
	})
}

// at returns the latency of b sequences of full tokens whose speed of light is
// sol ms.
func (s *rawSurface) at(b, full, sol float64) float64 {
	il, wl := locate(s.lengths, s.lengthLogs, full)
	ib, wb := locate(s.batches, s.batchLogs, b)
	n := len(s.batches)
	row := func(i int) float64 {
		at := (il+i)*n + ib
		if wb == 0 {
			return s.ratio[at]
		}
		return float64(s.ratio[at]*(1-wb)) + float64(s.ratio[at+1]*wb)
	}
	ratio := row(0)
	if wl > 0 {
		ratio = float64(ratio*(1-wl)) + float64(row(1)*wl)
	}
	return ratio * (s.floor + sol)
}

// rawGeneration is the decode attention of fixed heads as one plane over batch
// and length. Between its knots the latency is linear: a decode step reads the
// cache.
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
	p := &grid{x: []float64{x}, y: rawKnots(g.axes[1], 0), z: rawKnots(g.axes[2], 0)}
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
