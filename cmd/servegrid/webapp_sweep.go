//go:build cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"servegrid/cmd/servegrid/internal/web"
	"servegrid/estimator/search"
	"servegrid/internal/suggest"
	"servegrid/perftables"
	"servegrid/sinks/report"
)

// sweepRequest asks for every configuration on several systems and engines.
type sweepRequest struct {
	workloadRequest
	Systems  []string `json:"systems" doc:"GPU systems; none for all"`
	Backends []string `json:"backends" doc:"serving engines; none for all"`
	Versions []string `json:"versions" doc:"engine versions; none for the newest of each engine, all for every one with data"`
}

// sweepReply is the answer: a series for each system, engine, version and way of
// serving.
type sweepReply struct {
	Columns      []string      `json:"columns" doc:"what the cells of a row are"`
	Series       []sweepSeries `json:"series"`
	Scored       int           `json:"scored" doc:"candidates that were scored"`
	Milliseconds float64       `json:"ms" doc:"time that the answer took"`
	Notes        []string      `json:"notes,omitempty"`
}

// sweepSeries is what one way of serving gives on one system with one engine.
type sweepSeries struct {
	System  string   `json:"system"`
	Backend string   `json:"backend"`
	Version string   `json:"version,omitempty"`
	Mode    string   `json:"mode" doc:"agg or disagg"`
	Rows    [][]any  `json:"rows" doc:"every configuration worth looking at, in any latency of tokens; those over the limit on TTFT are left out"`
	Failed  string   `json:"failed,omitempty" doc:"why there is none"`
	Closest string   `json:"closest,omitempty" doc:"when nothing meets the limits: what comes closest, and which limit stops it"`
	Notes   []string `json:"notes,omitempty" doc:"where the figures come from"`
	Command string   `json:"command,omitempty" doc:"command that gives the same answer"`
}

// sweepColumns are those of ranked rows with what a chart needs.
var sweepColumns = append([]string{"row", "rank", "frontier", "group", "deployment", "used_gpus", "seq_per_s", "ctx_tokens"}, rowColumns...)

// combination of a system and an engine version.
type engine struct{ system, backend, version string }

func (w *webapp) sweep(ctx context.Context, q sweepRequest) (sweepReply, error) {
	began := time.Now()
	reply := sweepReply{Columns: sweepColumns, Series: []sweepSeries{}}
	engines, err := q.engines()
	if err != nil {
		return reply, err
	}
	for _, e := range engines {
		if ctx.Err() != nil {
			return reply, ctx.Err()
		}
		a, o, said, err := ask(q.workloadRequest, engineRequest{e.system, e.backend, e.version}, nil)
		switch {
		case errors.Is(err, web.ErrRequest):
			return reply, err
		case err != nil:
			reply.Series = append(reply.Series, sweepSeries{System: e.system, Backend: e.backend, Version: e.version, Mode: "agg and disagg", Failed: oneLine(err), Rows: [][]any{}})
			continue
		}
		reply.Scored += a.scored()
		for _, line := range said {
			if !slices.Contains(reply.Notes, line) {
				reply.Notes = append(reply.Notes, line)
			}
		}
		for _, x := range a.experiments {
			reply.Series = append(reply.Series, newSweepSeries(x, a, o))
		}
	}
	reply.Milliseconds = float64(time.Since(began).Microseconds()) / 1000
	return reply, nil
}

// engines lists what is asked about.
func (q *sweepRequest) engines() ([]engine, error) {
	systems, backends := q.Systems, q.Backends
	if len(systems) == 0 {
		systems = kernelTables().SystemNames()
	}
	if len(backends) == 0 {
		backends = perftables.Backends
	}
	var list []engine
	for _, name := range systems {
		system, err := resolveSystem(name)
		if err != nil {
			return nil, fmt.Errorf("%w: systems: %w", web.ErrRequest, err)
		}
		for _, backend := range backends {
			if !slices.Contains(perftables.Backends, backend) {
				return nil, fmt.Errorf("%w: backends: %w", web.ErrRequest, suggest.Unknown("backend", backend, perftables.Backends))
			}
			have := kernelTables().Versions(system, backend)
			switch {
			case len(q.Versions) == 0 || len(have) == 0:
				list = append(list, engine{system, backend, ""})
			case slices.Contains(q.Versions, all):
				for _, v := range have {
					list = append(list, engine{system, backend, v})
				}
			default:
				for _, v := range q.Versions {
					if slices.Contains(have, v) {
						list = append(list, engine{system, backend, v})
					}
				}
			}
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: versions: no engine that is asked for has data of version %s", web.ErrRequest, strings.Join(q.Versions, " or "))
	}
	return list, nil
}

// ask answers a request as the default command does.
func ask(q workloadRequest, e engineRequest, extra []string) (a *answer, o *defaultOptions, said []string, err error) {
	var tasks []*search.Task
	said, err = readFlags(defaultCommand(), append(flagArgs(q, e), extra...), func(c *cli.Context) error {
		if o, err = newDefaultOptions(c); err != nil {
			return err
		}
		if len(o.limits) > 1 || o.backend == "auto" {
			return usagef("want one set of limits and one backend")
		}
		if tasks, err = o.tasks(); err != nil {
			return err
		}
		return o.generator.checkBackend(o.backend)
	})
	if err != nil {
		return nil, nil, said, err
	}
	return solve(o.experiments(tasks)), o, said, nil
}

func newSweepSeries(e *experiment, a *answer, o *defaultOptions) sweepSeries {
	t := e.task()
	s := sweepSeries{System: t.DB.System.Name, Backend: t.DB.Backend, Version: t.DB.Version, Mode: e.mode, Rows: [][]any{}, Command: shellLine(o.command)}
	if e.failed != nil {
		s.Failed = oneLine(e.failed)
		return s
	}
	for _, describe := range []func(*notes, *experiment){noteEstimator, noteFormats, noteData} {
		n := notes{about: map[string][]string{}}
		describe(&n, e)
		s.Notes = append(s.Notes, n.texts...)
	}
	if len(e.result.Picked) == 0 {
		s.Closest = closest(e)
	}
	rank, front := map[search.Row]int{}, map[search.Row]bool{}
	for i, r := range e.result.Picked {
		rank[r] = i + 1
	}
	for _, r := range e.result.Frontier {
		front[r] = true
	}
	for i := range e.result.Rows {
		r := &e.result.Rows[i]
		replicas := r.Replicas(t.TotalGPUs)
		if replicas == 0 {
			continue
		}
		cells := []any{i, orNilInt(rank[*r]), front[*r], r.Group(), rowDeployment(r, t), replicas * r.ReplicaGPUs, r.SeqPerS * float64(replicas), orNilInt(r.CtxTokens)}
		s.Rows = append(s.Rows, append(cells, rowCells(r, t, o.view)...))
	}
	return s
}

// closest says what comes closest to the limits, and what stops it.
func closest(e *experiment) string {
	var x report.Experiment
	if e.explain(&x); x.Closest == nil {
		return ""
	}
	c := x.Closest
	return fmt.Sprintf("closest: %.2f tokens/s/gpu at TTFT %.2f ms, TPOT %.2f ms, request latency %.2f ms; binding limit: %s; best TTFT %.2f ms and TPOT %.2f ms, each alone",
		c.TokensPerSecPerGPUCluster, c.TTFT, c.TPOT, c.RequestLatency, x.Binding, x.BestAlone.TTFT, x.BestAlone.TPOT)
}

func orNilInt(n int) any {
	if n == 0 {
		return nil
	}
	return n
}
