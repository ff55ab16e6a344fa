package deploy

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"servegrid/internal/measure"
)

// requestsPerConcurrency is how many requests a measurement sends per request in
// flight. Source: the guide, which asks for at least that many.
const requestsPerConcurrency = 40

// benchDefaults derives the benchmark from the deployment.
func (p *Plan) benchDefaults(set map[string]bool) {
	b, s := &p.settings.bench, &p.settings
	b.name = resourceName(b.name)
	fill(set, "BenchConfig.model", &b.model, s.service.servedName)
	fill(set, "BenchConfig.tokenizer", &b.tokenizer, s.service.modelPath)
	fill(set, "BenchConfig.isl", &b.isl, s.sla.isl)
	fill(set, "BenchConfig.osl", &b.osl, s.sla.osl)
	fill(set, "BenchConfig.endpoint_url", &b.endpointURL, p.frontendURL())
	if len(b.concurrency.list) == 0 {
		b.concurrency.list = []int{p.concurrency(b.scope)}
	}
	if b.concurrency.auto {
		b.concurrency.list = loads(p.concurrency(b.scope))
	}
}

// frontendURL is where the frontend of the deployment answers inside the cluster.
func (p *Plan) frontendURL() string {
	host := p.name + "-frontend"
	if ns := p.settings.k8s.namespace; ns != "" {
		host += "." + ns + ".svc.cluster.local"
	}
	return fmt.Sprintf("http://%s:%d", host, p.settings.service.port)
}

// loads is a sweep around a predicted concurrency.
func loads(c int) []int {
	at := func(share float64) int { return max(1, int(math.Round(share*float64(c)))) }
	list := []int{1, at(1. / 8), at(1. / 4), at(1. / 2), c, at(1.25)}
	slices.Sort(list)
	return slices.Compact(list)
}

// aiperf lists the arguments of a measurement. Words that are to be expanded by
// the shell come in ready made.
func (p *Plan) aiperf(model, url, isl, osl, concurrency, requests, dir string) [][]string {
	b := &p.settings.bench
	lines := [][]string{{"-m", model}}
	if b.tokenizer != b.model {
		lines = append(lines, []string{"--tokenizer", ShellWord(b.tokenizer)})
	}
	lines = append(lines,
		[]string{"--endpoint-type", "chat"},
		[]string{"-u", url},
		[]string{"--isl", isl, "--isl-stddev", strconv.Itoa(b.islStddev)},
		[]string{"--osl", osl, "--osl-stddev", strconv.Itoa(b.oslStddev)},
	)
	if prefix := p.settings.model.prefix; prefix > 0 {
		lines = append(lines, []string{"--prefix-prompt-length", strconv.Itoa(prefix), "--num-prefix-prompts", "1"})
	}
	return append(lines,
		[]string{"--num-requests", requests},
		[]string{"--concurrency", concurrency},
		[]string{"--streaming"},
		[]string{"--extra-inputs", `"ignore_eos:true"`},
		[]string{"--num-warmup-requests", strconv.Itoa(b.warmup)},
		[]string{"--random-seed", strconv.Itoa(b.seed)},
		[]string{"--artifact-dir", dir},
		[]string{"--ui-type", "simple"},
	)
}

// command joins the lines of a command under an indent.
func command(indent, name string, lines [][]string) string {
	var b strings.Builder
	b.WriteString(indent + name)
	for _, l := range lines {
		b.WriteString(" \\\n" + indent + "  " + strings.Join(l, " "))
	}
	b.WriteString("\n")
	return b.String()
}

// requests is the number of requests of a measurement, as a shell word: a number
// where the concurrency is one.
func (b *benchSettings) requestsWord(concurrency int, variable string) string {
	switch {
	case b.requests > 0:
		return strconv.Itoa(b.requests)
	case variable != "":
		return fmt.Sprintf(`"$((%s * %d))"`, variable, requestsPerConcurrency)
	}
	return strconv.Itoa(concurrency * requestsPerConcurrency)
}

// freshISL is the part of the prompts that no prefix covers.
func (p *Plan) freshISL() int { return max(1, p.settings.bench.isl-p.settings.model.prefix) }

// benchScript is what the container of the benchmark Job runs.
func (p *Plan) benchScript() string {
	b := &p.settings.bench
	var s strings.Builder
	s.WriteString("set -euo pipefail\n")
	version := ""
	if b.version != "" {
		version = "==" + b.version
	}
	fmt.Fprintf(&s, "pip install %s\n", ShellWord("aiperf"+version))
	fmt.Fprintf(&s, "url=%s\n", ShellWord(b.endpointURL))
	s.WriteString(waitForModel)
	root := "/tmp/aiperf"
	if p.settings.k8s.pvcName != "" {
		root = p.settings.k8s.pvcMountPath + "/bench_artifacts/" + b.name
	}
	fmt.Fprintf(&s, "artifacts=%s\n", ShellWord(root))
	// The log alone is then enough for servegrid eval.
	fmt.Fprintf(&s, "show() {\n  echo '%s'\n  cat \"$1/profile_export_aiperf.json\"\n  echo\n  echo '%s'\n}\n",
		measure.BeginResult, measure.EndResult)
	isl, osl := strconv.Itoa(p.freshISL()), strconv.Itoa(b.osl)
	if list := b.concurrency.list; len(list) == 1 {
		dir := fmt.Sprintf(`"$artifacts/concurrency_%d"`, list[0])
		s.WriteString(command("", "aiperf profile", p.aiperf(ShellWord(b.model), `"$url"`, isl, osl, strconv.Itoa(list[0]), b.requestsWord(list[0], ""), dir)))
		fmt.Fprintf(&s, "show %s\n", dir)
	} else {
		const dir = `"$artifacts/concurrency_$c"`
		fmt.Fprintf(&s, "for c in %s; do\n", joinInts(list))
		s.WriteString(command("  ", "aiperf profile", p.aiperf(ShellWord(b.model), `"$url"`, isl, osl, `"$c"`, b.requestsWord(0, "c"), dir)))
		fmt.Fprintf(&s, "  show %s\ndone\n", dir)
	}
	return s.String()
}

// waitForModel waits up to an hour for the model at $url: large weights load
// slowly.
const waitForModel = `for _ in $(seq 720); do
  if python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "$url/v1/models" 2>/dev/null; then
    ready=yes
    break
  fi
  sleep 5
done
if [[ "${ready:-}" != yes ]]; then
  echo "no model answers at $url" >&2
  exit 1
fi
`

func joinInts(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, " ")
}

// benchRun is bench_run.sh: the same measurement from any shell with aiperf.
func (p *Plan) benchRun() string {
	b := &p.settings.bench
	host := p.settings.service.headNodeIP
	if host == "0.0.0.0" {
		host = "localhost"
	}
	var s strings.Builder
	s.WriteString("#!/usr/bin/env bash\n# Measures this deployment with AIPerf, which must be installed (pip install aiperf).\nset -euo pipefail\n\n")
	for _, v := range []struct{ name, variable, value string }{
		{"model", "MODEL", b.model},
		{"url", "ENDPOINT_URL", fmt.Sprintf("http://%s:%d", host, p.settings.service.port)},
		{"isl", "ISL", strconv.Itoa(p.freshISL())},
		{"osl", "OSL", strconv.Itoa(b.osl)},
		{"concurrency", "CONCURRENCY", joinInts(b.concurrency.list)},
		{"rounds", "MULTI_ROUND", strconv.Itoa(requestsPerConcurrency)},
	} {
		fmt.Fprintf(&s, "%s=${SERVEGRID_BENCH_%s:-${AICONFIGURATOR_BENCH_%s:-%s}}\n", v.name, v.variable, v.variable, ShellWord(v.value))
	}
	s.WriteString("artifacts=${BENCH_ARTIFACT_DIR:-bench_artifacts}\n\n")
	requests := `"$((c * rounds))"`
	if b.requests > 0 {
		requests = strconv.Itoa(b.requests)
	}
	s.WriteString("for c in $concurrency; do\n")
	s.WriteString(command("  ", "aiperf profile", p.aiperf(`"$model"`, `"$url"`, `"$isl"`, `"$osl"`, `"$c"`, requests, `"$artifacts/concurrency_$c"`)))
	s.WriteString("done\n")
	return s.String()
}
