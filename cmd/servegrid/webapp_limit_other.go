//go:build !unix

package main

// limitMemory does nothing where processes cannot be bounded; DuckDB's own bound
// holds.
func limitMemory(uint64) error { return nil }
