// Package suggest words the "did you mean" part of messages about unknown names.
package suggest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest returns the candidate closest to name by edit distance, ignoring
// case. It returns "" when none is within maxDistance; ties go to the candidate
// listed first.
func Nearest(name string, candidates []string, maxDistance int) string {
	best, bestDistance := "", maxDistance+1
	for _, c := range candidates {
		d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(c))
		if d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// Unknown words the error for a value that is not one of the valid ones: what
// was wrong, the nearest valid value if one is near, and all valid values.
func Unknown(what, value string, valid []string) error {
	// A short name is near only to what shares about half of its letters.
	near := Nearest(value, valid, min(max(3, len(value)/3), (len(value)+1)/2))
	switch {
	case len(valid) == 0:
		return fmt.Errorf("unknown %s %q: there are none", what, value)
	case near == "":
		return fmt.Errorf("unknown %s %q: valid are %s", what, value, List(valid))
	default:
		return fmt.Errorf("unknown %s %q: did you mean %q? Valid are %s", what, value, near, List(valid))
	}
}

// List joins names for a message, keeping long lists readable.
func List(names []string) string {
	const most = 40
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(slices.Clip(names[:most]), ", ") + fmt.Sprintf(", … (%d in all)", len(names))
}
