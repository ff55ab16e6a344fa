package importer

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// Pointer stands for a file in Git's large file storage.
type Pointer struct {
	OID  string // SHA-256 of the file, hexadecimal
	Size int64
}

// lfsPrefix starts a pointer.
const lfsPrefix = "version https://git-lfs.github.com/spec/"

var errPointer = errors.New("it is a Git LFS pointer, not the file itself: run git lfs pull in the checkout that it comes from, or servegrid tables fetch with --lfs")

// parsePointer reads a pointer. It reports false for any other file.
func parsePointer(content []byte) (Pointer, bool) {
	var p Pointer
	if len(content) > 1024 || !bytes.HasPrefix(content, []byte(lfsPrefix)) {
		return p, false
	}
	for _, line := range strings.Split(string(content), "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "oid":
			p.OID = strings.TrimPrefix(value, "sha256:")
		case "size":
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil || n < 0 {
				return p, false
			}
			p.Size = n
		}
	}
	return p, p.OID != ""
}
