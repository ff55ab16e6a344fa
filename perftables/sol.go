package perftables

import (
	"math"
	"strconv"
)

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

// bound is the speed of light of a gridded kind at its three coordinates, ms.
type bound func(x, y, z float64) float64

// contextBound is the speed of light of a context phase in ms: b sequences of
// fresh tokens after prefix cached ones, on so many heads.
type contextBound func(heads, b, fresh, prefix float64) float64

// whole is the bound in the coordinates of a table: heads, length and batch,
// nothing cached.
func (c contextBound) whole(heads, length, b float64) float64 { return c(heads, b, length, 0) }

// solContextAttention is the bound of plain context attention. kvHeads says how
// many KV heads there are to so many heads.
func (s *System) solContextAttention(fmha FMHAQuant, kv KVQuant, window, headDim int, kvHeads func(heads float64) float64) contextBound {
	compute, kvBytes, dim, window64 := fmhaFormats[fmha].compute, kv.Bytes(), float64(headDim), float64(window)
	return func(heads, b, fresh, prefix float64) float64 {
		full := fresh + prefix
		ops := 2 * b * (float64(full*full) - float64(prefix*prefix)) * heads * dim
		if window64 > 0 && full > window64 {
			ops = 4 * b * fresh * window64 * heads * dim
		}
		bytes := float64(4*b*heads*fresh*dim) + float64(2*kvBytes*b*kvHeads(heads)*full*dim)
		return max(ops/s.Float16Rate*1000/compute, bytes/s.MemBandwidth*1000)
	}
}

// solContextMLA is the bound of the latent attention of a context phase.
func (s *System) solContextMLA(kv KVQuant, fmha FMHAQuant) contextBound {
	kvBytes, compute := kv.Bytes(), fmhaFormats[fmha].compute
	return func(n, b, fresh, prefix float64) float64 {
		full := fresh + prefix
		ops := b * n * 320 * (float64(full*full) - float64(prefix*prefix))
		bytes := b * n * (float64(kvBytes*full*320) + float64(2*fresh*320))
		return max(ops/s.Float16Rate*1000/compute, bytes/s.MemBandwidth*1000)
	}
}

// solGenerationMLA is the bound of the latent attention of a decode step.
func (s *System) solGenerationMLA(kv KVQuant) bound {
	kvBytes, compute := kv.Bytes(), 1.0
	if kv == KVFP8 {
		compute = 2
	}
	return func(n, b, length float64) float64 {
		ops := 2 * b * n * 1088 * length
		bytes := b * (float64(n*2176) + float64((length-1)*576*kvBytes))
		return max(ops/s.Float16Rate*1000/compute, bytes/s.MemBandwidth*1000)
	}
}

// Figures of the one architecture with wide expert parallelism that was measured
// (DeepSeek-V3).
const (
	wideEPDown   = 2112.0 // output of the joint down projection
	wideEPHidden = 7168.0
)

// solWideEPContextMLA is the bound of a context phase's attention with its
// projections.
func (s *System) solWideEPContextMLA(fmha FMHAQuant) contextBound {
	f := fmhaFormats[fmha]
	const h, a = wideEPHidden, wideEPDown
	return func(n, b, fresh, prefix float64) float64 {
		t := fresh + prefix
		flops := float64(2*h*a*b*fresh) + float64(2*1536*n*192*b*fresh) + float64(2*512*n*256*b*fresh) + float64(2*n*128*h*b*fresh)
		attn := math.Floor(2 * n * 320 * b * (float64(t*t) - float64(prefix*prefix)) / 2)
		attnMem := float64(b*fresh*n*192) + float64(b*t*n*192) + float64(b*t*n*128) + float64(b*fresh*n*128)
		mem := (float64(b*h*fresh) + h*a + float64(2*b*a*fresh)) + (float64(b*1536*fresh) + float64(1536*n*192) + float64(2*b*n*192*fresh)) +
			(float64(b*fresh*512) + float64(n*256*512) + float64(2*b*n*256*fresh)) + float64(2*attnMem) +
			(float64(b*n*128*fresh) + float64(n*128*h) + float64(2*b*h*fresh))
		compute := float64(flops/(s.Float16Rate*f.compute)*1000) + float64(attn/s.Float16Rate*1000)
		return max(compute, mem*f.bytes/s.MemBandwidth*1000)
	}
}

// solWideEPGenerationMLA is the bound of a decode step's attention with its
// projections.
func (s *System) solWideEPGenerationMLA(fmha FMHAQuant) bound {
	f := fmhaFormats[fmha]
	const h, a = wideEPHidden, wideEPDown
	return func(n, b, length float64) float64 {
		flops := float64(2*h*a*b) + float64(2*1536*n*192*b) + float64(2*n*128*512*b) + float64(2*b*n*512*128) + float64(2*n*128*h*b)
		attn := 2 * b * length * n * 1088
		attnMem := float64(b*n*576) + float64(b*length*576) + float64(b*n*512)
		mem := (float64(b*h) + h*a + float64(2*b*a)) + (float64(b*1536) + float64(1536*n*192) + float64(2*b*n*192)) +
			(float64(b*n*128) + float64(n*512*128) + float64(2*b*n*512)) + float64(2*attnMem) +
			(float64(b*n*512) + float64(n*128*512) + float64(2*b*n*128)) + (float64(b*n*128) + float64(n*128*h) + float64(2*b*h))
		compute := float64(flops/(s.Float16Rate*f.compute)*1000) + float64(attn/s.Float16Rate*1000)
		return max(compute, mem*f.bytes/s.MemBandwidth*1000)
	}
}

// boundOf returns the bound of a slice of a gridded kind, nil for other kinds.
func (s *System) boundOf(kind Kind, key []string) bound {
	part := func(i int) int { n, _ := strconv.Atoi(key[i]); return n }
	kvHeads := func(kvn int) func(heads float64) float64 {
		return func(heads float64) float64 {
			if kvn == 0 {
				return heads // every head has its own
			}
			return float64(kvn)
		}
	}
	switch kind {
	case KindGEMM:
		f := gemmFormats[GEMMQuant(key[0])]
		return func(m, n, k float64) float64 { return s.solGEMM(f, m, n, k) }
	case KindContextAttention:
		return s.solContextAttention(FMHAQuant(key[0]), KVQuant(key[1]), part(4), part(3), kvHeads(part(2))).whole
	case KindGenerationAttention:
		f, kv := kvFormats[KVQuant(key[0])], kvHeads(part(1))
		return func(heads, b, length float64) float64 {
			return s.solGenerationAttention(f, b, length, heads, kv(heads), float64(part(3)), float64(part(2)))
		}
	case KindContextMLA:
		return s.solContextMLA(KVQuant(key[1]), FMHAQuant(key[0])).whole
	case KindGenerationMLA:
		return s.solGenerationMLA(KVQuant(key[0]))
	case KindWideEPContextMLA:
		return s.solWideEPContextMLA(FMHAQuant(key[1])).whole
	case KindWideEPGenerationMLA:
		return s.solWideEPGenerationMLA(FMHAFP8Block)
	}
	return nil
}
