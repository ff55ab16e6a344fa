package deploy

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"servegrid/sinks/deploy/options"
)

// listed are the engine versions whose options are listed, newest first.
var listed = map[string][]string{
	vLLM:   {"0.12.0"},
	sgLang: {"0.5.6.post2", "0.5.5.post3"},
	trtLLM: {"1.2.0rc5", "1.0.0rc4", "1.0.0rc3"},
}

// engineOptions returns the options that the workers of a backend take, Dynamo's
// own included: those of the newest listed version that is not newer than the engine,
// else of the oldest. TensorRT-LLM's are the keys of its file.
func engineOptions(backend string, target engineVersion) *options.Set {
	versions := listed[backend]
	version := versions[len(versions)-1]
	for _, v := range versions {
		if mustVersion(v).compare(target) <= 0 {
			version = v
			break
		}
	}
	set := mustList(backend, version)
	if backend != trtLLM {
		set = set.And(mustList("dynamo."+backend, defaultRelease))
	}
	return set
}

// mustList is for the lists that this package counts on.
func mustList(program, version string) *options.Set {
	set, ok := options.Of(program, version)
	if !ok {
		panic("deploy: no list of the options of " + program + " " + version)
	}
	return set
}

// knownOption reports whether any engine has an option of that name.
func knownOption(name string) bool {
	for backend, versions := range listed {
		if _, err := engineOptions(backend, mustVersion(versions[0])).Find(name); err == nil {
			return true
		}
	}
	return false
}

// engineOption reads an override of an option that is no parameter. The result
// has no name when the option is a switch that stays off.
func (p *Plan) engineOption(name string, v *override) (option, error) {
	known, err := engineOptions(p.Backend, p.Runtime.target).Find(name)
	if err != nil {
		return option{}, v.wrap(err)
	}
	o := option{name: known.Name}
	var on bool
	if known.Form == options.Switch {
		switch err := v.value.Decode(&on); {
		case err != nil:
			return option{}, v.errorf("is %s, want true or false", v.given())
		case !on && !p.negation(&o):
			return option{}, nil
		}
		return o, nil
	}
	list := []string{v.value.Value}
	switch {
	case v.value.Kind == yaml.SequenceNode && v.value.Decode(&list) == nil:
	case v.value.Kind == yaml.ScalarNode:
	default: // engines take nested values as JSON
		var nested any
		if err := v.value.Decode(&nested); err != nil {
			return option{}, v.errorf("is %s, want a value", v.given())
		}
		list[0] = compactJSON(nested)
	}
	if err := known.Check(list...); err != nil {
		return option{}, v.wrap(err)
	}
	o.value = list[0]
	if len(list) > 1 {
		o.value = list
	} else if n, err := strconv.Atoi(list[0]); err == nil {
		o.value = n
	} else if f, err := strconv.ParseFloat(list[0], 64); err == nil && known.Type == "float" {
		o.value = f
	}
	return o, nil
}

// negation turns a switch into the one that turns it off, where there is one.
func (p *Plan) negation(o *option) bool {
	set := engineOptions(p.Backend, p.Runtime.target)
	names := set.Names()
	i := slices.IndexFunc(names, func(n string) bool { known, _ := set.Lookup(n); return known.Negates == o.name })
	if i < 0 {
		return false
	}
	o.name = names[i]
	return true
}
