package main

import (
	"cmp"
	"slices"
	"syscall"
	"time"
)

// stretch is how long something took.
type stretch struct {
	wall, cpu time.Duration
}

func (s stretch) clock() time.Duration { return s.wall }

// median runs f several times and returns the run in the middle, by the clock.
func median[T interface{ clock() time.Duration }](times int, f func(i int) (T, error)) (T, error) {
	var runs []T
	for i := range times {
		r, err := f(i)
		if err != nil {
			return r, err
		}
		runs = append(runs, r)
	}
	slices.SortFunc(runs, func(a, b T) int { return cmp.Compare(a.clock(), b.clock()) })
	return runs[len(runs)/2], nil
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
