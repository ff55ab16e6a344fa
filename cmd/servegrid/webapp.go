//go:build cgo

package main

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/urfave/cli/v2"

	"servegrid/cmd/servegrid/internal/web"
)

// webapp answers the page's questions.
type webapp struct {
	warehouse    string
	program      string        // of this process, to run queries in others
	longestQuery time.Duration // in SQL
}

func webappCommand() *cli.Command {
	return &cli.Command{
		Name:  "webapp",
		Usage: "serve a page to look, ask and deploy",
		Description: `The page and its API (described at /openapi.json) need no network, no account
and no warehouse; with one they answer SQL too. Ctrl-C ends it. Example:
  servegrid webapp --server-port 7860`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "server-name", Value: "127.0.0.1", Usage: "address or host name to listen on; 0.0.0.0 lets other machines in"},
			&cli.IntFlag{Name: "server-port", Value: 7860, Usage: "port to listen on; 0 for a free one"},
			warehouseFlag(),
		}, messageFlags()...),
		Action: runWebapp,
	}
}

func runWebapp(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("unexpected argument %q", c.Args().First())
	}
	name, port := c.String("server-name"), c.Int("server-port")
	if port < 0 || port > 65535 {
		return usagef("--server-port is %d, want 0 to 65535", port)
	}
	if name == "" {
		return usagef("--server-name is empty, want an address or a host name")
	}
	m, err := newMessages(c)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	warehouse, err := localWarehouse(c.String("warehouse"))
	if err != nil {
		return err
	}
	w := newWebapp(warehouse, program)
	s, err := web.Listen(web.Config{
		Name: name, Port: port, Version: version(), Operations: w.operations(), AtOnce: runtime.GOMAXPROCS(0),
		Log: slog.New(slog.NewTextHandler(m.w, &slog.HandlerOptions{Level: m.level})),
	})
	if err != nil {
		return err
	}
	if !web.Loopback(name) {
		fmt.Fprintf(m.warning(), "warning: everyone who reaches %s can use the page; it has no login\n", name)
	}
	fmt.Fprintf(m.info(), "Serving on http://%s (Ctrl-C ends it)\n", s.Addr())
	if err := s.Serve(c.Context); err != nil {
		return err
	}
	fmt.Fprintln(m.info(), "stopped")
	return nil
}

func newWebapp(warehouse, program string) *webapp {
	return &webapp{warehouse, program, 20 * time.Second}
}

// operations are the API.
func (w *webapp) operations() []web.Operation {
	return []web.Operation{
		web.Get("/api/options", "What there is to choose from", w.options),
		web.Post("/api/sweep", "Score every configuration of a workload on systems and engines", w.sweep),
		web.Post("/api/estimate", "Estimate one configuration, operator by operator", w.estimate),
		web.Post("/api/artifacts", "The files that run a configuration", w.artifacts),
		web.Post("/api/artifacts.zip", "The same as one archive", w.archive),
		web.Post("/api/recommend", "The fewest GPUs that carry a load", w.recommend),
		web.Get("/api/support", "Whether a model is covered", w.support),
		web.Post("/api/eval", "Compare a benchmark's result with its prediction", w.eval),
		web.Post("/api/query", "Ask the warehouse in SQL, read-only", w.query).Apart(),
		web.Post("/api/query.parquet", "The same as a Parquet file", w.queryParquet).Apart(),
	}
}
