package jobs

import (
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// field is one key of a mapping with its value, aliases followed.
type field struct {
	line  int // of the key
	value *yaml.Node
}

// fields returns the keys of a mapping and reports unknown and repeated ones.
// What names the mapping in messages.
func (p *parser) fields(n *yaml.Node, what string, valid []string) map[string]field {
	fs := make(map[string]field)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := deref(n.Content[i]), deref(n.Content[i+1])
		line := n.Content[i].Line
		switch {
		case k.Kind != yaml.ScalarNode:
			p.add(line, "%s: a key must be a name, not %s", what, kindOf(k))
		case k.Value == "<<":
			p.add(line, "%s: merge keys (<<) are not supported: write the keys out", what)
		case !slices.Contains(valid, k.Value):
			p.add(line, "%s: %v", what, unknown("key", k.Value, valid))
		case fs[k.Value].value != nil:
			p.add(line, "%s: key %q is already given on line %d", what, k.Value, fs[k.Value].line)
		default:
			fs[k.Value] = field{line, v}
		}
	}
	return fs
}

// items returns the [elements] of a list. An empty list and a missing value are reported.
//
// An element that is there twice through an alias is returned once. No list of
// the sweep file cares, and a small file of aliases to one long element would
// otherwise take quadratic time.
func (p *parser) items(key string, n *yaml.Node) []*yaml.Node {
	if isEmpty(n) {
		p.add(n.Line, "%s: has no value: give at least one", key)
		return nil
	}
	return unique(elements(n))
}

// elements returns the elements of a list, aliases followed; anything else is a
// list of itself.
func elements(n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		return []*yaml.Node{n}
	}
	out := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out[i] = deref(c)
	}
	return out
}

// text reads a name. Unquoted numbers and dates are taken as they are spelled,
// because version names look like them.
func (p *parser) text(key string, n *yaml.Node) (string, bool) {
	if n.Kind == yaml.ScalarNode {
		switch n.ShortTag() {
		case "!!str", "!!int", "!!float", "!!timestamp":
			if n.Value == "" || n.Value != strings.TrimSpace(n.Value) || strings.ContainsFunc(n.Value, notPrintable) {
				p.add(n.Line, "%s: %s is empty, begins or ends with a space, or holds characters that cannot be shown", key, quote(n.Value))
				return "", false
			}
			return n.Value, true
		}
	}
	p.add(n.Line, "%s: wants a name, not %s", key, kindOf(n))
	return "", false
}

func notPrintable(r rune) bool { return !unicode.IsPrint(r) }

// deref follows an alias. An anchor may hold an alias to itself; nobody here
// descends further than the fixed shape of the file, so that cannot loop.
func deref(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// isEmpty reports a null, an empty list or mapping, or nothing after the colon.
func isEmpty(n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode {
		return n.ShortTag() == "!!null"
	}
	return len(n.Content) == 0
}

// kindOf words what stands in the file where something else was wanted.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return "an empty value"
	case "!!bool":
		return "the boolean " + clip(n.Value)
	case "!!str":
		return "the text " + quote(n.Value)
	case "!!int", "!!float":
		return "the number " + clip(n.Value)
	default:
		return "a value tagged " + clip(tag)
	}
}
