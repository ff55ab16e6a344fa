package calibrate

import (
	"servegrid/estimator"
	"servegrid/perftables"
)

// lender names the system whose collectives stand for those of a rack that NVLink
// connects as a whole: the same GPU and links, eight to a node. The rack's own
// figures do not describe its links: gathering tokens over 4 ranks takes DeepSeek-V3
// 28 ms a decode step in GB200's tables and 2.5 in B200's, over 32 ranks 59.
var lender = map[string]string{"gb200_sxm": "b200_sxm"}

// spanKernels tabulates a plan. On a rack that NVLink connects, collectives that
// span nodes or gather tokens are those of the lender's node with the same payload:
// ranks that share tokens bring as many times more of them as there are more ranks;
// ranks that share a tensor do not.
func spanKernels(p *estimator.Plan) (*Kernels, error) {
	k, err := kernelsOf(p)
	if err != nil {
		return nil, err
	}
	if s := p.DB.System; lender[s.Name] == "" || p.Layout.DP == 1 && p.Layout.TP <= s.GPUsPerNode {
		return k, nil
	}
	one, payload, err := onOneNode(p)
	if err != nil {
		return k, nil // the lender has no such layout: the tables' own figures stay
	}
	for _, o := range []struct{ dst, src []estimator.Parts }{
		{k.context, tabulateParts(one.ContextParts())}, {k.generation, tabulateParts(one.GenerationParts())},
	} {
		for i := range o.dst {
			o.dst[i][estimator.Communication] = partsAt(o.src, knot(i)*payload)[estimator.Communication]
		}
	}
	return k, nil
}

// onOneNode compiles a plan for the lender, its ranks cut to those of a node; payload
// is how many times more tokens each then brings.
func onOneNode(p *estimator.Plan) (one *estimator.Plan, payload float64, err error) {
	tables, system := perftables.Embedded(), lender[p.DB.System.Name]
	backend := p.DB.Backend
	db, err := tables.Open(system, backend, tables.Latest(system, backend))
	if err != nil {
		return nil, 0, err
	}
	c := p.Config
	c.DB = db.WithMode(perftables.Hybrid)
	l, payload := &c.Layout, 1.0
	for ; l.TP*l.DP > db.System.GPUsPerNode; payload *= 2 {
		if l.DP%2 == 0 {
			l.DP /= 2
		} else {
			l.TP /= 2
			payload /= 2
		}
		if l.MoEEP%2 == 0 {
			l.MoEEP /= 2
		} else {
			l.MoETP /= 2
		}
	}
	one, err = estimator.Compile(c)
	return one, payload, err
}
