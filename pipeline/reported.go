package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"servegrid/sinks"
)

const reportedDir = "reported"

// reported says which run of a sweep was the last whose changes were reported.
type reported struct {
	Run string `json:"run"`
}

func reportedName(sweep string) string { return path.Join(reportedDir, sweep+".json") }

// Baseline returns the run that the next report of a sweep compares with: the last that
// was reported, so that what changed in a run that was stopped before its report is not
// passed over; else the latest of the sweep, "" when it has none.
func Baseline(dir sinks.Store, sweep string) (run string, err error) {
	last, err := readReported(dir, sweep)
	if err != nil {
		return "", err
	}
	runs, _, err := listRuns(dir)
	if err != nil {
		return "", err
	}
	for _, r := range runs { // latest first
		if r.Name == sweep && (r.Run == last || run == "") {
			run = r.Run
		}
	}
	return run, nil
}

// SetBaseline notes that the next report of a sweep compares with this run.
func SetBaseline(dir sinks.Store, sweep, run string) error {
	return writeJSON(dir, reportedName(sweep), reported{run})
}

// readReported returns the run that was reported last, or "".
func readReported(dir sinks.Store, sweep string) (string, error) {
	run, err := readNote(dir, reportedName(sweep))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return run, err
}

func readNote(dir sinks.Store, name string) (run string, err error) {
	b, err := sinks.ReadFile(dir, name)
	if err != nil {
		return "", err
	}
	var r reported
	if err := json.Unmarshal(b, &r); err != nil {
		return "", fmt.Errorf("%s cannot be read: %w", name, err)
	}
	return r.Run, nil
}

// reportedRuns are the runs of all sweeps with which a report will compare.
func reportedRuns(dir sinks.Store) (map[string]bool, error) {
	notes, err := dir.List(reportedDir)
	if err != nil {
		return nil, err
	}
	runs := map[string]bool{}
	for _, n := range notes {
		run, err := readNote(dir, n.Name)
		if err != nil {
			return nil, err
		}
		runs[run] = true
	}
	return runs, nil
}
