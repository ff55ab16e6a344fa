// Package calibrate predicts what real servers do: the loop of a serving engine,
// simulated on the compiled plans of package estimator, with a few constants that
// are fitted to measurements and stored as data.
//
// The reference formulas price steps and assume how steps follow each other. Here
// the steps do follow each other ([Simulate]): prompts arrive in a burst and then
// one by one as others end, the scheduler of each engine fills its steps, the
// process in front of the engine takes its time, the KV cache limits how many
// sequences run. The same kernels price the steps ([NewKernels]); [Constants] say
// what an engine adds and how far measured kernels are from those in the server.
//
// Everything here is pure: same input, same bits.
package calibrate
