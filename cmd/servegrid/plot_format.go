package main

import (
	"path/filepath"
	"strings"

	"servegrid/internal/suggest"
	"servegrid/sinks/plot"
)

// plotFormat is the picture format that a file name asks for.
func plotFormat(path string) (plot.Format, error) {
	if path == "" {
		return "", nil
	}
	ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
	formats := []string{string(plot.PNG), string(plot.SVG)}
	for _, f := range formats {
		if ext == f {
			return plot.Format(f), nil
		}
	}
	return "", usagef("--plot %s: %w", path, suggest.Unknown("extension", ext, formats))
}
