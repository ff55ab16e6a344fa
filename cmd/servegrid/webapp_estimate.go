//go:build cgo

package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"servegrid/estimator"
	"servegrid/estimator/search"
)

// estimateRequest are the flags of estimate.
type estimateRequest struct {
	engineRequest
	configurationRequest
}

type configurationRequest struct {
	ModelPath       string `json:"model_path,omitempty" doc:"Hugging Face id of a known model"`
	DatabaseMode    string `json:"database_mode,omitempty" doc:"SILICON, HYBRID, EMPIRICAL or SOL"`
	EstimateMode    string `json:"estimate_mode,omitempty" doc:"agg, static, static_ctx or static_gen"`
	ISL             *int   `json:"isl,omitempty" doc:"input length, tokens"`
	OSL             *int   `json:"osl,omitempty" doc:"output length, tokens"`
	Prefix          *int   `json:"prefix,omitempty" doc:"input tokens found in the prefix cache"`
	BatchSize       *int   `json:"batch_size,omitempty" doc:"requests per data-parallel rank"`
	CtxTokens       *int   `json:"ctx_tokens,omitempty" doc:"context tokens per mixed step"`
	TPSize          *int   `json:"tp_size,omitempty" doc:"tensor parallel size"`
	PPSize          *int   `json:"pp_size,omitempty" doc:"pipeline parallel size"`
	AttentionDPSize *int   `json:"attention_dp_size,omitempty" doc:"attention data parallel size"`
	MoETPSize       *int   `json:"moe_tp_size,omitempty" doc:"tensor parallel size of the experts"`
	MoEEPSize       *int   `json:"moe_ep_size,omitempty" doc:"expert parallel size"`
	NextN           *int   `json:"nextn,omitempty" doc:"drafts of multi-token prediction per step"`
	Quant           string `json:"quant,omitempty" doc:"formats: reference or checkpoint"`
	Profile         string `json:"profile,omitempty" doc:"named set of formats"`
}

type estimateReply struct {
	Figures []figure `json:"figures" doc:"those that servegrid estimate prints"`
	Phases  []phase  `json:"phases" doc:"where the time goes"`
	Notes   []string `json:"notes,omitempty"`
	Command string   `json:"command"`
}

type figure struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// phase is a phase of the worker, operator by operator.
type phase struct {
	Name      string            `json:"name"`
	About     string            `json:"about" doc:"what the phase computes"`
	TotalMs   float64           `json:"total_ms"`
	Operators []operatorLatency `json:"operators" doc:"in the order in which they run"`
}

type operatorLatency struct {
	Name string  `json:"name"`
	Ms   float64 `json:"ms" doc:"all its runs in the phase together"`
}

func (w *webapp) estimate(_ context.Context, q estimateRequest) (estimateReply, error) {
	var reply estimateReply
	said, err := readFlags(estimateCommand(), flagArgs(q.configurationRequest, q.engineRequest), func(c *cli.Context) error {
		if c.String("estimate-mode") == search.Disagg {
			return usagef("estimate_mode %s: the page takes one worker apart at a time", search.Disagg)
		}
		mode, err := databaseMode(c)
		if err != nil {
			return err
		}
		plan, load, err := estimatePlan(c, mode)
		if err != nil {
			return err
		}
		columns, row, err := estimateRow(c, plan, load)
		if err != nil {
			return err
		}
		for i := range columns {
			reply.Figures = append(reply.Figures, figure{columns[i], row[i]})
		}
		reply.Phases = phases(plan, load, c.String("estimate-mode"), c.Int("batch-size"), c.Int("ctx-tokens"))
		reply.Command = shellLine(commandLine(c))
		return nil
	})
	reply.Notes = said
	return reply, err
}

// phases takes the phases of a worker apart. An aggregated worker mixes the prompts
// of some requests with the tokens of others; here each is taken alone, which shows
// what dominates it.
func phases(p *estimator.Plan, w estimator.Workload, kind string, batch, ctxTokens int) []phase {
	prompts := batch
	if kind == "agg" {
		prompts = 1
		if ctxTokens > w.ISL {
			prompts = (ctxTokens + w.ISL - 1) / w.ISL
		}
	}
	list := []phase{}
	if ops := p.ContextBreakdown(prompts, w); ops != nil && kind != string(estimator.StaticGeneration) {
		list = append(list, newPhase("context", fmt.Sprintf("%d prompts of %d tokens on each rank, in one step", prompts, w.ISL-w.Prefix), ops))
	}
	if ops := p.GenerationBreakdown(batch, w); ops != nil && kind != string(estimator.StaticContext) {
		list = append(list, newPhase("generation", fmt.Sprintf("%d tokens for each of %d requests on each rank", w.OSL-1, batch), ops))
	}
	return list
}

// newPhase adds up operators of the same name.
func newPhase(name, about string, ops []estimator.OperatorLatency) phase {
	ph := phase{Name: name, About: about, Operators: []operatorLatency{}}
	at := map[string]int{}
	for _, o := range ops {
		ph.TotalMs += o.MS
		i, ok := at[o.Name]
		if !ok {
			i = len(ph.Operators)
			at[o.Name] = i
			ph.Operators = append(ph.Operators, operatorLatency{Name: o.Name})
		}
		ph.Operators[i].Ms += o.MS
	}
	return ph
}
