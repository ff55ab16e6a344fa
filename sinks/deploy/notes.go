package deploy

import "fmt"

// note collects what a reader of the files should know.
func (p *Plan) note() {
	add := func(format string, args ...any) { p.Notes = append(p.Notes, fmt.Sprintf(format, args...)) }
	if p.Runtime.Note != "" {
		add("%s", p.Runtime.Note)
	}
	for i := range p.Roles {
		r := &p.Roles[i]
		if r.GPUs != r.worker.gpus() {
			add("%s workers take %d GPUs by your overrides; the prediction is for %d", r.Name, r.GPUs, r.worker.gpus())
		}
		if r.Nodes > 1 {
			add("each %s worker spans %d nodes: launch scripts for bare machines are left out", r.Name, r.Nodes)
		}
		if need, have := r.worker.Memory.needed(), p.memory(r); need > have {
			add("%s workers are given %.1f GiB of each GPU and the prediction counts on %.1f: lower the batch, or raise tensor parallelism", r.Name, have, need)
		}
		if p.Backend == sgLang && r.worker.PP > 1 && p.settings.model.nextN > 0 {
			add("SGLang has no multi-token prediction over pipeline stages: it is left out of the %s workers, and the prediction has it", r.Name)
		}
		if r.worker.KVCache == "int8" && p.Backend != trtLLM {
			add("%s has no int8 KV cache; its own default is used", p.Backend)
		}
	}
	if used := p.GPUs(); used > p.choice.TotalGPUs {
		add("the workers take %d GPUs, more than the %d of the budget", used, p.choice.TotalGPUs)
	}
	if m := p.choice.MaxPositions; m > 0 && p.settings.sla.isl+p.settings.sla.osl > m {
		add("the model takes sequences of %d tokens; ISL and OSL together are %d", m, p.settings.sla.isl+p.settings.sla.osl)
	}
	if p.choice.Mode == Disagg && p.settings.k8s.transport == transportNVLink {
		add("transport nvlink: all workers must be on one node, or the KV cache travels over TCP and the first token takes tens of seconds")
	}
}

// memory is what the engine of a role takes of each GPU, GiB.
func (p *Plan) memory(r *Role) float64 {
	fraction, ok := r.values["kv_cache_free_gpu_memory_fraction"].(float64)
	if !ok {
		fraction = defaultFraction[p.Backend]
	}
	return fraction * r.worker.Memory.Capacity
}
