package measure

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// put writes a file below the test's folder.
func put(t *testing.T, text string, elem ...string) {
	t.Helper()
	name := filepath.Join(elem...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A folder with one export per concurrency. The exports of AIPerf's phases are not
// results of their own.
func TestLoadResultsFolder(t *testing.T) {
	results, err := LoadResults(aiperfRun)
	if err != nil || len(results) != 2 || results[0].Concurrency != 2 || results[1].Concurrency != 4 {
		t.Fatalf("got %+v, %v", results, err)
	}
	if want := filepath.Join(aiperfRun, "concurrency_4", ResultFile); results[1].Source != want {
		t.Errorf("source is %s, want %s", results[1].Source, want)
	}
	dir := t.TempDir()
	put(t, `{"ttft": {"unit": "ms", "avg": 1}}`, dir, "run", "concurrency_16", ResultFile)
	put(t, `{"ttft": {"unit": "ms", "avg": 2}}`, dir, "run", "concurrency_8", ResultFile)
	put(t, `{"ttft": {"unit": "ms", "avg": 3}}`, dir, "run", "concurrency_8", "phases", "warmup", ResultFile)
	results, err = LoadResults(dir)
	if err != nil || len(results) != 2 || results[0].Concurrency != 8 || results[1].TTFTMs.Avg != 1 {
		t.Errorf("got %+v, %v", results, err)
	}
	if r, err := LoadResults(filepath.Join(dir, "run", "concurrency_16", ResultFile)); err != nil || r[0].Concurrency != 16 {
		t.Errorf("a file alone: got %+v, %v", r, err)
	}
	put(t, `{}`, dir, "run", "concurrency_9", ResultFile)
	if _, err := LoadResults(dir); err == nil || !strings.Contains(err.Error(), filepath.Join("concurrency_9", ResultFile)+": not an AIPerf result") {
		t.Errorf("a broken export among others: %v", err)
	}
	if _, err := LoadResults(t.TempDir()); err == nil || !strings.HasSuffix(err.Error(), "no profile_export_aiperf.json in the folder or below") {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestPick(t *testing.T) {
	at := func(n ...int) (rs []*Result) {
		for _, c := range n {
			rs = append(rs, &Result{Concurrency: c})
		}
		return rs
	}
	for _, c := range []struct {
		have         []int
		want, picked int
	}{
		{[]int{1, 56, 70}, 56, 56}, {[]int{1, 50, 70}, 56, 50}, {[]int{8}, 56, 8}, {[]int{50, 62}, 56, 62},
	} {
		picked, others := Pick(at(c.have...), c.want)
		if picked.Concurrency != c.picked || len(others) != len(c.have)-1 {
			t.Errorf("of %v for %d: got %d and %d others", c.have, c.want, picked.Concurrency, len(others))
		}
	}
}

func TestLoadPrediction(t *testing.T) {
	dir := t.TempDir()
	p := guideAgg()
	var text strings.Builder
	if err := p.Write(&text); err != nil {
		t.Fatal(err)
	}
	put(t, text.String(), dir, "agg", "top1", "agg", PredictionFile)
	put(t, text.String(), dir, "agg", "top2", "agg", PredictionFile)
	put(t, "x", dir, "empty", "file")
	put(t, "{}", dir, "broken", PredictionFile)
	for _, name := range []string{"agg/top1", "agg/top1/agg", "agg/top1/agg/prediction.json"} {
		if got, err := LoadPrediction(filepath.Join(dir, name)); err != nil || got.Concurrency != 56 {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	for name, want := range map[string]string{
		"agg":    "is not the folder of one rank: name one in it, of top1/agg, top2/agg",
		"empty":  "holds no prediction.json: want the folder of one rank, such as results/agg/top1",
		"absent": "no such file or directory",
		"broken": "not a whole prediction: it has no mode",
	} {
		if _, err := LoadPrediction(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}
