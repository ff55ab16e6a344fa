package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"servegrid/pipeline"
)

// progress shows a sweep on standard error: one redrawn line on a terminal, a
// line every few seconds elsewhere, and failures as they happen.
type progress struct {
	w           io.Writer
	bar         *progressbar.ProgressBar // nil when w is no terminal
	began, last time.Time
	total, done int
	candidates  int64
	rows        int64
}

const progressInterval = 5 * time.Second

func newProgress(w io.Writer) *progress { return &progress{w: w} }

// Started implements [pipeline.Events].
func (p *progress) Started(shards, done int) {
	p.began, p.last = time.Now(), time.Now()
	p.total = shards - done
	fmt.Fprintf(p.w, "%d shards, %d scored by earlier runs\n", shards, done)
	if p.total > 0 && isTerminal(p.w) {
		p.bar = progressbar.NewOptions(p.total, progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription("shards"),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
	}
}

// Damaged implements [pipeline.Events].
func (p *progress) Damaged(what string) {
	fmt.Fprintf(p.w, "damaged: %s; the shard is scored again\n", what)
}

// ShardDone implements [pipeline.Events].
func (p *progress) ShardDone(s pipeline.ShardDone) {
	p.done++
	p.candidates += s.Counts.Candidates()
	p.rows += s.Counts.TotalRows()
	if s.Err != nil {
		if p.bar != nil {
			_ = p.bar.Clear() // only cosmetic
		}
		fmt.Fprintf(p.w, "failed: %s (shard %s): %v\n", s.Name, s.Key, s.Err)
	}
	rate := float64(p.candidates) / max(1e-9, time.Since(p.began).Seconds())
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("shards, %s candidates/s", perSecond(rate)))
		_ = p.bar.Add(1) // only cosmetic
	} else if time.Since(p.last) >= progressInterval {
		p.last = time.Now()
		eta := time.Duration(float64(time.Since(p.began)) / float64(p.done) * float64(p.total-p.done))
		fmt.Fprintf(p.w, "%d of %d shards, %s candidates/s, %.0f s left\n", p.done, p.total, perSecond(rate), eta.Seconds())
	}
	if p.done == p.total {
		fmt.Fprintf(p.w, "scored %s candidates in %.1f s (%s/s), wrote %s rows\n",
			thousands(p.candidates), time.Since(p.began).Seconds(), perSecond(rate), thousands(p.rows))
	}
}

// perSecond is a rate in the unit that fits: formulas score millions a second,
// simulations thousands.
func perSecond(rate float64) string {
	if rate < 1e5 {
		return fmt.Sprintf("%.1f k", rate/1e3)
	}
	return fmt.Sprintf("%.1f M", rate/1e6)
}
