//go:build unix

package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"servegrid/jobs"
	"servegrid/sinks"
)

// longerSpec has enough shards to be killed in the middle many times.
func longerSpec(tb testing.TB) *jobs.Spec {
	spec := smallSpec(tb)
	spec.Models = []string{"Qwen/Qwen2.5-7B", "Qwen/Qwen3-32B-FP8", "Qwen/Qwen3-30B-A3B", "Qwen/Qwen3-235B-A22B", "deepseek-ai/DeepSeek-V3"}
	spec.Systems = []string{"h200_sxm", "a100_sxm", "l40s"}
	for isl := 500; isl <= 4000; isl += 500 {
		spec.Workloads = append(spec.Workloads, jobs.Workload{ISL: isl, OSL: 128})
	}
	return spec
}

// TestSweepSurvivesKills kills a sweep by SIGKILL at 50 random instants, each
// time a new process that goes on. What comes out is what an undisturbed sweep
// writes, byte for byte, and before the end nothing is published.
func TestSweepSurvivesKills(t *testing.T) {
	if root := os.Getenv("PIPELINE_TEST_KILLED"); root != "" {
		delay, _ := strconv.Atoi(os.Getenv("PIPELINE_TEST_DELAY"))
		time.AfterFunc(time.Duration(delay), func() { syscall.Kill(os.Getpid(), syscall.SIGKILL) })
		dir, err := sinks.OpenDir(root)
		if err == nil {
			_, err = Run(context.Background(), options(dir, longerSpec(t), "r", 2, quiet{}))
		}
		if err != nil {
			t.Error(err)
		}
		return
	}
	if testing.Short() {
		t.Skip("runs a sweep fifty times")
	}
	spec := longerSpec(t)
	whole, dir := openDir(t), openDir(t)
	began := time.Now()
	sweep(t, whole, spec, "r", 2)
	undisturbed := time.Since(began)

	r := rand.New(rand.NewPCG(uint64(began.UnixNano()), 0))
	t.Logf("undisturbed: %v", undisturbed)
	const kills = 50
	killed := 0
	for range kills {
		// Short enough that many lives are needed.
		delay := time.Duration(r.Int64N(int64(undisturbed) / 8))
		child := exec.Command(os.Args[0], "-test.run=^TestSweepSurvivesKills$")
		child.Env = append(os.Environ(), "PIPELINE_TEST_KILLED="+dir.Root(), fmt.Sprintf("PIPELINE_TEST_DELAY=%d", delay))
		out, err := child.CombinedOutput()
		if err == nil {
			break // it came to its end
		}
		if status := child.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() {
			t.Fatalf("life %d failed: %v\n%s", killed+1, err, out)
		}
		killed++
		for _, name := range []string{"tables", "runs/r"} {
			// Killed after the run was published, but before the process ended.
			if _, err := os.Lstat(dir.Path(name)); err == nil && name == "tables" {
				sameContents(t, "published", contents(t, dir.Path("tables")), contents(t, whole.Path("tables")))
			}
		}
	}
	if _, err := os.Lstat(dir.Path("runs/r")); err != nil {
		m := sweep(t, dir, spec, "r", 2)
		t.Logf("%d kills; the last life scored %d of %d shards", killed, m.ScoredShards, m.Shards)
	}
	if killed < 20 {
		t.Errorf("only %d kills before the sweep was done", killed)
	}
	for _, folder := range []string{"shards", "tables"} {
		sameContents(t, folder, contents(t, dir.Path(folder)), contents(t, whole.Path(folder)))
	}
}
