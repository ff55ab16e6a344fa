package jobs

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the images are made of fits the module that they build, and the pods that run
// them. (hadolint reads the files too, in make test-python.)
func TestImages(t *testing.T) {
	module := readFile(t, "../go.mod")
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(module)[1]
	sweep, finish := sweepJob(t, objects(t, onCluster(t)))
	pod := sweep.Template.Spec
	user := fmt.Sprintf("USER %d:%d", *pod.SecurityContext.RunAsUser, *pod.SecurityContext.RunAsGroup)
	for _, file := range []string{"docker/Dockerfile", "docker/Dockerfile.sweep"} {
		text := readFile(t, file)
		for _, want := range []string{"FROM golang:" + version + "-", user, "/usr/local/bin/servegrid"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %s", file, want)
			}
		}
		ignored := readFile(t, file+".dockerignore")
		for line := range strings.Lines(ignored) {
			if name, kept := strings.CutPrefix(strings.TrimSpace(line), "!"); kept {
				if _, err := os.Stat("../" + name); err != nil {
					t.Errorf("%s.dockerignore: %v", file, err)
				}
			}
		}
		for _, m := range regexp.MustCompile(`(?m)^COPY ([^-.\n]*) \S+$`).FindAllStringSubmatch(text, -1) {
			for source := range strings.FieldsSeq(m[1]) {
				if !strings.Contains(ignored, "\n!"+source+"\n") {
					t.Errorf("%s copies %s, which is kept from it", file, source)
				}
			}
		}
	}
	if a, b := readFile(t, "docker/Dockerfile.dockerignore"), readFile(t, "docker/Dockerfile.sweep.dockerignore"); a != b {
		t.Error("the two images are built from other files")
	}
	// The only file of the sweep-only image is found by its name.
	if text := readFile(t, "docker/Dockerfile.sweep"); !strings.Contains(text, "FROM scratch\n") || !strings.Contains(text, "ENV PATH=/usr/local/bin\n") {
		t.Error("Dockerfile.sweep is not an empty image with a PATH")
	}
	if c := slices.Concat(pod.Containers[0].Command, finish.Template.Spec.Containers[0].Command); !slices.Equal(c, []string{"servegrid", "servegrid"}) {
		t.Errorf("pods run %q", c)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
