package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"servegrid/sinks"
)

// receipt says that a shard is whole. It is written after all of its files.
type receipt struct {
	Key    string      `json:"key"`
	Files  []shardFile `json:"files"`
	Counts Counts      `json:"counts"`
}

// shardFile is one table's rows of a shard.
type shardFile struct {
	Table  string `json:"table"`
	Name   string `json:"name"` // below the warehouse
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

func shardName(table, key string) string { return "shards/" + table + "/" + key + ".parquet" }

func receiptName(key string) string { return "shards/receipts/" + key + ".json" }

// readReceipt returns the receipt of a whole shard, or nil when the shard has to
// be scored: it has none, or a file of it is missing or has another size.
func readReceipt(dir *sinks.Dir, key string) (*receipt, error) {
	b, err := os.ReadFile(dir.Path(receiptName(key)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read shard receipt: %w", err)
	}
	var r receipt
	if err := json.Unmarshal(b, &r); err != nil || r.Key != key {
		return nil, nil // damaged: score the shard again
	}
	for _, f := range r.Files {
		info, err := dir.Stat(f.Name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() != f.Bytes {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return &r, nil
}

// writeJSON writes a value as an indented JSON file, whole or not at all.
func writeJSON(dir *sinks.Dir, name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return dir.WriteFile(name, func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}
