package jobs

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// experiments reads the experiments of a file in their order.
func (p *parser) experiments(root *yaml.Node) []Experiment {
	if root == nil {
		return nil
	}
	var names []string
	for i := 0; i+1 < len(root.Content); i += 2 {
		if k := deref(root.Content[i]); k.Kind == yaml.ScalarNode {
			names = append(names, k.Value)
		}
	}
	// Every name is valid here; this reports repeated and odd keys.
	fs := p.fields(root, "experiment file", names)
	names = slices.DeleteFunc(unique(names), func(name string) bool { return name == "exps" || fs[name].value == nil })
	if f, ok := fs["exps"]; ok {
		names = p.selected(f, names)
	} else if len(names) == 0 {
		p.add(root.Line, "the file has no experiment")
	}
	var list []Experiment
	for _, name := range names {
		f := fs[name]
		switch {
		case !validName.MatchString(name):
			p.add(f.line, "experiment %s: the name becomes part of paths: use at most 63 letters, digits, '.', '-' and '_', the first a letter or digit", quote(name))
		case f.value.Kind != yaml.MappingNode:
			p.add(f.value.Line, "experiment %s: wants a mapping of keys such as serving_mode, not %s", name, kindOf(f.value))
		default:
			list = append(list, p.experiment(name, f.value))
		}
	}
	return list
}

// selected reads the list of experiments that are to run.
func (p *parser) selected(f field, have []string) []string {
	var names []string
	for _, n := range p.items("exps", f.value) {
		name, ok := p.text("exps", n)
		switch {
		case !ok:
		case !slices.Contains(have, name):
			p.add(n.Line, "exps: %v", unknown("experiment", name, have))
		case slices.Contains(names, name):
			p.add(n.Line, "exps: %s is already listed", name)
		default:
			names = append(names, name)
		}
	}
	return names
}

// block is one experiment, or a mapping inside of one, as it is read.
type block struct {
	*parser
	what    string // names the mapping in messages
	line    int
	given   map[string]field // without those that have no value
	replace bool             // nothing has a default
}

// block reads the keys of a mapping. A key without a value counts as absent.
func (p *parser) block(what string, n *yaml.Node, valid []string) *block {
	b := &block{parser: p, what: what, line: n.Line, given: p.fields(n, what, valid)}
	for key, f := range b.given {
		if f.value.Kind == yaml.ScalarNode && isEmpty(f.value) {
			delete(b.given, key)
		}
	}
	return b
}

// inner reads the mapping under a key; it is empty where the key is absent.
func (b *block) inner(key string, valid []string) *block {
	in := &block{parser: b.parser, what: b.what + ": " + key, line: b.line}
	if f, ok := b.given[key]; ok {
		if f.value.Kind == yaml.MappingNode {
			in = b.block(in.what, f.value, valid)
		} else {
			b.add(f.value.Line, "%s: wants a mapping, not %s", in.what, kindOf(f.value))
		}
	}
	in.replace = b.replace
	return in
}
