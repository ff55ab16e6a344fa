package queries

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// MinGPUsParams asks [DB.MinGPUs]. Model, ISL and OSL are required, and one of
// RequestRate and Concurrency; the zero of every other field means: no limit, all of
// them. Prefix is taken as it is.
type MinGPUsParams struct {
	Model       string
	ISL         int     // tokens
	OSL         int     // tokens
	Prefix      int     // tokens
	RequestRate float64 // requests/s to carry
	Concurrency float64 // requests in flight to carry
	TTFT        float64 // ms, largest acceptable
	TPOT        float64 // ms, largest acceptable
	System      string
	Backend     string
	Version     string
	Mode        string // agg or disagg
	TopN        int    // rows; 0 means 5
}

// MinGPUs returns the layouts of which copies carry a load on the fewest GPUs: the
// rows of the macro min_gpus. Where nothing meets the limits these are the closest, and
// meets_limits is false.
func (db *DB) MinGPUs(ctx context.Context, p MinGPUsParams) (*Result, error) {
	var c clauses
	c.add("model := ?", p.Model)
	c.add("isl := ?", p.ISL)
	c.add("osl := ?", p.OSL)
	c.add("prefix := ?", p.Prefix)
	c.addSet("request_rate := ?", p.RequestRate)
	c.addSet("concurrency := ?", p.Concurrency)
	c.addSet("ttft := ?", p.TTFT)
	c.addSet("tpot := ?", p.TPOT)
	c.addSet("system := ?", p.System)
	c.addSet("backend := ?", p.Backend)
	c.addSet("version := ?", p.Version)
	c.addSet("mode := ?", p.Mode)
	c.addSet("top_n := ?", p.TopN)
	if p.Model == "" || p.ISL == 0 || p.OSL == 0 {
		return nil, errors.New("min_gpus: model, isl and osl are required")
	}
	if p.RequestRate <= 0 && p.Concurrency <= 0 {
		return nil, errors.New("min_gpus: a request rate or a concurrency is required")
	}
	return db.ofModel(ctx, p.Model, "from min_gpus("+strings.Join(c.text, ", ")+")", c.args...)
}

// ofModel runs a query that looks into the folders of a model, and names the model
// where there are none.
func (db *DB) ofModel(ctx context.Context, model, query string, args ...any) (*Result, error) {
	r, err := db.run(ctx, query, args...)
	if err != nil && strings.Contains(err.Error(), "No files found") {
		return nil, fmt.Errorf("%w: %s is not among the models of %s", ErrNotSwept, model, db.root)
	}
	return r, err
}
