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
