package queries

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
)

// BestParams asks [DB.Best]. Model, ISL, OSL and GPUs are required; the zero of
// every other field means: no limit, all of them. Prefix is taken as it is.
type BestParams struct {
	Model   string
	System  string  // as the prefill side's where hardware is mixed
	ISL     int     // tokens
	OSL     int     // tokens
	Prefix  int     // tokens
	GPUs    int     // one of the swept budgets
	TTFT    float64 // ms, largest acceptable
	TPOT    float64 // ms, largest acceptable
	Backend string
	Version string
	Mode    string // agg or disagg
	TopN    int    // rows; 0 means 5; of no effect with EachSystem

	EachSystem bool // the best layout of every system instead of the best layouts of all
}

// Best returns the layouts that give the most tokens/s per GPU within the limits,
// best first: the rows of the macro best_config that meet them, with EachSystem the
// first of each system, ranked anew. [DB.Closest] tells how close comes what does not.
func (db *DB) Best(ctx context.Context, p BestParams) (*Result, error) {
	return db.best(ctx, p, " where b.meets_limits")
}

// Closest is Best for limits that nothing meets: what misses the worse of the two by
// the least, with how many times it takes it in the column excess. Where something
// meets the limits it has no rows.
func (db *DB) Closest(ctx context.Context, p BestParams) (*Result, error) {
	return db.best(ctx, p, " where not b.meets_limits")
}

func (db *DB) best(ctx context.Context, p BestParams, which string) (*Result, error) {
	var missing []string
	for _, m := range []struct {
		name string
		zero bool
	}{{"model", p.Model == ""}, {"isl", p.ISL == 0}, {"osl", p.OSL == 0}, {"gpus", p.GPUs == 0}} {
		if m.zero {
			missing = append(missing, m.name)
		}
	}
	if len(missing) > 0 {
		return nil, missingError("best", missing)
	}
	var c clauses
	c.add("model := ?", p.Model)
	c.add("isl := ?", p.ISL)
	c.add("osl := ?", p.OSL)
	c.add("gpus := ?", p.GPUs)
	c.add("prefix := ?", p.Prefix)
	c.addSet("ttft := ?", p.TTFT)
	c.addSet("tpot := ?", p.TPOT)
	c.addSet("system := ?", p.System)
	c.addSet("backend := ?", p.Backend)
	c.addSet("version := ?", p.Version)
	c.addSet("mode := ?", p.Mode)
	topN := p.TopN
	if p.EachSystem {
		topN = math.MaxInt32
	}
	c.addSet("top_n := ?", topN)
	query := "from best_config(" + strings.Join(c.text, ", ") + ") as b" + which
	if p.EachSystem {
		query = "with firsts as (" + query + firstOfSystem + ") " + rankedAnew
	}
	return db.ofModel(ctx, p.Model, query, c.args...)
}

// ErrNotSwept is wrapped when a question is about a model that the latest run does
// not cover.
var ErrNotSwept = errors.New("not swept")

// The macro ranks all layouts; these keep the first of each system and close the gaps.
const (
	firstOfSystem = " qualify b.rank = min(b.rank) over (partition by b.system)"
	rankedAnew    = "select f.* replace (rank() over (order by f.rank) as rank) from firsts as f order by f.rank"
)

// FrontierParams asks [DB.Frontier]. Model is required; the zero of every other field
// means all of them, except Prefix, which is taken as it is unless AnyPrefix is set.
type FrontierParams struct {
	Model        string
	System       string
	DecodeSystem string
	Backend      string
	Version      string
	Mode         string // agg or disagg
	ISL          int    // tokens
	OSL          int    // tokens
	Prefix       int    // tokens
	AnyPrefix    bool
	GPUs         int     // one of the swept budgets
	TTFT         float64 // ms; drops points of the front that are slower
	TPOT         float64 // ms; drops points of the front that are slower
	Overall      bool    // only points on the front of agg and disagg together
	Limit        int     // rows; 0 means all
}

// Frontier returns the points that no other beats in tokens/s per user and per
// GPU of the budget: rows of the view frontier, front by front, users' speed
// ascending.
func (db *DB) Frontier(ctx context.Context, p FrontierParams) (*Result, error) {
	if p.Model == "" {
		return nil, missingError("frontier", []string{"model"})
	}
	var c clauses
	c.add("f.model = ?", p.Model)
	if !p.AnyPrefix {
		c.add("f.prefix = ?", p.Prefix)
	}
	c.addSet("f.system = ?", p.System)
	c.addSet("f.decode_system = ?", p.DecodeSystem)
	c.addSet("f.backend = ?", p.Backend)
	c.addSet("f.version = ?", p.Version)
	c.addSet("f.mode = ?", p.Mode)
	c.addSet("f.isl = ?", p.ISL)
	c.addSet("f.osl = ?", p.OSL)
	c.addSet("f.gpus = ?", p.GPUs)
	c.addSet("f.ttft_ms <= ?", p.TTFT)
	c.addSet("f.tpot_ms <= ?", p.TPOT)
	if p.Overall {
		c.text = append(c.text, "f.overall")
	}
	query := "from frontier_of(?) as f where " + strings.Join(c.text, " and ") + frontierOrder
	c.args = append([]any{p.Model}, c.args...)
	if p.Limit > 0 {
		query += " limit ?"
		c.args = append(c.args, p.Limit)
	}
	return db.run(ctx, query, c.args...)
}

// frontierOrder keeps a front together and its points in order; a front has no
// two points of the same tokens_per_s_per_user.
const frontierOrder = ` order by f.system, f.decode_system, f.backend, f.version, f.mode, f.isl, f.osl, f.prefix, f.gpus,
	f.estimator, f.search, f.database_mode, f.gemm_quant, f.moe_quant, f.kvcache_quant, f.fmha_quant, f.comm_quant, f.nextn,
	f.tokens_per_s_per_user`

// clauses collects SQL with its parameters.
type clauses struct {
	text []string
	args []any
}

func (c *clauses) add(text string, arg any) {
	c.text = append(c.text, text)
	c.args = append(c.args, arg)
}

// addSet is add for values that are not zero.
func (c *clauses) addSet(text string, arg any) {
	switch arg {
	case "", 0, 0.:
		return
	}
	c.add(text, arg)
}

func missingError(what string, names []string) error {
	return fmt.Errorf("%s: missing %s", what, strings.Join(names, ", "))
}
