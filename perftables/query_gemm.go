package perftables

type gemmKey struct {
	q    GEMMQuant
	n, k int
}

// GEMM returns the latency of an (m x k) by (k x n) product over m. Measured, it
// is cubic in (n, k) and linear between the knots of m.
func (db *Database) GEMM(q GEMMQuant, n, k int) (Kernel, error) {
	var line *Line
	var err error
	if db.measuredMode() {
		line, err = db.measuredGEMM(q, n, k)
	}
	f := gemmFormats[q]
	compute := affine{slope: 2 * float64(n) * float64(k) / (db.System.Float16Rate * f.compute) * 1000}
	// All three matrices are counted at the byte size of the weight.
	memory := affine{
		f.bytes * float64(n) * float64(k) / db.System.MemBandwidth * 1000,
		f.bytes * float64(n+k) / db.System.MemBandwidth * 1000,
	}
	return db.choose(line, err, larger{compute, memory}, gemmEfficiency)
}

func (db *Database) measuredGEMM(q GEMMQuant, n, k int) (*Line, error) {
	return db.gemms.get(gemmKey{q, n, k}, func() (*Line, error) {
		if db.Generation == GenerationRaw {
			return db.rawGEMM(q, n, k)
		}
		g, err := db.grid(KindGEMM, string(q))
		if err != nil {
			return nil, err
		}
		l := &Line{X: g.x, Y: make([]float64, len(g.x)), Strict: true}
		for i := range g.x {
			v, ok := slab{g: g, ix: i, single: true}.at(float64(n), float64(k), cubic)
			if !ok {
				return nil, noData("%s gemm: n %d, k %d lies outside of %g…%g", db, n, k, g.y[0], g.y[len(g.y)-1])
			}
			l.Y[i] = v
		}
		return l, nil
	})
}
