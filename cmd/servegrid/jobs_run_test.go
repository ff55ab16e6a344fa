//go:build cgo

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"servegrid/jobs"
	"servegrid/sinks/bucket/buckettest"
)

// Nights in a bucket: its runs are compared as those of a directory are.
func TestJobInBucket(t *testing.T) {
	spec, err := jobs.Parse("bucket.yaml", []byte("models: [Qwen/Qwen3-32B-FP8, Qwen/Qwen2.5-7B]\nsystems: [h200_sxm]\nbackends: [vllm]\ngpus: [8]\nisl: [4000]\nosl: [500]\n"), known())
	if err != nil {
		t.Fatal(err)
	}
	b, all := buckettest.Memory(t), spec.Models
	for _, n := range []struct {
		models []string
		want   string
		code   int
	}{
		{all[:1], "first run: nothing to compare with\n", 0},
		{all[:1], "\nno change\n", 0},
		{all, "\nnew     Qwen/Qwen2.5-7B  h200_sxm  vllm     0.12.0   agg ", 0},
		{all[1:], "\nlost    Qwen/Qwen3-32B-FP8  h200_sxm  vllm     0.12.0   agg ", exitRegressed},
	} {
		spec.Models = n.models
		var out bytes.Buffer
		o := jobOptions{sweepOptions: sweepOptions{spec: spec, workers: 1, verify: true}, threshold: 0.01, keepRuns: 2, format: "table"}
		err := o.night(context.Background(), b, &out, io.Discard)
		code, coded := 0, &codedError{}
		if errors.As(err, &coded) {
			code = coded.code
		} else if err != nil {
			t.Fatal(err)
		}
		if code != n.code || !strings.Contains(out.String(), n.want) {
			t.Errorf("%v: exit code %d, want %d, and %q in\n%s", n.models, code, n.code, n.want, &out)
		}
	}
	if runs, err := b.Folders("runs"); err != nil || len(runs) != 2 {
		t.Errorf("runs %v are left (%v), want 2", runs, err)
	}
}

// A threshold says what it is a share of.
func TestPercentage(t *testing.T) {
	for text, want := range map[string]float64{"1%": 0.01, " 2.5 % ": 0.025, "0%": 0, "100%": 1} {
		if got, err := percentage("threshold", text); got != want || err != nil {
			t.Errorf("%q: %v (%v), want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "%", "1", "0.01", "-1%", "101%", "NaN%", "one%", "1%%"} {
		if _, err := percentage("threshold", text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
