package jobs

import (
	"bytes"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// YAML returns the spec as a sweep file with every key written out. With the
// same [Known] it parses back to an equal Spec.
func (s *Spec) YAML() []byte {
	root := &yaml.Node{Kind: yaml.MappingNode}
	put := func(key string, value *yaml.Node) { root.Content = append(root.Content, textNode(key), value) }
	put("name", textNode(s.Name))
	put("models", blockList(s.Models, textNode))
	put("systems", flowList(s.Systems, textNode))
	put("backends", flowList(s.Backends, textNode))
	put("versions", flowList(s.Versions, textNode))
	put("gpus", flowList(s.GPUs, intNode))
	put("workloads", blockList(s.Workloads, workloadNode))
	put("ttft", flowList(s.TTFT, floatNode))
	put("tpot", flowList(s.TPOT, floatNode))
	put("serving_modes", flowList(s.ServingModes, textNode))
	put("estimator", textNode(s.Estimator))
	put("search", textNode(s.Search))
	put("database_mode", textNode(s.DatabaseMode))
	put("keep", textNode(s.Keep))
	put("warehouse", textNode(s.Warehouse))

	return encode(root)
}

// encode writes what this package made.
func encode(root *yaml.Node) []byte {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		panic(fmt.Sprintf("jobs: a file of its own making cannot be written as YAML: %v", err))
	}
	if err := enc.Close(); err != nil {
		panic(fmt.Sprintf("jobs: a file of its own making cannot be written as YAML: %v", err))
	}
	return b.Bytes()
}

func textNode(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

func intNode(v int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Value: strconv.Itoa(v)}
}

func boolNode(v bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Value: strconv.FormatBool(v)}
}

// floatNode spells v with the fewest digits that read back to it, without an
// exponent where people would not write one.
func floatNode(v float64) *yaml.Node {
	format := byte('g')
	if v >= 1e-4 && v < 1e15 {
		format = 'f'
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: strconv.FormatFloat(v, format, -1, 64)}
}

func workloadNode(w Workload) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: []*yaml.Node{
		textNode("isl"), intNode(w.ISL),
		textNode("osl"), intNode(w.OSL),
		textNode("prefix"), intNode(w.Prefix),
	}}
}

func blockList[T any](in []T, node func(T) *yaml.Node) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for _, v := range in {
		n.Content = append(n.Content, node(v))
	}
	return n
}

func flowList[T any](in []T, node func(T) *yaml.Node) *yaml.Node {
	n := blockList(in, node)
	n.Style = yaml.FlowStyle
	return n
}
