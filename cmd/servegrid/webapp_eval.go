//go:build cgo

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"servegrid/cmd/servegrid/internal/web"
	"servegrid/internal/measure"
)

type evalRequest struct {
	Prediction json.RawMessage `json:"prediction" doc:"prediction.json of the deployed rank"`
	Results    string          `json:"results" doc:"AIPerf's profile_export_aiperf.json, or the log of the pod that ran it"`
}

type evalReply struct {
	Predicted string           `json:"predicted" doc:"what was predicted, in words"`
	Measured  string           `json:"measured" doc:"what was measured, in words"`
	Rows      []evalMetric     `json:"rows"`
	Remarks   []string         `json:"remarks" doc:"caveats, and what the differences point to"`
	Others    []evalOther      `json:"others" doc:"results at other concurrencies"`
	Scales    *correctionScale `json:"correction,omitempty" doc:"latency correction scales that fit, of disaggregated predictions"`
}

type evalMetric struct {
	Metric    string   `json:"metric"`
	Column    string   `json:"column"`
	Predicted float64  `json:"predicted"`
	Actual    *float64 `json:"actual" doc:"average"`
	P99       *float64 `json:"p99"`
	Delta     *float64 `json:"delta" doc:"(actual - predicted) / predicted"`
	Status    string   `json:"status"`
	Limit     float64  `json:"limit_ms,omitempty"`
}

type evalOther struct {
	Concurrency int          `json:"concurrency"`
	Metrics     []evalMetric `json:"metrics"`
}

type correctionScale struct {
	Prefill float64 `json:"prefill"`
	Decode  float64 `json:"decode"`
}

func (w *webapp) eval(_ context.Context, q evalRequest) (evalReply, error) {
	reply := evalReply{Rows: []evalMetric{}, Remarks: []string{}, Others: []evalOther{}}
	p, err := measure.ReadPrediction(strings.NewReader(string(q.Prediction)))
	if err != nil {
		return reply, fmt.Errorf("%w: prediction: %w", web.ErrRequest, err)
	}
	results, err := measure.ReadResults(strings.NewReader(q.Results))
	if err != nil {
		return reply, fmt.Errorf("%w: results: %w", web.ErrRequest, err)
	}
	picked, others := measure.Pick(results, p.Concurrency)
	c := measure.Compare(p, picked)
	reply.Predicted, reply.Measured = describePrediction(p), describeResult(picked)
	reply.Rows = evalMetrics(c.Rows)
	reply.Remarks = append(reply.Remarks, remarks(c)...)
	for _, r := range others {
		reply.Others = append(reply.Others, evalOther{r.Concurrency, evalMetrics(measure.Compare(p, r).Rows)})
	}
	if prefill, decode, err := c.Correction(); err == nil { // aggregated predictions have none
		reply.Scales = &correctionScale{prefill, decode}
	}
	return reply, nil
}

func evalMetrics(rows []measure.Row) []evalMetric {
	list := make([]evalMetric, len(rows))
	for i := range rows {
		r := &rows[i]
		list[i] = evalMetric{Metric: r.Name, Column: r.Column, Predicted: r.Predicted, Delta: r.Delta, Status: r.Status, Limit: r.Limit}
		if r.Actual != nil {
			list[i].Actual, list[i].P99 = &r.Actual.Avg, r.Actual.P99
		}
	}
	return list
}
