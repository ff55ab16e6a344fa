package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"servegrid/estimator/calibrate"
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
