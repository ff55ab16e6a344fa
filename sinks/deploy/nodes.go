package deploy

// instance is one worker on a node.
type instance struct {
	role  *Role
	index int // among all workers of its role
	gpu   int // first GPU on the node
}

// nodes packs the workers onto nodes, each on the first node with room. Prefill
// and decode workers take turns in the ratio of their numbers, so that every node
// gets its share of both; on a node prefill workers have the lower GPUs. nil when a
// worker is larger than a node, or the two sides run on different systems.
func (p *Plan) nodes() [][]instance {
	capacity := p.nodeGPUs(&p.Roles[0])
	for i := range p.Roles {
		if r := &p.Roles[i]; r.Nodes > 1 || p.nodeGPUs(r) != capacity || r.worker.System != p.Roles[0].worker.System {
			return nil
		}
	}
	var used []int
	placed := map[*Role][]int{} // node of each worker
	place := func(r *Role) {
		at := 0
		for at < len(used) && used[at]+r.GPUs > capacity {
			at++
		}
		if at == len(used) {
			used = append(used, 0)
		}
		used[at] += r.GPUs
		placed[r] = append(placed[r], at)
	}
	turns := p.Roles[0].Workers
	for _, r := range p.Roles[1:] {
		turns = gcd(turns, r.Workers)
	}
	for range turns {
		for i := range p.Roles {
			r := &p.Roles[i]
			for range r.Workers / turns {
				place(r)
			}
		}
	}
	nodes := make([][]instance, len(used))
	free := make([]int, len(used))
	for i := range p.Roles {
		r := &p.Roles[i]
		for index, at := range placed[r] {
			nodes[at] = append(nodes[at], instance{r, index, free[at]})
			free[at] += r.GPUs
		}
	}
	return nodes
}

// gcd is the greatest common divisor; that of 0 and n is n.
func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
