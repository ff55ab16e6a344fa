package main

import (
	"io"
	"log/slog"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/internal/suggest"
)

// levels of --log-level, from quiet to talkative.
var levels = []struct {
	name  string
	level slog.Level
}{
	{"CRITICAL", slog.LevelError + 4},
	{"ERROR", slog.LevelError},
	{"WARNING", slog.LevelWarn},
	{"INFO", slog.LevelInfo},
	{"DEBUG", slog.LevelDebug},
}

// messages are what a command says beside its results, on standard error.
type messages struct {
	w     io.Writer
	level slog.Level // the least that is said
}

// at returns where messages of a level go.
func (m messages) at(level slog.Level) io.Writer {
	if level < m.level {
		return io.Discard
	}
	return m.w
}

func (m messages) debug() io.Writer   { return m.at(slog.LevelDebug) }
func (m messages) info() io.Writer    { return m.at(slog.LevelInfo) }
func (m messages) warning() io.Writer { return m.at(slog.LevelWarn) }

func levelNames() []string {
	var names []string
	for _, l := range levels {
		names = append(names, l.name)
	}
	return names
}

func messageFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "log-level", Value: "INFO", Usage: "what is said on standard error: " + strings.Join(levelNames(), ", ")},
		&cli.BoolFlag{Name: "debug", Usage: "short for --log-level DEBUG"},
	}
}

// newMessages reads the flags; a level that is set wins over --debug.
func newMessages(c *cli.Context) (messages, error) {
	name := strings.ToUpper(c.String("log-level"))
	if c.Bool("debug") && !c.IsSet("log-level") {
		name = "DEBUG"
	}
	for _, l := range levels {
		if l.name == name {
			return messages{c.App.ErrWriter, l.level}, nil
		}
	}
	return messages{}, usagef("--log-level: %w", suggest.Unknown("level", c.String("log-level"), levelNames()))
}
