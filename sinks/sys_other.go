//go:build !unix

package sinks

// processAlive cannot be told here, so nobody's files are taken away.
func processAlive(int) bool { return true }

// syncDir does nothing: directories cannot be synced.
func syncDir(string) error { return nil }
