package main

import (
	"errors"
	"fmt"
	"io/fs"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"servegrid/estimator/search"
	"servegrid/pipeline"
)

// bytesPerRow is about what one row takes on disk, with every candidate kept.
// Measured on the shipped demo sweep; see docs/architecture.md.
const bytesPerRow = 45

func planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "count what a sweep would do, and write nothing",
		ArgsUsage: "SPEC",
		Description: `SPEC is a sweep file or the name of a shipped one. Example:
  servegrid plan demo`,
		Flags: []cli.Flag{
			warehouseFlag(), keepFlag(),
			&cli.BoolFlag{Name: "print-config", Usage: "print the resolved sweep file instead"},
		},
		Action: func(c *cli.Context) error {
			spec, err := readSpec(c)
			if err != nil {
				return err
			}
			if c.Bool("print-config") {
				_, err := c.App.Writer.Write(spec.YAML())
				return err
			}
			dir, err := openExisting(c.Context, spec.Warehouse)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			e, err := pipeline.Plan(spec, search.NewCatalog(kernelTables()), dir)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', tabwriter.AlignRight)
			line := func(name string, n int64, remark string) {
				fmt.Fprintf(w, "%s\t%s\t  %s\t\n", name, thousands(n), remark)
			}
			line("combinations", int64(e.Combinations), fmt.Sprintf("of model, system, backend and version; %d cannot be served", e.Refused))
			line("workloads", int64(len(spec.Workloads)), "")
			line("shards", int64(e.Shards), fmt.Sprintf("%d of them scored already", e.Done))
			line("aggregated candidates", e.Counts.AggPoints, "")
			line("prefill workers", e.Counts.PrefillWorkers, "")
			line("decode workers", e.Counts.DecodeWorkers, "")
			line("pairs", e.Counts.DisaggPairs, fmt.Sprintf("of prefill and decode workers, over %d GPU budgets", len(spec.GPUs)))
			line("latency limits", int64(len(spec.TTFT)*len(spec.TPOT)), "pairs of TTFT and TPOT; they filter, and cause nothing to be scored")
			line("megabytes", e.Rows*bytesPerRow/1e6, fmt.Sprintf("at most, when everything is kept; this sweep keeps: %s", spec.Keep))
			return w.Flush()
		},
	}
}

// thousands writes a count with separators: 1,234,567.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
