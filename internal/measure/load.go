package measure

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// LoadPrediction reads the prediction at a path: the file, the folder that holds
// it, or the folder of one rank, where it lies one level deeper.
func LoadPrediction(name string) (*Prediction, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		inside, err := findPrediction(os.DirFS(name))
		if err != nil {
			return nil, fmt.Errorf("%s %w", name, err)
		}
		name = filepath.Join(name, filepath.FromSlash(inside))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := ReadPrediction(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// findPrediction returns the path of the one prediction in a folder or directly
// below. Where there are several, or they lie deeper, the error names the folders
// to choose from.
func findPrediction(folder fs.FS) (string, error) {
	for depth, pattern := range []string{"", "*/", "*/*/", "*/*/*/"} {
		found, err := fs.Glob(folder, pattern+PredictionFile)
		if err != nil {
			return "", err
		}
		switch {
		case len(found) == 1 && depth <= 1:
			return found[0], nil
		case len(found) > 0:
			for i := range found {
				found[i] = path.Dir(found[i])
			}
			return "", fmt.Errorf("is not the folder of one rank: name one in it, of %s", strings.Join(found[:min(len(found), 6)], ", "))
		}
	}
	return "", fmt.Errorf("holds no %s: want the folder of one rank, such as results/agg/top1", PredictionFile)
}

// LoadResults reads what AIPerf measured: an export, a log with results between
// marker lines, or a folder with exports in it or below. It returns at least one
// result, ordered by concurrency.
func LoadResults(name string) ([]*Result, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	read := readFile
	if info.IsDir() {
		read = readFolder
	}
	results, err := read(name)
	slices.SortStableFunc(results, func(a, b *Result) int { return cmp.Compare(a.Concurrency, b.Concurrency) })
	return results, err
}

// readFolder reads the exports in a folder and below. AIPerf keeps those of single
// phases, the warm-up among them, in a folder "phases"; they are passed over.
func readFolder(folder string) ([]*Result, error) {
	var results []*Result
	err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "phases":
			return fs.SkipDir
		case d.IsDir() || d.Name() != ResultFile:
			return nil
		}
		found, err := readFile(name)
		results = append(results, found...)
		return err
	})
	if err == nil && len(results) == 0 {
		err = fmt.Errorf("%s: no %s in the folder or below", folder, ResultFile)
	}
	return results, err
}

// readFile reads the results of one file. An export that does not say its
// concurrency takes it from the name of its folder, concurrency_<n>.
func readFile(name string) ([]*Result, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	results, err := ReadResults(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	digits, named := strings.CutPrefix(filepath.Base(filepath.Dir(name)), "concurrency_")
	for _, r := range results {
		r.Source = name
		if n, err := strconv.Atoi(digits); named && err == nil && n > 0 && r.Concurrency == 0 {
			r.Concurrency = n
		}
	}
	return results, nil
}
