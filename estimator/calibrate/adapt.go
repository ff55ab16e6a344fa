package calibrate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// leastConfigurations is how many different configurations of an engine constants
// of a user's own need.
const leastConfigurations = 20

// folds of the cross-validation of a user's own constants.
const folds = 5

// Check compares constants before and after they were fitted to a user's own
// measurements.
type Check struct {
	Backend        string
	Configurations int
	Before, After  Error // After: of predictions whose configuration was left out
}

// Adapt fits an engine's constants to a user's own measurements, held near those
// that come with the program. It fails where there are too few configurations of
// every engine; an engine with too few keeps what the program has.
func Adapt(cases []*Case, shipped *Set) (*Set, []Check, error) {
	byBackend := map[string][]*Case{}
	for _, c := range cases {
		byBackend[c.Backend] = append(byBackend[c.Backend], c)
	}
	s := &Set{All: shipped.All, Engines: maps.Clone(shipped.Engines), Families: map[string]Constants{}}
	for f, k := range shipped.Families {
		s.Families[f] = k
	}
	var checks []Check
	var few []string
	for _, b := range slices.Sorted(maps.Keys(byBackend)) {
		own := byBackend[b]
		configurations := configurationsOf(own)
		n := slices.Max(configurations) + 1
		if n < leastConfigurations {
			few = append(few, fmt.Sprintf("%s has %d", b, n))
			continue
		}
		from := *shipped.of(b, own[0].Family)
		answers := make([]Answer, len(own))
		for fold := range folds {
			var rest []*Case
			for i, c := range own {
				if configurations[i]%folds != fold {
					rest = append(rest, c)
				}
			}
			k := Fit(rest, from, OneEngine)
			for i, c := range own {
				if configurations[i]%folds == fold {
					answers[i].TTFT, answers[i].TPOT = c.means(&k)
				}
			}
		}
		before := make([]Answer, len(own))
		for i, c := range own {
			before[i].TTFT, before[i].TPOT = c.means(shipped.For(c))
		}
		checks = append(checks, Check{b, n,
			Judge(own, func(i int) Answer { return before[i] }), Judge(own, func(i int) Answer { return answers[i] })})
		s.Engines[b] = Fit(own, from, OneEngine)
		maps.DeleteFunc(s.Families, func(f string, _ Constants) bool { return strings.HasPrefix(f, b+" ") })
	}
	if len(checks) == 0 {
		return nil, nil, fmt.Errorf("too few measurements: an engine needs %d different configurations (%s)", leastConfigurations, strings.Join(few, ", "))
	}
	return s, checks, nil
}

// configurationsOf numbers the configurations of cases in order of appearance.
func configurationsOf(cases []*Case) []int {
	numbers := map[configuration]int{}
	out := make([]int, len(cases))
	for i, c := range cases {
		k := c.configuration()
		if _, ok := numbers[k]; !ok {
			numbers[k] = len(numbers)
		}
		out[i] = numbers[k]
	}
	return out
}
