package jobs

import "slices"

// versions reads version names. An explicit one must be installed for at least
// one of the chosen systems and backends; the check waits until those are free
// of mistakes.
func (p *parser) versions(f field, systems, backends []string) []string {
	if f.value == nil {
		return []string{LatestVersion}
	}
	installed, check := p.installed(systems, backends)
	var out []string
	for _, n := range p.items("versions", f.value) {
		v, ok := p.text("versions", n)
		if !ok {
			continue
		}
		out = append(out, v)
		if check && v != AllVersions && v != LatestVersion && !slices.Contains(installed, v) {
			p.add(n.Line, "%v of the chosen systems and backends (or all, latest)", unknown("version", v, installed))
		}
	}
	out = unique(out)
	for _, word := range []string{AllVersions, LatestVersion} {
		if len(out) > 1 && slices.Contains(out, word) {
			p.add(f.line, "versions: %q stands alone: give it, or version names, not both", word)
		}
	}
	return out
}

// installed lists every version of the chosen systems and backends once, in
// their order. It is not ok when there is nothing to check against.
func (p *parser) installed(systems, backends []string) (versions []string, ok bool) {
	if p.known.Versions == nil || len(systems) == 0 || len(backends) == 0 {
		return nil, false
	}
	for _, s := range systems {
		for _, b := range backends {
			versions = append(versions, p.known.Versions(s, b)...)
		}
	}
	return unique(versions), true
}
