package pipeline

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"servegrid/sinks"
)

// Garbage is what [Collect] removes, or would.
type Garbage struct {
	Runs   []string // oldest first
	Shards int      // that no kept run holds
	Files  int
	Bytes  int64

	// Unfinished counts shards that are kept although no run holds them: they
	// were scored after the latest run, for a sweep that may go on.
	Unfinished int

	remove []string // names, in the order in which they have to go
	halves []string // runs that somebody began to publish
}

// Collect removes all runs but the keep latest ones, and the shards that only
// they hold. The run that readers see is always kept, and so is that with which the next
// report of a sweep compares. With dryRun it only says what would go. It fails with
// [sinks.ErrLocked] while a sweep is running.
func Collect(dir sinks.Store, keep int, dryRun bool) (*Garbage, error) {
	unlock, err := dir.Lock(true)
	if err != nil {
		return nil, err
	}
	defer unlock()
	runs, halves, err := listRuns(dir)
	if err != nil {
		return nil, err
	}
	reported, err := reportedRuns(dir)
	if err != nil {
		return nil, err
	}
	g := &Garbage{halves: halves}
	held := map[string]bool{} // keys
	var latest time.Time
	for i, r := range runs { // latest first
		if i >= keep && !r.shown && !reported[r.Run] {
			g.Runs = append(g.Runs, r.Run)
			continue
		}
		if err := r.hold(dir, held); err != nil {
			return nil, err
		}
		if r.published.After(latest) {
			latest = r.published
		}
	}
	slices.Reverse(g.Runs)
	if err := g.addShards(dir, held, latest); err != nil {
		return nil, err
	}
	if dryRun {
		return g, nil
	}
	return g, g.collect(dir)
}

// collect removes runs first, so that no reader follows one to a file that is
// gone, then receipts before the files that they vouch for.
func (g *Garbage) collect(dir sinks.Store) error {
	if _, err := dir.CleanTemp(); err != nil {
		return err
	}
	for _, run := range g.Runs {
		if err := dir.Withdraw(path.Join(runsDir, run), manifestRel); err != nil {
			return err
		}
		if err := dir.RemoveAll(path.Join(partsDir, run)); err != nil {
			return err
		}
	}
	for _, run := range g.halves {
		if err := dir.RemoveAll(path.Join(runsDir, run)); err != nil {
			return err
		}
	}
	for _, name := range g.remove {
		if err := dir.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// addShards finds the shards that no kept run holds. Those from before the latest
// run are garbage; so are files whose receipt is missing.
func (g *Garbage) addShards(dir sinks.Store, held map[string]bool, latest time.Time) error {
	files, err := dir.List(shardsDir)
	if err != nil {
		return err
	}
	dropped, unfinished := map[string]bool{}, map[string]bool{}
	var receipts, rest []string
	for _, file := range files {
		key, _, _ := strings.Cut(path.Base(file.Name), ".")
		if held[key] {
			continue
		}
		if file.Changed.After(latest) {
			unfinished[key] = true
			continue
		}
		dropped[key] = true
		g.Files++
		g.Bytes += file.Size
		if path.Dir(file.Name) == receiptsDir {
			receipts = append(receipts, file.Name)
		} else {
			rest = append(rest, file.Name)
		}
	}
	g.Shards, g.Unfinished = len(dropped), len(unfinished)
	g.remove = append(receipts, rest...)
	return nil
}

// storedRun is a published run.
type storedRun struct {
	Run        string    `json:"run"`
	Name       string    `json:"name"` // of the sweep
	FinishedAt time.Time `json:"finished_at"`
	published  time.Time // by the clock of the store
	shown      bool      // readers see it
}

// listRuns returns the published runs, the latest first, and the names of those that
// somebody began to publish in a bucket.
func listRuns(dir sinks.Store) (runs []storedRun, halves []string, err error) {
	names, err := dir.Folders(runsDir)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if !usableRun(name) {
			continue
		}
		r, err := readRun(dir, name)
		if errors.Is(err, fs.ErrNotExist) {
			if _, e := dir.Stat(path.Join(runsDir, name, filesRel)); e == nil {
				halves = append(halves, name)
				continue
			}
		}
		if err != nil {
			return nil, nil, err
		}
		runs = append(runs, r)
	}
	slices.SortFunc(runs, func(a, b storedRun) int {
		return cmp.Or(b.FinishedAt.Compare(a.FinishedAt), strings.Compare(b.Run, a.Run))
	})
	shown, err := dir.Shown(latestLink)
	for i := range runs {
		runs[i].shown = shown == path.Join(runsDir, runs[i].Run, tablesRel) || shown == "" && i == 0
	}
	return runs, halves, err
}

// readRun reads what gc has to know of a run.
func readRun(dir sinks.Store, run string) (storedRun, error) {
	r := storedRun{}
	name := path.Join(runsDir, run, manifestRel)
	b, err := sinks.ReadFile(dir, name)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("%s of run %s cannot be read: %w", manifestRel, run, err)
	}
	info, err := dir.Stat(name)
	r.Run, r.published = run, info.Changed
	return r, err
}

// hold adds the keys of the run's shards.
func (r *storedRun) hold(dir sinks.Store, held map[string]bool) error {
	name := path.Join(runsDir, r.Run, filesRel)
	b, err := sinks.ReadFile(dir, name)
	if err != nil {
		return err
	}
	var receipts []receipt
	if err := json.Unmarshal(b, &receipts); err != nil {
		return fmt.Errorf("%s cannot be read: %w", name, err)
	}
	for i := range receipts {
		held[receipts[i].Key] = true
	}
	return nil
}
