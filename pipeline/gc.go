package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
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
}

// Collect removes all runs but the keep latest ones, and the shards that only
// they hold. The run that readers see is always kept. With dryRun it only says
// what would go. It fails with [sinks.ErrLocked] while a sweep is running.
func Collect(dir *sinks.Dir, keep int, dryRun bool) (*Garbage, error) {
	unlock, err := dir.Lock(true)
	if err != nil {
		return nil, err
	}
	defer unlock()
	runs, err := listRuns(dir)
	if err != nil {
		return nil, err
	}
	g := &Garbage{}
	held := map[string]bool{} // keys
	var latest time.Time
	for i, r := range runs { // latest first
		if i >= keep && !r.shown {
			g.Runs = append(g.Runs, r.Run)
			continue
		}
		if err := r.hold(dir, held); err != nil {
			return nil, err
		}
		if r.FinishedAt.After(latest) {
			latest = r.FinishedAt
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
func (g *Garbage) collect(dir *sinks.Dir) error {
	if _, err := dir.CleanTemp(); err != nil {
		return err
	}
	for _, run := range g.Runs {
		leaving := sinks.TempName(run)
		if err := os.Rename(dir.Path(path.Join(runsDir, run)), dir.Path(leaving)); err != nil {
			return err
		}
		if err := os.RemoveAll(dir.Path(leaving)); err != nil {
			return err
		}
		if err := os.RemoveAll(dir.Path(path.Join(partsDir, run))); err != nil {
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
func (g *Garbage) addShards(dir *sinks.Dir, held map[string]bool, latest time.Time) error {
	files, err := filepath.Glob(dir.Path(shardsDir + "/*/*"))
	if err != nil {
		return err
	}
	dropped, unfinished := map[string]bool{}, map[string]bool{}
	var receipts, rest []string
	for _, file := range files {
		name, err := filepath.Rel(dir.Root(), file)
		if err != nil {
			return err
		}
		key, _, _ := strings.Cut(filepath.Base(name), ".")
		if key == "" || held[key] { // "" is somebody's temporary file
			continue
		}
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		if info.ModTime().After(latest) {
			unfinished[key] = true
			continue
		}
		dropped[key] = true
		g.Files++
		g.Bytes += info.Size()
		if path.Dir(filepath.ToSlash(name)) == receiptsDir {
			receipts = append(receipts, filepath.ToSlash(name))
		} else {
			rest = append(rest, filepath.ToSlash(name))
		}
	}
	g.Shards, g.Unfinished = len(dropped), len(unfinished)
	g.remove = append(receipts, rest...)
	return nil
}

// storedRun is a published run.
type storedRun struct {
	Run        string    `json:"run"`
	FinishedAt time.Time `json:"finished_at"`
	shown      bool      // readers see it
}

// listRuns returns the published runs, the latest first.
func listRuns(dir *sinks.Dir) ([]storedRun, error) {
	shown, err := os.Readlink(dir.Path(latestLink))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	entries, err := os.ReadDir(dir.Path(runsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var runs []storedRun
	for _, e := range entries {
		if !usableRun(e.Name()) {
			continue
		}
		b, err := os.ReadFile(dir.Path(path.Join(runsDir, e.Name(), manifestRel)))
		if err != nil {
			return nil, err
		}
		r := storedRun{}
		if err := json.Unmarshal(b, &r); err != nil {
			return nil, fmt.Errorf("%s of run %s cannot be read: %w", manifestRel, e.Name(), err)
		}
		r.Run, r.shown = e.Name(), filepath.ToSlash(shown) == path.Join(runsDir, e.Name(), "tables")
		runs = append(runs, r)
	}
	slices.SortFunc(runs, func(a, b storedRun) int { return b.FinishedAt.Compare(a.FinishedAt) })
	return runs, nil
}

// hold adds the keys of the run's shards.
func (r *storedRun) hold(dir *sinks.Dir, held map[string]bool) error {
	name := path.Join(runsDir, r.Run, filesRel)
	b, err := os.ReadFile(dir.Path(name))
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
