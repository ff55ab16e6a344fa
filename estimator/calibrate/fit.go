package calibrate

import "math"

// Weights of the two latencies in a fit. TPOT decides throughput and is what the
// steps are made of; TTFT is noisier and depends on how a run was started.
const (
	tpotWeight = 1.0
	ttftWeight = 0.25
)

// Level says how firmly constants are held where they start: the factor on the
// spread of each. The further down from all engines to one version family, the
// firmer.
type Level float64

// The levels.
const (
	AllEngines Level = 1
	OneEngine  Level = 0.7
	OneFamily  Level = 0.5
	Borrowed   Level = 1.5 // of engines on borrowed tables: the kernels are others
)

// priorWeight is how much one standard deviation of a constant from where it
// starts counts, against the error of one row.
const priorWeight = 0.3

// Fit finds the constants that explain cases best: least absolute deviations of
// the logarithms of predicted over measured latencies, held near where they start.
// Repeats of a configuration share one weight, and a group's weight grows with the
// root of its configurations. It is deterministic.
func Fit(cases []*Case, start Constants, level Level) Constants {
	f := &fit{cases: cases, twin: twins(cases), weight: caseWeights(cases), start: start, level: level}
	at := f.at(start)
	at = f.descend(at)
	if next := f.scan(at); next.loss < at.loss {
		at = f.descend(next)
	}
	return at.c
}

// position is a place in the space of constants.
type position struct {
	c    Constants
	r    []float64 // residuals
	loss float64
}

func (f *fit) at(c Constants) position {
	r := f.residuals(&c)
	return position{c, r, f.loss(r, &c)}
}

// descend takes reweighted Gauss-Newton steps until they gain little.
func (f *fit) descend(at position) position {
	const iterations, tries, least = 8, 5, 1e-3
	damping := 1e-2
	for range iterations {
		j := f.jacobian(&at.c, at.r)
		gained := false
		for range tries {
			next := f.at(f.step(&at.c, at.r, j, damping))
			if next.loss < at.loss {
				gained = at.loss-next.loss > least*at.loss
				at, damping = next, max(1e-6, damping/4)
				break
			}
			damping *= 6
		}
		if !gained {
			break
		}
	}
	return at
}

// scan looks further along the constants that change nothing until something is
// saturated, which no slope shows.
func (f *fit) scan(at position) position {
	best := at
	for _, i := range []int{FrontToken, FrontRequest} {
		from := best.c
		for _, factor := range []float64{2, 4, 7, 11} {
			c := from
			c[i] *= factor
			if next := f.at(c); next.loss < best.loss {
				best = next
			}
		}
	}
	return best
}

type fit struct {
	cases  []*Case
	twin   []int // of each case the first that is simulated alike
	weight []float64
	start  Constants
	level  Level
}

// configuration is what repeats of a measurement have in common.
type configuration struct {
	kernels               *Kernels
	concurrency, isl, osl int
}

func (c *Case) configuration() configuration {
	return configuration{c.Kernels, c.Load.Concurrency, c.ISL, c.OSL}
}

// caseWeights shares a weight among repeats of a configuration.
func caseWeights(cases []*Case) []float64 {
	repeats, configurations := map[configuration]int{}, map[string]int{}
	for _, c := range cases {
		k := c.configuration()
		if repeats[k]++; repeats[k] == 1 {
			configurations[c.Group]++
		}
	}
	w := make([]float64, len(cases))
	for i, c := range cases {
		w[i] = 1 / float64(repeats[c.configuration()]) / math.Sqrt(float64(configurations[c.Group]))
	}
	return w
}

// twins returns of each case the first that has the same simulation.
func twins(cases []*Case) []int {
	type simulated struct {
		kernels  *Kernels
		schedule Schedule
		load     Load
		ranks    int
	}
	first := map[simulated]int{}
	out := make([]int, len(cases))
	for i, c := range cases {
		k := simulated{c.Kernels, c.Schedule, c.Load, c.Ranks}
		if _, ok := first[k]; !ok || c.Disaggregated() {
			first[k] = i
		}
		out[i] = first[k]
	}
	return out
}

// residuals are the log ratios, TPOT and TTFT of each case.
func (f *fit) residuals(c *Constants) []float64 {
	r := f.simulate(func(k *Case) (tpot, ttft float64) {
		first, per := k.means(c)
		return math.Log(per), math.Log(first)
	})
	for i, k := range f.cases {
		r[2*i] -= math.Log(k.TPOT)
		r[2*i+1] -= math.Log(k.TTFT)
	}
	return r
}

// simulate evaluates two figures of each case, once for those that are simulated alike.
func (f *fit) simulate(figures func(c *Case) (a, b float64)) []float64 {
	v := make([]float64, 2*len(f.cases))
	parallel(len(f.cases), func(i int) {
		if f.twin[i] == i {
			v[2*i], v[2*i+1] = figures(f.cases[i])
		}
	})
	for i, t := range f.twin {
		v[2*i], v[2*i+1] = v[2*t], v[2*t+1]
	}
	return v
}

func (f *fit) rowWeight(k int) float64 {
	if k%2 == 0 {
		return f.weight[k/2] * tpotWeight
	}
	return f.weight[k/2] * ttftWeight
}

// soft is an absolute value that is smooth at zero; errors of a few per cent are
// noise of the measurement.
func soft(x float64) float64 { return math.Sqrt(x*x + 0.03*0.03) }

func (f *fit) loss(r []float64, c *Constants) float64 {
	sum := 0.0
	for k, x := range r {
		sum += f.rowWeight(k) * soft(x)
	}
	for i := range c {
		d := math.Log(c[i]/f.start[i]) / spread(i, f.level)
		sum += priorWeight * d * d / 2
	}
	return sum
}

// jacobian is the change of the residuals by the logarithm of each constant.
func (f *fit) jacobian(c *Constants, r []float64) [NumConstants][]float64 {
	const h = 0.03
	var j [NumConstants][]float64
	for i := range j {
		moved := *c
		moved[i] *= math.Exp(h)
		j[i] = f.simulate(func(k *Case) (tpot, ttft float64) {
			if !k.depends(i) {
				return math.NaN(), math.NaN()
			}
			first, per := k.means(&moved)
			return math.Log(per), math.Log(first)
		})
		for n, k := range f.cases {
			for q, measured := range [2]float64{k.TPOT, k.TTFT} {
				if d := &j[i][2*n+q]; math.IsNaN(*d) {
					*d = 0
				} else {
					*d = (*d - math.Log(measured) - r[2*n+q]) / h
				}
			}
		}
	}
	return j
}

// depends reports whether a constant has a say in a case.
func (c *Case) depends(constant int) bool {
	k := c.Kernels
	switch moe := c.Plan.Model.IsMoE(); constant {
	case ExpertsFormula:
		return moe && k.ExpertsByFormula
	case ExpertsHopper:
		return moe && !k.ExpertsByFormula && !k.Blackwell
	case ExpertsBlackwell:
		return moe && !k.ExpertsByFormula && k.Blackwell
	case ExpertsPrefill:
		return moe
	case LatentDecode, LatentPrefill:
		return k.Latent
	case AttentionDecode, AttentionPrefill:
		return !k.Latent
	case Communication:
		return c.Plan.Layout.GPUs() > 1
	}
	return true
}

// step is one step of iteratively reweighted least squares.
func (f *fit) step(c *Constants, r []float64, j [NumConstants][]float64, damping float64) Constants {
	var a [NumConstants][NumConstants + 1]float64
	for k, x := range r {
		w := f.rowWeight(k) / soft(x)
		for p := range j {
			wp := w * j[p][k]
			if wp == 0 {
				continue
			}
			for q := 0; q <= p; q++ {
				a[p][q] += wp * j[q][k]
			}
			a[p][NumConstants] -= wp * x
		}
	}
	for p := range a {
		prior := priorWeight / math.Pow(spread(p, f.level), 2)
		a[p][p] += prior
		a[p][NumConstants] -= prior * math.Log(c[p]/f.start[p])
		for q := range p {
			a[q][p] = a[p][q]
		}
	}
	for p := range a {
		a[p][p] *= 1 + damping
	}
	next := *c
	for p, d := range solve(a) {
		next[p] *= math.Exp(min(1, max(-1, d)))
	}
	return next
}
