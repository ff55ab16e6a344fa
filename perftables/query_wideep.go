package perftables

import (
	"math"
	"slices"
)

// Wide expert parallelism of SGLang: attention kernels that include their
// projections, and the DeepEP exchange between experts.

// The kernels of wide-EP attention.
const (
	FlashInfer = "flashinfer"
	FA3        = "fa3"
)

// wideEPHeads is the number of heads of the one architecture that was measured
// (DeepSeek-V3).
const wideEPHeads = 128.0

func wideEPMoE(context bool) Kind {
	if context {
		return KindWideEPContextMoE
	}
	return KindWideEPGenerationMoE
}

// WideEPContextMLA returns the attention of a context phase, projections
// included, for one of tp tensor-parallel ranks. The formulas are the same for
// every attention kernel, so one that is not known is only missed where
// measurements are.
func (db *Database) WideEPContextMLA(tp int, kv KVQuant, fmha FMHAQuant, kernel string) (*ContextAttention, error) {
	heads := int(wideEPHeads) / tp
	sol := db.System.solWideEPContextMLA(fmha)
	return db.contextKernel(KindWideEPContextMLA, heads, sol, wideEPContextMLAEfficiency, kernel, string(fmha), string(kv))
}

// WideEPGenerationMLA returns the attention of a decode step, projections
// included. Unknown attention kernels are as in [Database.WideEPContextMLA].
func (db *Database) WideEPGenerationMLA(tp int, kv KVQuant, fmha FMHAQuant, kernel string) (*GenerationAttention, error) {
	heads := int(wideEPHeads) / tp
	sol := db.System.solWideEPGenerationMLA(fmha)
	return db.generationKernel(KindWideEPGenerationMLA, heads, sol, wideEPGenerationMLAEfficiency, kernel, string(kv))
}

// microseconds turns a DeepEP table's unit into ms.
const microseconds = 1.0 / 1000

// DeepEPLowLatency returns the latency of the exchange before and after the
// experts in a decode step over the tokens of a rank. nodes may be a fraction, for
// which nothing is measured. There is no formula for it in any mode.
func (db *Database) DeepEPLowLatency(nodes float64, experts, topK, hidden int) (Kernel, error) {
	key, err := db.deepEPKey(KindDeepEPLL, nodes, experts, topK, hidden)
	if err != nil {
		return nil, err
	}
	rows, err := db.slice(KindDeepEPLL, key...)
	if err != nil {
		return nil, err
	}
	l := &Line{}
	for _, r := range rows {
		l.X, l.Y = append(l.X, float64(r.Coords[0])), append(l.Y, r.Latency)
	}
	if len(l.X) < 2 {
		return nil, noData("%s %s has fewer than two sizes", db, KindDeepEPLL)
	}
	return scaledKernel{l, microseconds}, nil
}

func (db *Database) deepEPKey(kind Kind, nodes float64, experts, topK, hidden int) ([]string, error) {
	switch {
	case !db.measuredMode():
		return nil, noData("%s: there is no formula for %s", db, kind)
	case nodes != math.Trunc(nodes):
		return nil, noData("%s %s: nothing is measured for %g nodes", db, kind, nodes)
	}
	return []string{itoa(int(nodes)), itoa(hidden), itoa(topK), itoa(experts)}, nil
}

// DeepEPNormal returns the latency of the exchange in a context phase over the
// tokens of a rank, with that many streaming multiprocessors.
func (db *Database) DeepEPNormal(nodes float64, experts, topK, hidden, sms int) (Kernel, error) {
	key, err := db.deepEPKey(KindDeepEPNormal, nodes, experts, topK, hidden)
	if err != nil {
		return nil, err
	}
	if nodes == 1 && sms == 20 {
		l, err := db.firstCoordLine(KindDeepEPNormal, sms, "SMs", key...)
		if err != nil {
			return nil, err
		}
		return scaledKernel{l, microseconds}, nil
	}
	rows, err := db.slice(KindDeepEPNormal, key...)
	if err != nil {
		return nil, err
	}
	var t sorted[*sorted[float64]] // SMs → tokens → latency
	for _, r := range rows {
		row, ok := t.get(r.Coords[0])
		if !ok {
			row = &sorted[float64]{}
			t.put(r.Coords[0], row)
		}
		row.put(r.Coords[1], r.Latency)
	}
	if len(t.keys) < 2 || sms < t.keys[0] || sms > t.keys[len(t.keys)-1] {
		return nil, noData("%s %s: %d SMs lie outside of what is measured", db, KindDeepEPNormal, sms)
	}
	i := segment(t.keys, sms)
	y := float64(sms-t.keys[i]) / float64(t.keys[i+1]-t.keys[i])
	return scaledKernel{triangleKernel{y, t.vals[i], t.vals[i+1]}, microseconds}, nil
}

// triangleKernel interpolates linearly in the triangle of a cell that the point
// lies in; cells are cut from their low-low to their high-high corner. It is
// strict.
type triangleKernel struct {
	u         float64 // position between the two rows
	low, high *sorted[float64]
}

func (k triangleKernel) At(x float64) (float64, bool) {
	keys := k.low.keys
	if len(keys) < 2 || x < float64(keys[0]) || x > float64(keys[len(keys)-1]) {
		return 0, false
	}
	i := segment(floats(keys), x)
	z0, z1 := keys[i], keys[i+1]
	f2, ok2 := k.high.get(z0)
	f3, ok3 := k.high.get(z1)
	if !ok2 || !ok3 {
		return 0, false
	}
	f0, f1 := k.low.vals[i], k.low.vals[i+1]
	w := (x - float64(z0)) / float64(z1-z0)
	if w >= k.u {
		return float64(f3*k.u) + float64(f1*(w-k.u)) + float64(f0*(1-w)), true
	}
	return float64(f3*w) + float64(f2*(k.u-w)) + float64(f0*(1-k.u)), true
}

// Pieces: the line has a kink inside every cell; nothing asks for speed here.
func (k triangleKernel) Pieces() *Pieces { return nil }

// sorted is a map with integer keys kept in order.
type sorted[V any] struct {
	keys []int
	vals []V
}

func (m *sorted[V]) get(k int) (V, bool) {
	i, ok := slices.BinarySearch(m.keys, k)
	if !ok {
		var zero V
		return zero, false
	}
	return m.vals[i], true
}

func (m *sorted[V]) put(k int, v V) {
	if n := len(m.keys); n == 0 || k > m.keys[n-1] { // stored rows come in order
		m.keys, m.vals = append(m.keys, k), append(m.vals, v)
		return
	}
	i, ok := slices.BinarySearch(m.keys, k)
	if ok {
		m.vals[i] = v
		return
	}
	m.keys = slices.Insert(m.keys, i, k)
	m.vals = slices.Insert(m.vals, i, v)
}
