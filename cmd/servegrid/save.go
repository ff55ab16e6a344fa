package main

import (
	"encoding/csv"
	"fmt"
	"io"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/sinks"
	"servegrid/sinks/plot"
)

// save writes the result files of an answer.
func (a *answer) save(dir string, topN int) error {
	d, err := sinks.OpenDir(dir)
	if err != nil {
		return err
	}
	if _, err := d.CleanTemp(); err != nil {
		return err
	}
	for _, e := range a.experiments {
		if len(e.tasks) == 0 {
			continue
		}
		w := e.task().Workload
		if err := saveRows(d, e.name+"/best_config_topn.csv", e.mode, e.top(topN), w); err != nil {
			return err
		}
		if err := saveRows(d, e.name+"/pareto.csv", e.mode, e.result.Frontier, w); err != nil {
			return err
		}
	}
	return a.savePlot(d)
}

// saveRows writes rows under AIConfigurator's column names.
func saveRows(d *sinks.Dir, name, mode string, rows []search.Row, w estimator.Workload) error {
	return d.WriteFile(name, func(f io.Writer) error {
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

func (a *answer) savePlot(d *sinks.Dir) error {
	t := a.leading().task()
	o := plot.Options{
		Title:  fmt.Sprintf("%s on %d x %s, ISL %d, OSL %d", t.Model.ID, t.TotalGPUs, t.DB.System.Name, t.Workload.ISL, t.Workload.OSL),
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
	return d.WriteFile("pareto_frontier.png", func(f io.Writer) error { return plot.Frontier(f, plot.PNG, o, series, marks) })
}
