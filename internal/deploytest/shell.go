package deploytest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Shell fails the test unless bash can parse the script and shellcheck finds
// nothing to say about it, matters of style included. Where shellcheck is not
// installed the test is skipped, but fails when CI=true is in the environment.
func Shell(t testing.TB, path string) {
	t.Helper()
	err := checkShell(path)
	switch {
	case errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") != "true":
		t.Skip(err)
	case err != nil:
		t.Error(err)
	}
}

func checkShell(path string) error {
	for _, check := range [][]string{{"bash", "-n", path}, {"shellcheck", "-S", "style", path}} {
		if out, err := exec.Command(check[0], check[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", check[0], err, out)
		}
	}
	return nil
}
