package jobs

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// keys of the sweep file, in the order in which they are documented and
// rendered.
var keys = []string{
	"name", "models", "systems", "decode_systems", "backends", "versions", "gpus",
	"workloads", "isl", "osl", "prefix", "ttft", "tpot", "request_latency",
	"serving_modes", "estimator", "search", "database_mode", "profiles", "quant", "layouts",
	"keep", "warehouse",
}

// unsupported lists keys of the file format that the rest of the program cannot
// honour yet, with what happens instead. Accepting and ignoring one would give
// wrong answers.
var unsupported = []struct{ key, instead string }{
	{"decode_systems", "prefill and decode run on the same system"},
	{"request_latency", "limits are ttft and tpot"},
	{"profiles", "numeric formats follow the model"},
	{"quant", "numeric formats follow the model"},
	{"layouts", "all parallel layouts are tried"},
}

// parser holds the state of reading one file.
type parser struct {
	mistakes
	known Known
}

// Parse reads a sweep file and resolves it against known. The file name is for
// messages and for the default of the spec's name.
//
// Every mistake in the file is reported: the error joins one [*Mistake] each,
// sorted by line. Only a file that is not YAML at all yields a single one.
func Parse(file string, src []byte, known Known) (*Spec, error) {
	p := &parser{mistakes: mistakes{file: file}, known: known}
	s := p.spec(p.root(src, document{"a sweep file", "models, systems, backends, gpus and a workload"}))
	if len(p.list) > 0 {
		return nil, p.err()
	}
	return s, nil
}

// spec reads the keys of root. Its result counts only without mistakes.
func (p *parser) spec(root *yaml.Node) *Spec {
	if root == nil {
		return nil
	}
	fs := p.fields(root, "sweep file", keys)
	for _, u := range unsupported {
		if f, ok := fs[u.key]; ok && !isEmpty(f.value) {
			p.add(f.line, "%s: is not supported by sweep yet: %s; remove the key", u.key, u.instead)
		}
	}
	s := &Spec{
		Name:         p.name(fs["name"]),
		Models:       p.models(fs["models"], root.Line),
		Systems:      p.names("systems", fs["systems"], root.Line, p.known.Systems),
		Backends:     p.names("backends", fs["backends"], root.Line, p.known.Backends),
		GPUs:         ints(ascending(p.required(gpusAxis, fs, root.Line))),
		Workloads:    p.workloads(fs, root.Line),
		ServingModes: p.servingModes(fs["serving_modes"]),
		Estimator:    p.choice("estimator", fs, EstimatorReference, []string{EstimatorReference, EstimatorCalibrated}),
		Search:       p.choice("search", fs, SearchExhaustive, []string{SearchExhaustive, SearchReference}),
		DatabaseMode: p.choice("database_mode", fs, DatabaseSilicon, []string{DatabaseSilicon, DatabaseHybrid, DatabaseEmpirical, DatabaseSOL}),
		Keep:         p.choice("keep", fs, KeepUseful, []string{KeepAll, KeepUseful, KeepFrontier}),
		Warehouse:    p.warehouse(fs["warehouse"]),
	}
	if s.Estimator == EstimatorCalibrated {
		p.calibrated(s, fs)
	}
	s.Versions = p.versions(fs["versions"], s.Systems, s.Backends)
	s.TTFT, s.TPOT = p.limits(fs)
	return s
}

// calibrated narrows a sweep to what the calibrated estimator is swept for: aggregated
// serving, priced by measured kernels.
func (p *parser) calibrated(s *Spec, fs map[string]field) {
	if f, ok := fs["serving_modes"]; ok && slices.Contains(s.ServingModes, ModeDisagg) {
		p.add(f.line, "serving_modes: with estimator calibrated only agg is swept; servegrid default --estimator calibrated answers for disagg")
	}
	s.ServingModes = []string{ModeAgg}
	if s.DatabaseMode == DatabaseEmpirical || s.DatabaseMode == DatabaseSOL {
		p.add(fs["database_mode"].line, "database_mode: estimator calibrated has constants for measured kernels: use SILICON or HYBRID, not %s", s.DatabaseMode)
	}
}

// choice reads a key with a few valid values.
func (p *parser) choice(key string, fs map[string]field, def string, valid []string) string {
	f, ok := fs[key]
	if !ok {
		return def
	}
	v, ok := p.text(key, f.value)
	switch {
	case !ok:
	case !slices.Contains(valid, v):
		p.add(f.value.Line, "%v", unknown(key, v, valid))
	}
	return v
}
