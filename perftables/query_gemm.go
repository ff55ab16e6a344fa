package perftables

type gemmKey struct {
	q    GEMMQuant
	n, k int
}

// GEMM returns the latency of an (m x k) by (k x n) product as a strict line
// over m. It is cubic in (n, k) and linear between the knots of m.
func (db *Database) GEMM(q GEMMQuant, n, k int) (*Line, error) {
	return db.gemms.get(gemmKey{q, n, k}, func() (*Line, error) {
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
