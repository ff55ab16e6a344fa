package deploy

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Plan is a deployment in which every value is final.
type Plan struct {
	Backend string
	Runtime Runtime
	Roles   []Role
	Notes   []string // what a reader of the files should know

	CacheGiB int // size of the claim that holds the model, unless the user set it

	choice   Choice
	settings settings
	name     string // of the DynamoGraphDeployment
}

// Role is the workers of one kind.
type Role struct {
	Name    string // [Agg], [Prefill] or [Decode]
	Workers int    // over all replicas
	GPUs    int    // of one worker
	Nodes   int    // that one worker spans

	worker     *Worker
	values     values
	extra      []option   // engine options that are no parameter
	cliArgs    []string   // of the user, as they are
	engineArgs *yaml.Node // of the user, laid over TensorRT-LLM's file
	set        map[string]bool
}

// Resolve works out a deployment. Its errors are mistakes in the overrides, or a
// layout that the engine cannot run.
func Resolve(c Choice, o *Overrides, runtime RuntimeOptions) (*Plan, error) {
	p := &Plan{Backend: c.Backend, choice: c}
	for _, r := range c.roles() {
		if err := checkExpressible(c.Backend, r.worker); err != nil {
			return nil, err
		}
	}
	var err error
	if p.Runtime, err = newRuntime(c.Backend, c.Version, runtime); err != nil {
		return nil, err
	}
	layers := o.forMode(c.Mode)
	set := map[string]bool{}
	for _, v := range layers {
		if k := findKey(v.path); k != nil {
			set[k.path] = true
			if err := k.decode(&v, &p.settings); err != nil {
				return nil, err
			}
		}
	}
	p.defaults(set)
	if k := &p.settings.k8s; k.pvcCreate && k.pvcStorageClass == "" {
		return nil, errors.New("K8sConfig.k8s_pvc_create=true needs K8sConfig.k8s_pvc_storage_class: the operator makes no claim without")
	}
	for _, rw := range c.roles() {
		r := Role{Name: rw.name, worker: rw.worker, values: p.rules(rw.name, rw.worker), set: map[string]bool{}}
		if err := r.override(p, layers); err != nil {
			return nil, err
		}
		r.GPUs = engineGPUs(p.Backend, r.values)
		r.Nodes = (r.GPUs + p.nodeGPUs(&r) - 1) / p.nodeGPUs(&r)
		p.Roles = append(p.Roles, r)
	}
	p.count(set)
	p.name = p.deploymentName()
	p.benchDefaults(set)
	p.note()
	return p, p.checkOptions()
}

// checkOptions reports values that the engine would refuse, such as a block size
// it does not have. It can for the versions whose options are listed.
func (p *Plan) checkOptions() error {
	if p.Backend == trtLLM || !slices.Contains(listed[p.Backend], p.Runtime.Target) {
		return nil
	}
	set := engineOptions(p.Backend, p.Runtime.target)
	for i := range p.Roles {
		if err := set.Check(args(p.options(&p.Roles[i], ""))); err != nil {
			return fmt.Errorf("%s workers: %w", p.Roles[i].Name, err)
		}
	}
	return nil
}

// forMode returns the overrides that apply to a mode, earliest first.
func (o *Overrides) forMode(mode string) []override {
	var all []override
	if o == nil {
		return nil
	}
	for _, l := range o.layers {
		if l.mode == "" || l.mode == mode {
			all = append(all, l.values...)
		}
	}
	return all
}

// defaults fills what the user left open.
func (p *Plan) defaults(set map[string]bool) {
	s, c := &p.settings, &p.choice
	for i := range keys {
		if k := &keys[i]; k.lit != "" && !set[k.path] {
			v := override{path: k.path}
			v.value = &yaml.Node{}
			if err := yaml.Unmarshal([]byte(k.lit), v.value); err != nil {
				panic(err) // a constant of this package
			}
			v.value = v.value.Content[0]
			if err := k.decode(&v, s); err != nil {
				panic(err)
			}
		}
	}
	roles := c.roles()
	if perNode := roles[0].worker.GPUsPerNode; perNode == roles[len(roles)-1].worker.GPUsPerNode {
		fill(set, "NodeConfig.num_gpus_per_node", &s.node.gpus, perNode)
	}
	fill(set, "SlaConfig.isl", &s.sla.isl, c.ISL)
	fill(set, "SlaConfig.osl", &s.sla.osl, c.OSL)
	fill(set, "SlaConfig.ttft", &s.sla.ttft, c.TTFT)
	fill(set, "SlaConfig.tpot", &s.sla.tpot, c.TPOT)
	fill(set, "ModelConfig.is_moe", &s.model.isMoE, c.IsMoE)
	fill(set, "ModelConfig.nextn", &s.model.nextN, c.NextN)
	fill(set, "ModelConfig.prefix", &s.model.prefix, c.Prefix)
	fill(set, "DynConfig.enable_router", &s.router, s.model.prefix > 0)

	fill(set, "ServiceConfig.model_path", &s.service.modelPath, c.ModelPath)
	if dir := s.k8s.modelPathInPVC; dir != "" {
		fill(set, "ServiceConfig.model_path", &s.service.modelPath, s.k8s.pvcMountPath+"/"+strings.Trim(dir, "/"))
	}
	fill(set, "ServiceConfig.served_model_name", &s.service.servedName, c.ModelPath)
	fill(set, "K8sConfig.k8s_image", &s.k8s.image, p.Runtime.Image)
	p.Runtime.Image = s.k8s.image
	p.CacheGiB = p.cacheGiB()
	fill(set, "K8sConfig.k8s_pvc_size", &s.k8s.pvcSize, fmt.Sprintf("%dGi", p.CacheGiB))
	fill(set, "K8sConfig.k8s_hf_home", &s.k8s.hfHome, s.k8s.pvcMountPath)
	memory := "16Gi"
	if p.Backend == trtLLM {
		memory = "80Gi"
	}
	fill(set, "K8sConfig.shared_memory", &s.k8s.sharedMemory, memory)
	transport := transportNVLink
	if c.Mode == Disagg {
		transport = transportIB
	}
	fill(set, "K8sConfig.transport", &s.k8s.transport, transport)
	resource := "rdma/ib"
	if s.k8s.transport == transportEFA {
		resource = "vpc.amazonaws.com/efa"
	}
	fill(set, "K8sConfig.rdma_resource", &s.k8s.rdmaResource, resource)
}

// fill gives a field its default unless the user set its key.
func fill[T any](set map[string]bool, path string, field *T, v T) {
	if !set[path] {
		*field = v
	}
}

// cacheGiB is the size of the claim that holds the model: the guide's, or what
// larger weights need with a fifth to spare.
func (p *Plan) cacheGiB() int {
	const least = 100 // GiB
	weights := 0.0
	for _, r := range p.choice.roles() {
		weights = max(weights, r.worker.Memory.Weights*float64(r.worker.gpus()))
	}
	return roundUp(max(least, int(math.Ceil(1.2*weights))), least)
}

// override applies the user's engine parameters and options to a role.
func (r *Role) override(p *Plan, layers []override) error {
	var errs []error
	for _, v := range layers {
		role, name, ok := workerKey(v.path)
		if ok && role == r.Name {
			errs = append(errs, r.apply(p, name, &v))
		}
	}
	// vLLM refuses a step smaller than its batch.
	if tokens, ok := r.values["max_num_tokens"].(int); ok && p.Backend == vLLM && !r.set["max_batch_size"] {
		r.values["max_batch_size"] = min(r.values.integer("max_batch_size", tokens), tokens)
	}
	return errors.Join(errs...)
}

func (r *Role) apply(p *Plan, name string, v *override) error {
	switch q := findParam(name); {
	case name == extraCLIArgs:
		list, err := v.texts()
		r.cliArgs = append(r.cliArgs, list...)
		return err
	case name == extraEngineArgs:
		if p.Backend == trtLLM {
			r.engineArgs = merge(r.engineArgs, v.value)
			return nil
		}
		var errs []error
		flatten("", v.value, func(path string, k, value *yaml.Node) {
			errs = append(errs, r.addOption(p, path, &override{v.where, v.path + "." + path, value}))
		})
		return errors.Join(errs...)
	case q != nil && q.spelling(p.Backend) == "":
		return v.errorf("%s has no such parameter", p.Backend)
	case q != nil:
		value, err := q.decode(v)
		r.values[q.name], r.set[q.name] = value, true
		return err
	}
	return r.addOption(p, name, v)
}

// addOption adds an engine option that is no parameter.
func (r *Role) addOption(p *Plan, name string, v *override) error {
	if p.Backend == trtLLM {
		m := mapping{}
		m.set(name, v.value)
		n, err := node(m)
		if err != nil {
			return v.wrap(err)
		}
		r.engineArgs = merge(r.engineArgs, n)
		return nil
	}
	o, err := p.engineOption(name, v)
	if err != nil || o.name == "" {
		return err
	}
	r.extra = slices.DeleteFunc(r.extra, func(have option) bool { return have.name == o.name })
	r.extra = append(r.extra, o)
	return nil
}

// nodeGPUs is the number of GPUs of a node that runs a role. The two sides of a
// pair of systems may differ.
func (p *Plan) nodeGPUs(r *Role) int {
	if n := p.settings.node.gpus; n > 0 {
		return n
	}
	return r.worker.GPUsPerNode
}

// count works out how many workers there are.
func (p *Plan) count(set map[string]bool) {
	perReplica := 0
	for i := range p.Roles {
		perReplica += p.Roles[i].worker.Count * p.Roles[i].GPUs
	}
	replicas := p.choice.TotalGPUs / perReplica
	w := &p.settings.workers
	for i := range p.Roles {
		r := &p.Roles[i]
		r.Workers = replicas * r.worker.Count
		field := map[string]*int{Agg: &w.agg, Prefill: &w.prefill, Decode: &w.decode}[r.Name]
		fill(set, "WorkerConfig."+r.Name+"_workers", field, r.Workers)
		r.Workers = *field
	}
}

// GPUs is the number of GPUs that all workers take.
func (p *Plan) GPUs() int {
	n := 0
	for i := range p.Roles {
		n += p.Roles[i].Workers * p.Roles[i].GPUs
	}
	return n
}

// concurrency is the number of requests that the deployment is predicted to hold:
// all workers, or those of one replica.
func (p *Plan) concurrency(scope string) int {
	r := &p.Roles[len(p.Roles)-1] // agg, or decode
	n := r.Workers
	if scope == scopeReplica {
		n = r.worker.Count
	}
	return max(1, n*r.worker.concurrency())
}

// deploymentName is a name that Kubernetes takes, with room for what the
// platform appends to it.
func (p *Plan) deploymentName() string {
	suffix := "-" + p.choice.Mode
	if p.settings.router {
		suffix += "-router"
	}
	const longest = 63 - len("-trtllmprefillworker")
	name := resourceName(p.settings.k8s.namePrefix)
	name = strings.TrimRight(name[:min(len(name), longest-len("-disagg-router"))], "-")
	if name == "" {
		name = "dynamo"
	}
	return name + suffix
}

// resourceName makes a text a name after RFC 1123: lower-case letters, digits and
// inner dashes.
func resourceName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(s))
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-")
	}
	return strings.Trim(s, "-")
}
