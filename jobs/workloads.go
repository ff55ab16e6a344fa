package jobs

import "go.yaml.in/yaml/v3"

// workloads reads the list of that name, or multiplies the axes isl, osl and
// prefix.
func (p *parser) workloads(fs map[string]field, rootLine int) []Workload {
	list, hasList := fs["workloads"]
	hasAxis := false
	for _, key := range []string{"isl", "osl", "prefix"} {
		if f, ok := fs[key]; ok {
			hasAxis = true
			if hasList {
				p.add(f.line, "%s: workloads are already listed on line %d: give the list or the axes isl, osl and prefix", key, list.line)
			}
		}
	}
	switch {
	case !hasList && !hasAxis:
		p.add(rootLine, `no workload: give the list "workloads" or the axes "isl" and "osl"`)
		return nil
	case hasList:
		if hasAxis { // still look for mistakes in the axes
			p.optionalAxes(fs)
		}
		return p.workloadList(list)
	}
	return p.product(fs, rootLine)
}

// workloadList reads mappings of isl, osl and, if it is not 0, prefix.
func (p *parser) workloadList(f field) []Workload {
	items := p.items("workloads", f.value)
	if len(items) > maxWorkloads {
		p.add(f.line, "workloads: %d entries: at most %d", len(items), maxWorkloads)
		return nil
	}
	out := make([]Workload, 0, len(items))
	for _, n := range items {
		if n.Kind != yaml.MappingNode {
			p.add(n.Line, "workloads: an entry is {isl: …, osl: …, prefix: …}, not %s", kindOf(n))
			continue
		}
		out = append(out, p.workload(n))
	}
	return unique(out)
}

func (p *parser) workload(n *yaml.Node) Workload {
	fs := p.fields(n, "workload", []string{"isl", "osl", "prefix"})
	read := func(a *axis, needed bool) (int, bool) {
		f, ok := fs[a.key]
		switch {
		case ok:
			v, ok := p.number(a, a.key, f.value)
			return int(v), ok
		case needed:
			p.add(n.Line, "workload: %s is missing", a.key)
		}
		return 0, !needed
	}
	isl, okISL := read(islAxis, true)
	osl, _ := read(oslAxis, true)
	prefix, okPrefix := read(prefixAxis, false)
	if okISL && okPrefix && prefix >= isl {
		p.add(fs["prefix"].value.Line, "workload: prefix %d is not below isl %d: at least one token must be computed", prefix, isl)
	}
	return Workload{isl, osl, prefix}
}

// optionalAxes reads the axes that are there, in the order isl, osl, prefix.
func (p *parser) optionalAxes(fs map[string]field) [3][]value {
	var out [3][]value
	for i, a := range []*axis{islAxis, oslAxis, prefixAxis} {
		if f, ok := fs[a.key]; ok {
			out[i] = p.axis(a, f)
		}
	}
	return out
}

// product multiplies the axes, isl outermost.
func (p *parser) product(fs map[string]field, rootLine int) []Workload {
	for _, key := range []string{"isl", "osl"} {
		if _, ok := fs[key]; !ok {
			p.add(rootLine, "key %q is missing: the axes isl and osl go together", key)
		}
	}
	axes := p.optionalAxes(fs)
	if _, ok := fs["prefix"]; !ok {
		axes[2] = []value{{v: 0}}
	}
	p.checkPrefixes(axes[0], axes[2])
	n := 1
	for i := range axes {
		axes[i] = uniqueValues(axes[i])
		n *= len(axes[i]) // at most 1e15
	}
	if n > maxWorkloads {
		p.add(fs["isl"].line, "isl, osl and prefix make %d workloads: at most %d", n, maxWorkloads)
		return nil
	}
	out := make([]Workload, 0, n)
	for _, isl := range axes[0] {
		for _, osl := range axes[1] {
			for _, prefix := range axes[2] {
				out = append(out, Workload{int(isl.v), int(osl.v), int(prefix.v)})
			}
		}
	}
	return out
}

// checkPrefixes reports the first prefix of each line that is too long for the
// shortest isl.
func (p *parser) checkPrefixes(isl, prefix []value) {
	if len(isl) == 0 {
		return
	}
	least := isl[0].v
	for _, v := range isl {
		least = min(least, v.v)
	}
	line := 0
	for _, v := range prefix {
		if v.v >= least && v.line != line {
			line = v.line
			p.add(line, "prefix: %.0f is not below isl %.0f: at least one token must be computed", v.v, least)
		}
	}
}

// uniqueValues drops later duplicates, whatever line they are on.
func uniqueValues(in []value) []value {
	seen := make(map[float64]bool, len(in))
	var out []value
	for _, v := range in {
		if !seen[v.v] {
			seen[v.v] = true
			out = append(out, v)
		}
	}
	return out
}
