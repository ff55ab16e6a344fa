package main

import (
	"compress/gzip"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"servegrid/sinks"
)

// unpackOracle writes a recorded file of AIConfigurator's answers as plain CSV.
func unpackOracle(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "estimator", "testdata", name+".csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name+".csv")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, z); err != nil {
		t.Fatal(err)
	}
	return path
}

// The peer's tables go through the command as they are: same status on every
// row, same figures, and every input cell back unchanged.
func TestEstimateOracleTables(t *testing.T) {
	for _, c := range []struct {
		file    string
		figures map[string]string
	}{
		{"static", map[string]string{
			"est_ttft_ms": "ttft_ms", "est_tpot_ms": "tpot_ms", "est_context_latency_ms": "context_latency_ms",
			"est_generation_latency_ms": "generation_latency_ms", "est_tokens_s_gpu": "tokens_s_gpu", "est_mem_total_gib": "mem_total_gib", "est_oom": "oom",
		}},
		{"agg_points", map[string]string{
			"est_ttft_ms": "ttft_ms", "est_tpot_ms": "tpot_ms", "est_tokens_s_gpu": "tokens_s_gpu", "est_mem_total_gib": "mem_total_gib", "est_oom": "oom",
		}},
	} {
		in := unpackOracle(t, c.file)
		for _, ext := range []string{".csv", ".parquet"} {
			out := filepath.Join(t.TempDir(), "out"+ext)
			if code := run([]string{"servegrid", "estimate", "--input", in, "--out", out}, io.Discard, io.Discard); code != 0 {
				t.Fatalf("%s: exit code %d", c.file, code)
			}
			want, err := sinks.ReadTabular(in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := sinks.ReadTabular(out)
			if err != nil {
				t.Fatal(err)
			}
			if got.Len != want.Len || len(got.Columns) != len(want.Columns)+9 {
				t.Fatalf("%s: %d rows with %d columns, want %d with %d", out, got.Len, len(got.Columns), want.Len, len(want.Columns)+9)
			}
			worst, answered := 0.0, 0
			for row := range want.Len {
				for _, column := range want.Columns {
					if got.Text(row, column) != want.Text(row, column) {
						t.Fatalf("%s row %d: %s came back as %q, was %q", c.file, row, column, got.Text(row, column), want.Text(row, column))
					}
				}
				status := want.Text(row, "status")
				if got.Text(row, "est_status") != status {
					t.Errorf("%s row %d: got %s (%s), want %s", c.file, row, got.Text(row, "est_status"), got.Text(row, "est_reason"), status)
				}
				if (got.Text(row, "est_reason") == "") != (status == "ok") || strings.Contains(got.Text(row, "est_reason"), "\n") {
					t.Errorf("%s row %d: reason %q for status %s", c.file, row, got.Text(row, "est_reason"), status)
				}
				if status != "ok" {
					continue
				}
				answered++
				for est, oracle := range c.figures {
					g, err1 := strconv.ParseFloat(got.Text(row, est), 64)
					w, err2 := strconv.ParseFloat(want.Text(row, oracle), 64)
					if err1 != nil || err2 != nil {
						t.Fatalf("%s row %d: %s: %v %v", c.file, row, est, err1, err2)
					}
					if g != w {
						worst = max(worst, math.Abs(g-w)/math.Abs(w))
					}
				}
			}
			t.Logf("%s%s: %d of %d rows answered, worst relative error %.1e", c.file, ext, answered, want.Len, worst)
			if worst > 1e-9 {
				t.Errorf("%s: worst relative error %.1e", c.file, worst)
			}
		}
	}
}
