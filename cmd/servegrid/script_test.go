package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the expected output of the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"servegrid": func() { os.Exit(run(os.Args, os.Stdout, os.Stderr)) },
	})
}

// The commands, as a user types them.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("LC_ALL", "C") // ASCII plots
			e.Setenv("SERVEGRID_TABLES", filepath.Join(e.WorkDir, "tables"))
			return nil
		},
	})
}
