package deploytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestShell(t *testing.T) {
	Shell(t, "testdata/good.sh")
}

func TestCheckShell(t *testing.T) {
	Shell(t, "testdata/good.sh") // skips where there is no shellcheck
	for _, test := range []struct{ name, script, want string }{
		{"syntax", "if true; then\n", "bash: "},
		{"finding", "#!/bin/bash\nrm $1\n", "SC2086"},
		{"style", "#!/bin/bash\necho \"$(echo \"$1\")\"\n", "SC2005"},
	} {
		path := filepath.Join(t.TempDir(), "script.sh")
		if err := os.WriteFile(path, []byte(test.script), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := checkShell(path); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q in it", test.name, err, test.want)
		}
	}
}
