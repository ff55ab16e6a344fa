package deploy

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// graph is a DynamoGraphDeployment of nvidia.com/v1alpha1.
type graph struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       struct {
		BackendFramework string  `yaml:"backendFramework"`
		PVCs             []pvc   `yaml:"pvcs,omitempty"`
		Services         mapping `yaml:"services"`
	} `yaml:"spec"`
}

type metadata struct {
	Name      string `yaml:"name"`
	Namespace string `yaml:"namespace,omitempty"`
}

// pvc names a claim. The last three say what the operator makes.
type pvc struct {
	Name             string `yaml:"name"`
	Create           bool   `yaml:"create"`
	Size             string `yaml:"size,omitempty"`
	StorageClass     string `yaml:"storageClass,omitempty"`
	VolumeAccessMode string `yaml:"volumeAccessMode,omitempty"`
}

// service is one component of the graph.
type service struct {
	EnvFromSecret    string         `yaml:"envFromSecret,omitempty"`
	ComponentType    string         `yaml:"componentType"`
	SubComponentType string         `yaml:"subComponentType,omitempty"`
	Replicas         int            `yaml:"replicas"`
	Multinode        *multinode     `yaml:"multinode,omitempty"`
	Resources        *gpuResources  `yaml:"resources,omitempty"`
	SharedMemory     *sharedMemory  `yaml:"sharedMemory,omitempty"`
	VolumeMounts     []serviceMount `yaml:"volumeMounts,omitempty"`
	Envs             []EnvVar       `yaml:"envs,omitempty"`
	ExtraPodSpec     *yaml.Node     `yaml:"extraPodSpec"`
}

type multinode struct {
	NodeCount int `yaml:"nodeCount"`
}

type gpuResources struct {
	Limits struct {
		GPU string `yaml:"gpu"`
	} `yaml:"limits"`
}

type sharedMemory struct {
	Size string `yaml:"size"`
}

// serviceMount mounts a claim of the graph; Kubernetes' own mounts say mountPath.
type serviceMount struct {
	Name       string `yaml:"name"`
	MountPoint string `yaml:"mountPoint"`
}

// pod is the part of a pod that the graph does not say itself.
type pod struct {
	ImagePullSecrets []named           `yaml:"imagePullSecrets,omitempty"`
	NodeSelector     map[string]string `yaml:"nodeSelector,omitempty"`
	Tolerations      []toleration      `yaml:"tolerations,omitempty"`
	HostIPC          bool              `yaml:"hostIPC,omitempty"`
	Volumes          []volume          `yaml:"volumes,omitempty"`
	MainContainer    container         `yaml:"mainContainer"`
}

type named struct {
	Name string `yaml:"name"`
}

type toleration struct {
	Key      string `yaml:"key"`
	Operator string `yaml:"operator"`
	Effect   string `yaml:"effect"`
}

type volume struct {
	Name      string     `yaml:"name"`
	EmptyDir  *emptyDir  `yaml:"emptyDir,omitempty"`
	ConfigMap *named     `yaml:"configMap,omitempty"`
	Claim     *claimName `yaml:"persistentVolumeClaim,omitempty"`
}

type emptyDir struct {
	Medium    string `yaml:"medium,omitempty"`
	SizeLimit string `yaml:"sizeLimit,omitempty"`
}

type claimName struct {
	ClaimName string `yaml:"claimName"`
}

type container struct {
	Image           string           `yaml:"image"`
	WorkingDir      string           `yaml:"workingDir,omitempty"`
	ImagePullPolicy string           `yaml:"imagePullPolicy"`
	SecurityContext *securityContext `yaml:"securityContext,omitempty"`
	Resources       *resources       `yaml:"resources,omitempty"`
	StartupProbe    *probe           `yaml:"startupProbe,omitempty"`
	LivenessProbe   *probe           `yaml:"livenessProbe,omitempty"`
	ReadinessProbe  *probe           `yaml:"readinessProbe,omitempty"`
	VolumeMounts    []volumeMount    `yaml:"volumeMounts,omitempty"`
	Command         []string         `yaml:"command,omitempty"`
	Args            []*yaml.Node     `yaml:"args,omitempty"`
}

type securityContext struct {
	Capabilities struct {
		Add []string `yaml:"add"`
	} `yaml:"capabilities"`
	Privileged bool `yaml:"privileged,omitempty"`
}

type resources struct {
	Limits   map[string]string `yaml:"limits"`
	Requests map[string]string `yaml:"requests"`
}

type probe struct {
	HTTPGet struct {
		Path string `yaml:"path"`
		Port int    `yaml:"port"`
	} `yaml:"httpGet"`
	InitialDelay     int `yaml:"initialDelaySeconds"`
	Period           int `yaml:"periodSeconds"`
	Timeout          int `yaml:"timeoutSeconds"`
	FailureThreshold int `yaml:"failureThreshold"`
}

type volumeMount struct {
	Name      string `yaml:"name"`
	MountPath string `yaml:"mountPath"`
	ReadOnly  bool   `yaml:"readOnly,omitempty"`
}

// configMap holds engine files.
type configMap struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Data       mapping  `yaml:"data"`
}

// readWriteMany lets pods on several nodes share a claim.
const readWriteMany = "ReadWriteMany"

// engineDir is where engine files are in a pod.
const engineDir = "/workspace/engine_configs"

// manifest renders k8s_deploy.yaml.
func (p *Plan) manifest() ([]byte, error) {
	g := graph{APIVersion: "nvidia.com/v1alpha1", Kind: "DynamoGraphDeployment", Metadata: p.metadata(p.name)}
	g.Spec.BackendFramework = p.Backend
	if k := &p.settings.k8s; k.pvcName != "" {
		c := pvc{Name: k.pvcName, Create: k.pvcCreate}
		if k.pvcCreate {
			c.Size, c.StorageClass, c.VolumeAccessMode = k.pvcSize, k.pvcStorageClass, readWriteMany
		}
		g.Spec.PVCs = []pvc{c}
	}
	if p.settings.service.includeFrontend {
		s, err := p.frontend()
		if err != nil {
			return nil, err
		}
		g.Spec.Services.add("Frontend", s)
	}
	for i := range p.Roles {
		s, err := p.workerService(&p.Roles[i])
		if err != nil {
			return nil, err
		}
		g.Spec.Services.add(serviceName(p.Backend, p.Roles[i].Name), s)
	}
	if p.settings.k8s.engineMode != engineConfigMap {
		return encode("", g)
	}
	files := configMap{APIVersion: "v1", Kind: "ConfigMap", Metadata: p.metadata(p.configMapName())}
	for i := range p.Roles {
		b, err := p.engineFile(&p.Roles[i])
		if err != nil {
			return nil, err
		}
		files.Data.add(configName(p.Roles[i].Name), string(b))
	}
	return encode("", files, g)
}

func (p *Plan) metadata(name string) metadata { return metadata{name, p.settings.k8s.namespace} }

// configMapName carries the deployment's name, so that two deployments of a
// namespace keep apart.
func (p *Plan) configMapName() string { return p.name + "-engine-configs" }

// serviceName is how the graph calls the workers of a role.
func serviceName(backend, role string) string {
	name := map[string]string{vLLM: "VLLM", trtLLM: "TRTLLM", sgLang: "SGLang"}[backend]
	if role != Agg {
		name += strings.ToUpper(role[:1]) + role[1:]
	}
	return name + "Worker"
}

// frontend is the service that takes requests.
func (p *Plan) frontend() (*service, error) {
	s := &service{ComponentType: "frontend", Replicas: 1}
	if gated(p.choice.ModelPath) { // it reads the tokenizer
		s.EnvFromSecret = p.settings.k8s.hfTokenSecret
	}
	p.mountCache(s)
	if p.settings.router {
		s.Envs = append(s.Envs, EnvVar{"DYN_ROUTER_MODE", "kv"})
	}
	p.etcd(s)
	pod := pod{MainContainer: container{Image: p.settings.k8s.image, ImagePullPolicy: "IfNotPresent"}}
	p.pullSecret(&pod)
	var err error
	s.ExtraPodSpec, err = p.podSpec(&pod, &p.settings.k8s.frontendPod)
	return s, err
}

// gatedOwners publish models that a token is needed for.
var gatedOwners = []string{"meta-llama/", "mistralai/", "google/"}

func gated(model string) bool {
	for _, owner := range gatedOwners {
		if strings.HasPrefix(model, owner) {
			return true
		}
	}
	return false
}

// mountCache gives a service the model cache.
func (p *Plan) mountCache(s *service) {
	k := &p.settings.k8s
	if k.pvcName == "" {
		return
	}
	s.VolumeMounts = []serviceMount{{k.pvcName, k.pvcMountPath}}
	s.Envs = append(s.Envs, EnvVar{"HF_HOME", k.hfHome})
}

func (p *Plan) etcd(s *service) {
	if e := p.settings.k8s.etcdEndpoints; e != "" {
		s.Envs = append(s.Envs, EnvVar{"ETCD_ENDPOINTS", e})
	}
}

func (p *Plan) pullSecret(pod *pod) {
	if name := p.settings.k8s.imagePullSecret; name != "" {
		pod.ImagePullSecrets = []named{{name}}
	}
}

// podSpec encodes a pod with the user's own settings over it.
func (p *Plan) podSpec(pod *pod, extra *yaml.Node) (*yaml.Node, error) {
	n, err := node(pod)
	if err != nil || extra.Kind == 0 {
		return n, err
	}
	return merge(n, extra), nil
}

// workerService is the service of a role's workers.
func (p *Plan) workerService(r *Role) (*service, error) {
	s := &service{
		EnvFromSecret: p.settings.k8s.hfTokenSecret,
		ComponentType: "worker", Replicas: r.Workers,
		Resources: &gpuResources{}, SharedMemory: &sharedMemory{p.settings.k8s.sharedMemory},
	}
	if r.Name != Agg {
		s.SubComponentType = r.Name
	}
	if r.Nodes > 1 {
		s.Multinode = &multinode{r.Nodes}
	}
	s.Resources.Limits.GPU = strconv.Itoa(r.podGPUs())
	p.mountCache(s)
	pod := pod{MainContainer: container{
		Image: p.settings.k8s.image, WorkingDir: "/workspace", ImagePullPolicy: "IfNotPresent",
	}}
	p.pullSecret(&pod)
	p.network(r, s, &pod)
	if p.settings.k8s.placement {
		p.place(r, s, &pod)
	}
	p.etcd(s)
	s.Envs = append(s.Envs, p.settings.k8s.extraEnv...)
	if p.Backend == trtLLM && p.settings.k8s.probes {
		p.probe(&pod.MainContainer)
	}
	if err := p.engineCommand(r, &pod); err != nil {
		return nil, err
	}
	var err error
	s.ExtraPodSpec, err = p.podSpec(&pod, &p.settings.k8s.workerPod)
	return s, err
}

// podGPUs is the number of GPUs of one pod of a worker.
func (r *Role) podGPUs() int { return (r.GPUs + r.Nodes - 1) / r.Nodes }

// network lets the KV cache travel between workers. Without RDMA the transfer
// falls back to TCP, which makes the first token wait tens of times longer.
func (p *Plan) network(r *Role, s *service, pod *pod) {
	if p.choice.Mode == Agg || p.settings.k8s.transport == transportNVLink {
		return
	}
	c := &pod.MainContainer
	c.SecurityContext = &securityContext{}
	c.SecurityContext.Capabilities.Add = []string{"IPC_LOCK"} // memory is registered with the network card
	share := map[string]string{p.settings.k8s.rdmaResource: strconv.Itoa(r.podGPUs())}
	c.Resources = &resources{Limits: share, Requests: share}
	if p.settings.k8s.transport == transportIB {
		s.Envs = append(s.Envs,
			EnvVar{"UCX_TLS", "rc_x,rc,dc_x,dc,cuda_copy,cuda_ipc"},
			EnvVar{"UCX_RNDV_SCHEME", "get_zcopy"},
			EnvVar{"UCX_RNDV_THRESH", "0"})
		return
	}
	c.SecurityContext.Privileged = true
	pod.HostIPC = true
	s.Envs = append(s.Envs, EnvVar{"FI_PROVIDER", "efa"}, EnvVar{"FI_EFA_USE_DEVICE_RDMA", "1"})
	switch p.Backend { // vLLM is told by --kv-transfer-config
	case trtLLM:
		s.Envs = append(s.Envs, EnvVar{"TRTLLM_NIXL_KVCACHE_BACKEND", "LIBFABRIC"})
	case sgLang:
		s.Envs = append(s.Envs, EnvVar{"SGLANG_DISAGGREGATION_NIXL_BACKEND", "LIBFABRIC"})
	}
}

// gpuProducts are the labels that NVIDIA's feature discovery gives nodes.
var gpuProducts = map[string]string{
	"h200_sxm": "NVIDIA-H200", "h100_sxm": "NVIDIA-H100-80GB-HBM3", "a100_sxm": "NVIDIA-A100-SXM4-80GB",
	"b200_sxm": "NVIDIA-B200", "gb200_sxm": "NVIDIA-GB200", "l40s": "NVIDIA-L40S",
}

// place pins workers to nodes with the GPU that the prediction is about.
func (p *Plan) place(r *Role, s *service, pod *pod) {
	if product := gpuProducts[r.worker.System]; product != "" {
		pod.NodeSelector = map[string]string{"nvidia.com/gpu.product": product}
	}
	pod.Tolerations = []toleration{{"nvidia.com/gpu", "Exists", "NoSchedule"}}
	s.Envs = append(s.Envs, EnvVar{"NCCL_CUMEM_ENABLE", "1"})
}

// probe watches a worker: it may take long to load, and is then asked in calm
// intervals. Source: the values AIConfigurator 0.12.0 deploys.
func (p *Plan) probe(c *container) {
	at := func(path string, delay, failures int) *probe {
		b := &probe{InitialDelay: delay, Period: 30, Timeout: 10, FailureThreshold: failures}
		b.HTTPGet.Path, b.HTTPGet.Port = path, 9090
		return b
	}
	c.StartupProbe, c.LivenessProbe, c.ReadinessProbe = at("/health", 120, 40), at("/live", 300, 10), at("/live", 300, 10)
}

// engineCommand says what a worker's container runs.
func (p *Plan) engineCommand(r *Role, pod *pod) error {
	c := &pod.MainContainer
	file := path.Join(engineDir, configName(r.Name))
	arguments := append(args(p.options(r, file)), r.cliArgs...)
	mounted := p.settings.k8s.engineMode == engineConfigMap
	if mounted {
		pod.Volumes = append(pod.Volumes, volume{Name: "engine-configs", ConfigMap: &named{p.configMapName()}})
		c.VolumeMounts = append(c.VolumeMounts, volumeMount{"engine-configs", engineDir, true})
	}
	if p.Backend == trtLLM {
		pod.Volumes = append(pod.Volumes, volume{Name: "tmp", EmptyDir: &emptyDir{"Memory", "10Gi"}})
		c.VolumeMounts = append(c.VolumeMounts, volumeMount{Name: "tmp", MountPath: "/tmp"})
	}
	if p.Backend != trtLLM || mounted {
		c.Command = []string{"python3", "-m", "dynamo." + p.Backend}
		c.Args = quotedArgs(arguments)
		return nil
	}
	pod.Volumes = append([]volume{{Name: "engine-configs", EmptyDir: &emptyDir{}}}, pod.Volumes...)
	c.VolumeMounts = append([]volumeMount{{Name: "engine-configs", MountPath: engineDir}}, c.VolumeMounts...)
	content, err := p.engineFile(r)
	if err != nil {
		return err
	}
	var s strings.Builder
	s.WriteString("set -euo pipefail\n")
	fmt.Fprintf(&s, "mkdir -p %s\n", engineDir)
	fmt.Fprintf(&s, "cat > %s <<'EOF'\n%sEOF\n", file, content)
	s.WriteString("exec " + command("", "python3 -m dynamo.trtllm", optionLines(arguments)))
	c.Command = []string{"/bin/bash", "-c"}
	c.Args = []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.LiteralStyle, Value: s.String()}}
	return nil
}

// optionLines groups arguments by option, as shell words.
func optionLines(arguments []string) [][]string {
	var lines [][]string
	for _, a := range arguments {
		if strings.HasPrefix(a, "--") || len(lines) == 0 {
			lines = append(lines, nil)
		}
		last := &lines[len(lines)-1]
		*last = append(*last, ShellWord(a))
	}
	return lines
}

// quotedArgs encodes arguments one an item; values stand in quotes.
func quotedArgs(arguments []string) []*yaml.Node {
	nodes := make([]*yaml.Node, len(arguments))
	for i, a := range arguments {
		nodes[i] = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: a}
		if !strings.HasPrefix(a, "--") {
			nodes[i].Style = yaml.DoubleQuotedStyle
		}
	}
	return nodes
}
