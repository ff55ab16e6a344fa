package calibrate

import (
	"maps"
	"slices"
)

// Set holds the constants of all engines: of all together, of each, and of the
// version families of each that were measured enough. The most special that there
// is speaks for a case.
type Set struct {
	Provenance string               `json:"provenance"` // what they were fitted to, and by which command
	All        Constants            `json:"all"`
	Engines    map[string]Constants `json:"engines"`
	Families   map[string]Constants `json:"families"`
}

// For returns the constants that a case is predicted with. Those of borrowed kernels
// were fitted to aggregated workers and say nothing about others.
func (s *Set) For(c *Case) *Constants {
	if c.Disaggregated() && c.Class == Cross {
		return s.of(c.Backend, "")
	}
	return s.of(c.Backend, c.Family)
}

func (s *Set) of(backend, family string) *Constants {
	if k, ok := s.Families[family]; ok {
		return &k
	}
	if k, ok := s.Engines[backend]; ok {
		return &k
	}
	return &s.All
}

// leastCases is how many cases a version family needs for constants of its own.
const leastCases = 8

// training is what each level of constants is fitted to. What a case with borrowed
// kernels says is kept out of the constants of engines.
type training struct {
	own               []*Case
	engines, families map[string][]*Case
}

func newTraining(cases []*Case) training {
	t := training{engines: map[string][]*Case{}, families: map[string][]*Case{}}
	for _, c := range cases {
		if c.Class != Cross {
			t.own = append(t.own, c)
			t.engines[c.Backend] = append(t.engines[c.Backend], c)
		}
		if c.Family != "" {
			t.families[c.Family] = append(t.families[c.Family], c)
		}
	}
	return t
}

// FitSet fits the constants of all engines to cases.
func FitSet(cases []*Case) *Set { return fitSet(newTraining(cases), cases, nil, training{}) }

// fitSet fits the constants that some cases are predicted with. It takes over from a
// set that was fitted to other cases what would come out the same.
func fitSet(t training, speakFor []*Case, from *Set, of training) *Set {
	backends, needed := map[string]bool{}, map[string]bool{}
	for _, c := range speakFor {
		backends[c.Backend], needed[c.Family] = true, true
	}
	s := &Set{Engines: map[string]Constants{}, Families: map[string]Constants{}}
	same := from != nil && slices.Equal(t.own, of.own)
	if same {
		s.All = from.All
	} else {
		s.All = Fit(t.own, Start(), AllEngines)
	}
	for _, b := range slices.Sorted(maps.Keys(t.engines)) {
		if !backends[b] {
			continue
		}
		if same {
			s.Engines[b] = from.Engines[b]
		} else {
			s.Engines[b] = Fit(t.engines[b], s.All, OneEngine)
		}
	}
	for _, f := range slices.Sorted(maps.Keys(t.families)) {
		members := t.families[f]
		if len(members) < leastCases || !needed[f] {
			continue
		}
		if k, ok := knownFamily(from, f); same && ok && slices.Equal(members, of.families[f]) {
			s.Families[f] = k
			continue
		}
		s.Families[f] = Fit(members, s.startOf(members[0]), familyLevel(members[0]))
	}
	return s
}

func knownFamily(s *Set, f string) (Constants, bool) {
	if s == nil {
		return Constants{}, false
	}
	k, ok := s.Families[f]
	return k, ok
}

// Split is a way of leaving out what a prediction is judged on.
type Split struct {
	Name string
	Key  func(c *Case) string // cases of one key are left out together
}

// Splits lists them.
var Splits = []Split{
	{"group", func(c *Case) string { return c.Group }},
	{"model", func(c *Case) string { return c.Architecture }},
	{"backend", func(c *Case) string { return c.Backend }},
}

// CrossValidate fits one set for every key of a split, to the cases of all others,
// and returns them by key. Only trusted cases are in a fit.
func CrossValidate(cases []*Case, by Split) map[string]*Set {
	var keys []string
	for _, c := range cases {
		if k := by.Key(c); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	trusted := Trusted(cases)
	whole := newTraining(trusted)
	full := fitSet(whole, cases, nil, training{})
	sets := map[string]*Set{}
	for _, k := range keys {
		left := slices.DeleteFunc(slices.Clone(cases), func(c *Case) bool { return by.Key(c) != k })
		rest := slices.DeleteFunc(slices.Clone(trusted), func(c *Case) bool { return by.Key(c) == k })
		sets[k] = fitSet(newTraining(rest), left, full, whole)
	}
	return sets
}

// Trusted returns the cases that a fit may use: those that are probably what their
// labels say, of aggregated workers.
func Trusted(cases []*Case) []*Case {
	return slices.DeleteFunc(slices.Clone(cases), func(c *Case) bool { return c.Suspect != "" || c.Disaggregated() })
}

// serialHost is what the host adds to a step, ms, where the scheduler does not run
// ahead of the GPU: about what vLLM's asynchronous scheduling, default from 0.14 on,
// was made to hide. It is where a fit starts, no result of one.
const serialHost = 2

// startOf are the constants that those of a case's family start from.
func (s *Set) startOf(c *Case) Constants {
	k := *s.of(c.Backend, "")
	if c.Family == "vllm 0.12" {
		k[HostStep] += serialHost
	}
	return k
}

// familyLevel is how firmly the constants of a case's family are held.
func familyLevel(c *Case) Level {
	if c.Class == Cross {
		return Borrowed
	}
	return OneFamily
}
