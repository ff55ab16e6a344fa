package queries

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed views/*.sql
var viewFiles embed.FS

// Views returns the names of the SQL files in the order in which they apply,
// and their texts.
func Views() (names, texts []string) {
	names, err := fs.Glob(viewFiles, "views/*.sql") // sorted
	if err != nil {
		panic(err) // the pattern is constant
	}
	for _, n := range names {
		b, err := viewFiles.ReadFile(n)
		if err != nil {
			panic(err) // embedded
		}
		texts = append(texts, string(b))
	}
	return names, texts
}

// applyViews defines the views over the files below root, where tables is the folder of
// the run that is read.
//
// The files name relative paths, for people who work in the warehouse directory.
// Setting file_search_path would do for those, but a relative path never
// passes the check of allowed_directories in DuckDB 1.5.5, so paths are made
// absolute here.
func applyViews(ctx context.Context, exec func(ctx context.Context, sql string) error, root, tables string) error {
	paths := []string{"'tables/", quoteOpen(tables) + "/"}
	for _, p := range []string{"runs/", "validation/", "prices.csv"} {
		paths = append(paths, "'"+p, quoteOpen(root)+"/"+p)
	}
	absolute := strings.NewReplacer(paths...)
	names, texts := Views()
	for i, name := range names {
		if err := exec(ctx, absolute.Replace(texts[i])); err != nil {
			return fmt.Errorf("apply %s: %s", name, firstLine(err))
		}
	}
	return nil
}

// quote makes s an SQL text literal.
func quote(s string) string { return quoteOpen(s) + "'" }

// quoteOpen is quote without the closing mark.
func quoteOpen(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") }
