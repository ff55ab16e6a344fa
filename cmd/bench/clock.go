package main

import (
	"syscall"
	"time"
)

// stretch is how long something took.
type stretch struct {
	wall, cpu time.Duration
}

// timed runs f and reports how long it took this process.
func timed(f func() error) (stretch, error) {
	cpu, begin := processorTime(), time.Now()
	err := f()
	return stretch{time.Since(begin), processorTime() - cpu}, err
}

// processorTime is what this process has used so far, user and system.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // only a wrong argument could
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
