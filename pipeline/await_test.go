package pipeline

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// One that publishes waits for the parts of others, tells what is missing, and gives
// up with their names.
func TestAwait(t *testing.T) {
	spec, dir := smallSpec(t), openDir(t)
	o := options(dir, spec, "r", 1, quiet{})
	o.Part.Count = 2
	score := func(i int) {
		o := o
		o.Part.Index = i
		if _, err := Run(context.Background(), o); err != nil {
			t.Error(err)
		}
	}
	var told []int
	tell := func(e *MissingPartsError) { told = append(told, len(e.Parts)) }
	var missing *MissingPartsError
	if _, err := Await(context.Background(), o, time.Millisecond, tell); !errors.As(err, &missing) || len(missing.Parts) != 2 {
		t.Errorf("got error %v, want two parts missing", err)
	}
	score(1)
	if _, err := Await(context.Background(), o, 0, tell); !errors.As(err, &missing) || !slices.Equal(missing.Parts, []Part{{0, 2}}) {
		t.Errorf("got error %v, want part 0 missing", err)
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	if _, err := Await(stopped, o, time.Hour, tell); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want it canceled", err)
	}
	if Published(o) != nil {
		t.Error("an incomplete run counts as published")
	}
	// The other part comes while it waits.
	coming := func(e *MissingPartsError) {
		tell(e)
		go score(0)
	}
	if _, err := Await(context.Background(), o, time.Hour, coming); err != nil {
		t.Fatal(err)
	}
	if want := []int{2, 1, 1, 1}; !slices.Equal(told, want) {
		t.Errorf("told of %v missing parts, want %v", told, want)
	}
	if m := Published(o); m == nil || m.Run != "r" {
		t.Errorf("published %+v", m)
	}
	if _, err := Await(context.Background(), o, time.Hour, tell); err == nil {
		t.Error("it waits for the parts of a run that exists")
	}
	other := *spec
	other.Keep = "all"
	o.Spec = &other
	if Published(o) != nil {
		t.Error("the run of another sweep counts as this one")
	}
}
