package measure

import (
	"errors"
	"fmt"
)

// Correction returns the latency correction scales with which the prediction would
// have met the result: each old scale times actual over predicted. Only
// disaggregated predictions have them.
func (c *Comparison) Correction() (prefill, decode float64, err error) {
	p := c.Prediction
	if p.Mode != Disagg {
		return 0, 0, fmt.Errorf("mode is %s: only %s predictions have latency correction scales", p.Mode, Disagg)
	}
	if p.Estimator == "calibrated" {
		return 0, 0, errors.New("the prediction is the calibrated estimator's, which has constants in place of correction scales: servegrid calibrate fits them")
	}
	scale := func(column, role string, old float64) float64 {
		r := c.row(column)
		switch {
		case err != nil:
		case old == 0:
			err = fmt.Errorf("the prediction has no %s_latency_correction_scale", role)
		case r.Delta == nil || r.Actual.Avg == 0:
			err = fmt.Errorf("%s: a correction scale needs a prediction and a measurement", r.Name)
		default:
			return old * r.Actual.Avg / r.Predicted
		}
		return 0
	}
	prefill, decode = scale("ttft_ms", "prefill", p.PrefillCorrection), scale("tpot_ms", "decode", p.DecodeCorrection)
	return prefill, decode, err
}
