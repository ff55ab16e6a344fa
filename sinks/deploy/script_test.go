package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"servegrid/internal/deploytest"
)

// layout words where the workers of each node are: role, number and first GPU.
func layout(p *Plan) string {
	var nodes []string
	for _, instances := range p.nodes() {
		var words []string
		for _, w := range instances {
			words = append(words, fmt.Sprintf("%s%d@%d", w.role.Name[:1], w.index, w.gpu))
		}
		nodes = append(nodes, strings.Join(words, " "))
	}
	return strings.Join(nodes, " | ")
}

func TestNodes(t *testing.T) {
	two := guideDisagg() // two replicas on 16 GPUs
	two.TotalGPUs = 16
	for _, c := range []struct {
		name   string
		choice Choice
		sets   []string
		want   string
	}{
		{"agg", guideAgg(), nil, "a0@0 a1@2 a2@4 a3@6"},
		{"agg on small nodes", guideAgg(), []string{"NodeConfig.num_gpus_per_node=4"}, "a0@0 a1@2 | a2@0 a3@2"},
		{"disagg", guideDisagg(), nil, "p0@0 p1@2 d0@4"},
		{"disagg, balanced", two, nil, "p0@0 p1@2 d0@4 | p2@0 p3@2 d1@4"},
		{"only decode", guideDisagg(), []string{"WorkerConfig.prefill_workers=0"}, "d0@0"},
	} {
		if got := layout(resolve(t, c.choice, c.sets...)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// fakePython records how it was called, in a file that appears whole, and ends
// when all others have done so.
const fakePython = `#!/usr/bin/env bash
{
  printf 'gpus=%s system=%s events=%s side=%s' "${CUDA_VISIBLE_DEVICES:-}" "${DYN_SYSTEM_PORT:-}" "${DYN_VLLM_KV_EVENT_PORT:-}" "${VLLM_NIXL_SIDE_CHANNEL_PORT:-}"
  printf '\t%s' "$@"
  printf '\n'
} >"$CALLS/.$$"
mv "$CALLS/.$$" "$CALLS/$$"
while (($(find "$CALLS" -type f -name '[0-9]*' | wc -l) < EXPECTED)); do sleep 0.01; done
`

// launched runs a launch script with a python3 that records its calls, sorted.
func launched(t *testing.T, script string, processes int) [][]string {
	t.Helper()
	dir, calls := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "run_0.sh")
	for name, text := range map[string]string{"python3": fakePython, "run_0.sh": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	deploytest.Shell(t, path)
	cmd := exec.Command("bash", path)
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "CALLS="+calls, fmt.Sprintf("EXPECTED=%d", processes))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(calls, "*"))
	if err != nil || len(files) != processes {
		t.Fatalf("%d processes, want %d", len(files), processes)
	}
	var list [][]string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, strings.Split(strings.TrimSuffix(string(b), "\n"), "\t"))
	}
	slices.SortFunc(list, slices.Compare)
	return list
}

// The launch script starts what the manifest starts, each worker on GPUs and
// ports of its own.
func TestRunScript(t *testing.T) {
	for _, c := range []Choice{guideAgg(), guideDisagg(), trtAgg(), trtDisagg(), sglangAgg(), sglangDisagg(), deepSeekTRTAgg(), withPrefix(guideDisagg()), withPrefix(sglangDisagg())} {
		p := resolve(t, c)
		nodes := p.nodes()
		calls := launched(t, p.runScript(0, nodes[0]), len(nodes[0])+1)
		var got, want []string
		for _, call := range calls {
			if call[2] == "dynamo.frontend" {
				continue
			}
			got = append(got, strings.Join(call[1:], " "))
		}
		seen := map[string]bool{}
		for _, call := range calls {
			for field := range strings.FieldsSeq(call[0]) {
				if name, value, _ := strings.Cut(field, "="); value != "" && seen[field] {
					t.Errorf("%s %s: two processes have the %s %s", c.Backend, c.Mode, name, value)
				}
				seen[field] = true
			}
		}
		ports := p.newPorts(nodes[0])
		for _, w := range nodes[0] {
			text := "-m dynamo." + c.Backend + " " + strings.Join(args(p.options(w.role, configName(w.role.Name))), " ")
			text = strings.NewReplacer(":20081", fmt.Sprintf(":%d", ports.events[w]), ":5557", fmt.Sprintf(":%d", ports.events[w])).Replace(text)
			want = append(want, text)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s %s:\n%s\nwant\n%s", c.Backend, c.Mode, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// Ports as documented: vLLM's system ports begin with the decode workers, all
// others with the prefill workers.
func TestPorts(t *testing.T) {
	p := resolve(t, guideDisagg())
	instances := p.nodes()[0] // two prefill workers of 2 GPUs, a decode worker
	o := p.newPorts(instances)
	for i, want := range [][3]int{{8082, 20081, 20097}, {8083, 20082, 20099}, {8081, 20083, 20101}} {
		if got := [3]int{o.system[instances[i]], o.events[instances[i]], o.side[instances[i]]}; got != want {
			t.Errorf("%s %d: %v, want %v", instances[i].role.Name, instances[i].index, got, want)
		}
	}
}

// A token stays in the launch scripts, and is never a default of ours.
func TestToken(t *testing.T) {
	p := resolve(t, guideAgg(), "ServiceConfig.hf_token=hf_secret")
	files, err := p.Files("test")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if has := strings.Contains(string(f.Content), "hf_secret"); has != (f.Name == "run_0.sh") {
			t.Errorf("%s: token is there: %v", f.Name, has)
		}
	}
	plain := resolve(t, guideAgg())
	if s := plain.runScript(0, plain.nodes()[0]); strings.Contains(s, "HF_TOKEN") {
		t.Error("a launch script sets a token that nobody gave")
	}
}

func TestShellWord(t *testing.T) {
	for word, want := range map[string]string{
		"demo": "demo", "./a/b-c_d.yaml": "./a/b-c_d.yaml", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$HOME": "'$HOME'", "~x": "'~x'",
	} {
		if got := ShellWord(word); got != want {
			t.Errorf("%q: got %s, want %s", word, got, want)
		}
	}
}
