package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/internal/suggest"
	"servegrid/sinks/deploy"
)

// group finishes a command that only holds others.
func group(c *cli.Command) *cli.Command {
	c.Action = func(c *cli.Context) error {
		if c.NArg() == 0 {
			return cli.ShowSubcommandHelp(c)
		}
		var names []string
		for _, s := range c.Command.Subcommands {
			if s.Name != "help" {
				names = append(names, s.Name)
			}
		}
		return asUsage(suggest.Unknown(c.Command.Name+" command", c.Args().First(), names))
	}
	for _, s := range c.Subcommands {
		finish(s)
	}
	return c
}

// commandLine is the command that does the same again: its arguments, and the
// flags that were set, also by the environment, in the order of the help. A token
// is left out.
func commandLine(c *cli.Context) []string {
	words := append([]string{"servegrid", c.Command.Name}, c.Args().Slice()...)
	given := c.LocalFlagNames() // c.IsSet would look through all flags for each one
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		if !slices.Contains(given, name) {
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
	return words
}

// shellLine spells a command for pasting into a shell.
func shellLine(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = deploy.ShellWord(w)
	}
	return strings.Join(quoted, " ")
}
