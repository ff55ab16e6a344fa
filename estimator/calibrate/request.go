package calibrate

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

// rank is the state of one data-parallel rank.
type rank struct {
	waiting  []*request
	prompts  []*request // partly computed or admitted in this step
	running  finishHeap
	steps    int     // decode steps so far
	lengths  float64 // sum of the lengths of running sequences
	reserved float64 // KV tokens promised to admitted requests
	admitted int
}

type finishHeap []*request

func (h finishHeap) Len() int { return len(h) }
func (h finishHeap) Less(i, j int) bool {
	return h[i].finish < h[j].finish || h[i].finish == h[j].finish && h[i].id < h[j].id
}
func (h finishHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *finishHeap) Push(x any)   { *h = append(*h, x.(*request)) }
func (h *finishHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
