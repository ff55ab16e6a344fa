package deploy

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// settings are the values of a deployment beside the options of its engines. The
// key that overrides a field stands in keys.go.
type settings struct {
	service struct {
		modelPath, servedName string
		hfToken               string // launch scripts only
		headNodeIP            string
		port                  int
		includeFrontend       bool
		kvEventPort           int // of vLLM workers
		nixlPort              int // of vLLM workers
		sglangKVEventPort     int
	}
	router bool
	k8s    struct {
		namePrefix, namespace          string
		image, imagePullSecret         string
		engineMode                     string // [engineInline] or [engineConfigMap]
		pvcName, pvcSize, pvcMountPath string
		pvcStorageClass                string
		pvcCreate                      bool
		modelPathInPVC                 string
		hfHome, hfTokenSecret          string
		sharedMemory                   string
		transport                      string
		rdmaResource                   string
		etcdEndpoints                  string
		extraEnv                       envVars
		workerPod, frontendPod         yaml.Node
		placement, probes              bool
	}
	workers struct{ agg, prefill, decode int }
	node    struct{ gpus int }
	sla     struct {
		isl, osl   int
		ttft, tpot float64 // recorded only
	}
	model struct {
		isMoE         bool
		nextN, prefix int
	}
	bench benchSettings
}

// benchSettings say how a deployment is measured.
type benchSettings struct {
	name, image, version string
	startTimeout         int // seconds
	endpointURL          string
	model, tokenizer     string
	isl, osl             int
	islStddev, oslStddev int
	concurrency          concurrencies
	scope                string // [scopeTotal] or [scopeReplica]
	requests, warmup     int
	seed                 int
}

// Where the engine file of a manifest lives.
const (
	engineInline    = "inline"
	engineConfigMap = "configmap"
)

// What reaches KV caches on other workers.
const (
	transportNVLink = "nvlink"
	transportIB     = "ib"
	transportEFA    = "efa"
)

// What a benchmark talks to: all replicas through the frontend, or one.
const (
	scopeTotal   = "total"
	scopeReplica = "replica"
)

// EnvVar is an environment variable of a container.
type EnvVar struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
}

// envVars are environment variables, in order.
type envVars []EnvVar

// UnmarshalYAML reads a mapping, or a list as Kubernetes spells it.
func (v *envVars) UnmarshalYAML(n *yaml.Node) error {
	*v = nil
	if n.Kind != yaml.MappingNode {
		return n.Decode((*[]EnvVar)(v))
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i+1].Kind != yaml.ScalarNode {
			return fmt.Errorf("variable %s: want a text", n.Content[i].Value)
		}
		*v = append(*v, EnvVar{n.Content[i].Value, n.Content[i+1].Value})
	}
	return nil
}

// concurrencies are the loads of a benchmark: some numbers, or a sweep around the
// predicted one.
type concurrencies struct {
	auto bool
	list []int
}

// UnmarshalYAML reads "auto", a number or a list of numbers.
func (c *concurrencies) UnmarshalYAML(n *yaml.Node) error {
	*c = concurrencies{}
	if n.Kind == yaml.ScalarNode && n.Value == "auto" {
		c.auto = true
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		n = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{n}}
	}
	if err := n.Decode(&c.list); err != nil || len(c.list) == 0 || slices.Min(c.list) < 1 {
		return fmt.Errorf("want auto, a number of requests from 1 on, or a list of them")
	}
	return nil
}

// MarshalYAML writes what UnmarshalYAML reads.
func (c concurrencies) MarshalYAML() (any, error) {
	switch {
	case c.auto:
		return "auto", nil
	case len(c.list) == 1:
		return c.list[0], nil
	}
	return flow(c.list)
}
