package estimator

import "golang.org/x/sys/cpu"

// round3Fours rounds as [Round3] does, four at once; up to three at the end are left
// over. It needs AVX.
//
//go:noescape
func round3Fours(v []float64)

// round3Most rounds some of the numbers, from the first on, and returns how many. Four
// divisions at once take little longer than one.
func round3Most(v []float64) int {
	if !cpu.X86.HasAVX {
		return 0
	}
	round3Fours(v)
	return len(v) &^ 3
}
