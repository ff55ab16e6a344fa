package sinks

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// instance tells this process from an earlier one with the same id, which is
// the rule in containers, where the id is always 1.
var instance = rand.Text()[:8]

var (
	started = time.Now()
	host    = hostName()
)

// foreignTempAge is how long the temporary file of another host must rest before
// it counts as abandoned: whether its writer runs cannot be seen from here.
const foreignTempAge = 24 * time.Hour

// hostName returns the host without the characters that tempPath separates by.
func hostName() string {
	h, err := os.Hostname()
	if err != nil || h == "" {
		return "localhost"
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '_'
	}, h)
}

// tempPath returns a new name beside path: .tmp-<host>-<pid>-<instance>-<random>.
func tempPath(path string) string {
	return filepath.Join(filepath.Dir(path),
		TempPrefix+strings.Join([]string{host, strconv.Itoa(os.Getpid()), instance, rand.Text()[:12]}, "-"))
}

// abandoned reports whether the writer of the temporary file is gone. A process
// of this host counts as gone when its id is not in use, or is ours while the file
// is from before our start.
func abandoned(base string, changed time.Time) bool {
	part := strings.Split(strings.TrimPrefix(base, TempPrefix), "-")
	if len(part) != 4 || part[0] != host {
		return time.Since(changed) > foreignTempAge
	}
	pid, err := strconv.Atoi(part[1])
	if err != nil || pid <= 0 {
		return time.Since(changed) > foreignTempAge
	}
	if pid == os.Getpid() {
		return part[2] != instance && changed.Before(started)
	}
	return !processAlive(pid)
}
