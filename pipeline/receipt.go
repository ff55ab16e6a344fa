package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

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
	SHA256 string `json:"sha256"`
}

const (
	shardsDir   = "shards"
	receiptsDir = shardsDir + "/receipts"
)

func shardDir(table string) string { return shardsDir + "/" + table }

func shardName(table, key string) string { return shardDir(table) + "/" + key + ".parquet" }

func receiptName(key string) string { return receiptsDir + "/" + key + ".json" }

// readReceipts returns the receipts of the shards that are whole, nil for those
// to be scored. Every file is read and compared with its hash: a file that has
// changed is reported, and its shard marked.
func readReceipts(ctx context.Context, o Options, shards []shard) ([]*receipt, error) {
	receipts := make([]*receipt, len(shards))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, o.Workers))
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
// that cannot be read.
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
		return nil, nil
	}
	return &r, nil
}

// present reports whether every file of the shard is there with its size.
func (r *receipt) present(dir *sinks.Dir) bool {
	for _, f := range r.Files {
		if info, err := dir.Stat(f.Name); err != nil || info.Size() != f.Bytes {
			return false
		}
	}
	return true
}

// damage says which file of the shard is not what was written, and how; "" when
// all are.
func (r *receipt) damage(dir *sinks.Dir) (string, error) {
	for _, f := range r.Files {
		info, err := dir.Stat(f.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return f.Name + " is missing", nil
		case err != nil:
			return "", err
		case info.Size() != f.Bytes:
			return fmt.Sprintf("%s has %d bytes instead of %d", f.Name, info.Size(), f.Bytes), nil
		}
		sum, err := hashFile(dir, f.Name)
		if err != nil {
			return "", err
		}
		if sum != f.SHA256 {
			return f.Name + " has other bytes than were written", nil
		}
	}
	return "", nil
}

func hashFile(dir *sinks.Dir, name string) (string, error) {
	f, err := os.Open(dir.Path(name))
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, f, make([]byte, 1<<18)); err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
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
