package jobs

// Workload is one kind of request; all fields in tokens.
type Workload struct {
	ISL    int // input length, cached prefix included; at least 1
	OSL    int // output length; at least 2
	Prefix int // part of the input found in the prefix cache; below ISL
}

// Spec is a resolved sweep file. Lists hold no duplicates and are never empty.
// It shares no memory with the file or the [Known] it came from.
type Spec struct {
	// Name labels the run. Letters, digits, dot, dash and underscore, at most
	// 63, because it becomes part of paths and object names. The default is the
	// file's name without its extension.
	Name string

	// Models holds canonical ids. Like Systems and Backends it keeps the order
	// of the file; "all" stands for every known name in the order of Known.
	Models, Systems, Backends []string

	// Versions is [AllVersions] or [LatestVersion] alone, or explicit version
	// names, each installed for at least one chosen system and backend. The
	// default is latest.
	Versions []string

	GPUs      []int      // GPU budgets, ascending
	Workloads []Workload // in file order; from axes: isl outermost, then osl, then prefix

	// TTFT and TPOT are latency limits in ms, ascending; every pair of them is
	// one SLA. They filter scored candidates and never cause one to be scored.
	TTFT, TPOT []float64

	ServingModes []string // ModeAgg, ModeDisagg or both, in this order
	Estimator    string   // EstimatorReference or EstimatorCalibrated
	Search       string   // SearchExhaustive or SearchReference
	DatabaseMode string   // DatabaseSilicon or another mode
	Keep         string   // KeepAll, KeepUseful or KeepFrontier
	Warehouse    string   // directory or bucket URL
}

// Words of the key "versions" that stand for installed versions.
const (
	AllVersions   = "all"    // every installed version of each system and backend
	LatestVersion = "latest" // the newest installed version of each system and backend
)

// Values of the key "serving_modes". The default is both.
const (
	ModeAgg    = "agg"
	ModeDisagg = "disagg"
)

// Values of the key "estimator": formulas, or a simulation of the engine that is fitted
// to measured servers, for aggregated serving.
const (
	EstimatorReference  = "reference"
	EstimatorCalibrated = "calibrated"
)

// Values of the key "search". Exhaustive is the default of a sweep because its
// rows do not depend on SLA limits and its best is provably the best under the
// model; reference repeats the peer's heuristics for parity.
const (
	SearchExhaustive = "exhaustive"
	SearchReference  = "reference"
)

// Values of the key "database_mode": measured tables, formulas where they have
// holes, formulas alone, and the speed of light.
const (
	DatabaseSilicon   = "SILICON"
	DatabaseHybrid    = "HYBRID"
	DatabaseEmpirical = "EMPIRICAL"
	DatabaseSOL       = "SOL"
)

// Values of the key "keep": which candidates become rows.
const (
	KeepAll      = "all"      // every candidate
	KeepUseful   = "useful"   // those that could be the answer to some SLA; the default
	KeepFrontier = "frontier" // only the Pareto frontier
)

// Defaults of keys that a file may leave out.
const (
	DefaultTTFT      = 2000.0 // ms
	DefaultTPOT      = 30.0   // ms
	DefaultWarehouse = "./warehouse"
)

// Known is what a sweep file may refer to. Parse calls its functions from one
// goroutine and keeps none of its slices.
type Known struct {
	Models, Systems, Backends []string // valid names, in the order that "all" expands to

	// ResolveModel returns the canonical id of an id, alias or legacy name; its
	// error becomes the text of a mistake. A canonical id must resolve to
	// itself. Nil accepts exactly Models.
	ResolveModel func(name string) (canonical string, err error)

	// Check reports a value that the key of an experiment file does not take: a
	// profile, a format, a backend of the experts or of attention. Nil accepts all.
	Check func(key, value string) error

	// Versions returns the installed versions, oldest first, or none. Nil
	// leaves explicit version names unchecked.
	Versions func(system, backend string) []string
}
