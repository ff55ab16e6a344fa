package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/internal/deploytest"
	"servegrid/perftables"
	"servegrid/sinks/deploy"
	"servegrid/sinks/deploy/options"
)

// randomTask asks about a random model on random tables.
func randomTask(t *testing.T, r *rand.Rand) *search.Task {
	t.Helper()
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	for {
		m, err := estimator.LookupModel(pick(estimator.ModelIDs()))
		if err != nil {
			t.Fatal(err)
		}
		system, backend := pick(perftables.SystemNames()), pick(perftables.Backends)
		versions := perftables.Embedded().Versions(system, backend)
		if len(versions) == 0 {
			continue
		}
		db, err := perftables.Embedded().Open(system, backend, pick(versions))
		if err != nil {
			t.Fatal(err)
		}
		task := search.NewTask(m, db)
		task.TotalGPUs = 1 + r.IntN(64)
		task.Workload = estimator.Workload{ISL: 1 + r.IntN(8000), OSL: 2 + r.IntN(1500)}
		task.WideEP = r.IntN(8) == 0 && m.IsMoE() && backend == "trtllm"
		if r.IntN(6) == 0 {
			task.Workload.Prefix = task.Workload.ISL / 2
		}
		task.Limits = search.Limits{TTFT: 500 + 5000*r.Float64(), TPOT: 8 + 100*r.Float64()}
		if task.Check() == nil {
			return task
		}
	}
}

// Whatever the search picks, its deployment is what was predicted: as many GPUs,
// no smaller batches and steps, enough memory; and every option exists.
func TestRandomDeployments(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 11))
	rows := 0
	tasks := 60
	if testing.Short() {
		tasks = 10
	}
	for range tasks {
		task := randomTask(t, r)
		for _, mode := range []string{search.Agg, search.Disagg} {
			for _, row := range (estimatorChoice{}).find(task, mode).Picked {
				rows++
				name := fmt.Sprintf("%s on %d GPUs of %s, %+v: %s", task.Model.ID, task.TotalGPUs, task.DB, task.Workload, rowDeployment(&row, task))
				checkDeployment(t, name, task, &row)
			}
		}
	}
	if rows < tasks {
		t.Errorf("only %d rows were checked", rows)
	}
	t.Logf("%d deployments of %d random tasks", rows, tasks)
}

// worker is what the files tell a role's engine.
type worker struct {
	service deploytest.Service
	args    []string       // of dynamo.<backend>
	engine  map[string]any // its file
}

func checkDeployment(t *testing.T, name string, task *search.Task, row *search.Row) {
	t.Helper()
	bad := func(format string, args ...any) { t.Helper(); t.Errorf("%s: %s", name, fmt.Sprintf(format, args...)) }
	plan, err := deploy.Resolve(deployChoice(task, row), nil, deploy.RuntimeOptions{})
	if err != nil {
		bad("%v", err)
		return
	}
	list, err := plan.Files("test")
	if err != nil {
		bad("%v", err)
		return
	}
	files := map[string][]byte{}
	for _, f := range list {
		files[f.Name] = f.Content
	}
	graph := deploytest.Manifests(t, files["k8s_deploy.yaml"])[0].(*deploytest.DynamoGraphDeployment)
	job := string(files["k8s_bench.yaml"])
	deploytest.Manifests(t, files["k8s_bench.yaml"])

	gpus := 0
	for i := range plan.Roles {
		w := readWorker(t, plan, &plan.Roles[i], graph, files)
		gpus += int(*w.service.Replicas) * w.gpus(t)
		checkWorker(bad, plan, &plan.Roles[i], w, task, row)
	}
	if want := row.Replicas(task.TotalGPUs) * row.ReplicaGPUs; gpus != want || gpus > task.TotalGPUs {
		bad("the manifest takes %d GPUs, the report says %d of %d", gpus, want, task.TotalGPUs)
	}
	concurrency := row.Concurrency * row.Replicas(task.TotalGPUs)
	for _, want := range []string{fmt.Sprintf("--concurrency %d ", concurrency), fmt.Sprintf("--num-requests %d ", 40*concurrency), "url=http://" + graph.Metadata.Name + "-frontend:8000\n"} {
		if !strings.Contains(job, want) {
			bad("the benchmark lacks %q", want)
		}
	}
}

// gpus of one worker, over all its nodes.
func (w *worker) gpus(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(w.service.Resources.Limits.GPU)
	if err != nil {
		t.Fatal(err)
	}
	if w.service.Multinode != nil {
		n *= int(w.service.Multinode.NodeCount)
	}
	return n
}

// readWorker reads back what a role's engine is told.
func readWorker(t *testing.T, p *deploy.Plan, r *deploy.Role, graph *deploytest.DynamoGraphDeployment, files map[string][]byte) *worker {
	t.Helper()
	w := &worker{}
	for _, s := range graph.Spec.Services {
		if s.ComponentType == "worker" && (s.SubComponentType == r.Name || s.SubComponentType == "" && r.Name == deploy.Agg) {
			w.service = s
		}
	}
	file := files[r.Name+"_config.yaml"]
	if err := yaml.UnmarshalStrict(file, &w.engine); err != nil {
		t.Fatal(err)
	}
	w.args = w.service.ExtraPodSpec.MainContainer.Args
	if p.Backend == "trtllm" {
		_, rest, _ := strings.Cut(w.args[0], "<<'EOF'\n")
		inline, command, _ := strings.Cut(rest, "EOF\nexec python3 -m dynamo.trtllm ")
		if inline != string(file) {
			t.Errorf("the engine file in the pod is another:\n%s\nbeside it\n%s", inline, file)
		}
		w.args = strings.Fields(strings.ReplaceAll(command, "\\\n", " "))
	}
	return w
}

// number is a value of the engine: an option or a key of its file.
func (w *worker) number(name string) int {
	switch v := w.engine[name].(type) {
	case float64:
		return int(v)
	}
	return 0
}

func checkWorker(bad func(string, ...any), p *deploy.Plan, r *deploy.Role, w *worker, task *search.Task, row *search.Row) {
	source, role := row.Worker, search.AggRole
	switch r.Name {
	case deploy.Prefill:
		source, role = row.Prefill, search.PrefillRole
	case deploy.Decode:
		source, role = row.Decode, search.DecodeRole
	}
	layout, memory := source.Plan.Layout, row.Memory(role, task.Workload)

	// Parallel sizes.
	engine := w.number("tensor-parallel-size") * max(1, w.number("pipeline-parallel-size"))
	switch p.Backend {
	case "trtllm":
		engine = w.number("tensor_parallel_size") * w.number("pipeline_parallel_size")
	case "vllm":
		engine *= max(1, w.number("data-parallel-size"))
	}
	if engine != layout.GPUs() {
		bad("%s: the engine takes %d GPUs, the plan %d", r.Name, engine, layout.GPUs())
	}

	// Batches and steps.
	decoding := source.BatchSize * (1 + task.NextN)
	sizes := w
	if nested, ok := w.engine["build_config"].(map[string]any); ok {
		sizes = &worker{engine: nested}
	}
	switch p.Backend {
	case "vllm":
		if w.number("max-num-seqs") < source.BatchSize {
			bad("%s: max-num-seqs %d for a batch of %d", r.Name, w.number("max-num-seqs"), source.BatchSize)
		}
	case "sglang":
		if w.number("max-running-requests") != source.GlobalBatchSize() {
			bad("%s: max-running-requests %d for a batch of %d", r.Name, w.number("max-running-requests"), source.GlobalBatchSize())
		}
	default:
		tokens := decoding
		switch r.Name {
		case deploy.Agg:
			tokens += row.CtxTokens
		case deploy.Prefill:
			tokens = source.BatchSize * task.Workload.ISL
		}
		if sizes.number("max_batch_size") != source.BatchSize || sizes.number("max_num_tokens") < tokens {
			bad("%s: batch %d of %d tokens for a plan of %d and %d", r.Name, sizes.number("max_batch_size"), sizes.number("max_num_tokens"), source.BatchSize, tokens)
		}
	}

	// Memory: the parts that the plan counts on are within the share, said or the
	// engine's own.
	fraction := map[string]float64{"vllm": 0.90, "sglang": 0.80}[p.Backend]
	for _, key := range []string{"gpu-memory-utilization", "mem-fraction-static"} {
		if v, ok := w.engine[key].(float64); ok {
			fraction = v
		}
	}
	if kv, ok := w.engine["kv_cache_config"].(map[string]any); ok {
		fraction = kv["free_gpu_memory_fraction"].(float64)
	}
	if need := memory.Weights + memory.Activations + memory.KVCache; need > fraction*source.Plan.CapacityGiB() {
		bad("%s: %.2f GiB are needed, %.2f of %.0f GiB are given", r.Name, need, fraction, source.Plan.CapacityGiB())
	}

	checkArguments(bad, p, r, w)
	checkNetwork(bad, p, r, w)
}

// checkArguments checks that pod and file say the same, in options that exist.
func checkArguments(bad func(string, ...any), p *deploy.Plan, r *deploy.Role, w *worker) {
	module, _ := options.Of("dynamo."+p.Backend, "0.8.0")
	set, listed := options.Of(p.Backend, p.Runtime.Target)
	switch {
	case p.Backend == "trtllm":
		set, listed = module, true
	case listed:
		set = set.And(module)
	}
	if !listed {
		bad("no list of the options of %s %s", p.Backend, p.Runtime.Target)
	} else if err := set.Check(w.args); err != nil {
		bad("%s: %v", r.Name, err)
	}
	if p.Backend == "trtllm" {
		return
	}
	said := map[string]any{}
	for i := 0; i < len(w.args); i++ {
		name := strings.TrimPrefix(w.args[i], "--")
		said[name] = true
		if i+1 < len(w.args) && !strings.HasPrefix(w.args[i+1], "--") {
			i++
			said[name] = w.args[i]
		}
	}
	for name, v := range w.engine {
		if fmt.Sprint(said[name]) != fmt.Sprint(v) {
			bad("%s: --%s is %v in the pod and %v in the file", r.Name, name, said[name], v)
		}
		delete(said, name)
	}
	if len(said) > 0 {
		bad("%s: the file lacks %v", r.Name, said)
	}
}

// checkNetwork checks RDMA: all of it on disaggregated workers, none elsewhere.
func checkNetwork(bad func(string, ...any), p *deploy.Plan, r *deploy.Role, w *worker) {
	ucx := slices.ContainsFunc(w.service.Envs, func(e corev1.EnvVar) bool { return strings.HasPrefix(e.Name, "UCX_") })
	c := w.service.ExtraPodSpec.MainContainer
	lock := c.SecurityContext != nil && slices.Contains(c.SecurityContext.Capabilities.Add, "IPC_LOCK")
	limit, request := c.Resources.Limits["rdma/ib"], c.Resources.Requests["rdma/ib"]
	want := r.Name != deploy.Agg
	if ucx != want || lock != want || limit.IsZero() == want || limit.Cmp(request) != 0 {
		bad("%s: UCX %v, IPC_LOCK %v, rdma/ib %s of %s", r.Name, ucx, lock, limit.String(), request.String())
	}
	if want && limit.String() != w.service.Resources.Limits.GPU {
		bad("%s: rdma/ib %s for %s GPUs", r.Name, limit.String(), w.service.Resources.Limits.GPU)
	}
	if env := w.service.Envs[0]; env.Name != "HF_HOME" || env.Value != w.service.VolumeMounts[0].MountPoint {
		bad("%s: %s is %s", r.Name, env.Name, env.Value)
	}
}

// guideExport is what the guide measured of its aggregated deployment, in the
// form of AIPerf's export.
const guideExport = `{
  "request_throughput": {"unit": "requests/sec", "avg": 6.9},
  "time_to_first_token": {"unit": "ms", "avg": 209},
  "inter_token_latency": {"unit": "ms", "avg": 15.06},
  "output_token_throughput": {"unit": "tokens/sec", "avg": 3462},
  "input_config": {"loadgen": {"concurrency": 56}}
}`

// The script of a benchmark Job runs, and its log is all that eval needs.
func TestBenchmarkJob(t *testing.T) {
	dir := t.TempDir()
	call(t, strings.Fields("default --model-path Qwen/Qwen3-32B-FP8 --system h200_sxm --total-gpus 8 --isl 4000 --osl 500 --ttft 600 --tpot 16.67 "+
		"--backend vllm --top-n 1 --generator-set K8sConfig.k8s_pvc_name= --generator-set BenchConfig.concurrency=[56,28] --save-dir "+dir)...)
	b, err := os.ReadFile(filepath.Join(dir, "agg", "top1", "agg", "k8s_bench.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var job struct {
		Spec struct {
			Template struct{ Spec corev1.PodSpec }
		}
	}
	if err := yaml.Unmarshal(b, &job); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "job.sh")
	export := filepath.Join(dir, "export.json")
	for name, text := range map[string]string{
		"export.json": guideExport,
		"job.sh":      "#!/usr/bin/env bash\n" + job.Spec.Template.Spec.Containers[0].Command[2],
		"pip":         "#!/bin/sh\n",
		"python3":     "#!/bin/sh\n", // the model answers
		"aiperf":      "#!/bin/sh\nwhile [ \"$1\" != --artifact-dir ]; do shift; done\nmkdir -p \"$2\"\ncp " + export + " \"$2/profile_export_aiperf.json\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	deploytest.Shell(t, script)
	cmd := exec.Command("bash", script)
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	log, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	logFile := filepath.Join(dir, "job.log")
	if err := os.WriteFile(logFile, log, 0o644); err != nil {
		t.Fatal(err)
	}
	out := call(t, "eval", "--results", logFile, "--config", filepath.Join(dir, "agg", "top1"))
	for _, want := range []string{"Within 10%", "Better than target"} {
		if !strings.Contains(out, want) {
			t.Errorf("eval does not say %q:\n%s", want, out)
		}
	}
}
