package perftables

import (
	"cmp"
	"strings"
)

type lineKey struct {
	kind Kind
	key  string
	part int
}

// NCCLOp names a collective.
type NCCLOp string

// The measured collectives.
const (
	AllGather     NCCLOp = "all_gather"
	AllReduce     NCCLOp = "all_reduce"
	AllToAll      NCCLOp = "alltoall"
	ReduceScatter NCCLOp = "reduce_scatter"
)

// CustomAllReduce returns the latency of the engine's own all-reduce over tp
// GPUs, over the element count. One GPU has nothing to reduce.
func (db *Database) CustomAllReduce(tp int) (Kernel, error) {
	if tp == 1 {
		return affine{}, nil
	}
	var measured Kernel
	var err error
	if db.measuredMode() {
		measured, err = db.measuredAllReduce(tp)
	}
	// A ring moves every element twice; two bytes an element whatever the format.
	sol := affine{slope: 2 * 2 / float64(tp) * float64(tp-1) / db.System.pairBandwidth(tp) * 1000}
	return db.choose(measured, err, sol, commEfficiency)
}

func (db *Database) measuredAllReduce(tp int) (Kernel, error) {
	if db.Generation == GenerationRaw {
		return db.rawComm(KindCustomAllReduce, tp)
	}
	l, err := db.commLine(KindCustomAllReduce, min(tp, 8))
	if err != nil {
		return nil, err
	}
	// Beyond one node the measured time is scaled by the traffic of a ring over
	// the slower link.
	if node := db.System.GPUsPerNode; tp > node {
		return l.scaled(db.System.ringScale(tp, node)), nil
	}
	return l, nil
}

// NCCL returns the latency of a collective over that many GPUs, over the element
// count, which may be fractional. One GPU has nothing to send.
func (db *Database) NCCL(q CommQuant, op NCCLOp, gpus int) (Kernel, error) {
	if gpus == 1 {
		return affine{}, nil
	}
	var measured Kernel
	var err error
	if db.measuredMode() {
		measured, err = db.measuredNCCL(q, op, gpus)
	}
	var trips float64 // of every element around the ring; the formula prices other collectives at nothing
	switch op {
	case AllGather, AllToAll, ReduceScatter:
		trips = 1
	case AllReduce:
		trips = 2
	}
	sol := affine{slope: trips * commFormats[q].bytes * float64(gpus-1) / float64(gpus) / db.System.pairBandwidth(gpus) * 1000}
	return db.choose(measured, err, sol, commEfficiency)
}

func (db *Database) measuredNCCL(q CommQuant, op NCCLOp, gpus int) (Kernel, error) {
	if db.Generation == GenerationRaw {
		return db.rawComm(KindNCCL, gpus, string(q), string(op))
	}
	rows, err := db.slice(KindNCCL, string(q), string(op))
	if err != nil {
		return nil, err
	}
	most := 0
	for _, r := range rows {
		most = max(most, r.Coords[0])
	}
	l, err := db.commLine(KindNCCL, min(gpus, most), string(q), string(op))
	if err != nil {
		return nil, err
	}
	if gpus > most {
		return l.scaled(db.System.ringScale(gpus, most)), nil
	}
	return l, nil
}

// ringScale is the time of a ring over g GPUs relative to one over measured
// GPUs.
func (s *System) ringScale(g, measured int) float64 {
	return float64(g-1) / float64(g) * float64(measured) / float64(measured-1) *
		(s.pairBandwidth(measured) / s.pairBandwidth(g))
}

func (l *Line) scaled(f float64) *Line {
	y := make([]float64, len(l.Y))
	for i := range y {
		y[i] = l.Y[i] * f
	}
	return &Line{X: l.X, Y: y, Strict: l.Strict}
}

// commLine returns the rows of one GPU count as an open line.
func (db *Database) commLine(kind Kind, gpus int, key ...string) (*Line, error) {
	return db.firstCoordLine(kind, gpus, "GPUs", key...)
}

// firstCoordLine returns the rows of a slice with one first coordinate as an
// open line over the second.
func (db *Database) firstCoordLine(kind Kind, first int, what string, key ...string) (*Line, error) {
	return db.lines.get(lineKey{kind, strings.Join(key, "\x00"), first}, func() (*Line, error) {
		rows, err := db.slice(kind, key...)
		if err != nil {
			return nil, err
		}
		l := &Line{}
		for _, r := range rows {
			if r.Coords[0] == first {
				l.X = append(l.X, float64(r.Coords[1]))
				l.Y = append(l.Y, r.Latency)
			}
		}
		if len(l.X) < 2 {
			return nil, noData("%s %s has nothing measured for %d %s", db, kind, first, what)
		}
		return l, nil
	})
}

// MemOp returns the latency of a memory-bound kernel over the bytes it moves.
func (db *Database) MemOp() Kernel {
	s := db.System
	if db.Mode == SOL {
		return affine{slope: 1 / s.MemBandwidth * 1000}
	}
	// Seconds are converted as constants are, exactly.
	latency := UsualMemLatency * 1000
	if s.MemLatency > 0 {
		latency = s.MemLatency * 1000
	}
	return affine{latency, 1 / (s.MemBandwidth * cmp.Or(s.MemEfficiency, UsualMemEfficiency)) * 1000}
}

// P2P returns the latency of a transfer to another pipeline stage over its
// bytes. It is always priced at the bandwidth between nodes.
func (db *Database) P2P() Kernel {
	s := db.System
	if db.Mode == SOL {
		return affine{slope: 1 / s.InterNodeBW * 1000}
	}
	latency := UsualP2PLatency * 1000
	if s.P2PLatency > 0 {
		latency = s.P2PLatency * 1000
	}
	return affine{latency, 1 / s.InterNodeBW * 1000}
}
