package deploy

import (
	"fmt"
	"slices"
	"strings"

	"servegrid/internal/suggest"
)

// key is one thing that a user may override beside engine parameters.
type key struct {
	path    string
	aliases []string
	help    string
	lit     string // the default, as YAML
	def     string // or how it is found, in words
	example string
	backend string // the only backend it matters to; "" = all
	field   func(*settings) any
	valid   []string // of a text; nil = any
	least   int      // of a number
	most    int      // of a number; 0 = any
}

// mostWorkers bounds the workers of a role, for the sake of the files that list
// them.
const mostWorkers = 10000

// keys lists them in the order in which generator_config.yaml holds them.
var keys = []key{
	{path: "ServiceConfig.model_path", def: "--model_path", example: "/opt/models/Qwen3-32B-FP8", help: "model that the engine loads",
		field: func(s *settings) any { return &s.service.modelPath }},
	{path: "ServiceConfig.served_model_name", aliases: []string{"ServiceConfig.model_name"}, def: "ServiceConfig.model_path", example: "qwen", help: "name of the model in the API",
		field: func(s *settings) any { return &s.service.servedName }},
	{path: "ServiceConfig.hf_token", def: "from the environment", help: "Hugging Face token; only launch scripts ever hold it",
		field: func(s *settings) any { return &s.service.hfToken }},
	{path: "ServiceConfig.head_node_ip", lit: "0.0.0.0", example: "10.0.0.1", help: "address of frontend, etcd and NATS in launch scripts",
		field: func(s *settings) any { return &s.service.headNodeIP }},
	{path: "ServiceConfig.port", lit: "8000", example: "9000", least: 1, help: "port of the frontend",
		field: func(s *settings) any { return &s.service.port }},
	{path: "ServiceConfig.include_frontend", lit: "true", example: "false", help: "whether a frontend is deployed",
		field: func(s *settings) any { return &s.service.includeFrontend }},
	{path: "ServiceConfig.dyn_vllm_kv_event_port", backend: vLLM, lit: "20081", example: "21081", least: 1, help: "first port of KV cache events",
		field: func(s *settings) any { return &s.service.kvEventPort }},
	{path: "ServiceConfig.vllm_nixl_side_channel_port", backend: vLLM, lit: "20097", example: "21097", least: 1, help: "first port of the NIXL side channel",
		field: func(s *settings) any { return &s.service.nixlPort }},
	{path: "ServiceConfig.sglang_kv_event_port", backend: sgLang, lit: "5557", example: "6557", least: 1, help: "first port of KV cache events",
		field: func(s *settings) any { return &s.service.sglangKVEventPort }},

	{path: "DynConfig.enable_router", def: "true with --prefix, else false", example: "true", help: "route requests by KV cache content",
		field: func(s *settings) any { return &s.router }},

	{path: "K8sConfig.name_prefix", lit: "dynamo", example: "chat", help: "start of the resource names",
		field: func(s *settings) any { return &s.k8s.namePrefix }},
	{path: "K8sConfig.k8s_namespace", aliases: []string{"K8sConfig.namespace"}, def: "none: that of kubectl", example: "serving", help: "namespace of all resources",
		field: func(s *settings) any { return &s.k8s.namespace }},
	{path: "K8sConfig.k8s_image", def: "by engine version", example: "registry.example.com/vllm:1", help: "container image of frontend and workers",
		field: func(s *settings) any { return &s.k8s.image }},
	{path: "K8sConfig.k8s_image_pull_secret", def: "none", example: "nvcr", help: "secret that the image is pulled with",
		field: func(s *settings) any { return &s.k8s.imagePullSecret }},
	{path: "K8sConfig.k8s_engine_mode", lit: engineInline, example: engineConfigMap, valid: []string{engineInline, engineConfigMap}, help: "where the engine file lives: in the worker's command or in a ConfigMap",
		field: func(s *settings) any { return &s.k8s.engineMode }},
	{path: "K8sConfig.k8s_pvc_name", aliases: []string{"K8sConfig.k8s_model_cache"}, lit: "model-cache", example: `""`, help: "claim that caches models; empty for none",
		field: func(s *settings) any { return &s.k8s.pvcName }},
	{path: "K8sConfig.k8s_pvc_size", def: "100Gi, more for larger models", example: "1Ti", help: "size of the claim",
		field: func(s *settings) any { return &s.k8s.pvcSize }},
	{path: "K8sConfig.k8s_pvc_create", lit: "false", example: "true", help: "let the operator make the claim",
		field: func(s *settings) any { return &s.k8s.pvcCreate }},
	{path: "K8sConfig.k8s_pvc_storage_class", def: "none; needed to let the operator make the claim", example: "nfs", help: "storage class of the claim",
		field: func(s *settings) any { return &s.k8s.pvcStorageClass }},
	{path: "K8sConfig.k8s_pvc_mount_path", lit: "/opt/models", example: "/models", help: "where the claim is mounted",
		field: func(s *settings) any { return &s.k8s.pvcMountPath }},
	{path: "K8sConfig.k8s_model_path_in_pvc", def: "none", example: "qwen3-32b", help: "folder of the claim that holds the model; the engine loads it from there",
		field: func(s *settings) any { return &s.k8s.modelPathInPVC }},
	{path: "K8sConfig.k8s_hf_home", def: "the mount path", example: "/opt/models/hf", help: "cache folder of Hugging Face",
		field: func(s *settings) any { return &s.k8s.hfHome }},
	{path: "K8sConfig.k8s_hf_token_secret", lit: "hf-token-secret", example: "my-token", help: "secret with HF_TOKEN",
		field: func(s *settings) any { return &s.k8s.hfTokenSecret }},
	{path: "K8sConfig.shared_memory", def: "16Gi; trtllm 80Gi", example: "32Gi", help: "size of /dev/shm of a worker",
		field: func(s *settings) any { return &s.k8s.sharedMemory }},
	{path: "K8sConfig.transport", def: "disagg ib, agg nvlink", example: transportEFA, valid: []string{transportNVLink, transportIB, transportEFA}, help: "network of the KV transfer: nvlink (one node), ib (InfiniBand or RoCE), efa (AWS)",
		field: func(s *settings) any { return &s.k8s.transport }},
	{path: "K8sConfig.rdma_resource", def: "rdma/ib; efa: vpc.amazonaws.com/efa", example: "rdma/shared_ib", help: "resource of the RDMA device plugin",
		field: func(s *settings) any { return &s.k8s.rdmaResource }},
	{path: "K8sConfig.k8s_etcd_endpoints", def: "none: the platform's", example: "etcd.dynamo:2379", help: "ETCD_ENDPOINTS of all pods",
		field: func(s *settings) any { return &s.k8s.etcdEndpoints }},
	{path: "K8sConfig.extra_env", def: "none", example: "{NCCL_DEBUG: INFO}", help: "environment variables added to workers",
		field: func(s *settings) any { return &s.k8s.extraEnv }},
	{path: "K8sConfig.worker_extra_pod_spec", def: "none", example: "{nodeSelector: {pool: gpu}}", help: "laid over extraPodSpec of workers",
		field: func(s *settings) any { return &s.k8s.workerPod }},
	{path: "K8sConfig.frontend_extra_pod_spec", def: "none", example: "{nodeSelector: {pool: cpu}}", help: "laid over extraPodSpec of the frontend",
		field: func(s *settings) any { return &s.k8s.frontendPod }},
	{path: "K8sConfig.placement", lit: "false", example: "true", help: "pin workers to the predicted GPU type",
		field: func(s *settings) any { return &s.k8s.placement }},
	{path: "K8sConfig.probes", backend: trtLLM, lit: "true", example: "false", help: "startup, liveness and readiness probes of workers",
		field: func(s *settings) any { return &s.k8s.probes }},

	{path: "WorkerConfig.agg_workers", most: mostWorkers, aliases: []string{"WorkerCounts.agg_workers"}, def: "as many as fit the GPUs", example: "2", help: "aggregated workers",
		field: func(s *settings) any { return &s.workers.agg }},
	{path: "WorkerConfig.prefill_workers", most: mostWorkers, aliases: []string{"WorkerCounts.prefill_workers"}, def: "of the plan", example: "2", help: "prefill workers",
		field: func(s *settings) any { return &s.workers.prefill }},
	{path: "WorkerConfig.decode_workers", most: mostWorkers, aliases: []string{"WorkerCounts.decode_workers"}, def: "of the plan", example: "1", help: "decode workers",
		field: func(s *settings) any { return &s.workers.decode }},
	{path: "NodeConfig.num_gpus_per_node", def: "of the system", example: "4", least: 1, help: "GPUs of one node",
		field: func(s *settings) any { return &s.node.gpus }},

	{path: "SlaConfig.isl", def: "--isl", example: "4000", least: 1, help: "input length, tokens",
		field: func(s *settings) any { return &s.sla.isl }},
	{path: "SlaConfig.osl", def: "--osl", example: "500", least: 1, help: "output length, tokens",
		field: func(s *settings) any { return &s.sla.osl }},
	{path: "SlaConfig.ttft", def: "predicted", help: "predicted time to first token, ms; recorded only",
		field: func(s *settings) any { return &s.sla.ttft }},
	{path: "SlaConfig.tpot", def: "predicted", help: "predicted time per output token, ms; recorded only",
		field: func(s *settings) any { return &s.sla.tpot }},
	{path: "ModelConfig.is_moe", def: "of the model", help: "whether the model has experts",
		field: func(s *settings) any { return &s.model.isMoE }},
	{path: "ModelConfig.nextn", def: "of the prediction", example: "1", help: "drafts of multi-token prediction per step",
		field: func(s *settings) any { return &s.model.nextN }},
	{path: "ModelConfig.prefix", def: "--prefix", example: "1000", help: "input tokens found in the prefix cache",
		field: func(s *settings) any { return &s.model.prefix }},

	{path: "BenchConfig.name", lit: "aiperf-benchmark", example: "nightly", help: "name of the benchmark Job",
		field: func(s *settings) any { return &s.bench.name }},
	{path: "BenchConfig.image", lit: "python:3.10", example: "python:3.12-slim", help: "image of the benchmark Job",
		field: func(s *settings) any { return &s.bench.image }},
	{path: "BenchConfig.version", def: "the newest", example: "0.3.0", help: "version of aiperf",
		field: func(s *settings) any { return &s.bench.version }},
	{path: "BenchConfig.profile_start_timeout", lit: "400", example: "900", least: 1, help: "seconds that aiperf waits for its start",
		field: func(s *settings) any { return &s.bench.startTimeout }},
	{path: "BenchConfig.endpoint_url", def: "the frontend", example: "http://10.0.0.1:8000", help: "what the benchmark talks to",
		field: func(s *settings) any { return &s.bench.endpointURL }},
	{path: "BenchConfig.model", def: "ServiceConfig.served_model_name", example: "qwen", help: "model that the benchmark asks for",
		field: func(s *settings) any { return &s.bench.model }},
	{path: "BenchConfig.tokenizer", def: "ServiceConfig.model_path", example: "Qwen/Qwen3-32B", help: "tokenizer of the benchmark",
		field: func(s *settings) any { return &s.bench.tokenizer }},
	{path: "BenchConfig.isl", def: "SlaConfig.isl", example: "2000", least: 1, help: "input length, tokens",
		field: func(s *settings) any { return &s.bench.isl }},
	{path: "BenchConfig.osl", def: "SlaConfig.osl", example: "200", least: 1, help: "output length, tokens",
		field: func(s *settings) any { return &s.bench.osl }},
	{path: "BenchConfig.isl_stddev", lit: "0", example: "100", help: "spread of the input length, tokens",
		field: func(s *settings) any { return &s.bench.islStddev }},
	{path: "BenchConfig.osl_stddev", lit: "0", example: "20", help: "spread of the output length, tokens",
		field: func(s *settings) any { return &s.bench.oslStddev }},
	{path: "BenchConfig.scope", lit: scopeTotal, example: scopeReplica, valid: []string{scopeTotal, scopeReplica}, help: "load for all replicas (total) or for a single one (replica)",
		field: func(s *settings) any { return &s.bench.scope }},
	{path: "BenchConfig.concurrency", def: "predicted", example: "auto", help: "requests in flight: a number, a list, or auto for a sweep around the predicted one",
		field: func(s *settings) any { return &s.bench.concurrency }},
	{path: "BenchConfig.num_requests", def: "40 x concurrency", example: "800", least: 1, help: "requests of one measurement",
		field: func(s *settings) any { return &s.bench.requests }},
	{path: "BenchConfig.warmup", lit: "40", example: "100", help: "requests before the measurement",
		field: func(s *settings) any { return &s.bench.warmup }},
	{path: "BenchConfig.random_seed", lit: "100", example: "1", help: "seed of the prompts",
		field: func(s *settings) any { return &s.bench.seed }},
}

// modeKey limits the overrides that stand beside it to deployments of a mode.
// generator_config.yaml carries it, so that the file of one mode leaves the other
// alone.
const modeKey = "DynConfig.mode"

// findKey returns the key of a path, nil when there is none.
func findKey(path string) *key {
	i := slices.IndexFunc(keys, func(k key) bool { return k.path == path || slices.Contains(k.aliases, path) })
	if i < 0 {
		return nil
	}
	return &keys[i]
}

// unknownKey words the error for a path that is no key.
func unknownKey(path string) error {
	paths := []string{modeKey}
	for i := range keys {
		paths = append(append(paths, keys[i].path), keys[i].aliases...)
	}
	for _, role := range []string{Agg, Prefill, Decode} {
		for i := range params {
			paths = append(paths, workerPath(role, params[i].name))
			for _, a := range params[i].spellings() {
				paths = append(paths, workerPath(role, a))
			}
		}
	}
	near := suggest.Nearest(path, paths, max(3, len(path)/4))
	if near == "" {
		return fmt.Errorf("unknown key %q: --generator-help lists all", path)
	}
	return fmt.Errorf("unknown key %q: did you mean %q? --generator-help lists all", path, near)
}

func workerPath(role, param string) string {
	return strings.Join([]string{"Workers", role, param}, ".")
}
