package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"servegrid/internal/deploytest"
)

// manifestOf renders the manifest of a choice under overrides.
func manifestOf(t *testing.T, c Choice, sets ...string) *deploytest.DynamoGraphDeployment {
	t.Helper()
	b, err := resolve(t, c, sets...).manifest()
	if err != nil {
		t.Fatal(err)
	}
	objects := deploytest.Manifests(t, b)
	return objects[len(objects)-1].(*deploytest.DynamoGraphDeployment)
}

// What the user sets wins over every rule.
func TestEngineOverrides(t *testing.T) {
	for _, c := range []struct {
		choice Choice
		set    string
		want   string // in the arguments of the last role
	}{
		{guideAgg(), "Workers.agg.max_num_seqs=2048", "--max-num-seqs 2048"},
		{guideAgg(), "Workers.agg.max_batch_size=2048", "--max-num-seqs 2048"},
		{guideAgg(), "Workers.agg.kv_cache_free_gpu_memory_fraction=0.85", "--gpu-memory-utilization 0.85"},
		{guideAgg(), "Workers.agg.gpu_memory_utilization=0.85", "--gpu-memory-utilization 0.85"},
		{guideAgg(), "Workers.agg.gpu-memory-utilization=0.85", "--gpu-memory-utilization 0.85"},
		{guideAgg(), "Workers.agg.max_num_tokens=8192", "--max-num-batched-tokens 8192"},
		{guideAgg(), "Workers.agg.disable_cuda_graph=true", "--enforce-eager"},
		{guideAgg(), "Workers.agg.cuda_graph_batch_sizes=[1, 2, 4]", "--cudagraph-capture-sizes 1 2 4"},
		{guideAgg(), "Workers.agg.disable_prefix_cache=false", "--enable-prefix-caching"},
		{guideAgg(), "Workers.agg.enable_prefix_caching=true", "--enable-prefix-caching"},
		{guideAgg(), "Workers.agg.async_scheduling=true", "--async-scheduling"},
		{guideAgg(), "Workers.agg.async_scheduling=false", "--no-async-scheduling"},
		{guideAgg(), "Workers.agg.quantization=fp8", "--quantization fp8"},
		{guideAgg(), "Workers.agg.hf_overrides={rope_theta: 1}", `--hf-overrides {"rope_theta":1}`},
		{guideAgg(), "Workers.agg.extra_engine_args={swap_space: 8}", "--swap-space 8"},
		{guideDisagg(), "Workers.decode.disable_prefix_cache=true", "--no-enable-prefix-caching"},
		{guideDisagg(), "Workers.decode.max_seq_len=8000", "--max-model-len 8000"},
		{sglangAgg(), "Workers.agg.max_num_seqs=64", "--max-running-requests 64"},
		{sglangAgg(), "Workers.agg.mem_fraction_static=0.7", "--mem-fraction-static 0.7"},
		{sglangAgg(), "Workers.agg.enable_chunked_prefill=false", "--chunked-prefill-size -1"},
		{sglangAgg(), "Workers.agg.chunked_prefill_size=4096", "--chunked-prefill-size 4096"},
		{sglangDisagg(), "Workers.decode.disaggregation_bootstrap_port=12345", "--disaggregation-bootstrap-port 12345"},
		{withPrefix(trtAgg()), "DynConfig.enable_router=true", "--publish-events-and-metrics"},
	} {
		p := resolve(t, c.choice, c.set)
		got := " " + arguments(p, len(p.Roles)-1) + " "
		if !strings.Contains(got, " "+c.want+" ") {
			t.Errorf("%s: no %q in%s", c.set, c.want, got)
		}
	}
	p := resolve(t, guideAgg(), "Workers.agg.max_seq_len=null")
	if got := arguments(p, 0); strings.Contains(got, "--max-model-len") {
		t.Errorf("null does not take a parameter away: %s", got)
	}
}

// TensorRT-LLM's overrides land in its file.
func TestTRTOverrides(t *testing.T) {
	p := resolve(t, trtAgg(), "Workers.agg.max_num_tokens=9000", "Workers.agg.gpu_memory_utilization=0.7", "Workers.agg.kv_cache_config.max_tokens=5000",
		"Workers.agg.extra_engine_args={scheduler_config: {capacity_scheduler_policy: MAX_UTILIZATION}}", "Workers.agg.disable_cuda_graph=true")
	b, err := p.engineFile(&p.Roles[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"max_num_tokens: 9000\n", "free_gpu_memory_fraction: 0.7\n", "max_tokens: 5000\n", "capacity_scheduler_policy: MAX_UTILIZATION"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in\n%s", want, b)
		}
	}
	if strings.Contains(string(b), "cuda_graph_config") {
		t.Errorf("graphs are not off:\n%s", b)
	}
}

func TestManifestOverrides(t *testing.T) {
	g := manifestOf(t, guideAgg(), "K8sConfig.name_prefix=My Chat_1", "K8sConfig.k8s_namespace=serving", "K8sConfig.k8s_image=example.com/vllm:1",
		"K8sConfig.k8s_image_pull_secret=nvcr", "K8sConfig.k8s_pvc_name=weights", "K8sConfig.k8s_pvc_mount_path=/models", "K8sConfig.shared_memory=32Gi",
		"K8sConfig.extra_env={NCCL_DEBUG: INFO}", "K8sConfig.worker_extra_pod_spec={nodeSelector: {pool: gpu}, mainContainer: {imagePullPolicy: Always}}",
		"K8sConfig.frontend_extra_pod_spec={priorityClassName: high}", "WorkerConfig.agg_workers=3", "DynConfig.enable_router=true", "K8sConfig.k8s_etcd_endpoints=etcd:2379")
	w, f := g.Spec.Services["VLLMWorker"], g.Spec.Services["Frontend"]
	env := map[string]string{}
	for _, e := range w.Envs {
		env[e.Name] = e.Value
	}
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"name", g.Metadata.Name, "my-chat-1-agg-router"}, {"namespace", g.Metadata.Namespace, "serving"},
		{"image", w.ExtraPodSpec.MainContainer.Image, "example.com/vllm:1"}, {"frontend image", f.ExtraPodSpec.MainContainer.Image, "example.com/vllm:1"},
		{"pull secret", w.ExtraPodSpec.ImagePullSecrets[0].Name, "nvcr"}, {"pvc", g.Spec.PVCs[0].Name, "weights"},
		{"mount", w.VolumeMounts[0].MountPoint, "/models"}, {"HF_HOME", env["HF_HOME"], "/models"}, {"shared memory", w.SharedMemory.Size.String(), "32Gi"},
		{"env", env["NCCL_DEBUG"], "INFO"}, {"etcd", env["ETCD_ENDPOINTS"], "etcd:2379"},
		{"node selector", w.ExtraPodSpec.NodeSelector["pool"], "gpu"}, {"pull policy", string(w.ExtraPodSpec.MainContainer.ImagePullPolicy), "Always"},
		{"priority", f.ExtraPodSpec.PriorityClassName, "high"}, {"replicas", int(*w.Replicas), 3},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v, want %v", c.what, c.got, c.want)
		}
	}
	if g := manifestOf(t, guideAgg(), "K8sConfig.k8s_pvc_name="); len(g.Spec.PVCs) > 0 || len(g.Spec.Services["VLLMWorker"].VolumeMounts)+len(g.Spec.Services["VLLMWorker"].Envs) > 0 {
		t.Error("an empty claim name leaves mounts behind")
	}
	if g := manifestOf(t, guideAgg(), "K8sConfig.k8s_pvc_create=true", "K8sConfig.k8s_pvc_storage_class=nfs"); g.Spec.PVCs[0].Size.String() != "100Gi" {
		t.Error("the operator is not told the size of the claim")
	}
	if g := manifestOf(t, guideAgg(), "ServiceConfig.include_frontend=false"); len(g.Spec.Services) != 1 {
		t.Error("the frontend is still there")
	}
	if g := manifestOf(t, guideAgg(), "K8sConfig.k8s_model_path_in_pvc=qwen"); g.Spec.Services["VLLMWorker"].ExtraPodSpec.MainContainer.Args[1] != "/opt/models/qwen" {
		t.Error("the model is not loaded from the claim")
	}
}

// The three networks of the KV transfer.
func TestTransport(t *testing.T) {
	ib := manifestOf(t, guideDisagg()).Spec.Services["VLLMDecodeWorker"].ExtraPodSpec.MainContainer
	if ib.Resources.Limits["rdma/ib"] != ib.Resources.Requests["rdma/ib"] || ib.SecurityContext.Capabilities.Add[0] != "IPC_LOCK" {
		t.Errorf("ib: %+v", ib)
	}
	efa := manifestOf(t, guideDisagg(), "K8sConfig.transport=efa").Spec.Services["VLLMDecodeWorker"]
	if q := efa.ExtraPodSpec.MainContainer.Resources.Limits["vpc.amazonaws.com/efa"]; q.Value() != 4 || !*efa.ExtraPodSpec.MainContainer.SecurityContext.Privileged || !efa.ExtraPodSpec.HostIPC {
		t.Errorf("efa: %+v", efa)
	}
	if got := strings.Join(efa.ExtraPodSpec.MainContainer.Args, " "); !strings.Contains(got, `"backends":["LIBFABRIC"]`) {
		t.Errorf("efa: %s", got)
	}
	nvlink := resolve(t, guideDisagg(), "K8sConfig.transport=nvlink")
	if g := manifestOf(t, guideDisagg(), "K8sConfig.transport=nvlink").Spec.Services["VLLMDecodeWorker"]; g.ExtraPodSpec.MainContainer.SecurityContext != nil || len(g.Envs) != 1 {
		t.Errorf("nvlink: %+v", g)
	}
	if !strings.Contains(strings.Join(nvlink.Notes, "\n"), "must be on one node") {
		t.Errorf("nvlink: notes %q", nvlink.Notes)
	}
}

// The engine file in a ConfigMap of the deployment's own name.
func TestConfigMap(t *testing.T) {
	b, err := resolve(t, trtDisagg(), "K8sConfig.k8s_engine_mode=configmap", "K8sConfig.k8s_namespace=serving").manifest()
	if err != nil {
		t.Fatal(err)
	}
	if objects := deploytest.Manifests(t, b); len(objects) != 2 {
		t.Fatalf("%d objects", len(objects))
	}
	for _, want := range []string{"kind: ConfigMap", "name: dynamo-disagg-engine-configs", "prefill_config.yaml: |", "namespace: serving", "readOnly: true"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in\n%s", want, b)
		}
	}
}

// A worker larger than a node spreads over several, each pod with its share.
func TestMultinode(t *testing.T) {
	c := trtDisagg()
	c.TotalGPUs = 32
	c.Decode.TP, c.Decode.GPUsPerNode, c.Prefill.GPUsPerNode = 16, 4, 4
	g := manifestOf(t, c)
	w := g.Spec.Services["TRTLLMDecodeWorker"]
	if w.Multinode.NodeCount != 4 || w.Resources.Limits.GPU != "4" {
		t.Errorf("%d nodes of %s GPUs, want 4 of 4", w.Multinode.NodeCount, w.Resources.Limits.GPU)
	}
	if q := w.ExtraPodSpec.MainContainer.Resources.Limits["rdma/ib"]; q.Value() != 4 {
		t.Errorf("rdma/ib is %s", q.String())
	}
	if nodes := resolve(t, c).nodes(); nodes != nil {
		t.Errorf("launch scripts for %d nodes", len(nodes))
	}
}

// Mistakes name the key, the value and what would be right.
func TestOverrideMistakes(t *testing.T) {
	for set, want := range map[string]string{
		"K8sConfig.k8s_namespce=x":               `unknown key "K8sConfig.k8s_namespce": did you mean "K8sConfig.k8s_namespace"?`,
		"Workers.agg.max_num_seq=1":              `did you mean "Workers.agg.max_num_seqs"?`,
		"Workers.gagg.max_num_seqs=1":            `did you mean "Workers.agg.max_num_seqs"?`,
		"Something.else.entirely=1":              "--generator-help lists all",
		"Workers.agg.max_num_seqs":               "want KEY=VALUE",
		"=1":                                     "want KEY=VALUE",
		"Workers.agg.max_num_seqs=many":          "Workers.agg.max_num_seqs: is many, want a whole number",
		"Workers.agg.max_num_seqs=-1":            "want a whole number",
		"Workers.agg.gpu_memory_utilization=1.5": "above 0 and up to 1",
		"Workers.agg.disable_cuda_graph=maybe":   "want true or false",
		"Workers.agg.cuda_graph_batch_sizes=[a]": "want a list of whole numbers",
		"K8sConfig.transport=tcp":                `unknown value "tcp": valid are nvlink, ib, efa`,
		"K8sConfig.extra_env=5":                  "want variables",
		"K8sConfig.worker_extra_pod_spec=5":      "want a mapping",
		"ServiceConfig.port=0":                   "from 1 on",
		"BenchConfig.concurrency=0":              "want auto, a number of requests",
		"DynConfig.mode=both":                    "want agg or disagg",
		"K8sConfig.placement={a: b}":             "want true or false",
		"K8sConfig.k8s_image=[a]":                "want a text",
		"Workers.agg.max_num_seqs=[":             "is not a YAML value",
	} {
		var o Overrides
		if err := o.Add("--generator-set", []string{set}); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "--generator-set") {
			t.Errorf("%s: %v, want %q", set, err, want)
		}
	}
	for set, want := range map[string]string{
		"Workers.agg.tokens_per_block=100": "block-size",
		"K8sConfig.k8s_pvc_create=true":    "needs K8sConfig.k8s_pvc_storage_class",
	} {
		var o Overrides
		if err := o.Add("--generator-set", []string{set}); err != nil {
			t.Fatal(err)
		}
		if _, err := Resolve(guideAgg(), &o, RuntimeOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", set, err, want)
		}
	}
	var o Overrides
	if err := o.Add("--generator-set", []string{"Workers.agg.max_prefill_tokens=1", "Workers.agg.schedule_policy=fcfs"}); err != nil {
		t.Fatal(err)
	}
	err := o.CheckBackend(vLLM, RuntimeOptions{})
	for _, want := range []string{"Workers.agg.max_prefill_tokens: vllm has no such parameter", `has no option "schedule_policy"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := o.CheckBackend(sgLang, RuntimeOptions{}); err != nil {
		t.Error(err)
	}
}

// A file: nested and dotted keys, every mistake with its line, the mode as a
// filter, flags over the file.
func TestOverrideFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "generator.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("K8sConfig:\n  k8s_namespace: one\nK8sConfig.name_prefix: chat\nWorkers:\n  agg:\n    max_num_seqs: 2000\n    extra_cli_args: [--foo, bar]\n")
	var o Overrides
	if err := o.AddFile(file); err != nil {
		t.Fatal(err)
	}
	if err := o.Add("--namespace", []string{"K8sConfig.k8s_namespace=two"}); err != nil {
		t.Fatal(err)
	}
	p, err := Resolve(guideAgg(), &o, RuntimeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if p.settings.k8s.namespace != "two" || p.name != "chat-agg" || p.Roles[0].values["max_batch_size"] != 2000 || len(p.Roles[0].cliArgs) != 2 {
		t.Errorf("%+v", p.settings.k8s)
	}

	write("DynConfig: {mode: disagg}\nK8sConfig: {k8s_namespace: other}\n")
	var filtered Overrides
	if err := filtered.AddFile(file); err != nil {
		t.Fatal(err)
	}
	if p, err := Resolve(guideAgg(), &filtered, RuntimeOptions{}); err != nil || p.settings.k8s.namespace != "" {
		t.Errorf("overrides of disagg reach agg: %v", err)
	}

	write("K8sConfig:\n  k8s_namespace: one\n  k8s_imge: x\nWorkers:\n  agg:\n    max_num_seqs: lots\n")
	err = (&Overrides{}).AddFile(file)
	for _, want := range []string{"generator.yaml:3: unknown key", "generator.yaml:6: Workers.agg.max_num_seqs"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	write("- a\n")
	if err := (&Overrides{}).AddFile(file); err == nil || !strings.Contains(err.Error(), "want a mapping") {
		t.Error(err)
	}
	if err := (&Overrides{}).AddFile(file + "x"); err == nil {
		t.Error("a missing file was accepted")
	}
}

// Every key and every parameter is documented, and its example works.
func TestHelpTables(t *testing.T) {
	for i := range keys {
		k := &keys[i]
		if k.help == "" || (k.lit == "") == (k.def == "") {
			t.Errorf("%s: want a meaning, and a default either as a value or in words", k.path)
		}
		if k.example != "" {
			var o Overrides
			if err := o.Add("example", []string{k.path + "=" + k.example}); err != nil {
				t.Error(err)
			}
		}
	}
	for i := range params {
		if params[i].help == "" {
			t.Errorf("%s has no meaning", params[i].name)
		}
	}
	for _, backend := range []string{"", vLLM, trtLLM, sgLang} {
		for _, table := range []func(string) ([]string, [][]any){KeyTable, ParamTable} {
			columns, rows := table(backend)
			for _, r := range rows {
				if len(r) != len(columns) {
					t.Errorf("%v has %d cells for %d columns", r, len(r), len(columns))
				}
			}
		}
	}
}

// Every option that a parameter spells is one of the engine's.
func TestParametersExist(t *testing.T) {
	for i := range params {
		p := &params[i]
		for backend, versions := range listed {
			s := p.spelling(backend)
			if s == "" {
				continue
			}
			if set := engineOptions(backend, mustVersion(versions[0])); !set.Has(s) && backend != trtLLM {
				t.Errorf("%s: %s %s has no option --%s", p.name, backend, versions[0], s)
			} else if backend == trtLLM && !set.Has(s) && p.name != "disable_cuda_graph" {
				t.Errorf("%s: TensorRT-LLM's file has no key %s", p.name, s)
			}
		}
	}
}
