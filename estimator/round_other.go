//go:build !amd64

package estimator

// round3Most rounds some of the numbers, from the first on, and returns how many.
func round3Most([]float64) int { return 0 }
