package estimator

import "golang.org/x/sys/cpu"

// round3Fours rounds as [Round3] does, four at once; up to three at the end are left
// over. It needs AVX.
//
//go:noescape
func round3Fours(dst, src []float64)

// round3Most rounds some of the numbers of src into dst, from the first on, and returns
// how many. Four divisions at once take little longer than one.
func round3Most(dst, src []float64) int {
	if !cpu.X86.HasAVX {
		return 0
	}
	round3Fours(dst, src)
	return len(src) &^ 3
}
