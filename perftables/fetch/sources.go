package fetch

import (
	_ "embed"
	"encoding/json"
	"strings"
)

// Source is a named place to fetch tables from.
type Source struct {
	Name    string `json:"name"`
	About   string `json:"about"`
	URL     string `json:"url"`     // "" = see Package
	Package string `json:"package"` // "" or the Python package whose index has the file; see [Source.Locate]
	File    string `json:"file"`    // its name there and on a mirror; the extension says what it is
	SHA256  string `json:"sha256"`  // "" = not pinned
	LFS     string `json:"lfs"`     // Git LFS endpoint of the repository that it comes from
}

//go:embed sources.json
var sourcesFile []byte

// Sources lists the named sources, the default first.
func Sources() []Source {
	var s []Source
	if err := json.Unmarshal(sourcesFile, &s); err != nil {
		panic(err) // the file is part of the program, and tested
	}
	return s
}

// At returns the address of the source on a mirror; of the source itself, which may
// be "", when the mirror is "".
func (s *Source) At(mirror string) string {
	if mirror == "" {
		return s.URL
	}
	return strings.TrimSuffix(mirror, "/") + "/" + s.File
}
