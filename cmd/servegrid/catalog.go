package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"servegrid/estimator"
	"servegrid/internal/suggest"
	"servegrid/jobs"
	"servegrid/perftables"
	"servegrid/sinks/deploy"
)

// systemName resolves the value of a flag that names a GPU system.
func systemName(flag, name string) (string, error) {
	s, err := resolveSystem(name)
	if err != nil {
		return "", usagef("--%s: %w", flag, err)
	}
	return s, nil
}

// resolveSystem resolves the name of a GPU system; gb200 stands for gb200_sxm.
func resolveSystem(name string) (string, error) {
	systems := kernelTables().SystemNames()
	for _, s := range systems {
		if name == s || name+"_sxm" == s {
			return s, nil
		}
	}
	return "", suggest.Unknown("system", name, systems)
}

// lookupModel resolves a model name. A short name of AIConfigurator is accepted
// with a note that says the full path.
func lookupModel(stderr io.Writer, name string) (*estimator.Model, error) {
	m, err := estimator.LookupModel(name)
	var unknown *estimator.UnknownModelError
	switch {
	case errors.As(err, &unknown):
		return nil, usagef("--model-path: %w", err)
	case err != nil:
		return nil, err
	}
	if name == m.Builtin {
		fmt.Fprintf(stderr, "note: %s is short for %s; use the full Hugging Face path\n", name, m.ID)
	}
	return m, nil
}

// openDatabaseIn is [openDatabase] in a database mode. Modes that have formulas
// answer without tables too.
func openDatabaseIn(mode perftables.Mode, model, system, backend, version string) (*perftables.Database, error) {
	tables := kernelTables()
	if mode != perftables.Silicon && version == "" && len(tables.Versions(system, backend)) == 0 {
		db, err := tables.OpenUnmeasured(system, backend)
		if err != nil {
			return nil, err
		}
		return db.WithMode(mode), nil
	}
	db, err := openDatabase(model, system, backend, version)
	if err != nil {
		return nil, err
	}
	return db.WithMode(mode), nil
}

// openDatabase opens the tables of a backend on a system; an empty version is
// the newest. Its errors say what there is instead, and how to see it.
func openDatabase(model, system, backend, version string) (*perftables.Database, error) {
	tables := kernelTables()
	versions := tables.Versions(system, backend)
	if len(versions) == 0 {
		return nil, fmt.Errorf("backend %q has no measured tables on %s: it has %s. For an estimate by formulas add --database-mode HYBRID",
			backend, system, suggest.List(backendsOf(system)))
	}
	if version == "" {
		version = tables.Latest(system, backend)
	}
	for _, v := range versions {
		if v == version {
			return tables.Open(system, backend, version)
		}
	}
	return nil, fmt.Errorf("backend version %q of %s has no data on %s. Available versions: %s. Omit --backend-version to use the newest (%s). What is covered: %s",
		version, backend, system, strings.Join(versions, ", "), tables.Latest(system, backend), supportLine(model, system, backend))
}

// supportLine is the command that says what is covered.
func supportLine(model, system, backend string) string {
	return fmt.Sprintf("servegrid cli support --model-path %s --system %s --backend %s", deploy.ShellWord(model), system, backend)
}

// backendsOf lists the backends that have tables on a system.
func backendsOf(system string) []string {
	var have []string
	for _, b := range perftables.Backends {
		if len(kernelTables().Versions(system, b)) > 0 {
			have = append(have, b)
		}
	}
	return have
}

// known is what sweep and experiment files may name.
func known() jobs.Known {
	return jobs.Known{
		Models:   estimator.ModelIDs(),
		Systems:  kernelTables().SystemNames(),
		Backends: perftables.Backends,
		ResolveModel: func(name string) (string, error) {
			m, err := estimator.LookupModel(name)
			if err != nil {
				return "", err
			}
			return m.ID, nil
		},
		Versions: kernelTables().Versions,
		Check:    checkName,
	}
}

// deepEP is the backend of experts that runs DeepEP's kernels.
const deepEP = "deepep_moe"

// checkName checks a name under a key of an experiment file. Versions are checked
// when their database is opened.
func checkName(key, value string) error {
	var err error
	choice := func(valid ...string) {
		if !slices.Contains(valid, value) {
			err = suggest.Unknown("value", value, valid)
		}
	}
	switch key {
	case "gemm_quant_mode":
		_, err = perftables.ParseGEMMQuant(value)
	case "moe_quant_mode":
		_, err = perftables.ParseMoEQuant(value)
	case "kvcache_quant_mode":
		_, err = perftables.ParseKVQuant(value)
	case "fmha_quant_mode":
		_, err = perftables.ParseFMHAQuant(value)
	case "comm_quant_mode":
		_, err = perftables.ParseCommQuant(value)
	case "use_specific_quant_mode":
		_, err = perftables.ParseMoEQuant(value)
		if err == nil && value != expertsOnly {
			_, err = perftables.ParseGEMMQuant(value)
		}
	case "profiles":
		choice(estimator.Profiles()...)
	case "moe_backend":
		choice(deepEP)
	case "attention_backend":
		choice(perftables.FlashInfer, perftables.FA3)
	}
	return err
}
