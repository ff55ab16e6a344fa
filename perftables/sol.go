package perftables

// Speed-of-light latencies in ms: the larger of arithmetic at the peak tensor
// rate and memory traffic at the peak bandwidth. Measured values below them are
// raised to them (see [Database]).

// solGEMM is the bound of an (m x k) by (k x n) product. All three matrices are
// counted at the byte size of the weight.
func (s *System) solGEMM(f format, m, n, k float64) float64 {
	compute := 2 * m * n * k / (s.Float16Rate * f.compute) * 1000
	mem := f.bytes * (float64(m*n) + float64(m*k) + float64(n*k)) / s.MemBandwidth * 1000
	return max(compute, mem)
}

// solGenerationAttention is the bound of one decode step of b sequences whose
// KV length, new token included, is l.
func (s *System) solGenerationAttention(kv format, b, l, heads, kvHeads, window, headDim float64) float64 {
	past := l - 1
	if window > 0 {
		past = min(past, window)
	}
	ops := 4 * b * heads * headDim * past
	query := 2 * float64(heads*headDim) // bytes in and out, 2 an element
	bytes := b * (query + float64(2*kvHeads*past*headDim*kv.bytes) + query)
	return max(ops/s.Float16Rate*1000/kv.compute, bytes/s.MemBandwidth*1000)
}
