package perftables

// Latent attention (MLA). Heads are those of one GPU.

// ContextMLA returns the latent attention kernel of a context phase.
func (db *Database) ContextMLA(heads int, kv KVQuant, fmha FMHAQuant) (*ContextAttention, error) {
	n, kvBytes, compute := float64(heads), kv.Bytes(), fmhaFormats[fmha].compute
	s := db.System
	sol := func(b, fresh, prefix float64) float64 {
		full := fresh + prefix
		ops := b * n * 320 * (float64(full*full) - float64(prefix*prefix))
		bytes := b * n * (float64(kvBytes*full*320) + float64(2*fresh*320))
		return max(ops/s.Float16Rate*1000/compute, bytes/s.MemBandwidth*1000)
	}
	return db.contextKernel(KindContextMLA, heads, sol, contextMLAEfficiency, string(fmha), string(kv))
}

// GenerationMLA returns the latent attention kernel of a decode step.
func (db *Database) GenerationMLA(heads int, kv KVQuant) (*GenerationAttention, error) {
	n, kvBytes := float64(heads), kv.Bytes()
	s := db.System
	compute := 1.0
	if kv == KVFP8 {
		compute = 2
	}
	sol := func(b, length float64) float64 {
		ops := 2 * b * n * 1088 * length
		bytes := b * (float64(n*2176) + float64((length-1)*576*kvBytes))
		return max(ops/s.Float16Rate*1000/compute, bytes/s.MemBandwidth*1000)
	}
	return db.generationKernel(KindGenerationMLA, heads, sol, generationMLAEfficiency, string(kv))
}

// MLABMM returns the latency of the batched products around generation MLA over
// the number of tokens: the one before the attention or the one after. Formats
// that were not measured stand for float16.
func (db *Database) MLABMM(heads int, q GEMMQuant, before bool) (Kernel, error) {
	op := "mla_gen_post"
	if before {
		op = "mla_gen_pre"
	}
	var line *Line
	var err error
	if db.measuredMode() {
		if p := db.tables[KindMLABMM]; p != nil && p.find(string(q), op) == nil {
			q = GEMMFloat16 // for the formula below as well
		}
		line, err = db.firstCoordLine(KindMLABMM, heads, "heads", string(q), op)
	}
	f, n := gemmFormats[q], float64(heads)
	sol := larger{
		affine{slope: 2 * n * 128 * 512 / (db.System.Float16Rate * f.compute) * 1000},
		affine{n * 65536 * f.bytes / db.System.MemBandwidth * 1000, n * 640 * f.bytes / db.System.MemBandwidth * 1000},
	}
	return db.choose(line, err, sol, mlaBMMEfficiency)
}
