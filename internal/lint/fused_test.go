package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

var fused = regexp.MustCompile(`(?m)^\s*([\w.]+:\d+)\s.*\bFN?M(?:ADD|SUB)[SD]?\b`)

// Processors with a fused multiply-add round once where others round twice, and
// compilers may use it wherever a product feeds a sum. The formulas keep them from
// it, so that every platform gives the same bits. The one intended use is the
// remainder of FloorDiv.
func TestFormulasAreNotFused(t *testing.T) {
	if testing.Short() {
		t.Skip("cross-compiles")
	}
	for _, pkg := range []string{"perftables", "estimator", "estimator/search"} {
		archive := filepath.Join(t.TempDir(), "pkg.a")
		env := append(os.Environ(), "GOARCH=arm64", "GOOS=linux", "CGO_ENABLED=0")
		build := exec.Command("go", "build", "-o", archive, module+pkg)
		build.Env = env
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", pkg, err, out)
		}
		dump := exec.Command("go", "tool", "objdump", archive)
		dump.Env = env
		out, err := dump.Output()
		if err != nil || len(out) == 0 {
			t.Fatalf("disassemble %s: %v", pkg, err)
		}
		intended := regexp.MustCompile(`^round\.go:`)
		for _, m := range fused.FindAllStringSubmatch(string(out), -1) {
			if !intended.MatchString(m[1]) {
				t.Errorf("%s: %s multiplies and adds in one step: wrap the product in float64(…)", pkg, m[1])
			}
		}
	}
}
