package deploy

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mapping is a YAML mapping that keeps the order of its keys.
type mapping []entry

type entry struct {
	key   string
	value any
}

// add appends a key.
func (m *mapping) add(key string, value any) { *m = append(*m, entry{key, value}) }

// set puts a value below nested mappings, which it makes where they are missing.
func (m *mapping) set(path string, value any) {
	head, rest, nested := strings.Cut(path, ".")
	if !nested {
		m.add(head, value)
		return
	}
	for i := range *m {
		if (*m)[i].key == head {
			inner := (*m)[i].value.(*mapping)
			inner.set(rest, value)
			return
		}
	}
	inner := &mapping{}
	inner.set(rest, value)
	m.add(head, inner)
}

// MarshalYAML implements [yaml.Marshaler].
func (m mapping) MarshalYAML() (any, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, e := range m {
		v, err := node(e.value)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: e.key}, v)
	}
	return n, nil
}

// node encodes a value.
func node(v any) (*yaml.Node, error) {
	n := &yaml.Node{}
	if err := n.Encode(v); err != nil {
		return nil, err
	}
	return n, nil
}

// flow encodes a list on one line.
func flow[T any](list []T) (*yaml.Node, error) {
	n, err := node(list)
	if err == nil {
		n.Style = yaml.FlowStyle
	}
	return n, err
}

// encode renders documents, each behind its comment, if any.
func encode(comment string, documents ...any) ([]byte, error) {
	var b bytes.Buffer
	for _, line := range strings.Split(comment, "\n") {
		if line != "" {
			fmt.Fprintf(&b, "# %s\n", line)
		}
	}
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	for _, d := range documents {
		if err := e.Encode(d); err != nil {
			return nil, err
		}
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// merge lays one YAML tree over another: mappings key by key, everything else
// replaced. Neither is changed; nil is an empty tree.
func merge(base, over *yaml.Node) *yaml.Node {
	if over == nil {
		return base
	}
	if base == nil || base.Kind != yaml.MappingNode || over.Kind != yaml.MappingNode {
		return over
	}
	out := *base
	out.Content = append([]*yaml.Node(nil), base.Content...)
next:
	for i := 0; i+1 < len(over.Content); i += 2 {
		for j := 0; j+1 < len(out.Content); j += 2 {
			if out.Content[j].Value == over.Content[i].Value {
				out.Content[j+1] = merge(out.Content[j+1], over.Content[i+1])
				continue next
			}
		}
		out.Content = append(out.Content, over.Content[i], over.Content[i+1])
	}
	return &out
}
