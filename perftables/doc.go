// Package perftables answers how long one GPU kernel takes, from measured
// latencies.
//
// Measurements are packed files, one per table, at
// <system>/<backend>/<version>/<kind>.tbl (see pack.go for the layout and package
// importer for how the files are made). Those below data are embedded in the
// binary, others are installed (package store). A [Layer] is such a collection, a
// [Set] one or more of them, a [Database] the part that belongs to one (system,
// backend, version).
// Nothing is decoded until it is asked for: opening a database reads table
// headers, a query decodes the one slice that it needs, and slices are kept.
//
// Gridded kinds (GEMM, attention) are extended to a rectangular grid when a
// slice is first used (extend.go) and looked up by interpolation (cubic.go,
// grid.go); the other kinds are lines over one size (line.go). A query fixes
// everything that is constant inside one compiled plan, the way the estimator
// uses it: the GEMM of a given (n, k) is a line over m, the attention of given
// heads a surface over (length, batch).
//
// All latencies are milliseconds. Message sizes are element counts. Products
// that feed a sum are wrapped in float64(…), which keeps compilers for arm64 and
// others from fusing them: the same query gives the same bits everywhere.
//
// The rules follow AIConfigurator 0.6.0, whose answers the tests compare with; but
// for layers of [GenerationRaw]: raw.go reads between measured points,
// raw_estimate.go stands in for missing ones.
package perftables
