package jobs

import (
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// appendRange appends the numbers of {from, to, step} or {from, to, factor}.
// Both ends belong to the range; "to" is left out when no step lands on it.
func (p *parser) appendRange(out []value, a *axis, n *yaml.Node) []value {
	what := a.key + " range"
	fs := p.fields(n, what, []string{"from", "to", "step", "factor"})
	from, okFrom := p.bound(a, fs, "from", n.Line)
	to, okTo := p.bound(a, fs, "to", n.Line)
	_, hasStep := fs["step"]
	_, hasFactor := fs["factor"]
	if hasStep == hasFactor {
		p.add(n.Line, "%s: give step or factor, not both", what)
		return out
	}
	var grow float64
	okGrow := false
	if hasStep {
		grow, okGrow = p.step(a, fs["step"].value)
	} else {
		grow, okGrow = p.factor(a, fs["factor"].value)
	}
	switch {
	case !okFrom || !okTo || !okGrow:
		return out
	case to < from:
		p.add(n.Line, "%s: to is below from", what)
		return out
	case hasFactor && from == 0:
		p.add(n.Line, "%s: a factor never leaves 0: begin above it or use step", what)
		return out
	}
	for i := 0; ; i++ {
		v := from + float64(i)*grow
		if hasFactor {
			v = from * math.Pow(grow, float64(i))
		}
		if v = a.round(v, i); v > to {
			return out
		}
		out = append(out, value{v, n.Line})
		if len(out) > maxAxis {
			return out // the caller reports it
		}
	}
}

// round makes a whole number of a computed value, or one that prints as people
// wrote it: 12 digits are below any latency that matters and hide the noise of
// 3 x 0.1. They also hide differences of math.Pow between platforms.
func (a *axis) round(v float64, i int) float64 {
	switch {
	case i == 0 || math.IsInf(v, 0):
		return v
	case a.whole:
		return math.Round(v)
	}
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 12, 64), 64)
	return v
}

func (p *parser) bound(a *axis, fs map[string]field, key string, line int) (float64, bool) {
	f, ok := fs[key]
	if !ok {
		p.add(line, "%s range: %s is missing", a.key, key)
		return 0, false
	}
	return p.number(a, a.key+" range: "+key, f.value)
}

func (p *parser) step(a *axis, n *yaml.Node) (float64, bool) {
	step := *a
	step.want = "a positive number"
	step.min = math.SmallestNonzeroFloat64
	if a.whole {
		step.want, step.min = "a positive whole number", 1
	}
	return p.number(&step, a.key+" range: step", n)
}

func (p *parser) factor(a *axis, n *yaml.Node) (float64, bool) {
	factor := axis{want: "a number above 1", min: math.Nextafter(1, 2), max: 1e12, full: "more than any range spans"}
	return p.number(&factor, a.key+" range: factor", n)
}
