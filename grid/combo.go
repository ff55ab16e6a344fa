package grid

import (
	"slices"

	"servegrid/jobs"
)

// Combo is what one plan is compiled for.
type Combo struct {
	Model  string // canonical id
	System string // of the prefill side where the two sides differ

	// DecodeSystem is equal to System: sweeps of mixed hardware are refused by
	// the sweep file for now.
	DecodeSystem string

	Backend string

	// Version is empty when no tables are installed for the system and backend,
	// and may be one that is not installed there; see [New].
	Version string
}

// combosOf multiplies models, systems, backends and their versions, the model
// outermost.
func combosOf(spec *jobs.Spec, installed func(system, backend string) []string) []Combo {
	var out []Combo
	for _, model := range spec.Models {
		for _, system := range spec.Systems {
			for _, backend := range spec.Backends {
				for _, version := range pick(spec.Versions, installed(system, backend)) {
					out = append(out, Combo{model, system, system, backend, version})
				}
			}
		}
	}
	return out
}

// pick chooses the versions to score out of the installed ones, which are
// ordered oldest first. It returns at least one, so that what has no data still
// shows in the coverage table.
func pick(asked, installed []string) []string {
	switch {
	case len(asked) == 0:
		panic("grid: a spec without versions")
	case asked[0] == jobs.AllVersions && len(installed) > 0:
		return installed
	case asked[0] == jobs.LatestVersion && len(installed) > 0:
		return installed[len(installed)-1:]
	case asked[0] == jobs.AllVersions || asked[0] == jobs.LatestVersion:
		return []string{""}
	}
	var out []string
	for _, v := range installed {
		if slices.Contains(asked, v) {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		return asked[:1]
	}
	return out
}
