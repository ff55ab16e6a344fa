// Package report prints the final report of a search: the box with the best
// configuration, the text plot of the frontiers, one ranked table per
// experiment, and notes.
//
// It is pure text. It knows nothing of how a number was made, neither filters
// nor ranks, and prints rows in the order it is given. The layout follows the
// report AIConfigurator 0.6.0 prints and the guide shows, so that scripts that
// read one read the other; the additions are the ratio's own line, the request
// latency, the worker counts below a disagg table, and what to expect when no
// row is within the limits.
//
// Units: latencies are milliseconds, throughputs tokens/s. Both always print
// with two decimals.
package report
