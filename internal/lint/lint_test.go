// Package lint holds checks of the source tree itself.
package lint

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows lists which packages of the project each room may import. A room is a
// folder with everything below it; what is not listed is not allowed. Rooms
// under internal are leaves that everyone may read.
var arrows = map[string][]string{
	"cmd":                 {"pipeline", "queries", "jobs", "estimator", "perftables", "sinks"},
	"pipeline":            {"grid", "estimator", "perftables", "sinks", "jobs"},
	"grid":                {"jobs"},
	"estimator":           {"perftables"},
	"sinks":               {},
	"queries":             {},
	"jobs":                {},
	"perftables":          {},
	"internal/deploytest": {},
	"internal/lazyregexp": {},
	"internal/measure":    {},
	"internal/schema":     {},
	"internal/suggest":    {},
	"internal/lint":       {},
}

// testOnly lists what a room may import in its tests beside that.
var testOnly = map[string][]string{
	"queries": {"sinks", "pipeline"},
}

// homes lists the libraries that only one room may use, so that a successor is a
// change of one package. YAML has three: what people write for a sweep, what
// describes kernel tables, and what is written.
var homes = map[string][]string{
	"github.com/duckdb/":                    {"queries"},
	"github.com/urfave/cli":                 {"cmd"},
	"github.com/schollz/progressbar":        {"cmd"},
	"go.yaml.in/yaml":                       {"jobs", "perftables", "sinks"},
	"gonum.org/v1/plot":                     {"sinks"},
	"github.com/agnivade/levenshtein":       {"internal/suggest"},
	"github.com/hashicorp/go-retryablehttp": {"perftables"},
	"gocloud.dev":                           {"sinks"},
	"github.com/aws/":                       {"sinks"},
	"github.com/robfig/cron":                {"jobs"},
	"k8s.io/":                               {"internal/deploytest", "sinks", "jobs", "cmd"},
	"sigs.k8s.io/":                          {"internal/deploytest", "sinks", "jobs", "cmd"},
}

// testSupport lists what only tests may import, so that the program does not
// grow by it.
var testSupport = []string{module + "internal/deploytest", module + "sinks/bucket/buckettest", "k8s.io/", "sigs.k8s.io/"}

type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

const module = "servegrid/"

// room returns the room that a package of the project belongs to.
func room(path string) string {
	path = strings.TrimPrefix(path, module)
	parts := strings.Split(path, "/")
	if parts[0] == "internal" {
		return strings.Join(parts[:2], "/")
	}
	return parts[0]
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "servegrid/...")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// Imports follow the arrows, libraries stay at home, and what is for tests only
// stays in tests.
func TestImportArrows(t *testing.T) {
	seen := 0
	for _, p := range packages(t) {
		from := room(p.ImportPath)
		allowed, ok := arrows[from]
		if !ok {
			t.Errorf("%s: room %s is not listed in arrows", p.ImportPath, from)
			continue
		}
		check := func(imports []string, allowed []string) {
			for _, imp := range imports {
				seen++
				if strings.HasPrefix(imp, module) {
					to := room(imp)
					if to != from && !strings.HasPrefix(to, "internal/") && !slices.Contains(allowed, to) {
						t.Errorf("%s imports %s: %s may import %s only", p.ImportPath, imp, from, strings.Join(allowed, ", "))
					}
				}
				for library, rooms := range homes {
					if strings.HasPrefix(imp, library) && !slices.Contains(rooms, from) {
						t.Errorf("%s imports %s, which only %s may", p.ImportPath, imp, strings.Join(rooms, ", "))
					}
				}
			}
		}
		check(p.Imports, allowed)
		for _, imp := range p.Imports {
			support := func(path string) bool { return strings.HasPrefix(imp, path) }
			if from != "internal/deploytest" && slices.ContainsFunc(testSupport, support) {
				t.Errorf("%s imports %s, which only tests may", p.ImportPath, imp)
			}
		}
		check(append(p.TestImports, p.XTestImports...), append(slices.Clone(allowed), testOnly[from]...))
	}
	if seen == 0 {
		t.Error("no imports were checked")
	}
}
