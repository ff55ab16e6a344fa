package perftables

// Latent attention (MLA). Heads are those of one GPU.

// ContextMLA returns the latent attention kernel of a context phase.
func (db *Database) ContextMLA(heads int, kv KVQuant, fmha FMHAQuant) (*ContextAttention, error) {
	sol := db.System.solContextMLA(kv, fmha)
	return db.contextKernel(KindContextMLA, heads, sol, contextMLAEfficiency, string(fmha), string(kv))
}

// GenerationMLA returns the latent attention kernel of a decode step.
func (db *Database) GenerationMLA(heads int, kv KVQuant) (*GenerationAttention, error) {
	sol := db.System.solGenerationMLA(kv)
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
