// Servegrid scores LLM serving configurations from measured kernel latencies.
//
// One file a command: flags, checks and wiring live here, formulas, SQL and file
// formats in the packages below. Results go to standard output, progress and
// messages to standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
)

// Exit codes, documented in the help text.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitShards      = 3
	exitRegressed   = 4
	exitInterrupted = 130
)

func main() { os.Exit(run(os.Args, os.Stdout, os.Stderr)) }

// run is the program; it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// For the help text; a command that answers from tables opens them itself and
	// reports what is wrong.
	_ = useTables(defaultRoot)
	app := newApp(stdout, stderr)
	args, err := arrange(app, args)
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	if err == nil {
		return 0
	}
	code := exitFailed
	var coded *codedError
	switch {
	case ctx.Err() != nil || errors.Is(err, context.Canceled):
		code = exitInterrupted
	case errors.As(err, &coded):
		code = coded.code
	}
	// One line a mistake, and no trace.
	for _, line := range strings.Split(strings.TrimRight(err.Error(), "\n"), "\n") {
		fmt.Fprintf(stderr, "servegrid: %s\n", line)
	}
	return code
}

// codedError carries the exit code of a failure.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// usagef is a mistake in how the program was called.
func usagef(format string, args ...any) error {
	return &codedError{exitUsage, fmt.Errorf(format, args...)}
}

func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return &codedError{exitUsage, err}
}

const description = `Every command can also be called as "servegrid cli COMMAND". Flags are accepted
as --kebab-case and --snake_case, before or after other arguments; each can be
set by an environment variable SERVEGRID_<FLAG>. A flag wins over the
environment, the environment over a file, a file over the default.

Exit codes: 0 success (also when nothing meets the limits), 1 failed, 2 wrong
usage, 3 a sweep finished with failed or missing shards, 4 a nightly run found
regressions, 130 interrupted.`

func newApp(stdout, stderr io.Writer) *cli.App {
	commands := []*cli.Command{
		defaultCommand(),
		expCommand(),
		generateCommand(),
		recommendCommand(),
		supportCommand(),
		estimateCommand(),
		evalCommand(),
		validateCommand(),
		calibrateCommand(),
		explainCommand(),
		planCommand(),
		sweepCommand(),
		gcCommand(),
		pullCommand(),
		jobsCommand(),
		queryCommand(),
		frontierCommand(),
		bestCommand(),
		compareCommand(),
		schemaCommand(),
		completionCommand(),
		webappCommand(),
		sqlWorkerCommand(),
		tablesCommand(),
		versionCommand(),
	}
	for _, c := range commands {
		finish(c)
	}
	return &cli.App{
		Name:                   "servegrid",
		Usage:                  "score LLM serving configurations and find the best one",
		Description:            description,
		Version:                version(),
		HideVersion:            true,
		Writer:                 stdout,
		ErrWriter:              stderr,
		Commands:               append(commands, &cli.Command{Name: "cli", Usage: "the same commands, as AIConfigurator spells them", Subcommands: commands}),
		ExitErrHandler:         func(*cli.Context, error) {}, // run reports
		OnUsageError:           func(_ *cli.Context, err error, _ bool) error { return asUsage(err) },
		UseShortOptionHandling: false,
		// A value may hold commas: --generator-set Workers.agg.cuda_graph_batch_sizes=[1,2].
		DisableSliceFlagSeparator: true,
		CommandNotFound:           nil,
		Action: func(c *cli.Context) error {
			return cli.ShowAppHelp(c)
		},
	}
}

// finish gives a command what all of them share.
func finish(c *cli.Command) {
	if slices.Contains(usesTables, c.Name) {
		withTables(c)
	}
	c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return asUsage(err) }
	for _, f := range c.Flags {
		setEnvironment(f)
	}
}

// setEnvironment lets environment variables stand in for a flag.
func setEnvironment(f cli.Flag) {
	name := strings.ToUpper(strings.ReplaceAll(f.Names()[0], "-", "_"))
	vars := []string{"SERVEGRID_" + name, "AICONFIGURATOR_" + name}
	switch f := f.(type) {
	case *cli.StringFlag:
		f.EnvVars = vars
	case *cli.StringSliceFlag:
		f.EnvVars = vars
	case *cli.IntFlag:
		f.EnvVars = vars
	case *cli.Float64Flag:
		f.EnvVars = vars
	case *cli.BoolFlag:
		f.EnvVars = vars
	default:
		panic(fmt.Sprintf("flag %s has a type without environment variables: %T", f.Names()[0], f))
	}
}
