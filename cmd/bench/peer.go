package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// peerCases are asked of both programs: the guide's case, and experts.
var peerCases = []peerCase{
	{"guide", "Qwen/Qwen3-32B-FP8", "QWEN3_32B", "vllm"},
	{"experts", "Qwen/Qwen3-235B-A22B", "QWEN3_235B", "trtllm"},
}

type peerCase struct {
	name, model string
	old         string // what 0.6 calls the model
	backend     string
}

// peerRuns is how often the peer answers; it takes seconds to minutes each time.
const peerRuns = 3

// measurePeer times the peer's command and ours on the same question, one after
// the other, both as whole processes.
func measurePeer(c *config, r *results) error {
	if c.python == "" {
		fmt.Fprintln(os.Stderr, "  no PEER_PYTHON: left out")
		return nil
	}
	p, err := execute(c.python, "-c", "import importlib.metadata as m; print(m.version('aiconfigurator'))")
	if err != nil {
		return err
	}
	version := strings.TrimSpace(string(p.output))
	for _, q := range peerCases {
		theirs, err := c.peer(version, q)
		if err != nil {
			return err
		}
		ours, err := c.median("cli", "default", "--model_path", q.model, "--backend", q.backend, "--system", "h200_sxm", "--total_gpus", "32",
			"--isl", "4000", "--osl", "500", "--ttft", "600", "--tpot", "16.67")
		if err != nil {
			return err
		}
		r.higher("peer_ratio_"+q.name, theirs.wall.Seconds()/ours.wall.Seconds(), "times",
			fmt.Sprintf("%s with %s on h200_sxm: AIConfigurator %s %.2f s (%.2f s of processors), servegrid %.1f ms (%.1f ms)",
				q.model, q.backend, version, theirs.wall.Seconds(), theirs.cpu.Seconds(), milliseconds(ours.wall), milliseconds(ours.cpu)))
	}
	return nil
}

// peer returns the run of the peer in the middle. Its flags changed with 0.7.
func (c *config) peer(version string, q peerCase) (process, error) {
	args := []string{"cli", "default", "--backend", q.backend, "--system", "h200_sxm", "--isl", "4000", "--osl", "500", "--ttft", "600", "--tpot", "16.67"}
	if strings.HasPrefix(version, "0.6.") {
		args = append(args, "--model", q.old, "--total_gpus", "32")
	} else {
		args = append(args, "--model-path", q.model, "--total-gpus", "32")
	}
	var runs []process
	for range peerRuns {
		p, err := execute(filepath.Join(filepath.Dir(c.python), "aiconfigurator"), args...)
		if err != nil {
			return p, err
		}
		runs = append(runs, p)
	}
	slices.SortFunc(runs, func(a, b process) int { return int(a.wall - b.wall) })
	return runs[len(runs)/2], nil
}
