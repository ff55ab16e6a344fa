package main

import (
	"net/http"
	"strings"
	"testing"
)

// The page asks either estimator, is told which one answers and how far such answers
// have been off, and cannot name a file of constants.
func TestWebEstimators(t *testing.T) {
	p := servePage(t, newWebapp(t.TempDir(), ""))
	ask := func(estimator string) sweepReply {
		var r sweepReply
		p.get("/api/sweep", guideCase(fields{"systems": []string{"h200_sxm"}, "backends": []string{"vllm"}, "estimator": estimator}), &r)
		return r
	}
	best := map[string]any{}
	for _, estimator := range estimators {
		for _, s := range ask(estimator).Series {
			if len(s.Rows) == 0 || !strings.HasPrefix(s.Notes[0], "Estimator: "+estimator) || !strings.Contains(s.Notes[0], "have been off by") {
				t.Errorf("%s %s: %d rows, notes %q", estimator, s.Mode, len(s.Rows), s.Notes)
			}
			if !strings.Contains(s.Command, "--estimator="+estimator) {
				t.Errorf("%s: the command is %s", estimator, s.Command)
			}
			best[estimator+s.Mode] = s.Rows[0][8]
		}
	}
	if best["referenceagg"] == best["calibratedagg"] {
		t.Errorf("both estimators say %v", best["referenceagg"])
	}
	status, b := p.ask("/api/sweep", guideCase(fields{"systems": []string{"h200_sxm"}, "backends": []string{"vllm"}, "constants": "/etc/passwd"}))
	if status != http.StatusBadRequest {
		t.Errorf("%d %s", status, b)
	}
}
