package options

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"servegrid/internal/lazyregexp"
	"servegrid/internal/suggest"
)

// Check returns an error for the first argument that the programs of the set
// would refuse: an unknown option, a missing value or one too many, a value of
// another type. Options are to be spelled exactly as listed, since not every
// parser accepts underscores and abbreviations.
func (s *Set) Check(args []string) error {
	for len(args) > 0 {
		name, dashes := strings.CutPrefix(args[0], "--")
		if !dashes {
			return fmt.Errorf("%s: %q follows no option that takes it", s.title, args[0])
		}
		name, inline, hasInline := strings.Cut(name, "=")
		option, ok := s.Lookup(name)
		if !ok {
			meant, err := s.Find(name)
			if err == nil {
				err = fmt.Errorf("%s has no option %q: did you mean %q?", s.title, name, meant.Name)
			}
			return err
		}
		args = args[1:]
		values := []string{inline}
		if !hasInline {
			values = args[:option.take(args)]
			args = args[len(values):]
		}
		if err := option.Check(values...); err != nil {
			return err
		}
	}
	return nil
}

// take counts the arguments that belong to the option: those up to the next
// option, as many as the form allows.
func (o Option) take(args []string) int {
	n := slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "--") })
	if n < 0 {
		n = len(args)
	}
	_, most := o.Form.count()
	return min(n, most)
}

// count returns the least and the greatest number of values.
func (f Form) count() (least, most int) {
	switch f {
	case Switch:
		return 0, 0
	case Value:
		return 1, 1
	case Optional:
		return 0, 1
	case Values:
		return 1, math.MaxInt
	case Any:
		return 0, math.MaxInt
	}
	panic("options: unknown form " + string(f))
}

// Check returns an error unless the option takes these values.
func (o Option) Check(values ...string) error {
	switch least, most := o.Form.count(); {
	case len(values) > most && most == 0:
		return fmt.Errorf("option %q is a switch and takes no value, not %q", o.Name, values[0])
	case len(values) > most:
		return fmt.Errorf("option %q takes one value, not %q", o.Name, values)
	case len(values) < least:
		return fmt.Errorf("option %q needs a value", o.Name)
	}
	for _, v := range values {
		if err := o.checkValue(v); err != nil {
			return err
		}
	}
	return nil
}

// A number of bytes or tokens, as vLLM reads it: k, m, g are powers of 1000, K,
// M, G of 1024, and only the former go with decimals.
var size = lazyregexp.New(`^\d+([kKmMgG]|\.\d+[kmg])?$`)

func (o Option) checkValue(v string) error {
	if o.Choices != nil {
		if !slices.Contains(o.Choices, v) {
			return suggest.Unknown("value of option "+o.Name, v, o.Choices)
		}
		return nil
	}
	var ok bool
	switch o.Type {
	case "int":
		_, err := strconv.Atoi(v)
		ok = err == nil
	case "size":
		ok = size.MatchString(v)
	case "float":
		_, err := strconv.ParseFloat(v, 64)
		ok = err == nil
	case "bool":
		ok = v == "true" || v == "false"
	case "json":
		ok = json.Valid([]byte(v))
	case "string":
		ok = v != ""
	default:
		panic("options: unknown type " + o.Type)
	}
	if !ok {
		return fmt.Errorf("option %q takes a value of type %s, not %q", o.Name, o.Type, v)
	}
	return nil
}
