package jobs

import (
	"embed"
	"strings"
)

//go:embed specs/*.yaml
var specs embed.FS

// Shipped returns the text of a sweep file that comes with the program, by its
// name without extension.
func Shipped(name string) ([]byte, bool) {
	src, err := specs.ReadFile("specs/" + name + ".yaml")
	return src, err == nil
}

// ShippedNames lists the names that [Shipped] knows, sorted.
func ShippedNames() []string {
	entries, err := specs.ReadDir("specs")
	if err != nil {
		panic("jobs: embedded specs cannot be listed: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}
