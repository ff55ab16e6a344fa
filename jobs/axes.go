package jobs

import (
	"math"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Largest sizes that a file may expand to. They are far above any real sweep
// and keep a slip in a range from filling the memory.
const (
	maxAxis      = 100_000   // values in one axis
	maxWorkloads = 1_000_000 // also SLA pairs
)

// axis describes a numeric key. Whole axes are carried as float64 too; their
// values stay below 2^31, where float64 is exact.
type axis struct {
	key  string
	want string // completes "… is not"
	min  float64
	max  float64
	full string // why max is the largest

	whole bool // values must be whole numbers
}

func wholeAxis(key, want string, least float64) *axis {
	return &axis{key, want, least, math.MaxInt32, "the largest number that result tables hold", true}
}

func latencyAxis(key string) *axis {
	return &axis{key, "a positive number of milliseconds", math.SmallestNonzeroFloat64, 1e12, "about 30 years", false}
}

var (
	gpusAxis   = wholeAxis("gpus", "a positive whole number", 1)
	islAxis    = wholeAxis("isl", "a positive whole number", 1)
	oslAxis    = wholeAxis("osl", "a whole number of at least 2 (the aggregated model divides by osl - 1)", 2)
	prefixAxis = wholeAxis("prefix", "a whole number of at least 0", 0)
	ttftAxis   = latencyAxis("ttft")
	tpotAxis   = latencyAxis("tpot")
)

// value is one number of an axis with the line it comes from.
type value struct {
	v    float64
	line int
}

// axis reads a scalar, a range or a list of both.
func (p *parser) axis(a *axis, f field) []value {
	var out []value
	for _, n := range p.items(a.key, f.value) {
		if n.Kind == yaml.MappingNode {
			out = p.appendRange(out, a, n)
		} else if v, ok := p.number(a, a.key, n); ok {
			out = append(out, value{v, n.Line})
		}
		if len(out) > maxAxis {
			p.add(f.line, "%s: more than %d values", a.key, maxAxis)
			return nil
		}
	}
	return out
}

// required reads an axis that every file must give.
func (p *parser) required(a *axis, fs map[string]field, rootLine int) []value {
	f, ok := fs[a.key]
	if !ok {
		p.add(rootLine, "key %q is missing", a.key)
		return nil
	}
	return p.axis(a, f)
}

// limits reads the SLA.
func (p *parser) limits(fs map[string]field) (ttft, tpot []float64) {
	read := func(a *axis, def float64) []float64 {
		if f, ok := fs[a.key]; ok {
			return ascending(p.axis(a, f))
		}
		return []float64{def}
	}
	ttft, tpot = read(ttftAxis, DefaultTTFT), read(tpotAxis, DefaultTPOT)
	if pairs := len(ttft) * len(tpot); pairs > maxWorkloads {
		p.add(fs["ttft"].line, "ttft and tpot make %d pairs of limits: at most %d", pairs, maxWorkloads)
	}
	return ttft, tpot
}

// ascending sorts the numbers and drops duplicates.
func ascending(in []value) []float64 {
	out := make([]float64, len(in))
	for i, v := range in {
		out[i] = v.v
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func ints(in []float64) []int {
	out := make([]int, len(in))
	for i, v := range in {
		out[i] = int(v)
	}
	return out
}

// number reads one scalar of the axis; key names it in messages.
func (p *parser) number(a *axis, key string, n *yaml.Node) (float64, bool) {
	v, ok := numeric(n)
	switch {
	case !ok && n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && looksNumeric(n.Value):
		p.add(n.Line, "%s: %s is text: remove the quotes", key, quote(n.Value))
	case !ok:
		p.add(n.Line, "%s: %s is not %s", key, kindOf(n), a.want)
	case !(v >= a.min) || a.whole && v != math.Trunc(v): // also NaN
		p.add(n.Line, "%s: %s is not %s", key, clip(n.Value), a.want)
	case math.IsInf(v, 0):
		p.add(n.Line, "%s: %s is not a finite number", key, clip(n.Value))
	case v > a.max:
		p.add(n.Line, "%s: %s is above %.0f, %s", key, clip(n.Value), a.max, a.full)
	default:
		return v, true
	}
	return 0, false
}

// numeric returns the value of a YAML number in any of its spellings.
func numeric(n *yaml.Node) (float64, bool) {
	if n.Kind != yaml.ScalarNode {
		return 0, false
	}
	var v any
	if n.Decode(&v) != nil {
		return 0, false
	}
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func looksNumeric(s string) bool {
	_, ok := numeric(&yaml.Node{Kind: yaml.ScalarNode, Value: s})
	return ok
}
