package main

import "servegrid/estimator/calibrate"

// offBy is how far an estimator's answers have been from the measurements that come
// with the program.
func offBy(estimator string, like calibrate.Like) (calibrate.KnownError, bool) {
	sums, err := calibrate.StoredErrors(estimator)
	if err != nil {
		panic(err) // they come with the program, and a test reads them
	}
	return calibrate.Known(sums, like)
}
