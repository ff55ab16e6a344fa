package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"text/tabwriter"

	"servegrid/sinks"
)

// figure is one line of bench.json.
type figure struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Better string  `json:"better"` // higher or lower
	Note   string  `json:"note,omitempty"`
}

type results []figure

func (r *results) higher(name string, value float64, unit, note string) {
	*r = append(*r, figure{name, value, unit, "higher", note})
}

func (r *results) lower(name string, value float64, unit, note string) {
	*r = append(*r, figure{name, value, unit, "lower", note})
}

// rate notes n things done in a stretch of time, by the clock and by processor
// time: on a machine that others use too, only the second can be compared.
func (r *results) rate(name string, n int64, s stretch, what string) {
	note := fmt.Sprintf("%d in %.2f s, %.2f s of processors", n, s.wall.Seconds(), s.cpu.Seconds())
	r.higher(name, float64(n)/s.wall.Seconds(), what+"/s", note)
	r.higher(name+"_per_cpu", float64(n)/s.cpu.Seconds(), what+"/s of one processor", "")
}

func (r *results) print(w io.Writer, c *config) error {
	fmt.Fprintf(w, "%s/%s, %d processors, %d workers, %s\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), c.workers, runtime.Version())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range *r {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", f.Name, short(f.Value), f.Unit, f.Note)
	}
	return t.Flush()
}

// short prints four significant digits.
func short(v float64) string {
	switch {
	case v >= 1e7:
		return fmt.Sprintf("%.1f M", v/1e6)
	case v >= 1e5:
		return fmt.Sprintf("%.0f k", v/1e3)
	}
	return fmt.Sprintf("%.4g", v)
}

func (r *results) save(path string) error {
	return sinks.WriteFile(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	})
}

// profiled runs f under a CPU profile, when there is a folder for it.
func profiled(dir, name string, f func() error) error {
	if dir == "" {
		return f()
	}
	file, err := os.Create(filepath.Join(dir, name+".prof"))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return f()
}
