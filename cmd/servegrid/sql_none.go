//go:build !cgo

package main

import (
	"context"

	"github.com/urfave/cli/v2"
)

// Without cgo there is no DuckDB. What is left sweeps, estimates and deploys, as one
// static file: what the pods of a sweep need.

func recommendCommand() *cli.Command { return withoutSQL("recommend") }
func queryCommand() *cli.Command     { return withoutSQL("query") }
func frontierCommand() *cli.Command  { return withoutSQL("frontier") }
func bestCommand() *cli.Command      { return withoutSQL("best") }
func compareCommand() *cli.Command   { return withoutSQL("compare") }
func schemaCommand() *cli.Command    { return withoutSQL("schema") }
func webappCommand() *cli.Command    { return withoutSQL("webapp") }
func jobsRunCommand() *cli.Command   { return withoutSQL("run") }
func sqlWorkerCommand() *cli.Command { return withoutSQL("webapp-sql") }

// withoutSQL stands where a command is that asks a warehouse.
func withoutSQL(name string) *cli.Command {
	return &cli.Command{
		Name: name, Hidden: true, SkipFlagParsing: true,
		Action: func(*cli.Context) error {
			return usagef("%s needs SQL, which this build, for sweeps only, has not: run it with the whole servegrid, built with cgo", name)
		},
	}
}

// sweptModels needs SQL.
func sweptModels(context.Context, string) (map[string]string, error) {
	return nil, usagef("it needs SQL, which this build, for sweeps only, has not: run it with the whole servegrid, built with cgo")
}
