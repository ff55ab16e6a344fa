package main

import "github.com/urfave/cli/v2"

func jobsCommand() *cli.Command {
	return group(&cli.Command{
		Name:  "jobs",
		Usage: "run sweeps beyond one machine, and every night",
		Description: `Examples:
  servegrid jobs run nightly --keep-runs 14 --report changes.md
  servegrid jobs render demo --shards 8 --image registry.example/servegrid:0.1.0 --warehouse s3://bucket/warehouse`,
		Subcommands: []*cli.Command{jobsRunCommand(), jobsRenderCommand()},
	})
}
