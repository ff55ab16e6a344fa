package pipeline

import (
	"os"
	"runtime"
	"sync"
)

// processors are those of Go's scheduler while runs are under way.
var processors struct {
	mu     sync.Mutex
	runs   int
	before int // when the first of them started
}

// spareProcessors gives Go's scheduler some processors more than the machine has, until
// it is called back. A goroutine that waits for the disk keeps the one that it ran on
// until the scheduler takes it away, up to ten milliseconds later; with two of them
// scoring stood still for a sixth of the time. GOMAXPROCS in the environment is
// left as it is.
func spareProcessors() (giveBack func()) {
	if os.Getenv("GOMAXPROCS") != "" {
		return func() {}
	}
	p := &processors
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runs++; p.runs == 1 {
		p.before = runtime.GOMAXPROCS(0)
		runtime.GOMAXPROCS(p.before + committers)
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.runs--; p.runs == 0 {
			runtime.GOMAXPROCS(p.before)
		}
	}
}
