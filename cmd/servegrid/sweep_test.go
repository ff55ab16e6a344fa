package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"servegrid/jobs"
)

// An interrupted sweep says how to go on, and leaves no run.
func TestInterruptedSweepSaysHowToGoOn(t *testing.T) {
	src, _ := jobs.Shipped("demo")
	spec, err := jobs.Parse("demo", src, known())
	if err != nil {
		t.Fatal(err)
	}
	spec.Warehouse = t.TempDir()
	o := sweepOptions{spec: spec, workers: 1, run: "r", again: "servegrid sweep demo --run r"}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stdout, stderr bytes.Buffer
	err = o.sweep(ctx, &stdout, &stderr)
	if err == nil || !strings.Contains(err.Error(), "interrupted") || !strings.HasSuffix(err.Error(), o.again) {
		t.Errorf("got error %v, want the command that goes on", err)
	}
	if _, err := os.Stat(filepath.Join(spec.Warehouse, "runs")); err == nil {
		t.Error("an interrupted sweep left a run")
	}
}
