package calibrate

import (
	"servegrid/estimator"
	"servegrid/perftables"
)

// kernelsOf tabulates a plan, with expert layers that were measured where any were,
// and with kernels that the engines share.
func kernelsOf(p *estimator.Plan) (*Kernels, error) {
	experts, measured := measuredExperts(p)
	k, err := NewKernels(p, experts)
	if err != nil {
		return nil, err
	}
	k.ExpertsByFormula = p.Model.IsMoE() && !measured
	k.share(p)
	if deepGEMM(p) {
		k.walkAllExperts(p.Model)
	}
	return k, nil
}

// These tables have expert layers in four-bit microscaling, and the kernels that other
// engines take on Blackwell.
const sharedBackend, sharedVersion = "trtllm", "1.2.0rc5"

// measuredExperts finds a plan whose expert layers were measured: the plan itself,
// the same with the experts spread the other way over the same GPUs, or in
// TensorRT-LLM's tables, which alone have four-bit microscaling. nil stands for the
// plan itself.
func measuredExperts(p *estimator.Plan) (experts *estimator.Plan, measured bool) {
	if !p.Model.IsMoE() {
		return nil, false
	}
	tables := []*perftables.Database{p.DB.WithMode(perftables.Silicon)}
	if p.DB.Backend != sharedBackend {
		if other, err := perftables.Embedded().Open(p.DB.System.Name, sharedBackend, sharedVersion); err == nil {
			tables = append(tables, other)
		}
	}
	ways := p.Layout.MoETP * p.Layout.MoEEP
	for t, db := range tables {
		for i, split := range [][2]int{{p.Layout.MoETP, p.Layout.MoEEP}, {ways, 1}, {1, ways}} {
			c := p.Config
			c.DB, c.Layout.MoETP, c.Layout.MoEEP = db, split[0], split[1]
			other, err := estimator.Compile(c)
			if err != nil || !other.HasExperts() {
				continue
			}
			if t == 0 && i == 0 {
				return nil, true
			}
			return other, true
		}
	}
	return nil, false
}
