package main

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"servegrid/internal/deploytest"
)

// call runs the program in-process and returns its standard output. Calls follow one
// another: the flag library has one help flag, which every run writes to.
func call(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(append([]string{"servegrid"}, args...), &stdout, &stderr); code != 0 {
		t.Fatalf("servegrid %s: exit code %d\n%s", strings.Join(args, " "), code, &stderr)
	}
	return stdout.String()
}

// readTree returns the files below a folder by their slash-separated names.
func readTree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sameFiles compares two trees, or the part of them below a prefix.
func sameFiles(t *testing.T, what string, got, want map[string][]byte, prefix string) {
	t.Helper()
	names := maps.Clone(want)
	maps.Copy(names, got)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if strings.HasPrefix(name, prefix) && !bytes.Equal(got[name], want[name]) {
			t.Errorf("%s: %s differs:\n%s\nwant\n%s", what, name, got[name], want[name])
		}
	}
}

// trees are the cases whose files are kept: dense and expert models on every
// backend, aggregated and disaggregated.
var trees = []struct{ name, args string }{
	{"dense-vllm", "--model-path Qwen/Qwen3-32B-FP8 --total-gpus 8 --ttft 600 --tpot 16.67 --backend vllm"},
	{"dense-trtllm", "--model-path Qwen/Qwen3-32B-FP8 --total-gpus 8 --ttft 600 --tpot 16.67 --backend trtllm"},
	{"dense-sglang", "--model-path Qwen/Qwen3-32B-FP8 --total-gpus 8 --ttft 600 --tpot 16.67 --backend sglang"},
	{"moe-vllm", "--model-path Qwen/Qwen3-235B-A22B --total-gpus 16 --ttft 2000 --tpot 50 --backend vllm"},
	{"moe-trtllm", "--model-path deepseek-ai/DeepSeek-V3 --total-gpus 32 --ttft 2000 --tpot 50 --backend trtllm"},
	{"moe-sglang", "--model-path deepseek-ai/DeepSeek-V3 --total-gpus 32 --ttft 2000 --tpot 50 --backend sglang"},
}

// kept reports whether a file of a tree is compared with a kept one: pictures and
// the figures of other tests are not.
func kept(name string) bool {
	return name != manifestName && !strings.HasPrefix(name, "pareto_frontier.") && !strings.HasSuffix(name, "/pareto.csv")
}

// The files are the kept ones, twice the same bytes, decode where they are to be
// used, and come out again of their own generator_config.yaml.
func TestTrees(t *testing.T) {
	for _, c := range trees {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			args := append(strings.Fields("default --system h200_sxm --isl 4000 --osl 500 --top-n 1 --save-dir "+dir), strings.Fields(c.args)...)
			call(t, args...)
			files := readTree(t, dir)
			compareKept(t, filepath.Join("testdata", "trees", c.name+".txtar"), files)
			checkFiles(t, dir, files)

			call(t, args...)
			sameFiles(t, "second run", readTree(t, dir), files, "")
			for _, mode := range []string{"agg", "disagg"} {
				folder := mode + "/top1/" + mode + "/"
				config := filepath.Join(t.TempDir(), "generator_config.yaml")
				if err := os.WriteFile(config, files[folder+"generator_config.yaml"], 0o644); err != nil {
					t.Fatal(err)
				}
				call(t, append(args, "--generator-config", config)...)
				sameFiles(t, "from its own configuration", readTree(t, dir), files, folder)
			}
		})
	}
}

// compareKept compares the files with those of an archive; -update rewrites it.
func compareKept(t *testing.T, archive string, files map[string][]byte) {
	t.Helper()
	got := &txtar.Archive{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if kept(name) {
			got.Files = append(got.Files, txtar.File{Name: name, Data: files[name]})
		}
	}
	if *update {
		if err := os.WriteFile(archive, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string][]byte{}
	for _, f := range want.Files {
		byName[f.Name] = f.Data
	}
	gotByName := map[string][]byte{}
	for _, f := range got.Files {
		gotByName[f.Name] = f.Data
	}
	sameFiles(t, "kept", gotByName, byName, "")
}

// checkFiles decodes every manifest and checks every script of a tree.
func checkFiles(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		switch base := filepath.Base(name); {
		case base == "k8s_deploy.yaml" || base == "k8s_bench.yaml" || strings.HasPrefix(name, "prerequisites/") && strings.HasSuffix(name, ".yaml"):
			if objects := deploytest.Manifests(t, files[name]); len(objects) != 1 {
				t.Errorf("%s holds %d objects", name, len(objects))
			}
		case strings.HasSuffix(name, ".sh"):
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o755 {
				t.Errorf("%s has mode %v", name, info.Mode())
			}
			deploytest.Shell(t, path)
		}
	}
}

// A run into a folder removes ranks that are no longer there, and nothing that
// is not its own.
func TestStaleRanks(t *testing.T) {
	dir := t.TempDir()
	args := strings.Fields("default --model-path Qwen/Qwen3-32B-FP8 --system h200_sxm --total-gpus 8 --isl 4000 --osl 500 --ttft 600 --tpot 16.67 --backend vllm --save-dir " + dir)
	call(t, append(args, "--top-n", "3")...)
	own := filepath.Join(dir, "agg", "top3", "agg", "notes.txt")
	if err := os.WriteFile(own, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	call(t, append(args, "--top-n", "1")...)
	files := readTree(t, dir)
	for name := range files {
		if ranked.MatchString(name) && !strings.Contains(name, "/top1/") && name != "agg/top3/agg/notes.txt" {
			t.Errorf("%s is left over", name)
		}
	}
	if string(files["agg/top3/agg/notes.txt"]) != "mine" {
		t.Error("a file that is not ours is gone")
	}
	if _, err := os.Stat(filepath.Join(dir, "disagg", "top2")); err == nil {
		t.Error("an empty folder is left over")
	}
}
