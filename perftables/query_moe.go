package perftables

import (
	"errors"
	"math"
	"slices"
	"strconv"
)

func itoa(n int) string { return strconv.Itoa(n) }

// MoEShape fixes one GPU's share of an expert layer.
type MoEShape struct {
	Hidden, Inter int // hidden and expert feed-forward size
	TopK, Experts int
	TP, EP        int
	Quant         MoEQuant
	Distribution  string // of the tokens over the experts, as the tables spell it
	Context       bool   // context or generation phase; only wide EP tells them apart
	DeepEP        bool   // the wide-EP kernels of SGLang
}

// lowLatencyTokens is the most tokens that TensorRT-LLM's low-latency kernels
// take.
const lowLatencyTokens = 128

// MoE returns the latency of an expert layer over the tokens of all its ranks.
func (db *Database) MoE(m MoEShape) (Kernel, error) {
	var measured Kernel
	var err error
	if db.measuredMode() {
		measured, err = db.measuredMoE(m)
	}
	return db.choose(measured, err, formula(func(tokens float64) float64 { return db.System.solMoE(m, tokens) }), moeEfficiency)
}

func (db *Database) measuredMoE(m MoEShape) (Kernel, error) {
	kind := KindMoE
	if m.DeepEP && db.Backend == "sglang" {
		kind = wideEPMoE(m.Context)
	}
	ordinary, err := db.moeLine(kind, MoEOrdinary, m)
	// Once the low-latency kernels are chosen there is no way back to the
	// ordinary ones, even for shapes that they lack.
	if db.Backend != "trtllm" || m.Quant != MoENVFP4 || !db.hasLowLatencyMoE() {
		return ordinary, err
	}
	low, lowErr := db.moeLine(kind, MoELowLatency, m)
	if db.Generation == GenerationRaw {
		return splitOrdinary(low, lowErr, ordinary, err)
	}
	var missing *NoDataError
	switch {
	case err != nil && lowErr != nil:
		return nil, err
	case err != nil && !errors.As(err, &missing), lowErr != nil && !errors.As(lowErr, &missing):
		return nil, errors.Join(err, lowErr)
	}
	return split{lowLatencyTokens, low, ordinary}, nil
}

func (db *Database) hasLowLatencyMoE() bool {
	p := db.tables[KindMoE]
	return p != nil && slices.ContainsFunc(p.slices, func(s packedSlice) bool { return s.key[0] == MoELowLatency })
}

// moeLine returns the measurements of a shape over tokens. A distribution that
// the table lacks for the format stands for the uniform one.
func (db *Database) moeLine(kind Kind, subTable string, m MoEShape) (*Line, error) {
	p := db.tables[kind]
	if p == nil {
		return nil, noData("%s has no %s table", db, kind)
	}
	distribution := "uniform"
	if slices.ContainsFunc(p.slices, func(s packedSlice) bool {
		return s.key[0] == subTable && s.key[1] == string(m.Quant) && s.key[2] == m.Distribution
	}) {
		distribution = m.Distribution
	}
	key := []string{subTable, string(m.Quant), distribution, itoa(m.TopK), itoa(m.Experts), itoa(m.Hidden), itoa(m.Inter)}
	rows, err := db.slice(kind, key...)
	if err != nil {
		return nil, err
	}
	l := &Line{}
	for _, r := range rows {
		if r.Coords[0] == m.TP && r.Coords[1] == m.EP {
			l.X, l.Y = append(l.X, float64(r.Coords[2])), append(l.Y, r.Latency)
		}
	}
	if len(l.X) < 2 {
		return nil, noData("%s %s has nothing measured for %s, moe_tp %d, moe_ep %d", db, kind, describe(kind, key), m.TP, m.EP)
	}
	return l, nil
}

// solMoE is the bound of an expert layer. Its divisions are whole-number ones.
func (s *System) solMoE(m MoEShape, tokens float64) float64 {
	f := moeFormats[m.Quant]
	rows := math.Floor(tokens) * float64(m.TopK)
	h, inter, tp, ep := float64(m.Hidden), float64(m.Inter), float64(m.TP), float64(m.EP)
	share := math.Floor(rows / ep)
	ops := math.Floor(math.Floor(6*rows*h*inter/ep) / tp)
	bytes := f.bytes * (2*float64(share*h) + math.Floor(float64(share*inter*3)/tp) +
		float64(math.Floor(h*inter*3/tp)*min(math.Floor(float64(m.Experts)/ep), share)))
	return max(ops/(s.Float16Rate*f.compute)*1000, bytes/s.MemBandwidth*1000)
}
