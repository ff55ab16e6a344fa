package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// commandLine is the command that gives the same again: flags that were set,
// also by the environment, in the order of the help. A token is left out.
func commandLine(c *cli.Context) []string {
	words := []string{"servegrid", "cli", c.Command.Name}
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		if !c.IsSet(name) {
			continue
		}
		values := []string{fmt.Sprint(c.Value(name))}
		if _, ok := f.(*cli.StringSliceFlag); ok {
			values = c.StringSlice(name)
		}
		for _, v := range values {
			if strings.HasPrefix(v, "ServiceConfig.hf_token=") {
				v = "ServiceConfig.hf_token=…"
			}
			words = append(words, "--"+name+"="+v)
		}
	}
	return append(words, c.Args().Slice()...)
}
