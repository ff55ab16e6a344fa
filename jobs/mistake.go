package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"servegrid/internal/suggest"
)

// Mistake is one thing that is wrong with a file. [Parse] returns all of
// them joined and sorted by line; errors.As finds the first.
type Mistake struct {
	File string
	Line int // 1-based; where the YAML library does not tell, the likeliest
	Text string
}

func (m *Mistake) Error() string {
	return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.Text)
}

// mistakes collects what is wrong with one file.
type mistakes struct {
	file string
	list []*Mistake
}

func (m *mistakes) add(line int, format string, args ...any) {
	m.list = append(m.list, &Mistake{File: m.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

// err joins the mistakes by line, those of one line in the order in which they
// were found. What several keys share through an alias may have been reported
// by each; it is listed once.
func (m *mistakes) err() error {
	slices.SortStableFunc(m.list, func(a, b *Mistake) int { return cmp.Compare(a.Line, b.Line) })
	seen := make(map[Mistake]bool)
	var errs []error
	for _, one := range m.list {
		if !seen[*one] {
			seen[*one] = true
			errs = append(errs, one)
		}
	}
	return errors.Join(errs...)
}

// clip shortens a value for a message: a whole paragraph in the wrong place
// should not bury the other mistakes, nor make the search for the nearest name
// slow.
func clip(s string) string {
	const most = 60
	for i := range s {
		if i > most {
			return s[:i] + "…"
		}
	}
	return s
}

func quote(s string) string { return strconv.Quote(clip(s)) }

// unknown words a value outside a short list of valid ones.
func unknown(what, value string, valid []string) error {
	return suggest.Unknown(what, clip(value), valid)
}
