package pipeline

import (
	"time"
)

// Manifest describes a finished run. It is what people and the runs view read;
// the files of the run are listed beside it.
type Manifest struct {
	Run           string    `json:"run"`
	Name          string    `json:"name"` // of the sweep
	Status        string    `json:"status"`
	StartedAt     time.Time `json:"started_at"`
	FinishedAt    time.Time `json:"finished_at"`
	Estimator     string    `json:"estimator"`
	Search        string    `json:"search"`
	Revision      int       `json:"revision"`
	SchemaVersion int       `json:"schema_version"`
	ToolVersion   string    `json:"tool_version"`

	Shards       int `json:"shards"`
	ScoredShards int `json:"scored_shards"` // the others were there from earlier runs

	Candidates ManifestCandidates `json:"candidates"`
	Rows       ManifestRows       `json:"rows"`
	Bytes      int64              `json:"bytes"`

	Tables []ManifestTables `json:"tables"` // kernel tables in use
	Spec   string           `json:"spec"`   // the resolved sweep file
}

// ManifestCandidates counts what was scored.
type ManifestCandidates struct {
	AggPoints      int64 `json:"agg_points"`
	PrefillWorkers int64 `json:"prefill_workers"`
	DecodeWorkers  int64 `json:"decode_workers"`
	DisaggPairs    int64 `json:"disagg_pairs"`
}

// ManifestRows counts what was written.
type ManifestRows struct {
	AggPoints    int64 `json:"agg_points"`
	Workers      int64 `json:"workers"`
	DisaggPoints int64 `json:"disagg_points"`
	Coverage     int64 `json:"coverage"`
	BestPoints   int64 `json:"best_points"`
}

// ManifestTables names the kernel tables of one database by their digests.
type ManifestTables struct {
	System  string   `json:"system"`
	Backend string   `json:"backend"`
	Version string   `json:"version"`
	Digests []string `json:"digests"`
}
