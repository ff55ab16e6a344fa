package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/internal/suggest"
	"servegrid/perftables"
	"servegrid/sinks"
)

// supportOptions are the flags of the support command.
type supportOptions struct {
	model    string
	systems  []string
	backends []string
	matrix   bool   // system or backend is "all"
	version  string // "" = newest
	output   string
}

const all = "all"

func supportCommand() *cli.Command {
	return &cli.Command{
		Name:  "support",
		Usage: "say whether a model can be served on a system with a backend",
		Description: `Tries one sequence (ISL 1024, OSL 128) on every worker layout of up to 8 GPUs, at
no latency limit. Exit code 0 when it is supported (with "all": when anything
is), 1 when not. Examples:
  servegrid cli support --model-path Qwen/Qwen3-32B-FP8 --system h200_sxm --backend vllm
  servegrid cli support --model-path Qwen/Qwen3-32B-FP8 --system all`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "model-path", Aliases: []string{"model", "hf-id"}, Usage: "Hugging Face id, or a folder with a config.json (required)"},
			&cli.StringFlag{Name: "system", Usage: "GPU system: " + strings.Join(kernelTables().SystemNames(), ", ") + ", or all (required)"},
			&cli.StringFlag{Name: "backend", Usage: "serving engine: " + strings.Join(perftables.Backends, ", ") + ", or all (default: trtllm, with --system all: all)"},
			backendVersionFlag(),
			outputFlag(),
		},
		Action: func(c *cli.Context) error {
			o, err := newSupportOptions(c)
			if err != nil {
				return err
			}
			return o.run(c.App.Writer, c.App.ErrWriter)
		},
	}
}

func newSupportOptions(c *cli.Context) (*supportOptions, error) {
	if c.NArg() > 0 {
		return nil, usagef("unexpected argument %q", c.Args().First())
	}
	o := &supportOptions{model: c.String("model-path"), version: c.String("backend-version")}
	if err := require(c, "model-path", "system"); err != nil {
		return nil, err
	}
	backend := c.String("backend")
	if s := c.String("system"); s == all {
		o.systems, o.matrix = kernelTables().SystemNames(), true
		if backend == "" {
			backend = all
		}
	} else {
		name, err := systemName("system", s)
		if err != nil {
			return nil, err
		}
		o.systems = []string{name}
	}
	switch {
	case backend == "":
		o.backends = []string{"trtllm"}
	case backend == all:
		o.backends, o.matrix = perftables.Backends, true
	case slices.Contains(perftables.Backends, backend):
		o.backends = []string{backend}
	default:
		return nil, usagef("--backend: %w", suggest.Unknown("backend", backend, append(slices.Clone(perftables.Backends), all)))
	}
	var err error
	o.output, err = outputFormat(c)
	return o, err
}

// combination is what is said about the model on one system with one backend.
type combination struct {
	system, backend string
	task            *search.Task // nil: no tables
	verdicts        []search.Support
}

func (c *combination) version() string {
	if c.task == nil {
		return ""
	}
	return c.task.DB.Version
}

func (c *combination) supported() bool {
	return slices.ContainsFunc(c.verdicts, func(s search.Support) bool { return s.Supported() })
}

func (o *supportOptions) run(stdout, stderr io.Writer) error {
	m, err := lookupModel(stderr, o.model)
	if err != nil {
		return err
	}
	combos, err := o.judge(m)
	if err != nil {
		return err
	}
	switch {
	case o.output != "table":
		columns, rows := supportRows(m, combos)
		err = sinks.WriteTable(stdout, o.output, columns, rows)
	case o.matrix:
		err = o.writeMatrix(stdout, m, combos)
	default:
		err = writeSupport(stdout, m, &combos[0])
	}
	if err != nil || slices.ContainsFunc(combos, func(c combination) bool { return c.supported() }) {
		return err
	}
	return fmt.Errorf("%s is not supported on %s with %s", m.ID, alternatives(o.systems), alternatives(o.backends))
}

func alternatives(names []string) string { return strings.Join(names, " or ") }

// judge returns the verdicts on every combination, system by system. A version
// that no combination has is an error.
func (o *supportOptions) judge(m *estimator.Model) ([]combination, error) {
	var combos []combination
	var wrongVersion error
	opened := false
	for _, system := range o.systems {
		for _, backend := range o.backends {
			c := combination{system: system, backend: backend}
			db, err := openDatabase(m.ID, system, backend, o.version)
			switch {
			case err == nil:
				opened = true
				c.task = search.NewTask(m, db)
				c.verdicts = c.task.Support()
			case len(kernelTables().Versions(system, backend)) > 0:
				if wrongVersion == nil {
					wrongVersion = err
				}
				fallthrough
			default:
				c.verdicts = []search.Support{search.Refused(search.Agg, err), search.Refused(search.Disagg, err)}
			}
			combos = append(combos, c)
		}
	}
	if wrongVersion == nil || opened {
		return combos, nil
	}
	if !o.matrix {
		return nil, wrongVersion
	}
	return nil, fmt.Errorf("backend version %q has no data. Available versions: %s. Omit --backend-version to use the newest",
		o.version, strings.Join(o.versions(), "; "))
}

// versions lists the versions with tables by backend, over all systems asked
// for.
func (o *supportOptions) versions() []string {
	var lists []string
	for _, backend := range o.backends {
		var have []string
		for _, system := range o.systems {
			for _, v := range kernelTables().Versions(system, backend) {
				if !slices.Contains(have, v) {
					have = append(have, v)
				}
			}
		}
		slices.Sort(have)
		if len(have) > 0 {
			lists = append(lists, backend+" "+strings.Join(have, ", "))
		}
	}
	return lists
}

// supportRows lists one row per combination and way of serving.
func supportRows(m *estimator.Model, combos []combination) (columns []string, rows [][]any) {
	columns = []string{"model", "system", "backend", "version", "mode", "status", "reason", "n_layouts", "n_ok", "n_oom", "n_failed",
		"gemm", "moe", "kvcache", "fmha", "comm", "largest_context"}
	for i := range combos {
		c := &combos[i]
		for _, s := range c.verdicts {
			row := []any{m.ID, c.system, c.backend, orNil(c.version()), s.Mode, s.Status, orNil(s.Reason)}
			if s.Status == search.StatusRefused {
				rows = append(rows, append(row, make([]any, len(columns)-len(row))...))
				continue
			}
			var context any
			if s.Mode == search.Agg {
				if isl, _ := c.task.LargestContext(); isl > 0 {
					context = isl
				}
			}
			q := s.Quant
			rows = append(rows, append(row, s.Layouts, s.OK, s.OutOfMemory, s.Failed,
				string(q.GEMM), string(q.MoE), string(q.KV), string(q.FMHA), string(q.Comm), context))
		}
	}
	return columns, rows
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

const supportWidth = 60

// writeSupport prints what is known about one combination.
func writeSupport(w io.Writer, m *estimator.Model, c *combination) error {
	var b strings.Builder
	rule := strings.Repeat("=", supportWidth)
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	fmt.Fprintln(&b, rule)
	line("AIC Support Check Results")
	fmt.Fprintln(&b, rule)
	version := c.version()
	if version == "" {
		version = "none"
	}
	for _, f := range [][2]string{{"Model", m.ID}, {"System", c.system}, {"Backend", c.backend}, {"Version", version}} {
		line("%-16s %s", f[0]+":", f[1])
	}
	fmt.Fprintln(&b, rule)
	for i, label := range []string{"Aggregated Support:", "Disaggregated Support:"} {
		s := &c.verdicts[i]
		line("%-22s %s", label, yesNo(s))
		if !s.Supported() {
			line("  %s: %s", s.Status, s.Reason)
		}
	}
	fmt.Fprintln(&b, rule)
	versions := kernelTables().Versions(c.system, c.backend)
	line("Available versions: %s", noneOr(versions))
	if c.task != nil {
		c.describe(line)
	}
	fmt.Fprintln(&b, rule)
	_, err := io.WriteString(w, b.String())
	return err
}

// describe prints what the tables of a combination cover.
func (c *combination) describe(line func(format string, args ...any)) {
	db, q := c.task.DB, c.task.Formats(search.AggRole)
	fmha, kv := db.FMHAQuants(), db.KVQuants()
	if c.task.Model.Family == estimator.DeepSeek {
		fmha, kv = db.ContextMLAQuants(), db.GenerationMLAQuants()
	}
	line("Formats with data (* is chosen):")
	line("  gemm              %s", formats(db.GEMMQuants(), q.GEMM))
	line("  experts           %s", formats(db.MoEQuants(), q.MoE))
	line("  KV cache          %s", formats(kv, q.KV))
	line("  context attention %s", formats(fmha, q.FMHA))
	for _, s := range c.verdicts {
		if s.Layouts > 0 {
			line("Worker layouts, %s: %d of %d usable, %d out of memory, %d without figures", s.Mode, s.OK, s.Layouts, s.OutOfMemory, s.Failed)
		}
	}
	if isl, layout := c.task.LargestContext(); isl > 0 {
		line("Largest context: %d tokens in one step on %s; the model takes %d", isl, layout.Short(c.task.Model.IsMoE()), c.task.Model.MaxPositions)
	} else {
		line("Largest context: none")
	}
	if c.supported() {
		return
	}
	hybrid := *c.task
	hybrid.DB = db.WithMode(perftables.Hybrid)
	if estimated := (combination{verdicts: hybrid.Support()}); estimated.supported() {
		line("With --database-mode HYBRID, formulas fill what was not measured.")
	}
}

func yesNo(s *search.Support) string {
	if s.Supported() {
		return "YES"
	}
	return "NO"
}

func noneOr(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// formats lists numeric formats and marks the chosen one.
func formats[Q ~string](have []Q, chosen Q) string {
	names := make([]string, len(have))
	for i, q := range have {
		if names[i] = string(q); q == chosen {
			names[i] += "*"
		}
	}
	return noneOr(names)
}

// reasons says why ways of serving are not supported, in one line where they
// agree in the status.
func (c *combination) reasons() []string {
	var lines []string
	for i := range c.verdicts {
		s := &c.verdicts[i]
		if !s.Supported() && (i == 0 || s.Status != c.verdicts[0].Status) {
			lines = append(lines, fmt.Sprintf("  %s %s %s: %s: %s", c.system, c.backend, s.Mode, s.Status, s.Reason))
		}
	}
	return lines
}

// writeMatrix prints one line per system and two columns per backend.
func (o *supportOptions) writeMatrix(w io.Writer, m *estimator.Model, combos []combination) error {
	var b strings.Builder
	line := func(cells ...string) {
		text := ""
		for i, c := range cells {
			width := 8
			if i == 0 {
				width = 12
			}
			text += fmt.Sprintf("%-*s", width, c)
		}
		fmt.Fprintln(&b, strings.TrimRight(text, " "))
	}
	fmt.Fprintf(&b, "Support of %s\n\n", m.ID)
	head, modes := []string{""}, []string{"system"}
	for _, backend := range o.backends {
		head, modes = append(head, backend, ""), append(modes, search.Agg, search.Disagg)
	}
	line(head...)
	line(modes...)
	var reasons, versions []string
	for i, system := range o.systems {
		cells := []string{system}
		var have []string
		for j := range o.backends {
			c := &combos[i*len(o.backends)+j]
			if c.task == nil {
				cells = append(cells, "-", "-")
				continue
			}
			have = append(have, c.backend+" "+c.version())
			for k := range c.verdicts {
				cells = append(cells, yesNo(&c.verdicts[k]))
			}
			reasons = append(reasons, c.reasons()...)
		}
		line(cells...)
		versions = append(versions, fmt.Sprintf("  %-10s %s", system, noneOr(have)))
	}
	fmt.Fprintln(&b)
	if o.version == "" {
		fmt.Fprintln(&b, "YES supported   NO not supported   - no tables are measured")
	} else {
		fmt.Fprintf(&b, "YES supported   NO not supported   - no tables are measured of version %s\n", o.version)
	}
	if len(reasons) > 0 {
		fmt.Fprintf(&b, "\nNO:\n%s\n", strings.Join(reasons, "\n"))
	}
	if o.version == "" {
		fmt.Fprintf(&b, "\nThe latest available version per combination:\n%s\n", strings.Join(versions, "\n"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
