package pipeline

import "time"

// Events receives the progress of a sweep. Calls come from several goroutines,
// one at a time.
type Events interface {
	// Started says how many shards there are, and how many of them an earlier
	// run has already scored.
	Started(shards, done int)
	// Damaged says what is wrong with a stored shard. It is scored again.
	Damaged(what string)
	// ShardDone follows every shard that was scored or failed.
	ShardDone(ShardDone)
}

// ShardDone is one finished shard.
type ShardDone struct {
	Name    string // model, system, backend and version
	Key     string
	Counts  Counts
	Elapsed time.Duration
	Err     error
}

// Counts are numbers of candidates and rows.
type Counts struct {
	// Candidates that were scored.
	AggPoints      int64 `json:"agg_points"`
	PrefillWorkers int64 `json:"prefill_workers"`
	DecodeWorkers  int64 `json:"decode_workers"`
	DisaggPairs    int64 `json:"disagg_pairs"` // per GPU budget

	// Rows written, by table.
	Rows  map[string]int64 `json:"rows"`
	Bytes int64            `json:"bytes"`
}

// Candidates is the number of candidates of all kinds.
func (c *Counts) Candidates() int64 {
	return c.AggPoints + c.PrefillWorkers + c.DecodeWorkers + c.DisaggPairs
}

// TotalRows is the number of rows of all tables.
func (c *Counts) TotalRows() int64 {
	var n int64
	for _, rows := range c.Rows {
		n += rows
	}
	return n
}

func (c *Counts) add(o Counts) {
	c.AggPoints += o.AggPoints
	c.PrefillWorkers += o.PrefillWorkers
	c.DecodeWorkers += o.DecodeWorkers
	c.DisaggPairs += o.DisaggPairs
	c.Bytes += o.Bytes
	if c.Rows == nil {
		c.Rows = map[string]int64{}
	}
	for table, n := range o.Rows {
		c.Rows[table] += n
	}
}
