package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/internal/suggest"
)

// arrange prepares the command line for the flag parser: it spells flags in
// kebab-case, moves them in front of other arguments, and reports unknown
// commands and flags with the nearest known one.
func arrange(app *cli.App, args []string) ([]string, error) {
	if len(args) < 2 {
		return args, nil
	}
	commands := app.Commands
	at := 1
	if args[1] == "cli" {
		commands, at = command(app.Commands, "cli").Subcommands, 2
	}
	if at >= len(args) || strings.HasPrefix(args[at], "-") || args[at] == "help" {
		return args, checkTopFlags(args[at:])
	}
	c := command(commands, args[at])
	if c == nil {
		var names []string
		for _, c := range commands {
			names = append(names, c.Name)
		}
		return nil, asUsage(suggest.Unknown("command", args[at], names))
	}
	if at+1 < len(args) && command(c.Subcommands, args[at+1]) != nil {
		c, at = command(c.Subcommands, args[at+1]), at+1
	}
	if c.SkipFlagParsing {
		return args, nil
	}
	flags, rest, err := split(c, args[at+1:])
	if err != nil {
		return nil, err
	}
	out := append(slices.Clone(args[:at+1]), flags...)
	if len(rest) > 0 {
		out = append(append(out, "--"), rest...)
	}
	return out, nil
}

// bareValue is what flags stand for that may come without a value.
var bareValue = map[string]string{"generator-help": "all"}

func checkTopFlags(args []string) error {
	for _, a := range args {
		if strings.HasPrefix(a, "-") && a != "-h" && a != "--help" {
			return usagef("unknown flag %s before a command: run servegrid --help", a)
		}
	}
	return nil
}

func command(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

// split separates a command's flags, with their values, from its other
// arguments.
func split(c *cli.Command, args []string) (flags, rest []string, err error) {
	help := &cli.BoolFlag{Name: "help"}
	known := map[string]cli.Flag{"help": help, "h": help}
	var spelled []string
	for _, f := range c.Flags {
		for _, n := range f.Names() {
			known[n] = f
			if len(n) > 1 {
				spelled = append(spelled, n)
			}
		}
	}
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			return flags, append(rest, args[i+1:]...), nil
		}
		if a == "-" || !strings.HasPrefix(a, "-") {
			rest = append(rest, a)
			continue
		}
		name, value, inline := strings.Cut(strings.TrimLeft(a, "-"), "=")
		dashes := a[:len(a)-len(strings.TrimLeft(a, "-"))]
		name = strings.ReplaceAll(name, "_", "-")
		f, ok := known[name]
		if !ok || len(dashes) > 2 || len(dashes) == 1 && len(name) > 1 {
			return nil, nil, unknownFlag(c, a, name, spelled)
		}
		flag := dashes + name
		if _, isBool := f.(*cli.BoolFlag); isBool && !inline {
			flags = append(flags, flag)
			continue
		}
		if bare, ok := bareValue[name]; ok && !inline && (i+1 == len(args) || strings.HasPrefix(args[i+1], "-")) {
			value, inline = bare, true
		}
		if !inline {
			// A value may start with a dash: a negative number is reported as such.
			if i++; i == len(args) {
				return nil, nil, usagef("flag %s needs a value", flag)
			}
			value = args[i]
		}
		if err := checkValue(flag, f, value); err != nil {
			return nil, nil, err
		}
		flags = append(flags, flag+"="+value)
	}
	return flags, rest, nil
}

// checkValue reports a value that is not of its flag's type.
func checkValue(flag string, f cli.Flag, value string) error {
	var err error
	want := ""
	switch f.(type) {
	case *cli.IntFlag:
		_, err = strconv.Atoi(value)
		want = "a whole number"
	case *cli.Float64Flag:
		_, err = strconv.ParseFloat(value, 64)
		want = "a number"
	case *cli.BoolFlag:
		_, err = strconv.ParseBool(value)
		want = "true or false"
	}
	if err != nil {
		return usagef("%s is %q, want %s", flag, value, want)
	}
	return nil
}

func unknownFlag(c *cli.Command, given, name string, known []string) error {
	if slices.Contains(known, name) {
		return usagef("unknown flag %s for %s: write --%s", given, c.Name, name)
	}
	if instead := laterFlag(name); instead != "" {
		return usagef("unknown flag %s for %s: %s", given, c.Name, instead)
	}
	if near := suggest.Nearest(name, known, 3); near != "" {
		return usagef("unknown flag %s for %s: did you mean --%s?", given, c.Name, near)
	}
	return usagef("unknown flag %s for %s: run servegrid %s --help for its flags", given, c.Name, c.Name)
}
