package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/sinks/deploy"
	"servegrid/sinks/plot"
	"servegrid/sinks/report"
)

// folder is where the files of an answer go.
type folder interface {
	write(name string, fill func(w io.Writer) error) error
	writeBytes(name string, mode fs.FileMode, b []byte) error
}

// saver writes the files of an answer.
type saver struct {
	tree      folder
	generator *generatorOptions
	topN      int

	plans []*deploy.Plan // of the rows that were rendered
}

// save writes the result files of an answer and says what they run on.
func (a *answer) save(o *outputOptions) error {
	t, err := openTree(o.saveDir, o.command)
	if err != nil {
		return err
	}
	s := &saver{tree: t, generator: &o.generator, topN: o.topN}
	for _, e := range a.experiments {
		if len(e.tasks) == 0 {
			continue
		}
		if err := s.experiment(e); err != nil {
			return err
		}
	}
	if err := s.prerequisites(); err != nil {
		return err
	}
	if err := s.overview(a, o.view); err != nil {
		return err
	}
	if err := t.finish(); err != nil {
		return err
	}
	s.summarize(o.saveDir, o.info())
	return nil
}

// experiment writes the folder of one experiment.
func (s *saver) experiment(e *experiment) error {
	if err := s.tree.writeBytes(e.name+"/exp_config.yaml", 0o644, e.effective()); err != nil {
		return err
	}
	w := e.task().Workload
	if err := s.rows(e.name+"/best_config_topn.csv", e.mode, e.top(s.topN), w); err != nil {
		return err
	}
	if err := s.rows(e.name+"/pareto.csv", e.mode, e.result.Frontier, w); err != nil {
		return err
	}
	for i, row := range e.top(s.topN) {
		if err := s.deployment(e.name, i+1, e.task(), &row, true); err != nil {
			return fmt.Errorf("%s rank %d: %w", e.name, i+1, err)
		}
	}
	return nil
}

// rows writes rows under AIConfigurator's column names.
func (s *saver) rows(name, mode string, rows []search.Row, w estimator.Workload) error {
	return s.tree.write(name, func(f io.Writer) error {
		out := csv.NewWriter(f)
		if err := out.Write(search.Columns(mode)); err != nil {
			return err
		}
		for i := range rows {
			if err := out.Write(rows[i].Record(w)); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	})
}

// deployment writes what runs a row, and where it has figures what to expect of
// it.
func (s *saver) deployment(name string, rank int, t *search.Task, r *search.Row, predicted bool) error {
	plan, err := deploy.Resolve(deployChoice(t, r), &s.generator.overrides, s.generator.runtime)
	if err != nil {
		return err
	}
	s.plans = append(s.plans, plan)
	files, err := plan.Files(fmt.Sprintf("%s rank %d: %s on %d GPUs of %s, ISL %d, OSL %d.\nEvery value of the files beside this one; --generator-config takes it back.",
		name, rank, t.Model.ID, t.TotalGPUs, databases(t, r.Mode), t.Workload.ISL, t.Workload.OSL))
	if err != nil {
		return err
	}
	folder := fmt.Sprintf("%s/top%d/%s/", name, rank, r.Mode)
	if err := s.files(folder, files); err != nil || !predicted {
		return err
	}
	return s.tree.write(folder+"prediction.json", prediction(name, rank, t, r).Write)
}

func (s *saver) files(folder string, files []deploy.File) error {
	for _, f := range files {
		mode := fs.FileMode(0o644)
		if f.Exec {
			mode = 0o755
		}
		if err := s.tree.writeBytes(folder+f.Name, mode, f.Content); err != nil {
			return err
		}
	}
	return nil
}

// prerequisites writes what a namespace needs before any of the deployments.
func (s *saver) prerequisites() error {
	if len(s.plans) == 0 {
		return nil
	}
	rdma := slices.ContainsFunc(s.plans, func(p *deploy.Plan) bool { return len(p.Roles) > 1 })
	largest := slices.MaxFunc(s.plans, func(a, b *deploy.Plan) int { return cmp.Compare(a.CacheGiB, b.CacheGiB) })
	files, err := largest.Prerequisites(rdma)
	if err != nil {
		return err
	}
	return s.files("prerequisites/", files)
}

// overview writes what speaks of all experiments.
func (s *saver) overview(a *answer, v view) error {
	if err := s.tree.write("report.txt", func(w io.Writer) error { return report.Write(w, a.report(v)) }); err != nil {
		return err
	}
	if err := s.tree.write("result.json", func(w io.Writer) error { return a.writeRows(w, "json", v) }); err != nil {
		return err
	}
	for _, format := range []plot.Format{plot.PNG, plot.SVG} {
		if err := s.tree.write("pareto_frontier."+string(format), func(w io.Writer) error { return a.plot(w, format) }); err != nil {
			return err
		}
	}
	return nil
}

// plot draws the frontiers.
func (a *answer) plot(w io.Writer, format plot.Format) error {
	t := a.leading().task()
	o := plot.Options{
		Title:  fmt.Sprintf("%s on %d x %s, ISL %d, OSL %d", a.models(), t.TotalGPUs, t.DB.System.Name, t.Workload.ISL, t.Workload.OSL),
		XLabel: "tokens/s/user", YLabel: "tokens/s/GPU",
	}
	x := func(r *search.Row) float64 { return r.TokensPerSPerUser }
	if l := t.Limits.RequestLatency; l > 0 {
		o.XLabel, o.Limit = "request latency (ms)", &plot.Limit{X: l, Label: fmt.Sprintf("limit %g ms", l)}
		x = func(r *search.Row) float64 { return r.RequestLatency }
	} else {
		o.Limit = &plot.Limit{X: 1000 / t.Limits.TPOT, Label: fmt.Sprintf("TPOT %g ms", t.Limits.TPOT)}
	}
	var series []plot.Series
	for _, e := range a.experiments {
		s := plot.Series{Name: e.name}
		for i := range e.result.Frontier {
			s.X = append(s.X, x(&e.result.Frontier[i]))
			s.Y = append(s.Y, e.result.Frontier[i].TokensPerSPerGPUCluster)
		}
		series = append(series, s)
	}
	var marks []plot.Mark
	if a.chosen != nil {
		best := a.chosen.best()
		marks = append(marks, plot.Mark{X: x(best), Y: best.TokensPerSPerGPUCluster, Label: fmt.Sprintf("%s %.2f", a.chosen.name, best.TokensPerSPerGPUCluster)})
	}
	return plot.Frontier(w, format, o, series, marks)
}

// summarize says where the files are, what they run on, and what to mind; each
// once.
func (s *saver) summarize(dir string, to io.Writer) {
	var b bytes.Buffer
	said := map[string]bool{}
	line := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !said[text] {
			said[text] = true
			b.WriteString(text + "\n")
		}
	}
	line("results saved in %s", dir)
	for _, p := range s.plans {
		line("deployment files: %s", runsOn(p))
	}
	for _, p := range s.plans {
		for _, n := range p.Notes {
			line("note: %s", strings.TrimSuffix(n, "."))
		}
	}
	_, _ = to.Write(b.Bytes())
}

// runsOn says what a deployment runs on.
func runsOn(p *deploy.Plan) string {
	r := &p.Runtime
	return fmt.Sprintf("%s data %s, options of %s, dialect %s, image %s", p.Backend, r.Data, r.Target, r.Dialect, r.Image)
}
