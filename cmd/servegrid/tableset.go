package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/urfave/cli/v2"

	"servegrid/perftables"
	"servegrid/perftables/importer"
	"servegrid/perftables/store"
)

// inUse is the set of tables that the process answers from. It is chosen once,
// before a command starts.
var inUse atomic.Pointer[perftables.Set]

// kernelTables returns the kernel tables in use: those of --systems-paths.
func kernelTables() *perftables.Set {
	if s := inUse.Load(); s != nil {
		return s
	}
	return perftables.Embedded()
}

// defaultRoot stands for the embedded tables and the user's store.
const defaultRoot = "default"

// usesTables lists the commands that answer from kernel tables.
var usesTables = []string{"default", "exp", "generate", "recommend", "support", "estimate", "eval", "plan", "sweep", "webapp"}

// withTables gives a command the flag that chooses kernel tables.
func withTables(c *cli.Command) {
	c.Flags = append(c.Flags, &cli.StringFlag{Name: "systems-paths", Value: defaultRoot,
		Usage: "kernel tables: folders with tables or table stores, separated by commas; default = the embedded and the installed ones. Earlier ones count first"})
	c.Before = func(c *cli.Context) error { return useTables(c.String("systems-paths")) }
}

// useTables opens the roots in their order.
func useTables(roots string) error {
	var layers []perftables.Layer
	for _, root := range strings.Split(roots, ",") {
		root = strings.TrimSpace(root)
		if root == "" {
			return usagef("--systems-paths is %q: want folders or default, separated by commas", roots)
		}
		found, err := openRoot(root)
		if err != nil {
			return fmt.Errorf("--systems-paths: %w", err)
		}
		layers = append(layers, found...)
	}
	inUse.Store(perftables.Layers(layers...))
	return nil
}

func openRoot(root string) ([]perftables.Layer, error) {
	embedded := perftables.Embedded().Layers()
	if root == defaultRoot {
		installed, err := userStore().Layers()
		return append(slices.Clone(embedded), installed...), err
	}
	if _, err := os.Stat(filepath.Join(root, "index.json")); err == nil {
		return store.Open(root).Layers()
	}
	src, err := importer.Open(root)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	p, err := importer.Import(src, importer.Options{Source: root, Known: embedded[0].Systems})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", root, err)
	}
	files, err := p.FS()
	return []perftables.Layer{{Name: root, Files: files, Generation: p.Generation, Systems: p.Systems}}, err
}

// userStore is where tables are installed: SERVEGRID_TABLES, else a folder of the
// user's data.
func userStore() *store.Store {
	if dir := os.Getenv("SERVEGRID_TABLES"); dir != "" {
		return store.Open(dir)
	}
	data := os.Getenv("XDG_DATA_HOME")
	if data == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			home = "."
		}
		data = filepath.Join(home, ".local", "share")
	}
	return store.Open(filepath.Join(data, "servegrid", "tables"))
}
