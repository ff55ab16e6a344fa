package suggest

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	for _, c := range []struct {
		name string
		max  int
		want string
	}{
		{"H200_SXM", 3, "h200_sxm"}, // case does not count
		{"h100-sxm", 3, "h100_sxm"},
		{"h_sxm", 3, "h200_sxm"}, // a tie goes to the first
		{"tpu_v5", 3, ""},
		{"", 3, ""},
	} {
		if got := Nearest(c.name, []string{"h200_sxm", "h100_sxm"}, c.max); got != c.want {
			t.Errorf("Nearest(%q): got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestUnknown(t *testing.T) {
	formats := []string{"table", "csv", "json"}
	for _, c := range []struct{ value, want string }{
		{"cvs", `unknown format "cvs": did you mean "csv"? Valid are table, csv, json`},
		{"xml", `unknown format "xml": valid are table, csv, json`},
	} {
		if got := Unknown("format", c.value, formats).Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if got := Unknown("version", "1", nil).Error(); got != `unknown version "1": there are none` {
		t.Errorf("got %q", got)
	}
	if got := List(strings.Split(strings.Repeat("x ", 50), " ")); !strings.HasSuffix(got, "… (51 in all)") {
		t.Errorf("a long list is not cut: %q", got)
	}
}
