// Package options knows which command-line options inference engines have, so
// that tests can prove every argument of a deployment, and an override with a
// typing error is found before a cluster finds it.
//
// The lists below data are facts about released packages, one file per program
// and version: a header with the origin, then one option per line, sorted:
//
//	name form [type] [=name | !name]
//
// The form says how many values follow (see [Form]), the type what a value may
// be: int, size (an int, or one with a suffix such as 8k), float, bool, json,
// string, or {a,b} for a choice. "=name" marks another spelling of an option,
// "!name" the negation of a switch. TensorRT-LLM is set up by a YAML file; its
// lists hold dotted paths of keys. extract.py makes the other lists.
package options

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"servegrid/internal/suggest"
)

//go:embed data/*.txt
var data embed.FS

// Form says how many values follow an option.
type Form string

// The forms of options.
const (
	Switch   Form = "switch"   // none
	Value    Form = "value"    // one
	Optional Form = "optional" // none or one
	Values   Form = "values"   // one or more
	Any      Form = "any"      // none or more
)

// Option is one option of a program, or one key of an engine's YAML file.
type Option struct {
	Name    string // without dashes in front: "tensor-parallel-size", or "kv_cache_config.dtype"
	Form    Form
	Type    string   // of one value; empty for a switch and for a choice
	Choices []string // the only values; nil when there are others
	AliasOf string   // the option this is another spelling of
	Negates string   // the switch this turns off
}

// Set is the options of one or more programs. It is safe for concurrent use.
type Set struct {
	title  string // for messages: "vllm 0.12.0"
	byName map[string]Option
	names  []string // sorted
}

// Of returns the options of a program at a version, and false when there is no
// list of it. Programs are the engines vllm, sglang and trtllm, and Dynamo's
// modules dynamo.vllm, dynamo.sglang, dynamo.trtllm and dynamo.frontend, the
// latter without what they pass on to the engine: see [Set.And].
func Of(program, version string) (*Set, bool) {
	text, err := fs.ReadFile(data, "data/"+program+"-"+version+".txt")
	if err != nil {
		return nil, false
	}
	var list []Option
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			list = append(list, parse(line))
		}
	}
	return newSet(program+" "+version, list), true
}

// And returns the options that either set has, as for dynamo.vllm, which hands
// all options of vLLM to the engine, and dynamo.sglang likewise. (dynamo.trtllm
// takes only its own and reads the engine's from a file.)
func (s *Set) And(other *Set) *Set {
	list := make([]Option, 0, len(s.names)+len(other.names))
	for _, set := range []*Set{s, other} {
		for _, name := range set.names {
			list = append(list, set.byName[name])
		}
	}
	return newSet(s.title+" and "+other.title, list)
}

// Has reports whether there is an option of exactly this name, without dashes
// in front.
func (s *Set) Has(name string) bool {
	_, ok := s.byName[name]
	return ok
}

// Lookup returns the option of exactly this name.
func (s *Set) Lookup(name string) (Option, bool) {
	o, ok := s.byName[name]
	return o, ok
}

// Names returns the names of all options, sorted; the caller may keep it.
func (s *Set) Names() []string { return slices.Clone(s.names) }

// Find returns the option that a person means by a name: dashes in front do not
// count, and - and _ are the same. The error of an unknown name suggests the
// nearest one.
func (s *Set) Find(name string) (Option, error) {
	folded := fold(name)
	for _, known := range s.names {
		if fold(known) == folded {
			return s.byName[known], nil
		}
	}
	// Hundreds of valid names would bury the message.
	if near := suggest.Nearest(folded, s.names, max(3, len(folded)/3)); near != "" {
		return Option{}, fmt.Errorf("%s has no option %q: did you mean %q?", s.title, name, near)
	}
	return Option{}, fmt.Errorf("%s has no option %q, nor one like it", s.title, name)
}

func fold(name string) string {
	return strings.ReplaceAll(strings.TrimLeft(name, "-"), "_", "-")
}

func newSet(title string, list []Option) *Set {
	s := &Set{title: title, byName: make(map[string]Option, len(list))}
	for _, o := range list {
		if s.Has(o.Name) {
			panic("options: " + title + " lists " + o.Name + " twice")
		}
		s.byName[o.Name] = o
		s.names = append(s.names, o.Name)
	}
	slices.Sort(s.names)
	return s
}

// parse reads one line of a list. The lists are part of the program: a line that
// is not of their format is a bug.
func parse(line string) Option {
	fields := strings.Fields(line)
	if len(fields) < 2 {
		panic("options: no form in " + line)
	}
	o := Option{Name: fields[0], Form: Form(fields[1])}
	for _, f := range fields[2:] {
		switch {
		case f[0] == '=':
			o.AliasOf = f[1:]
		case f[0] == '!':
			o.Negates = f[1:]
		case f[0] == '{':
			o.Choices = strings.Split(strings.Trim(f, "{}"), ",")
		default:
			o.Type = f
		}
	}
	return o
}
