package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"servegrid/sinks"
)

// cloudProgram is this program with the libraries of the cloud providers. Their
// initialization would cost every start of the program several ms, so it is a
// file of its own, and commands that need a bucket are handed over to it.
const cloudProgram = "servegrid-cloud"

// needBuckets hands the command over, in place of this process, where this program
// cannot open buckets itself.
func needBuckets(l sinks.Location) error {
	if sinks.HasBuckets() {
		return nil
	}
	program, err := findCloudProgram()
	if err != nil {
		return fmt.Errorf("warehouse %s: %w: put %s beside it, which `make cloud` builds", l.Name(), sinks.ErrNoBuckets, cloudProgram)
	}
	return fmt.Errorf("start %s: %w", program, syscall.Exec(program, append([]string{program}, os.Args[1:]...), os.Environ()))
}

// findCloudProgram looks beside this program, then among all others.
func findCloudProgram() (string, error) {
	if own, err := os.Executable(); err == nil {
		if own, err = filepath.EvalSymlinks(own); err == nil {
			if beside, err := exec.LookPath(filepath.Join(filepath.Dir(own), cloudProgram)); err == nil {
				return beside, nil
			}
		}
	}
	return exec.LookPath(cloudProgram)
}
