package queries

import (
	"context"
	"fmt"
)

// Bounds are what questions of strangers may take.
type Bounds struct {
	MemoryBytes int64 // of all queries together; 0 = DuckDB's own bound
}

// settings spells the bounds for the connection.
func (b Bounds) settings() []string {
	if b.MemoryBytes <= 0 {
		return nil
	}
	return []string{
		fmt.Sprintf("set global memory_limit = '%dB'", b.MemoryBytes),
		fmt.Sprintf("set global max_temp_directory_size = '%dB'", 4*b.MemoryBytes),
	}
}

// QueryAtMost is [DB.Query] that stops reading after so many rows, or when their
// texts, lists and structs exceed so many bytes; more says that there were others.
func (db *DB) QueryAtMost(ctx context.Context, query string, rows int, bytes int64, args ...any) (r *Result, more bool, err error) {
	if err := db.checkQuery(ctx, query); err != nil {
		return nil, false, err
	}
	return db.scan(ctx, rows, bytes, query, args...)
}

// sizeOf is about how many bytes a value of a [Result] takes.
func sizeOf(v any) int64 {
	switch v := v.(type) {
	case string:
		return int64(len(v))
	case []any:
		n := int64(0)
		for _, x := range v {
			n += 16 + sizeOf(x)
		}
		return n
	case map[string]any:
		n := int64(0)
		for k, x := range v {
			n += 32 + int64(len(k)) + sizeOf(x)
		}
		return n
	}
	return 16
}
