package jobs

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"servegrid/internal/lazyregexp"
)

var (
	validName   = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	notNameChar = lazyregexp.New(`[^A-Za-z0-9._-]+`)
)

// name reads the run's label or makes one from the file's name.
func (p *parser) name(f field) string {
	if f.value == nil {
		base := filepath.Base(p.file)
		base = strings.TrimSuffix(base, filepath.Ext(base))
		base = strings.TrimLeft(notNameChar.ReplaceAllString(base, "-"), "._-")
		if base = base[:min(len(base), 63)]; base == "" {
			return "sweep"
		}
		return base
	}
	v, ok := p.text("name", f.value)
	if ok && !validName.MatchString(v) {
		p.add(f.value.Line, "name: %s becomes part of paths: use at most 63 letters, digits, '.', '-' and '_', the first a letter or digit", quote(v))
	}
	return v
}

func (p *parser) warehouse(f field) string {
	if f.value == nil {
		return DefaultWarehouse
	}
	v, _ := p.text("warehouse", f.value)
	return v
}

// systemAliases are spellings that the command line accepts too.
var systemAliases = map[string]string{"gb200": "gb200_sxm"}

// names reads a list of names of which all valid ones are known.
func (p *parser) names(key string, f field, rootLine int, valid []string) []string {
	what := strings.TrimSuffix(key, "s")
	return p.resolved(key, f, rootLine, valid, func(name string) (string, error) {
		if slices.Contains(valid, name) {
			return name, nil
		}
		if full := systemAliases[name]; key == "systems" && slices.Contains(valid, full) {
			return full, nil
		}
		return "", unknown(what, name, valid)
	})
}

func (p *parser) models(f field, rootLine int) []string {
	resolve := p.known.ResolveModel
	if resolve == nil {
		resolve = func(name string) (string, error) {
			if slices.Contains(p.known.Models, name) {
				return name, nil
			}
			return "", unknown("model", name, p.known.Models)
		}
	}
	return p.resolved("models", f, rootLine, p.known.Models, func(name string) (string, error) {
		full, err := resolve(name)
		if err != nil {
			return "", fmt.Errorf("models: %w", err)
		}
		return full, nil
	})
}

// resolved reads a required list of names, expands "all" and drops duplicates.
func (p *parser) resolved(key string, f field, rootLine int, all []string, resolve func(string) (string, error)) []string {
	if f.value == nil {
		p.add(rootLine, "key %q is missing: give names, or all", key)
		return nil
	}
	var out []string
	for _, n := range p.items(key, f.value) {
		name, ok := p.text(key, n)
		switch {
		case !ok:
		case name == "all" && len(all) == 0:
			p.add(n.Line, "%s: all stands for none: no %s are known", key, key)
		case name == "all":
			out = append(out, all...)
		default:
			full, err := resolve(name)
			if err != nil {
				p.add(n.Line, "%v", err)
				continue
			}
			out = append(out, full)
		}
	}
	return unique(out)
}

// servingModes reads the subset of agg and disagg, in this order whatever the
// file's, so that shard keys do not depend on it.
func (p *parser) servingModes(f field) []string {
	valid := []string{ModeAgg, ModeDisagg}
	if f.value == nil {
		return valid
	}
	var asked []string
	for _, n := range p.items("serving_modes", f.value) {
		v, ok := p.text("serving_modes", n)
		if ok && !slices.Contains(valid, v) {
			p.add(n.Line, "%v", unknown("serving mode", v, valid))
		}
		asked = append(asked, v)
	}
	return slices.DeleteFunc(valid, func(v string) bool { return !slices.Contains(asked, v) })
}

// unique drops later duplicates and keeps the order. It returns new memory.
func unique[T comparable](in []T) []T {
	seen := make(map[T]bool, len(in))
	var out []T
	for _, v := range in {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}
