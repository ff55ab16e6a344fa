package queries

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"servegrid/internal/lazyregexp"
)

// ErrNotQuery is wrapped when a statement is not one that only reads.
var ErrNotQuery = errors.New("only a single query can be run: " +
	"select, from, with, values, describe, show, summarize, or explain of one of these")

// tableFunctions are those that a query may read from. It is a list of the
// allowed ones because others have effects: enable_logging can write and even
// break the connection for everybody, query hides what it runs.
var tableFunctions = []string{
	"best_config", "best_points_of", "best_system", "coverage_changes", "coverage_summary_of", "duckdb_columns", "duckdb_functions", "duckdb_settings", "duckdb_tables", "duckdb_views",
	"frontier_changes", "frontier_of", "frontier_shifts", "generate_series", "glob", "histogram", "json_each", "json_tree", "min_gpus", "parquet_file_metadata",
	"parquet_kv_metadata", "parquet_metadata", "parquet_scan", "parquet_schema", "points_of", "range", "read_csv",
	"read_csv_auto", "read_json", "read_json_auto", "read_parquet", "repeat", "sla_frontier_of", "unnest",
}

// deniedFunctions have effects beyond their value.
var deniedFunctions = []string{"json_execute_serialized_sql", "nextval", "setseed", "sleep_ms", "write_log"}

// explainPrefix is what may stand before an explained query.
var explainPrefix = lazyregexp.New(`(?is)^(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*explain\b(?:\s*(?:analyze\b|\(\s*(?:format\s+)?\w+\s*\)))?`)

// checkQuery parses the text with DuckDB's own parser and refuses all but a
// single reading statement. The settings of the connection guard what can be read;
// they do not keep copy and attach from writing into the warehouse, and the
// driver runs every statement of a text, so this is needed too.
func (db *DB) checkQuery(ctx context.Context, query string) error {
	text := query
	if loc := explainPrefix.FindStringIndex(text); loc != nil {
		text = text[loc[1]:]
	}
	var tree string
	err := db.sql.QueryRowContext(ctx, "select cast(json_serialize_sql(cast(? as varchar)) as varchar)", text).Scan(&tree)
	if err != nil {
		return queryError(ctx, err)
	}
	var parsed struct {
		Error        bool   `json:"error"`
		ErrorType    string `json:"error_type"`
		ErrorMessage string `json:"error_message"`
		Statements   []any  `json:"statements"`
	}
	if err := json.Unmarshal([]byte(tree), &parsed); err != nil {
		return fmt.Errorf("query: read the parser's answer: %w", err)
	}
	switch {
	case parsed.Error && parsed.ErrorType == "parser":
		return fmt.Errorf("query: %s", parsed.ErrorMessage)
	case parsed.Error || len(parsed.Statements) != 1:
		return fmt.Errorf("query: %w", ErrNotQuery)
	}
	return checkFunctions(parsed.Statements[0])
}

// checkFunctions walks the parsed statement.
func checkFunctions(node any) error {
	switch n := node.(type) {
	case []any:
		for _, v := range n {
			if err := checkFunctions(v); err != nil {
				return err
			}
		}
	case map[string]any:
		if f, ok := n["function"].(map[string]any); ok && n["type"] == "TABLE_FUNCTION" {
			if name := functionName(f); !slices.Contains(tableFunctions, name) {
				return fmt.Errorf("query: table function %q is not available here; these are: %s",
					name, strings.Join(tableFunctions, ", "))
			}
		}
		if name := functionName(n); slices.Contains(deniedFunctions, name) {
			return fmt.Errorf("query: function %q is not available here", name)
		}
		for _, v := range n {
			if err := checkFunctions(v); err != nil {
				return err
			}
		}
	}
	return nil
}

func functionName(n map[string]any) string {
	name, _ := n["function_name"].(string)
	return strings.ToLower(name)
}
