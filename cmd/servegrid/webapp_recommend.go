//go:build cgo

package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"servegrid/queries"
)

// recommendRequest are the flags of recommend.
type recommendRequest struct {
	ModelPath         string   `json:"model_path,omitempty" doc:"Hugging Face id of a known model"`
	System            string   `json:"system,omitempty" doc:"GPU system"`
	Backend           string   `json:"backend,omitempty" doc:"serving engine; all when left out"`
	BackendVersion    string   `json:"backend_version,omitempty" doc:"engine version; the newest with data when left out"`
	ServingMode       string   `json:"serving_mode,omitempty" doc:"agg or disagg; both when left out"`
	DatabaseMode      string   `json:"database_mode,omitempty" doc:"SILICON, HYBRID, EMPIRICAL or SOL"`
	Estimator         string   `json:"estimator,omitempty" doc:"reference or calibrated"`
	ISL               *int     `json:"isl,omitempty" doc:"input length, tokens"`
	OSL               *int     `json:"osl,omitempty" doc:"output length, tokens"`
	Prefix            *int     `json:"prefix,omitempty" doc:"input tokens found in the prefix cache"`
	TTFT              *float64 `json:"ttft,omitempty" doc:"limit on the time to first token, ms"`
	TPOT              *float64 `json:"tpot,omitempty" doc:"limit on the time per output token, ms"`
	TargetRequestRate *float64 `json:"target_request_rate,omitempty" doc:"requests per second to carry"`
	TargetConcurrency *float64 `json:"target_concurrency,omitempty" doc:"or requests in flight to carry"`
	TopN              *int     `json:"top_n,omitempty" doc:"rows"`
}

type recommendReply struct {
	table
	Notes []string `json:"notes,omitempty" doc:"such as why there is no row"`
}

// recommend finds the fewest GPUs that carry a load, estimated on the spot.
func (w *webapp) recommend(_ context.Context, q recommendRequest) (recommendReply, error) {
	var r *queries.Result
	said, err := readFlags(recommendCommand(), flagArgs(q), func(c *cli.Context) error {
		o, err := newRecommendOptions(c)
		if err != nil {
			return err
		}
		if o.system == "" {
			return usagef("missing --system")
		}
		r, err = o.estimate(c.String("model-path"), c.App.ErrWriter)
		return err
	})
	if err != nil {
		return recommendReply{}, err
	}
	reply := recommendReply{table{append(r.Columns, "deployment"), r.Rows}, said}
	for i, parts := range pickColumns(r, append([]string{"replicas_needed"}, deploymentColumns...)...) {
		reply.Rows[i] = append(reply.Rows[i], deployment(parts))
	}
	return reply, nil
}
