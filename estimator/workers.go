package estimator

// WorkerPoint is one prefill or decode worker of disaggregated serving.
type WorkerPoint struct {
	BatchSize     int     // sequences per data-parallel rank
	TTFT          float64 // ms, of a prefill worker; 0 for decode
	TPOT          float64 // ms, of a decode worker; 0 for prefill
	SeqPerS       float64 // requests/s that the worker takes
	SeqPerSPerGPU float64
	MemoryGiB     float64
	Status        Status
}

// Prefill scores a prefill worker that runs b sequences at once. correction
// multiplies its latency.
func (p *Plan) Prefill(b int, w Workload, correction float64) (WorkerPoint, error) {
	ms, err := p.Context(b, w)
	if err != nil {
		return WorkerPoint{BatchSize: b, Status: NoData}, err
	}
	pt := WorkerPoint{BatchSize: b, TTFT: ms * correction}
	p.finish(&pt, pt.TTFT, p.memory.total(b, Workload{ISL: w.ISL, OSL: 1}, b*w.ISL))
	return pt, nil
}

// PrefillMemory returns what one GPU of a prefill worker holds that runs b
// sequences at once: their prompts, and the first token of each.
func (p *Plan) PrefillMemory(b int, w Workload) Memory {
	return p.Memory(b, Workload{ISL: w.ISL, OSL: 1}, b*w.ISL)
}

// DecodeColumn holds what the decode workers of one plan and workload share.
type DecodeColumn struct {
	w          Workload
	correction float64
	attention  column
}

// Decode prepares the scoring of decode workers for a workload with osl >= 2.
func (p *Plan) Decode(w Workload, correction float64) (DecodeColumn, error) {
	if p.generationErr != nil {
		return DecodeColumn{}, p.generationErr
	}
	return DecodeColumn{w, correction, p.newColumn(nil, decodeSteps(w))}, nil
}

// At scores the decode worker that runs b sequences per rank at once.
func (d *DecodeColumn) At(b int) (WorkerPoint, error) {
	p := d.attention.plan
	batch := float64(b * p.stepTokens())
	layers, ok1 := p.generation.at(batch)
	attention, ok2 := d.attention.at(batch)
	if !ok1 || !ok2 {
		return WorkerPoint{BatchSize: b, Status: NoData}, p.decodeRange(b, d.w)
	}
	steps := float64(d.w.OSL - 1)
	pt := WorkerPoint{BatchSize: b, TPOT: (float64(layers*steps) + attention) * d.correction / steps}
	p.finish(&pt, pt.TPOT*steps, p.memory.total(b, d.w, b))
	return pt, nil
}

// finish derives the rates of a worker that needs latency ms for its batch.
func (p *Plan) finish(pt *WorkerPoint, latency, memory float64) {
	pp, tp, dp := float64(p.Layout.PP), float64(p.Layout.TP), float64(p.Layout.DP)
	pt.SeqPerS = float64(pt.BatchSize) * dp / latency * 1000 * pp
	pt.SeqPerSPerGPU = pt.SeqPerS / tp / pp / dp
	pt.MemoryGiB = memory
	if !p.memory.fits(memory) {
		pt.Status = OutOfMemory
	}
}
