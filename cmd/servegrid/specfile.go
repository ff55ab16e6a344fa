package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/internal/suggest"
	"servegrid/jobs"
	"servegrid/sinks"
)

// specFile returns the text of the sweep file that a command names. A name that is
// no file but that of a shipped one, such as demo, stands for that.
func specFile(c *cli.Context) (name string, src []byte, err error) {
	if c.NArg() != 1 {
		return "", nil, usagef("want one sweep file: a path, or the name of a shipped one (%s)", strings.Join(jobs.ShippedNames(), ", "))
	}
	name = c.Args().First()
	src, err = os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		shipped, ok := jobs.Shipped(name)
		if !ok {
			text := fmt.Sprintf("sweep file %s does not exist", name)
			if near := suggest.Nearest(name, jobs.ShippedNames(), 2); near != "" {
				text += fmt.Sprintf("; did you mean the shipped %q?", near)
			}
			return "", nil, usagef("%s", text)
		}
		src, err = shipped, nil
	}
	return name, src, err
}

// readSpec reads the sweep file that a command names.
func readSpec(c *cli.Context) (*jobs.Spec, error) {
	name, src, err := specFile(c)
	if err != nil {
		return nil, err
	}
	spec, err := jobs.Parse(name, src, known())
	if err != nil {
		return nil, err
	}
	if w := c.String("warehouse"); c.IsSet("warehouse") {
		spec.Warehouse = w
	}
	if c.IsSet("keep") {
		keeps := []string{jobs.KeepAll, jobs.KeepUseful, jobs.KeepFrontier}
		spec.Keep = c.String("keep")
		if suggest.Nearest(spec.Keep, keeps, 0) != spec.Keep {
			return nil, usagef("--keep: %w", suggest.Unknown("value", spec.Keep, keeps))
		}
	}
	if _, err := sinks.ParseLocation(spec.Warehouse); err != nil {
		return nil, asUsage(err)
	}
	return spec, nil
}

func warehouseFlag() cli.Flag {
	return &cli.StringFlag{Name: "warehouse", Value: jobs.DefaultWarehouse, Usage: "directory of the results, or a bucket as s3://BUCKET/PREFIX, gs://… or azblob://…"}
}

func keepFlag() cli.Flag {
	return &cli.StringFlag{Name: "keep", Usage: "candidates to write: all, useful (what another one beats is left out) or frontier (default: the sweep file's)"}
}
