package calibrate

import (
	"cmp"
	"math"
	"slices"
)

// request is one request on its way.
type request struct {
	id         int
	isl, osl   int
	sent       float64 // ms
	ready      float64 // when the front process hands it to the engine
	done       int     // prompt tokens computed
	firstToken float64
	finish     int // number of the decode step of its rank that ends it
}

// request makes the i-th request of a load. Powers of the inverse of the plastic
// number draw its lengths: together they fill the square.
func (l *Load) request(i int, sent float64) request {
	length := func(full int, alpha float64) int {
		share := l.MinShare + (1-l.MinShare)*fraction(i, alpha)
		return max(1, int(math.Round(float64(full)*share)))
	}
	r := request{id: i, isl: length(l.ISL, 0.7548776662466927), osl: length(l.OSL, 0.5698402909980532), sent: sent}
	r.done = min(l.Prefix, r.isl-1)
	return r
}

// random is the i-th number in [0, 1) of a fixed sequence without any memory. Gaps
// between arrivals need that: those of a low-discrepancy sequence make up for each other,
// and queues stay short (a third of the 99th percentile at four fifths of the capacity).
// Source: the output function of SplitMix64 (Steele, Lea, Flood 2014).
func random(i int) float64 {
	z := (uint64(i) + 1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}

// rank is the state of one data-parallel rank.
type rank struct {
	waiting  []*request
	prompts  []*request // partly computed or admitted in this step
	running  []*request // the next to end first
	steps    int        // decode steps so far
	lengths  float64    // sum of the lengths of running sequences
	reserved float64    // KV tokens promised to admitted requests
	admitted int
}

// need is how many KV tokens a request is promised, with a share of its output.
func (q *request) need(reserveOutput float64) float64 {
	return float64(q.isl) + reserveOutput*float64(q.osl)
}

// advance lets every running sequence compute that many tokens, and returns how many
// sequences there are.
func (r *rank) advance(steps int) int {
	n := len(r.running)
	r.steps += steps
	r.lengths += float64(steps * n)
	return n
}

// start lets a request decode.
func (r *rank) start(q *request) {
	q.finish = r.steps + q.osl - 1
	r.lengths += float64(q.isl)
	at, _ := slices.BinarySearchFunc(r.running, q, func(a, b *request) int {
		return cmp.Or(a.finish-b.finish, a.id-b.id)
	})
	r.running = slices.Insert(r.running, at, q)
}

// finished takes off a running request that has all its tokens, nil when none has.
func (r *rank) finished() *request {
	if len(r.running) == 0 || r.running[0].finish > r.steps {
		return nil
	}
	q := r.running[0]
	r.running = r.running[1:]
	r.lengths -= float64(q.isl + q.osl - 1)
	return q
}

// admit promises a request its KV tokens, and release takes them back.
func (r *rank) admit(need float64) {
	r.admitted++
	r.reserved += need
}

func (r *rank) release(need float64) {
	r.admitted--
	r.reserved -= need
}
