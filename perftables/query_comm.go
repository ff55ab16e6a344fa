package perftables

import "strings"

type lineKey struct {
	kind Kind
	key  string
	gpus int
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
// GPUs as a line over the element count. It is nil for one GPU, which has
// nothing to reduce.
func (db *Database) CustomAllReduce(tp int) (*Line, error) {
	if tp == 1 {
		return nil, nil
	}
	measured := min(tp, 8)
	l, err := db.commLine(KindCustomAllReduce, measured)
	if err != nil {
		return nil, err
	}
	// Beyond one node the measured time is scaled by the traffic of a ring over
	// the slower link.
	if node := db.System.GPUsPerNode; tp > node {
		l = l.scaled(db.System.ringScale(tp, node))
	}
	return l, nil
}

// NCCL returns the latency of a collective over that many GPUs as a line over
// the element count, which may be fractional. It is nil for one GPU.
func (db *Database) NCCL(q CommQuant, op NCCLOp, gpus int) (*Line, error) {
	if gpus == 1 {
		return nil, nil
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
		l = l.scaled(db.System.ringScale(gpus, most))
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
	return db.lines.get(lineKey{kind, strings.Join(key, "\x00"), gpus}, func() (*Line, error) {
		rows, err := db.slice(kind, key...)
		if err != nil {
			return nil, err
		}
		l := &Line{}
		for _, r := range rows {
			if r.Coords[0] == gpus {
				l.X = append(l.X, float64(r.Coords[1]))
				l.Y = append(l.Y, r.Latency)
			}
		}
		if len(l.X) < 2 {
			return nil, noData("%s %s has nothing measured over %d GPUs", db, kind, gpus)
		}
		return l, nil
	})
}
