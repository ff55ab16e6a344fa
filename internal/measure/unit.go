package measure

import (
	"fmt"
	"strings"
)

// quantity is what a metric counts; the name of its unit follows from it.
type quantity int

const (
	duration      quantity = iota // kept in ms
	requestRate                   // kept per second
	tokenRate                     // kept per second
	userTokenRate                 // kept per second
	requests
	tokens
)

// milliseconds holds the names of time units, AIPerf's own first.
var milliseconds = map[string]float64{
	"ms": 1, "sec": 1000, "us": 1e-3, "ns": 1e-6,
	"s": 1000, "seconds": 1000, "milliseconds": 1, "microseconds": 1e-3, "nanoseconds": 1e-6,
}

// factor returns what to multiply a value in unit by.
func (q quantity) factor(unit string) (float64, error) {
	before, after, example := "", "", "ms or sec"
	switch q {
	case requests:
		before, example = "requests", "requests"
	case tokens:
		before, example = "tokens", "tokens"
	case requestRate:
		before, example = "requests/", "requests/sec"
	case tokenRate:
		before, example = "tokens/", "tokens/sec"
	case userTokenRate:
		before, after, example = "tokens/", "/user", "tokens/sec/user"
	}
	text := strings.ToLower(strings.TrimSpace(unit))
	time, ok := strings.CutPrefix(text, before)
	if ok {
		time, ok = strings.CutSuffix(time, after)
	}
	ms, isTime := milliseconds[time]
	switch {
	case ok && q == duration && isTime:
		return ms, nil
	case ok && (q == requests || q == tokens) && time == "":
		return 1, nil
	case ok && (q == requestRate || q == tokenRate || q == userTokenRate) && isTime:
		return 1000 / ms, nil
	case unit == "":
		return 0, fmt.Errorf("no unit, want %s", example)
	}
	return 0, fmt.Errorf("unknown unit %q, want %s", unit, example)
}
