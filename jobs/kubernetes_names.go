package jobs

import (
	"errors"
	"strings"

	"servegrid/internal/lazyregexp"
	"servegrid/internal/suggest"
)

// toleration is one of a pod's.
type toleration struct{ Key, Operator, Value, Effect string }

var taintEffects = []string{"NoSchedule", "PreferNoSchedule", "NoExecute"}

// parseToleration reads KEY=VALUE:EFFECT, or KEY:EFFECT for every value.
func parseToleration(text string) (toleration, error) {
	rest, effect, ok := strings.Cut(text, ":")
	key, value, hasValue := strings.Cut(rest, "=")
	if !ok || !labelKey(key) || !labelValue.MatchString(value) || hasValue && value == "" {
		return toleration{}, errors.New("want KEY=VALUE:EFFECT or KEY:EFFECT, as kubectl taint spells it")
	}
	if suggest.Nearest(effect, taintEffects, 0) != effect {
		return toleration{}, unknown("effect", effect, taintEffects)
	}
	if !hasValue {
		return toleration{Key: key, Operator: "Exists", Effect: effect}, nil
	}
	return toleration{key, "Equal", value, effect}, nil
}

var (
	dnsLabel   = lazyregexp.New(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	configKey  = lazyregexp.New(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}$`)
	envName    = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)
	labelValue = lazyregexp.New(`^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$`)
	// What holds secrets says so in its name.
	secretName = lazyregexp.New(`(?i)secret|token|password|credential|(access|account|storage|api|private)_?key|sas_|signature`)
	quantity   = lazyregexp.New(`^[0-9]+(\.[0-9]+)?(m|k|[MGT]i?|Ki)?$`)
	// A registry with a port, a path, and a tag or a digest.
	imageReference = lazyregexp.New(`^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$`)
)

// dnsName reports whether a name is a DNS subdomain.
func dnsName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if !dnsLabel.MatchString(label) {
			return false
		}
	}
	return len(name) <= 253
}

// labelKey reports whether a label can have this name: NAME or DOMAIN/NAME.
func labelKey(key string) bool {
	if domain, name, ok := strings.Cut(key, "/"); ok {
		return dnsName(domain) && name != "" && labelValue.MatchString(name)
	}
	return key != "" && labelValue.MatchString(key)
}

func positiveQuantity(text string) bool {
	return quantity.MatchString(text) && strings.ContainsAny(text, "123456789")
}
