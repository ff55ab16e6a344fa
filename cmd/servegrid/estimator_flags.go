package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"servegrid/estimator/calibrate"
	"servegrid/estimator/rescore"
	"servegrid/estimator/search"
	"servegrid/internal/suggest"
)

// The estimators.
const (
	referenceEstimator  = "reference"
	calibratedEstimator = "calibrated"
)

var estimators = []string{referenceEstimator, calibratedEstimator}

func estimatorFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "estimator", Value: referenceEstimator, Usage: "reference (AIConfigurator's formulas) or calibrated (a simulation of the engine, fitted to real servers)"},
		constantsFlag(),
	}
}

func constantsFlag() cli.Flag {
	return &cli.StringFlag{Name: "constants", Usage: "constants of the calibrated estimator, as calibrate --out writes them (default: those of the program)"}
}

// estimatorChoice is who scores configurations.
type estimatorChoice struct {
	constants *calibrate.Set // of the calibrated estimator; nil: the reference scores
}

func newEstimatorChoice(c *cli.Context) (estimatorChoice, error) {
	s, err := chosenConstants(c)
	return estimatorChoice{s}, err
}

// prepare makes a task one of the chosen estimator. Drafts of multi-token prediction
// that nobody asked for are left out where it does not know them.
func (e estimatorChoice) prepare(t *search.Task, draftsAsked bool) error {
	if e.constants == nil {
		return nil
	}
	t.Estimator = calibratedEstimator
	if !draftsAsked {
		t.NextN = 0
	}
	return asUsage(rescore.Check(t))
}

// find answers a task in one way of serving.
func (e estimatorChoice) find(t *search.Task, mode string) *search.Result {
	switch {
	case e.constants != nil && mode == search.Disagg:
		return simulate(rescore.NewDisagg(t, e.constants))
	case e.constants != nil:
		return simulate(rescore.NewAgg(t, e.constants))
	case mode == search.Disagg:
		return search.SearchDisagg(t)
	}
	return search.SearchAgg(t)
}

// simulate scores the replicas of a search on all processors. The answer does not
// depend on which one finishes first.
func simulate(s *rescore.Search) *search.Result {
	scored := make([]rescore.Scored, s.Len())
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range scored {
		g.Go(func() error {
			scored[i] = s.Score(i)
			return nil
		})
	}
	_ = g.Wait() // what went wrong is in the results
	return s.Result(scored)
}

// chosenConstants returns the constants of the calibrated estimator, nil where the
// flags ask for the reference.
func chosenConstants(c *cli.Context) (*calibrate.Set, error) {
	name := c.String("estimator")
	if !slices.Contains(estimators, name) {
		return nil, usagef("--estimator: %w", suggest.Unknown("estimator", name, estimators))
	}
	if name == referenceEstimator {
		if c.IsSet("constants") {
			return nil, usagef("--constants %s needs --estimator %s", c.String("constants"), calibratedEstimator)
		}
		return nil, nil
	}
	return readConstants(c)
}

func readConstants(c *cli.Context) (*calibrate.Set, error) {
	path := c.String("constants")
	if path == "" {
		return calibrate.ShippedSet()
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := calibrate.ReadSet(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}
