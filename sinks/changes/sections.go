package changes

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"servegrid/internal/suggest"
	"servegrid/sinks"
)

// mostRows is how many rows of a table people are shown; programs get all.
const mostRows = 40

// section is one table of the report.
type section struct {
	title   string
	columns []string
	rows    [][]any
}

// sections are the tables that have rows.
func (r *Report) sections() []section {
	tables := section{title: "Kernel tables", columns: []string{"change", "system", "backend", "version", "kind", "digest"}}
	for i := 0; i < len(r.Tables); {
		t := r.Tables[i]
		if t.Change == "altered" {
			tables.add(t.Change, t.System, t.Backend, t.Version, t.Kind, short(t.DigestA)+" -> "+short(t.DigestB))
			i++
			continue
		}
		kinds := []string{} // those of one version in one line
		for ; i < len(r.Tables) && r.Tables[i].sameVersion(&t); i++ {
			kinds = append(kinds, r.Tables[i].Kind)
		}
		tables.add(t.Change, t.System, t.Backend, t.Version, strings.Join(kinds, ", "), "")
	}
	served := section{title: "Models and systems", columns: []string{"change", "what", "name"}}
	for _, s := range r.Served {
		served.add(s.Change, s.What, s.Name)
	}
	frontiers := section{title: "Frontiers", columns: []string{"model", "system", "backend", "version", "mode", "down", "up", "lost", "new", "largest loss", "largest gain"}}
	for _, f := range r.shifted() {
		system := f.System
		if f.DecodeSystem != system {
			system += " + " + f.DecodeSystem
		}
		frontiers.add(f.Model, system, f.Backend, f.Version, f.Mode, f.Down, f.Up, f.Lost, f.New, f.Loss.text("-"), f.Gain.text("+"))
	}
	coverage := section{title: "Coverage", columns: []string{"change", "model", "system", "backend", "version", "mode", "layouts lost", "layouts new", "reason"}}
	for _, c := range r.Coverage {
		coverage.add(c.Change, c.Model, c.System, c.Backend, c.Version, c.Mode, c.Lost, c.New, c.Reason)
	}
	var filled []section
	for _, s := range []section{served, frontiers, coverage, tables} {
		if len(s.rows) > 0 {
			filled = append(filled, s)
		}
	}
	return filled
}

func (s *section) add(cells ...any) { s.rows = append(s.rows, cells) }

// shown cuts a section down to what people read; rest says what is left out.
func (s *section) shown() (rows [][]any, rest string) {
	if more := len(s.rows) - mostRows; more > 0 {
		return s.rows[:mostRows], fmt.Sprintf("… and %d more: --output json has all", more)
	}
	return s.rows, ""
}

func (e *Extreme) text(sign string) string {
	if e == nil {
		return "-"
	}
	return sign + percent(e.Share) + " at " + e.Workload.String()
}

// percent writes a share with three digits: 0.0123 is 1.23 %.
func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }

// short is the part of a digest that people compare.
func short(digest string) string { return digest[:min(12, len(digest))] }

func (t *Table) sameVersion(o *Table) bool {
	return t.Change == o.Change && t.System == o.System && t.Backend == o.Backend && t.Version == o.Version
}

// facts are the lines above the tables.
func (r *Report) facts() []string {
	shards := fmt.Sprintf("%s, of which %d scored now", count(r.Shards, "shard", "shards"), r.ScoredShards)
	if r.Previous == "" {
		return append([]string{fmt.Sprintf("%s: run %s", r.Sweep, r.Run), shards}, r.Notes...)
	}
	facts := []string{fmt.Sprintf("%s: run %s, since %s of %s", r.Sweep, r.Run, r.Previous, r.PreviousAt.UTC().Format("2006-01-02 15:04 UTC")), shards}
	if models, systems := r.moved(); len(models) > 0 {
		facts = append(facts, fmt.Sprintf("frontiers changed of %s on %s", suggest.List(models), suggest.List(systems)))
	}
	return append(facts, r.Notes...)
}

// shifted are the frontiers that people are shown: not those of combinations that are
// lost or new as a whole, which the coverage tells.
func (r *Report) shifted() []Frontier {
	whole := map[Combination]bool{}
	for _, c := range r.Coverage {
		if c.Change == "lost" || c.Change == "new" {
			whole[Combination{c.Model, c.System, c.System, c.Backend, c.Version, c.Mode}] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(r.Frontiers), func(f Frontier) bool {
		return f.Up+f.Down == 0 && whole[f.Combination]
	})
}

// moved lists the models and the systems of these frontiers.
func (r *Report) moved() (models, systems []string) {
	for _, f := range r.shifted() {
		models, systems = append(models, f.Model), append(systems, f.System, f.DecodeSystem)
	}
	slices.Sort(models)
	slices.Sort(systems)
	return slices.Compact(models), slices.Compact(systems)
}

// writeText writes the report for a terminal: aligned tables.
func (r *Report) writeText(w io.Writer) error {
	var b strings.Builder
	for _, f := range r.facts() {
		fmt.Fprintln(&b, f)
	}
	for _, s := range r.sections() {
		rows, rest := s.shown()
		fmt.Fprintf(&b, "\n%s\n", s.title)
		if err := sinks.WriteTable(&b, "table", s.columns, rows); err != nil {
			return err
		}
		if rest != "" {
			fmt.Fprintln(&b, rest)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", r.Verdict())
	_, err := io.WriteString(w, b.String())
	return err
}

// writeMarkdown writes the report for a pull request or a chat, the verdict first.
func (r *Report) writeMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\n", r.Verdict())
	for _, f := range r.facts() {
		fmt.Fprintf(&b, "- %s\n", cell(f))
	}
	for _, s := range r.sections() {
		rows, rest := s.shown()
		fmt.Fprintf(&b, "\n### %s\n\n| %s |\n|%s\n", s.title, strings.Join(s.columns, " | "), strings.Repeat(" --- |", len(s.columns)))
		for _, row := range rows {
			for _, v := range row {
				fmt.Fprintf(&b, "| %s ", cell(fmt.Sprint(v)))
			}
			b.WriteString("|\n")
		}
		if rest != "" {
			fmt.Fprintf(&b, "\n%s\n", rest)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell keeps a text in its cell, and what is in it from being read as markup.
func cell(text string) string {
	return strings.NewReplacer("\n", " ", "|", `\|`, "*", `\*`, "<", "&lt;", "`", "'").Replace(text)
}
