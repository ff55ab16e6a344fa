package main

import "servegrid/estimator/calibrate"

// offBy is how far an estimator's answers have been from the measurements that come
// with the program.
func offBy(estimator string, like calibrate.Like) (calibrate.KnownError, bool) {
	stored, err := calibrate.Stored()
	if err != nil {
		panic(err) // it comes with the program, and a test reads it
	}
	return calibrate.Known(stored, like, answersOf[estimator])
}

// answersOf picks an estimator's answer.
var answersOf = map[string]func(*calibrate.Judged) calibrate.Answer{
	calibratedEstimator: func(j *calibrate.Judged) calibrate.Answer { return j.Calibrated },
	referenceEstimator:  func(j *calibrate.Judged) calibrate.Answer { return j.Reference },
}
