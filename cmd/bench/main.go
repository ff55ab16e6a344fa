// Bench measures servegrid and prints a table:
//
//	go run ./cmd/bench [-servegrid bin/servegrid] [-out bench.json] [-only TEXT] [-repeat N]
//
// What is counted: one aggregated candidate is a distinct (plan, batch, context
// tokens, workload), one worker a distinct (plan, role, batch, workload), one pair
// a prefill and a decode worker under one GPU budget. Latency limits and the GPU
// budgets of aggregated serving never count. Every figure starts from packed
// kernel tables and an empty warehouse.
//
// With the environment variable PEER_PYTHON, a Python interpreter that has
// AIConfigurator, the same workloads are also timed there, in the same run.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// config is what the flags say.
type config struct {
	binary  string // servegrid, for the figures of whole processes
	workers int    // goroutines that score
	repeat  int    // runs of a whole process; the median counts
	python  string // of the peer; "" for none
	profile string // folder for CPU profiles; "" for none
	scratch string // folder for warehouses
}

// group is a few figures that are measured together.
type group struct {
	name    string
	measure func(*config, *results) error
}

// Whole processes come first: the peak memory of a child is at least what this
// process holds when it starts it.
var groups = []group{
	{"default", measureDefault},
	{"peer", measurePeer},
	{"sweep", measureSweep},
	{"scored", measureScored},
	{"written", measureWritten},
}

func main() {
	var c config
	flag.StringVar(&c.binary, "servegrid", "bin/servegrid", "the program, for the figures of whole processes")
	flag.IntVar(&c.workers, "workers", runtime.GOMAXPROCS(0), "goroutines that score")
	flag.IntVar(&c.repeat, "repeat", 11, "runs of a whole process; the median counts")
	flag.StringVar(&c.profile, "profile", "", "folder for one CPU profile per group")
	out := flag.String("out", "bench.json", "file for the figures")
	only := flag.String("only", "", "comma-separated groups: default, peer, sweep, scored, written")
	flag.Parse()
	c.python = os.Getenv("PEER_PYTHON")
	if err := run(&c, *out, *only, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(c *config, out, only string, rest []string) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	if len(rest) > 0 || c.workers < 1 || c.repeat < 1 {
		return fmt.Errorf("want flags only, and at least one worker and one repetition")
	}
	// Warehouses are removed when all is measured: before ext4 makes a file it looks at
	// each one that was deleted beside it within the last minutes.
	if c.scratch, err = os.MkdirTemp("", "servegrid-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(c.scratch)
	var r results
	for _, g := range chosen {
		fmt.Fprintln(os.Stderr, "measuring:", g.name)
		if err := profiled(c.profile, g.name, func() error { return g.measure(c, &r) }); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	if err := r.print(os.Stdout, c); err != nil {
		return err
	}
	return r.save(out)
}

// choose picks groups by name; all of them for "".
func choose(only string) ([]group, error) {
	if only == "" {
		return groups, nil
	}
	var chosen []group
next:
	for _, name := range strings.Split(only, ",") {
		for _, g := range groups {
			if g.name == name {
				chosen = append(chosen, g)
				continue next
			}
		}
		return nil, fmt.Errorf("-only: unknown group %q", name)
	}
	return chosen, nil
}
