package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/estimator"
	"servegrid/internal/suggest"
	"servegrid/perftables"
	"servegrid/sinks"
)

var shells = []string{"bash", "zsh", "fish"}

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a script that completes commands, flags and names in a shell",
		ArgsUsage: "bash|zsh|fish",
		Description: `Examples:
  source <(servegrid completion bash)
  servegrid completion zsh > "${fpath[1]}/_servegrid"
  servegrid completion fish > ~/.config/fish/completions/servegrid.fish`,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef("want one shell of %s, got %d", strings.Join(shells, ", "), c.NArg())
			}
			write := map[string]func(io.Writer, []*cli.Command){"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Args().First()]
			if write == nil {
				return usagef("%w", suggest.Unknown("shell", c.Args().First(), shells))
			}
			var commands []*cli.Command
			for _, cmd := range c.App.Commands {
				if cmd.Name != "help" {
					commands = append(commands, cmd)
				}
			}
			write(c.App.Writer, commands)
			return nil
		},
	}
}

// flagValues lists what some flags take.
func flagValues() map[string][]string {
	return map[string][]string{
		"model-path": estimator.ModelIDs(), "system": kernelTables().SystemNames(), "decode-system": kernelTables().SystemNames(),
		"backend": perftables.Backends, "output": sinks.TableFormats(), "serving-mode": {"agg", "disagg"},
		"search": {"reference", "exhaustive"}, "database-mode": {"SILICON", "HYBRID", "EMPIRICAL", "SOL"},
	}
}

// flagNames spells the flags of a command, long names first.
func flagNames(c *cli.Command) []string {
	names := []string{"--help"}
	for _, f := range c.Flags {
		for _, n := range f.Names() {
			if len(n) > 1 {
				names = append(names, "--"+n)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// argumentsOf lists what a command takes beside flags: the commands in it, or words.
func argumentsOf(c *cli.Command) []string {
	if c.Name == "completion" {
		return shells
	}
	var names []string
	for _, sub := range c.Subcommands {
		if sub.Name != "help" && !sub.Hidden {
			names = append(names, sub.Name)
		}
	}
	return names
}

func names(commands []*cli.Command) string {
	var all []string
	for _, c := range commands {
		all = append(all, c.Name)
	}
	return strings.Join(all, " ")
}

func bashCompletion(w io.Writer, commands []*cli.Command) {
	fmt.Fprint(w, `_servegrid() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at=1 words=
	[[ ${COMP_WORDS[1]} == cli && $COMP_CWORD -gt 1 ]] && at=2
	case $prev in
`)
	for _, flag := range slices.Sorted(maps.Keys(flagValues())) {
		fmt.Fprintf(w, "\t--%s) COMPREPLY=($(compgen -W %q -- \"$cur\")); return ;;\n", flag, strings.Join(flagValues()[flag], " "))
	}
	fmt.Fprintf(w, "\tesac\n\tif ((COMP_CWORD == at)); then\n\t\twords=%q\n\telse\n\t\tcase ${COMP_WORDS[at]} in\n", names(commands))
	for _, c := range commands {
		words := append(argumentsOf(c), flagNames(c)...)
		fmt.Fprintf(w, "\t\t%s) words=%q ;;\n", c.Name, strings.Join(words, " "))
	}
	fmt.Fprint(w, `		esac
	fi
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
	[[ $cur == -* || $COMP_CWORD -eq $at ]] || COMPREPLY+=($(compgen -f -- "$cur"))
}
complete -o filenames -F _servegrid servegrid aiconfigurator
`)
}

func zshCompletion(w io.Writer, commands []*cli.Command) {
	fmt.Fprint(w, "#compdef servegrid aiconfigurator\n_servegrid() {\n\tlocal at=2\n\t[[ $words[2] == cli ]] && at=3\n\tcase $words[CURRENT-1] in\n")
	for _, flag := range slices.Sorted(maps.Keys(flagValues())) {
		fmt.Fprintf(w, "\t--%s) compadd -- %s; return ;;\n", flag, strings.Join(flagValues()[flag], " "))
	}
	fmt.Fprintf(w, "\tesac\n\tif (( CURRENT == at )); then\n\t\tcompadd -- %s\n\t\treturn\n\tfi\n\tcase $words[at] in\n", names(commands))
	for _, c := range commands {
		fmt.Fprintf(w, "\t%s) compadd -- %s ;;\n", c.Name, strings.Join(append(argumentsOf(c), flagNames(c)...), " "))
	}
	fmt.Fprint(w, "\tesac\n\t_files\n}\n(( $+functions[compdef] )) && compdef _servegrid servegrid aiconfigurator\n")
}

func fishCompletion(w io.Writer, commands []*cli.Command) {
	quote := func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'" }
	values := flagValues()
	for _, c := range commands {
		fmt.Fprintf(w, "complete -c servegrid -n __fish_use_subcommand -a %s -d %s\n", c.Name, quote(c.Usage))
		when := quote("__fish_seen_subcommand_from " + c.Name)
		if args := argumentsOf(c); len(args) > 0 {
			fmt.Fprintf(w, "complete -c servegrid -n %s -a %s\n", when, quote(strings.Join(args, " ")))
		}
		for _, name := range flagNames(c) {
			name = strings.TrimPrefix(name, "--")
			line := fmt.Sprintf("complete -c servegrid -n %s -l %s", when, name)
			if v := values[name]; v != nil {
				line += " -x -a " + quote(strings.Join(v, " "))
			}
			fmt.Fprintln(w, line)
		}
	}
	fmt.Fprintln(w, "complete -c aiconfigurator -w servegrid")
}
