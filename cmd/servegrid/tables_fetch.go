package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"servegrid/internal/suggest"
	"servegrid/perftables/fetch"
	"servegrid/perftables/importer"
)

func tablesFetchCommand() *cli.Command {
	var names []string
	for _, s := range fetch.Sources() {
		names = append(names, fmt.Sprintf("  %s: %s", s.Name, s.About))
	}
	return &cli.Command{
		Name:      "fetch",
		Usage:     "download tables and install them",
		ArgsUsage: "[URL|NAME]",
		Description: `URL is the address of a file that tables import takes. NAME is a known source (default: the first):
` + strings.Join(names, "\n") + `
A Python package is looked up at the package index of --index or PIP_INDEX_URL. A broken download goes on where it
ended, also in the next call. Proxies are those of HTTPS_PROXY and NO_PROXY. The public addresses were never tried by
the tests. Examples:
  servegrid tables fetch --index https://index.example/simple
  servegrid tables fetch --mirror https://mirror.example/files
  servegrid tables fetch https://mirror.example/tables.tar.gz --sha256 9f86d081…`,
		Flags: append(importFlags(),
			&cli.StringFlag{Name: "index", Usage: "address of the Python package index that has known sources which are packages (default: PIP_INDEX_URL)"},
			&cli.StringFlag{Name: "mirror", Usage: "address of a folder that has the files of known sources"},
			&cli.StringFlag{Name: "sha256", Usage: "what the file must have; another one is discarded"},
			&cli.StringFlag{Name: "lfs", Usage: "Git LFS endpoint that resolves pointers, such as https://host/owner/repository.git/info/lfs (default: the known source's)"},
			&cli.IntFlag{Name: "max-mb", Value: 2048, Usage: "largest file, megabytes"},
			&cli.IntFlag{Name: "attempts", Value: 5, Usage: "connections that are tried altogether"},
			&cli.IntFlag{Name: "stall", Value: 30, Usage: "longest silence of the server, seconds"},
		),
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return usagef("want one URL or NAME")
			}
			for _, f := range []string{"max-mb", "attempts", "stall"} {
				if c.Int(f) < 1 {
					return usagef("--%s is %d, want at least 1", f, c.Int(f))
				}
			}
			src, err := fetchSource(c.Args().First(), c.String("mirror"))
			if err != nil {
				return err
			}
			index := cmp.Or(c.String("index"), os.Getenv("PIP_INDEX_URL"))
			if src.URL == "" && index == "" {
				return usagef("%s is a file of the Python package %s: name a package index by --index or PIP_INDEX_URL, or give --mirror, the address of a folder with %s", src.Name, src.Package, src.File)
			}
			if c.IsSet("sha256") {
				src.SHA256 = strings.ToLower(c.String("sha256"))
			}
			if c.IsSet("lfs") {
				src.LFS = c.String("lfs")
			}
			o, err := newImportOptions(c, src.File)
			if err != nil {
				return err
			}
			f := fetch.Defaults(userStore().Cache())
			f.MaxBytes, f.Attempts, f.Stall = int64(c.Int("max-mb"))<<20, c.Int("attempts"), time.Duration(c.Int("stall"))*time.Second
			f.Progress = fetchProgress(c.App.ErrWriter)
			if src.URL == "" {
				if src.URL, err = src.Locate(c.Context, index, f); err != nil {
					return err
				}
			}
			return fetchAndImport(c.Context, src, f, o, c.App.Writer, c.App.ErrWriter)
		},
	}
}

// fetchSource turns the argument into a source. Its URL is not known yet where a
// package index has it.
func fetchSource(arg, mirror string) (*fetch.Source, error) {
	sources := fetch.Sources()
	if strings.Contains(arg, "://") {
		return &fetch.Source{Name: arg, URL: arg, File: arg[strings.LastIndex(arg, "/")+1:]}, nil
	}
	i := 0
	if arg != "" {
		i = slices.IndexFunc(sources, func(s fetch.Source) bool { return s.Name == arg })
	}
	if i < 0 {
		var names []string
		for _, s := range sources {
			names = append(names, s.Name)
		}
		return nil, usagef("%w; or give an address that starts with https://", suggest.Unknown("source", arg, names))
	}
	src := sources[i]
	src.URL = src.At(mirror)
	return &src, nil
}

func fetchAndImport(ctx context.Context, src *fetch.Source, f fetch.Options, o *importOptions, stdout, stderr io.Writer) error {
	f.SHA256 = src.SHA256
	got, err := fetch.Get(ctx, src.URL, f)
	if err != nil {
		return err
	}
	word := "fetched"
	if got.Cached {
		word = "found in the cache"
	}
	fmt.Fprintf(stderr, "%s: %s, SHA-256 %s\n", word, got.Path, got.SHA256)
	if f.SHA256 == "" {
		fmt.Fprintf(stderr, "note: nothing says what it must be; --sha256 %s holds the next fetch to it\n", got.SHA256)
	}
	in, err := importer.Open(got.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	if src.LFS != "" {
		f.Progress = nil
		in.Resolve = fetch.LFS(ctx, src.LFS, f)
	}
	return o.install(in, src.URL, stdout)
}

// fetchProgress reports a download: on a terminal one line that is redrawn,
// elsewhere a line for every tenth.
func fetchProgress(w io.Writer) func(done, total int64) {
	terminal, last := isTerminal(w), int64(-1)
	return func(done, total int64) {
		if total <= 0 {
			return
		}
		step := int64(10)
		if terminal {
			step = 1
		}
		percent := 100 * done / total / step * step
		if percent == last {
			return
		}
		last = percent
		line := fmt.Sprintf("%d %% of %.1f MB", percent, float64(total)/1e6)
		switch {
		case terminal && done == total:
			fmt.Fprintf(w, "\r%s\n", line)
		case terminal:
			fmt.Fprintf(w, "\r%s", line)
		default:
			fmt.Fprintln(w, line)
		}
	}
}
