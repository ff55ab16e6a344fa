package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"servegrid/estimator"
	"servegrid/perftables"
	"servegrid/pipeline"
)

// process is a finished whole process.
type process struct {
	stretch
	peak   int64 // bytes of memory
	output []byte
}

// execute runs a command to its end.
func execute(name string, args ...string) (process, error) {
	cmd := exec.Command(name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begin := time.Now()
	err := cmd.Run()
	p := process{stretch: stretch{wall: time.Since(begin)}, output: stdout.Bytes()}
	if cmd.ProcessState != nil {
		p.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		p.peak = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	}
	if err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return p, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, lines[len(lines)-1])
	}
	return p, nil
}

// measureSweep times the shipped sweep over everything that is installed as a
// whole process.
func measureSweep(c *config, r *results) error {
	root := filepath.Join(c.scratch, "demo")
	p, err := execute(c.binary, "sweep", "demo", "--warehouse", root, "--run", "bench", "--workers", fmt.Sprint(c.workers))
	if err != nil {
		return err
	}
	var m pipeline.Manifest
	b, err := os.ReadFile(filepath.Join(root, "runs/bench/manifest.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	n := m.Candidates.AggPoints + m.Candidates.PrefillWorkers + m.Candidates.DecodeWorkers + m.Candidates.DisaggPairs
	rows := m.Rows.AggPoints + m.Rows.Workers + m.Rows.DisaggPoints + m.Rows.Coverage
	r.rate("sweep_candidates", n, p.stretch, "candidates")
	r.lower("sweep_bytes_per_row", float64(m.Bytes)/float64(rows), "bytes", fmt.Sprintf("%d rows, %.1f MB", rows, float64(m.Bytes)/1e6))
	r.lower("sweep_peak_memory", float64(p.peak)/(1<<20), "MiB", "largest resident set")
	again, err := execute(c.binary, "sweep", "demo", "--warehouse", root, "--run", "again", "--workers", fmt.Sprint(c.workers))
	if err != nil {
		return err
	}
	r.lower("sweep_of_nothing_new", again.wall.Seconds(), "s", fmt.Sprintf("%.2f s of processors", again.cpu.Seconds()))
	return nil
}

// guide is the guide's case.
var guide = []string{"cli", "default", "--model_path", "Qwen/Qwen3-32B-FP8", "--system", "h200_sxm", "--total_gpus", "32",
	"--isl", "4000", "--osl", "500", "--ttft", "600", "--tpot", "16.67"}

// measureDefault times the default command as a whole process: for the guide's
// case, and for the model, system and backend that take the longest of all.
func measureDefault(c *config, r *results) error {
	p, err := c.median(guide...)
	if err != nil {
		return err
	}
	r.lower("default_guide", milliseconds(p.wall), "ms", "whole process, "+cpuNote(p))
	type timing struct {
		args []string
		cpu  time.Duration
	}
	var all []timing
	for _, model := range estimator.ModelIDs() {
		for _, system := range perftables.SystemNames() {
			for _, backend := range perftables.Backends {
				args := []string{"cli", "default", "--model_path", model, "--system", system, "--backend", backend, "--total_gpus", "32"}
				p, err := execute(c.binary, args...)
				if err != nil {
					continue // not covered there
				}
				all = append(all, timing{args, p.cpu})
			}
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("no model is answered by %s", c.binary)
	}
	slices.SortFunc(all, func(a, b timing) int { return int(b.cpu - a.cpu) })
	var worst process
	var which []string
	for _, t := range all[:min(8, len(all))] {
		p, err := c.median(t.args...)
		if err != nil {
			return err
		}
		if p.cpu > worst.cpu {
			worst, which = p, t.args
		}
	}
	r.lower("default_worst", milliseconds(worst.wall), "ms", fmt.Sprintf("whole process, %s: %s on %s with %s, of %d", cpuNote(worst), which[3], which[5], which[7], len(all)))
	return nil
}

// median runs the program several times and returns the run in the middle.
func (c *config) median(args ...string) (process, error) {
	return median(c.repeat, func(int) (process, error) { return execute(c.binary, args...) })
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

func cpuNote(p process) string {
	return fmt.Sprintf("%.0f ms of processors, %.0f MiB", milliseconds(p.cpu), float64(p.peak)/(1<<20))
}
