package search

import (
	"testing"

	"servegrid/internal/schema"
)

// Every column of AIConfigurator's result files has a name here, or a reason.
func TestPeerNamesAreComplete(t *testing.T) {
	named := map[string]bool{}
	for _, p := range schema.PeerNames {
		if named[p.Peer] {
			t.Errorf("%s is there twice", p.Peer)
		}
		named[p.Peer] = true
	}
	for _, mode := range []string{Agg, Disagg} {
		for _, c := range Columns(mode) {
			if !named[c] {
				t.Errorf("%s: column %s has no name of ours", mode, c)
			}
		}
	}
}
