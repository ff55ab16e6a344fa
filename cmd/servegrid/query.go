//go:build cgo

package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/queries"
	"servegrid/sinks"
)

func queryCommand() *cli.Command {
	return &cli.Command{
		Name:      "query",
		Usage:     "ask a warehouse in SQL, read-only",
		ArgsUsage: "[SQL]",
		Description: `The SQL is the argument, a file (--file), or standard input (-). It can read
the warehouse and nothing else, and write nowhere. What there is to ask:
servegrid schema. Example:
  servegrid query "select system, max(tokens_per_s_per_gpu_cluster) from best_config group by system"`,
		Flags: []cli.Flag{
			warehouseFlag(),
			&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Usage: "file with the SQL"},
			&cli.StringFlag{Name: "allow-dir", Usage: "folder outside of the warehouse that the SQL may read too; or several with commas"},
			&cli.StringFlag{Name: "out", Usage: "write the result to this .csv, .json or .parquet file instead"},
			outputFlag(),
		},
		Action: func(c *cli.Context) error {
			format, err := outputFormat(c)
			if err != nil {
				return err
			}
			// Before standard input is read, which can be done once only.
			if _, err := reachable(c.String("warehouse")); err != nil {
				return err
			}
			sql, err := readSQL(c)
			if err != nil {
				return err
			}
			return withWarehouse(c, func(ctx context.Context, db *queries.DB) error {
				if out := c.String("out"); out != "" {
					n, err := db.Save(ctx, sql, out)
					if err == nil {
						fmt.Fprintf(c.App.ErrWriter, "%s rows written to %s\n", thousands(n), out)
					}
					return err
				}
				r, err := db.Query(ctx, sql)
				if err != nil {
					return err
				}
				return sinks.WriteTable(c.App.Writer, format, r.Columns, r.Rows)
			})
		},
	}
}

// readSQL returns the query from where the command line says it is.
func readSQL(c *cli.Context) (string, error) {
	file := c.String("file")
	switch {
	case c.NArg() > 1:
		return "", usagef("want one SQL text, got %d: put it into quotes", c.NArg())
	case file != "" && c.NArg() == 1:
		return "", usagef("want SQL from --file or as an argument, not both")
	case file != "" && file != "-":
		b, err := os.ReadFile(file)
		return string(b), err
	case file == "-" || c.Args().First() == "-":
		return readStdin()
	case strings.TrimSpace(c.Args().First()) == "":
		return "", usagef("missing SQL: an argument, --file FILE, or - for standard input")
	}
	return c.Args().First(), nil
}
