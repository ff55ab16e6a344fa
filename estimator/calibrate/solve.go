package calibrate

import (
	"runtime"
	"sync"
)

// solve solves a symmetric positive definite system by elimination.
func solve(a [NumConstants][NumConstants + 1]float64) [NumConstants]float64 {
	const n = NumConstants
	for p := range n {
		for q := p + 1; q < n; q++ {
			f := a[q][p] / a[p][p]
			for k := p; k <= n; k++ {
				a[q][k] -= f * a[p][k]
			}
		}
	}
	var x [n]float64
	for p := n - 1; p >= 0; p-- {
		x[p] = a[p][n]
		for q := p + 1; q < n; q++ {
			x[p] -= a[p][q] * x[q]
		}
		x[p] /= a[p][p]
	}
	return x
}

// parallel runs f for every index; what one index does must not depend on others.
func parallel(n int, f func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}
