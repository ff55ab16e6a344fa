package estimator

import "math"

// Round3 rounds to three decimals, halves to even. Result rows are rounded
// before anything ranks or filters them, as in AIConfigurator; it also keeps the
// last bits of a sum, which depend on its order, out of every file.
//
// From 2^52 on every float64 is whole, so adding that and taking it away rounds: half
// the time of asking math.RoundToEven.
func Round3(v float64) float64 {
	const whole = 1 << 52
	x := float64(v * 1000)
	if x >= 0 && x < whole {
		return (x + whole - whole) / 1000
	}
	return math.RoundToEven(x) / 1000
}

// Round3All rounds the numbers of src into dst, which is as long and may be the same, to
// the same bits as [Round3].
func Round3All(dst, src []float64) {
	dst = dst[:len(src)]
	for i := round3Most(dst, src); i < len(src); i++ {
		dst[i] = Round3(src[i])
	}
}

// FloorDiv is the floating floor division of Python and numpy for positive a
// and b. Near a whole quotient it can differ from math.Floor(a/b), and the
// reference search depends on it.
func FloorDiv(a, b float64) float64 {
	q := math.Floor(a / b)
	switch r := math.FMA(-q, b, a); {
	case r < 0:
		return q - 1
	case r >= b:
		return q + 1
	}
	return q
}

func floor(v float64) float64 { return math.Floor(v) }
