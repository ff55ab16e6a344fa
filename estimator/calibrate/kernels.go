package calibrate

import (
	"math"

	"servegrid/estimator"
)

// Kernels are the latencies of a plan's steps, tabulated so that a simulation can
// ask a thousand times a millisecond. All latencies are ms of all layers.
type Kernels struct {
	Layers     float64
	context    []estimator.Parts // by knot of the tokens of a step that has prompts in it
	generation []estimator.Parts // by knot of the sequences of a decode step
	head       []float64         // head projection, by knot of the sequences
	prefill    []float64         // attention of one whole prompt, by knot of its length
	decode     [][]float64       // attention of a decode step, by knots of sequences and length

	MatMuls          float64 // matrix multiplications of a decode step
	Collectives      float64 // collectives of a decode step
	Launches         float64 // multiplications of a step with prompts, and other kernels in their measure
	Experts          bool    // layers with experts
	Blackwell        bool    // compute capability 10 or more
	Latent           bool    // latent attention
	ExpertsByFormula bool    // nothing was measured for the expert layers
}

// Knots: 1, then four an octave up to 2^18. Between them everything is linear;
// kernels are measured at powers of two and halfway between them.
const (
	knotsPerOctave = 4
	octaves        = 18
	knotCount      = octaves*knotsPerOctave + 1
)

func knot(i int) float64 {
	return math.Ldexp(1+float64(i%knotsPerOctave)/knotsPerOctave, i/knotsPerOctave)
}

// locate returns the knot at or below x >= 1, and how far x is on the way to the
// next.
func locate(x float64) (int, float64) {
	if x <= 1 {
		return 0, 0
	}
	f, e := math.Frexp(x)
	s := (f*2 - 1) * knotsPerOctave
	i := int(s)
	at := (e-1)*knotsPerOctave + i
	if at >= knotCount-1 {
		return knotCount - 2, 1
	}
	return at, s - float64(i)
}

func between(v []float64, x float64) float64 {
	i, f := locate(x)
	return v[i] + f*(v[i+1]-v[i])
}

func partsAt(v []estimator.Parts, x float64) estimator.Parts {
	i, f := locate(x)
	a, b := &v[i], &v[i+1]
	var p estimator.Parts
	for k := range p {
		p[k] = a[k] + f*(b[k]-a[k])
	}
	return p
}

// Kernels of a layer beside its multiplications, in the measure of what a dense layer
// has beside each of its four: routing, sorting, quantising and combining of
// experts; rotating, splitting and writing of latent attention.
const (
	expertLaunches = 3
	latentLaunches = 4
)

// NewKernels tabulates a plan. Expert layers come from another plan of the same
// layout where it is given. Beyond the tables latencies grow in proportion from
// the last that is known. The error is the plan's where a phase has nothing.
func NewKernels(p, experts *estimator.Plan) (*Kernels, error) {
	for _, err := range []error{p.ContextErr(), p.GenerationErr()} {
		if err != nil {
			return nil, err
		}
	}
	k := &Kernels{Layers: float64(p.Model.Layers), Blackwell: p.DB.System.SMVersion >= 100, Latent: p.Model.Family == estimator.DeepSeek, Experts: p.Model.IsMoE()}
	context, generation := p.ContextParts(), p.GenerationParts()
	k.MatMuls, k.Collectives = generation.Count(estimator.MatMul), generation.Count(estimator.Communication)
	k.Launches = k.MatMuls
	if k.Experts {
		k.Launches += expertLaunches * k.Layers
	}
	if k.Latent {
		k.Launches += latentLaunches * k.Layers
	}
	k.context, k.generation = tabulateParts(context), tabulateParts(generation)
	if experts != nil {
		for _, o := range []struct{ dst, src []estimator.Parts }{
			{k.context, tabulateParts(experts.ContextParts())}, {k.generation, tabulateParts(experts.GenerationParts())},
		} {
			for i := range o.dst {
				o.dst[i][estimator.Experts] = o.src[i][estimator.Experts]
			}
		}
	}
	for _, v := range [][]estimator.Parts{k.context, k.generation} {
		// An engine takes the faster kernel: a step never takes longer than its two
		// halves. Tables that switch kernels at a token count break that.
		for i := knotsPerOctave; i < knotCount; i++ {
			v[i][estimator.Experts] = min(v[i][estimator.Experts], 2*v[i-knotsPerOctave][estimator.Experts])
		}
	}
	k.head = tabulate(func(x float64) (float64, bool) { return p.HeadProjection(x) }, 1)
	k.prefill = tabulate(func(x float64) (float64, bool) { return p.ContextAttention(1, x, 0) }, 2)
	for i := 0; knot(i) <= mostSequences; i++ {
		b := knot(i)
		row := tabulate(func(x float64) (float64, bool) { return p.GenerationAttention(b, x) }, 1)
		if row[knotCount-1] == 0 && i > 0 { // nothing known for so many: in proportion
			for j, v := range k.decode[i-1] {
				row[j] = v * b / knot(i-1)
			}
		}
		k.decode = append(k.decode, row)
	}
	return k, nil
}

// mostSequences bounds the sequences of a decode step that are tabulated.
const mostSequences = 4096

// tabulate evaluates f at the knots; beyond what f knows it grows with that power
// of x, below it stays. Where f knows nothing all is 0.
func tabulate(f func(x float64) (float64, bool), power float64) []float64 {
	v := make([]float64, knotCount)
	last := -1
	for i := range v {
		y, ok := f(math.Floor(knot(i)))
		switch {
		case ok:
			v[i] = y
			if last < 0 {
				for j := range i {
					v[j] = y
				}
			}
			last = i
		case last >= 0:
			v[i] = v[last] * math.Pow(knot(i)/knot(last), power)
		}
	}
	return v
}

func tabulateParts(c *estimator.PartCurves) []estimator.Parts {
	v := make([]estimator.Parts, knotCount)
	for part := range estimator.NumParts {
		for i, y := range tabulate(func(x float64) (float64, bool) { return c.PartAt(part, x) }, 1) {
			v[i][part] = y
		}
	}
	return v
}

// promptAttention is the attention of a chunk of a prompt against what is already
// cached: the share of the score matrix that is new.
func (k *Kernels) promptAttention(from, to float64) float64 {
	return between(k.prefill, to) * (1 - (from/to)*(from/to))
}

// decodeAttention is the attention of one decode step of n sequences of a mean
// length.
func (k *Kernels) decodeAttention(n, length float64) float64 {
	if n < 1 {
		return 0
	}
	i, f := locate(n)
	if i >= len(k.decode)-1 {
		return between(k.decode[len(k.decode)-1], length) * n / knot(len(k.decode)-1)
	}
	a := between(k.decode[i], length)
	if f == 0 {
		return a
	}
	return a + f*(between(k.decode[i+1], length)-a)
}
