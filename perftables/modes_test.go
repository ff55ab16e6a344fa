package perftables

import "testing"

// Every query of the peer has the same status here in every mode, and the same
// value. Measured answers of the kinds in ops.csv are not repeated.
func TestModesMatchOracle(t *testing.T) {
	const (
		measuredElsewhere = 11 // in three modes
		wideEP            = 6  // in four
	)
	if n, want := compareWithOracle(t, "testdata/modes.csv.gz"), 3*measuredElsewhere+4*wideEP; n != want {
		t.Errorf("compared %d pairs of kind and mode, want %d", n, want)
	}
}
