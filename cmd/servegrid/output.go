package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/internal/suggest"
	"servegrid/sinks"
)

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// colorful reports whether output may carry colours.
func colorful(w io.Writer, never bool) bool {
	return !never && os.Getenv("NO_COLOR") == "" && isTerminal(w)
}

// unicode reports whether the locale can show more than ASCII.
func unicode() bool {
	for _, v := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if s := os.Getenv(v); s != "" {
			s = strings.ToLower(s)
			return strings.Contains(s, "utf-8") || strings.Contains(s, "utf8")
		}
	}
	return false
}

func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Value: "table", Usage: "what goes to standard output: " + strings.Join(sinks.TableFormats(), ", ")}
}

// outputFormat checks the flag.
func outputFormat(c *cli.Context) (string, error) {
	format := c.String("output")
	if !slices.Contains(sinks.TableFormats(), format) {
		return "", usagef("--output: %w", suggest.Unknown("format", format, sinks.TableFormats()))
	}
	return format, nil
}
