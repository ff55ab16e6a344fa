package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"servegrid/internal/suggest"
)

// Overrides are values of the user, which win over every rule. Those added later
// win over earlier ones; mappings are merged. The zero value has none.
type Overrides struct{ layers []layer }

// layer is one source of overrides.
type layer struct {
	mode   string // the only mode of deployments that it applies to; "" = all
	values []override
}

type override struct {
	where string // for messages
	path  string // key path, or Workers.<role>.<name>
	value *yaml.Node
}

// AddFile adds the mapping of a YAML file: nested keys, dotted ones, or both.
// Every mistake is reported with its line.
func (o *Overrides) AddFile(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("generator config: %w", err)
	}
	return o.addYAML(path, b)
}

func (o *Overrides) addYAML(name string, b []byte) error {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(b))
	err := dec.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		return nil // nothing but comments
	case err != nil:
		return fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return fmt.Errorf("%s:%d: want a mapping of keys such as K8sConfig", name, root.Line)
	}
	var values []override
	var errs []error
	flatten("", root, func(path string, k, v *yaml.Node) {
		w := override{fmt.Sprintf("%s:%d", name, k.Line), path, v}
		values = append(values, w)
		errs = append(errs, w.check())
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return o.add(values)
}

// flatten calls yield for every key of a mapping that ends a path.
func flatten(prefix string, n *yaml.Node, yield func(path string, k, v *yaml.Node)) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		path := prefix + k.Value
		if v.Kind == yaml.MappingNode && !endsPath(path) {
			flatten(path+".", v, yield)
			continue
		}
		yield(path, k, v)
	}
}

// endsPath reports whether a mapping at the path is a value and not a level of
// keys.
func endsPath(path string) bool {
	if findKey(path) != nil {
		return true
	}
	_, name, ok := workerKey(path)
	return ok && (name == extraEngineArgs || findParam(name) != nil)
}

// Add adds KEY=VALUE assignments; values are YAML. origin names them in messages.
func (o *Overrides) Add(origin string, assignments []string) error {
	var values []override
	var errs []error
	for _, a := range assignments {
		path, text, ok := strings.Cut(a, "=")
		if !ok || path == "" {
			errs = append(errs, fmt.Errorf("%s %q: want KEY=VALUE", origin, a))
			continue
		}
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %q is not a YAML value", origin, path, text))
			continue
		}
		value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str"} // nothing behind the equals sign
		if len(doc.Content) > 0 {
			value = doc.Content[0]
		}
		v := override{origin, path, value}
		values = append(values, v)
		errs = append(errs, v.check())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return o.add(values)
}

// add makes a layer of values that were checked.
func (o *Overrides) add(values []override) error {
	var l layer
	for _, v := range values {
		if v.path == modeKey {
			l.mode = v.value.Value
			continue
		}
		l.values = append(l.values, v)
	}
	if len(values) > 0 {
		o.layers = append(o.layers, l)
	}
	return nil
}

// CheckBackend reports overrides of engine options that a backend does not have.
func (o *Overrides) CheckBackend(backend string, runtime RuntimeOptions) error {
	p := &Plan{Backend: backend}
	var err error
	if p.Runtime, err = newRuntime(backend, "", runtime); err != nil {
		return err
	}
	var errs []error
	for _, l := range o.layers {
		for _, role := range []string{Agg, Prefill, Decode} {
			r := Role{Name: role, values: values{}, set: map[string]bool{}}
			errs = append(errs, r.override(p, l.values))
		}
	}
	return errors.Join(errs...)
}

// Names of worker overrides that are no parameter.
const (
	extraCLIArgs    = "extra_cli_args"
	extraEngineArgs = "extra_engine_args"
)

// workerKey splits Workers.<role>.<name>.
func workerKey(path string) (role, name string, ok bool) {
	part := strings.SplitN(path, ".", 3)
	if len(part) != 3 || part[0] != "Workers" || !slices.Contains([]string{Agg, Prefill, Decode}, part[1]) {
		return "", "", false
	}
	return part[1], part[2], true
}

// check reports an override that no deployment could use: an unknown key, or a
// value of the wrong type.
func (v *override) check() error {
	if v.path == modeKey {
		if v.value.Value != Agg && v.value.Value != Disagg {
			return v.errorf("is %q, want %s or %s", v.value.Value, Agg, Disagg)
		}
		return nil
	}
	if k := findKey(v.path); k != nil {
		return k.decode(v, &settings{})
	}
	_, name, ok := workerKey(v.path)
	if !ok {
		return v.wrap(unknownKey(v.path))
	}
	switch p := findParam(name); {
	case name == extraCLIArgs:
		_, err := v.texts()
		return err
	case name == extraEngineArgs:
		if v.value.Kind != yaml.MappingNode {
			return v.errorf("want a mapping")
		}
		return nil
	case p != nil:
		_, err := p.decode(v)
		return err
	}
	if !knownOption(name) {
		return v.wrap(unknownKey(v.path))
	}
	return nil
}

func (v *override) wrap(err error) error { return fmt.Errorf("%s: %w", v.where, err) }

func (v *override) errorf(format string, args ...any) error {
	return v.wrap(fmt.Errorf("%s: %s", v.path, fmt.Sprintf(format, args...)))
}

// given shows a value in a message.
func (v *override) given() string {
	b, err := yaml.Marshal(v.value)
	if err != nil {
		return v.value.Value
	}
	return strings.TrimSpace(string(b))
}

// texts reads a list of texts, or a single one.
func (v *override) texts() ([]string, error) {
	var list []string
	if v.value.Kind == yaml.ScalarNode {
		return strings.Fields(v.value.Value), nil
	}
	if err := v.value.Decode(&list); err != nil {
		return nil, v.errorf("is %s, want a list of arguments", v.given())
	}
	return list, nil
}

// decode reads the value of a key into the settings.
func (k *key) decode(v *override, s *settings) error {
	var err error
	switch dst := k.field(s).(type) {
	case *yaml.Node:
		if v.value.Kind != yaml.MappingNode {
			return v.errorf("is %s, want a mapping", v.given())
		}
		*dst = *merge(dst, v.value)
	case *string:
		if v.value.Kind != yaml.ScalarNode {
			return v.errorf("is %s, want a text", v.given())
		}
		*dst = v.value.Value
		if v.value.ShortTag() == "!!null" {
			*dst = ""
		}
		if k.valid != nil && !slices.Contains(k.valid, *dst) {
			return v.wrap(fmt.Errorf("%s: %w", v.path, suggest.Unknown("value", *dst, k.valid)))
		}
	case *int:
		if err = v.value.Decode(dst); err != nil || *dst < k.least || k.most > 0 && *dst > k.most {
			if k.most > 0 {
				return v.errorf("is %s, want a whole number from %d to %d", v.given(), k.least, k.most)
			}
			return v.errorf("is %s, want a whole number from %d on", v.given(), k.least)
		}
	case *float64:
		if err = v.value.Decode(dst); err != nil || !(*dst >= 0) {
			return v.errorf("is %s, want a number", v.given())
		}
	case *bool:
		if err = v.value.Decode(dst); err != nil {
			return v.errorf("is %s, want true or false", v.given())
		}
	case *envVars:
		if err = v.value.Decode(dst); err != nil {
			return v.errorf("is %s, want variables and their values", v.given())
		}
	default:
		if err = v.value.Decode(dst); err != nil {
			return v.errorf("is %s: %s", v.given(), strings.TrimPrefix(err.Error(), "yaml: "))
		}
	}
	return nil
}

// decode reads the value of a parameter; nil stands for null, which takes the
// parameter away.
func (p *param) decode(v *override) (any, error) {
	if v.value.Kind == yaml.ScalarNode && v.value.ShortTag() == "!!null" {
		return nil, nil
	}
	switch p.kind {
	case integer:
		var n int
		if err := v.value.Decode(&n); err != nil || n < 0 {
			return nil, v.errorf("is %s, want a whole number", v.given())
		}
		return n, nil
	case number:
		var f float64
		if err := v.value.Decode(&f); err != nil || !(f > 0 && f <= 1) {
			return nil, v.errorf("is %s, want a number above 0 and up to 1", v.given())
		}
		return f, nil
	case boolean:
		var b bool
		if err := v.value.Decode(&b); err != nil {
			return nil, v.errorf("is %s, want true or false", v.given())
		}
		return b, nil
	case integers:
		var list []int
		if err := v.value.Decode(&list); err != nil || len(list) == 0 || slices.Min(list) < 1 {
			return nil, v.errorf("is %s, want a list of whole numbers", v.given())
		}
		return list, nil
	}
	if v.value.Kind != yaml.ScalarNode {
		return nil, v.errorf("is %s, want a text", v.given())
	}
	return v.value.Value, nil
}
