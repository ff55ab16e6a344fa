// Package changes reports what changed between two runs of a sweep: for people, for a
// pull request or a chat, and for programs.
package changes

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"servegrid/internal/suggest"
)

// Report is what changed since the previous run.
type Report struct {
	Sweep        string    `json:"sweep"`
	Run          string    `json:"run"`
	FinishedAt   time.Time `json:"finished_at"`
	Previous     string    `json:"previous"` // "": there is none, and nothing is compared
	PreviousAt   time.Time `json:"previous_finished_at,omitzero"`
	Shards       int       `json:"shards"`
	ScoredShards int       `json:"scored_shards"`
	Threshold    float64   `json:"threshold"` // share of a frontier that may be lost
	Regressed    bool      `json:"regressed"`

	Notes     []string   `json:"notes"` // what else differs: in what was asked and by which program
	Tables    []Table    `json:"kernel_tables"`
	Served    []Served   `json:"served"`
	Frontiers []Frontier `json:"frontiers"`
	Coverage  []Coverage `json:"coverage"`
}

// Table is a kernel table that is not the same in both runs.
type Table struct {
	Change  string `json:"change"` // altered, lost or new
	System  string `json:"system"`
	Backend string `json:"backend"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
	DigestA string `json:"digest_a,omitempty"`
	DigestB string `json:"digest_b,omitempty"`
}

// Served is a model or a system that can be served in one of the runs only.
type Served struct {
	Change string `json:"change"` // lost or new
	What   string `json:"what"`   // model or system
	Name   string `json:"name"`
}

// Coverage is a combination of which more or less can be served than before.
type Coverage struct {
	Change  string `json:"change"` // lost, new, less or more
	Model   string `json:"model"`
	System  string `json:"system"`
	Backend string `json:"backend"`
	Version string `json:"version"`
	Mode    string `json:"mode"`
	StatusA string `json:"status_a"`
	StatusB string `json:"status_b"`
	Reason  string `json:"reason"`
	Lost    int64  `json:"n_lost"` // layouts, by role and workload, that fit no longer
	New     int64  `json:"n_new"`
}

// Compare fills in what the shifts of the frontiers and the coverage mean. A frontier that
// is lost, or falls short by more than the threshold, is a regression; so is a
// combination that can be served no longer.
func (r *Report) Compare(shifts []Shift) {
	r.Frontiers = sumUp(shifts, r.Threshold)
	lost, down := r.regressions()
	r.Regressed = lost+down > 0
}

// regressions counts combinations that can be served no longer, and frontiers that are
// lost or down beyond the threshold.
func (r *Report) regressions() (lost, down int) {
	for _, c := range r.Coverage {
		if c.Change == "lost" {
			lost++
		}
	}
	for _, f := range r.Frontiers {
		down += f.Regressed
	}
	return lost, down
}

// Verdict says in one line whether the alarm is to be raised.
func (r *Report) Verdict() string {
	lost, down := r.regressions()
	switch {
	case r.Previous == "":
		return "first run: nothing to compare with"
	case r.Regressed:
		return fmt.Sprintf("regressions: %s lost or down by more than %s, %s no longer covered",
			count(down, "frontier", "frontiers"), percent(r.Threshold), count(lost, "combination", "combinations"))
	case len(r.Frontiers)+len(r.Coverage)+len(r.Served) == 0:
		return "no change"
	}
	return fmt.Sprintf("changes, but no frontier is lost or down by more than %s", percent(r.Threshold))
}

func count(n int, one, many string) string {
	if n == 1 {
		many = one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Formats lists the formats of [Report.Write].
func Formats() []string { return []string{"table", "markdown", "json"} }

// Write writes the report in one of the [Formats].
func (r *Report) Write(w io.Writer, format string) error {
	switch format {
	case "table":
		return r.writeText(w)
	case "markdown":
		return r.writeMarkdown(w)
	case "json":
		b, err := json.MarshalIndent(r, "", "  ")
		if err == nil {
			_, err = w.Write(append(b, '\n'))
		}
		return err
	}
	return suggest.Unknown("format", format, Formats())
}

// FormatOf returns the format that a file's extension stands for.
func FormatOf(extension string) (string, error) {
	formats := map[string]string{".txt": "table", ".md": "markdown", ".json": "json"}
	if f, ok := formats[strings.ToLower(extension)]; ok {
		return f, nil
	}
	return "", suggest.Unknown("extension", extension, []string{".txt", ".md", ".json"})
}
