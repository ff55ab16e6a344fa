package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/sync/errgroup"

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
	XXH128 string `json:"xxh128"`
}

const (
	shardsDir   = "shards"
	receiptsDir = shardsDir + "/receipts"
)

func shardDir(table string) string { return shardsDir + "/" + table }

func shardName(table, key string) string { return shardDir(table) + "/" + key + ".parquet" }

func receiptName(key string) string { return receiptsDir + "/" + key + ".json" }

// readReceipts returns the receipts of the shards that are whole, nil for those
// to be scored. In a directory every file is read and compared with its hash: a
// file that has changed is reported, and its shard marked.
func readReceipts(ctx context.Context, o Options, shards []shard) ([]*receipt, error) {
	receipts := make([]*receipt, len(shards))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, o.Workers, o.Dir.AtOnce()))
	damaged := make([]string, len(shards))
	for i := range shards {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			r, err := readReceipt(o.Dir, shards[i].key)
			if err != nil || r == nil {
				return err
			}
			damaged[i], err = r.damage(o.Dir)
			if damaged[i] == "" {
				receipts[i] = r
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, what := range damaged {
		if shards[i].damaged = what != ""; shards[i].damaged {
			o.Events.Damaged(what)
		}
	}
	return receipts, nil
}

// readReceipt returns the receipt of a shard, or nil when it has none, or one
// that cannot be read or has no sums of its files, as earlier versions wrote them.
func readReceipt(dir sinks.Store, key string) (*receipt, error) {
	b, err := sinks.ReadFile(dir, receiptName(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read shard receipt: %w", err)
	}
	var r receipt
	if err := json.Unmarshal(b, &r); err != nil || r.Key != key || slices.ContainsFunc(r.Files, func(f shardFile) bool { return f.XXH128 == "" }) {
		return nil, nil
	}
	return &r, nil
}

// present reports whether every file of the shard is among these, with its size.
func (r *receipt) present(sizes map[string]int64) bool {
	for _, f := range r.Files {
		if size, ok := sizes[f.Name]; !ok || size != f.Bytes {
			return false
		}
	}
	return true
}

// damage says which file of the shard is not what was written, and how; "" when
// all are.
func (r *receipt) damage(dir sinks.Store) (string, error) {
	for _, f := range r.Files {
		if what, err := dir.Damage(f.Name, f.Bytes, f.XXH128); what != "" || err != nil {
			return what, err
		}
	}
	return "", nil
}

// writeJSON writes a value as an indented JSON file, whole or not at all.
func writeJSON(dir sinks.Store, name string, v any) error {
	b, err := encodeJSON(v)
	if err != nil {
		return err
	}
	return sinks.PutFile(dir, name, b)
}

func encodeJSON(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}
