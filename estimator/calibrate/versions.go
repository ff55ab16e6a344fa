package calibrate

import (
	_ "embed"
	"encoding/csv"
	"slices"
	"strings"
	"sync"

	"servegrid/estimator"
	"servegrid/perftables"
)

// versionsCSV maps engine versions of the shipped measurements to the version of
// the kernel tables that stands for them, and to the version family that shares
// constants. An empty version is one that was not recorded.
//
//go:embed data/versions.csv
var versionsCSV string

type versionRow struct{ tables, family string }

// versionMap reads it once.
var versionMap = sync.OnceValue(func() map[[2]string]versionRow {
	rows, err := csv.NewReader(strings.NewReader(versionsCSV)).ReadAll()
	if err != nil {
		panic("calibrate: data/versions.csv: " + err.Error())
	}
	m := map[[2]string]versionRow{}
	for _, r := range rows[1:] {
		m[[2]string{r[0], r[1]}] = versionRow{r[2], r[3]}
	}
	return m
})

// Class says how far a row is from the kernel tables that answer for it.
type Class string

// The classes.
const (
	Exact Class = "exact" // the engine's version has tables on the system
	Near  Class = "near"  // another version of the engine has
	Cross Class = "cross" // tables of another engine or system, or a model described by another's architecture
)

// Classes lists them.
var Classes = []Class{Exact, Near, Cross}

// familyOf names the version family whose constants a row is predicted with. Rows
// with borrowed tables are a family of their own.
func familyOf(backend, version string, class Class) string {
	if class == Cross {
		return backend + " " + string(Cross)
	}
	if f := versionMap()[[2]string{backend, version}].family; f != "" {
		return backend + " " + f
	}
	return ""
}

// borrowed names the system whose tables stand for one without any, and the memory
// of one GPU of that. Source: the vendor's data sheet.
var borrowed = map[string]struct {
	from      string
	memoryGiB float64
}{"b300_sxm": {"b200_sxm", 288e9 / estimator.GiB}, "gb300_sxm": {"gb200_sxm", 288e9 / estimator.GiB}}

// spelled are other names of systems.
var spelled = map[string]string{"gb200": "gb200_sxm", "gb300": "gb300_sxm", "b300": "b300_sxm", "b200": "b200_sxm", "h200": "h200_sxm", "h100": "h100_sxm", "a100": "a100_sxm"}

// lenders lists the engines whose tables stand for one without any on a system.
var lenders = map[string][]string{"vllm": {"trtllm", "sglang"}, "sglang": {"trtllm", "vllm"}, "trtllm": {"sglang", "vllm"}}

// chooseTables returns the tables that answer for an engine on a system, and how
// far they are.
func chooseTables(system, backend, version string) (*perftables.Database, Class, error) {
	set := perftables.Embedded()
	class := Near
	if s, ok := spelled[system]; ok {
		system = s
	}
	if s, ok := borrowed[system]; ok {
		system, class = s.from, Cross
	}
	versions := set.Versions(system, backend)
	if len(versions) == 0 {
		class = Cross
		for _, b := range lenders[backend] {
			if len(set.Versions(system, b)) > 0 {
				db, err := set.Open(system, b, set.Latest(system, b))
				return db, class, err
			}
		}
		return nil, class, &Refusal{"no kernel tables of any engine for system " + system}
	}
	if slices.Contains(versions, version) && class == Near {
		db, err := set.Open(system, backend, version)
		return db, Exact, err
	}
	use := versionMap()[[2]string{backend, version}].tables
	if !slices.Contains(versions, use) {
		use = set.Latest(system, backend)
	}
	db, err := set.Open(system, backend, use)
	return db, class, err
}

// Refusal says why a row cannot be answered.
type Refusal struct{ Reason string }

func (e *Refusal) Error() string { return e.Reason }
