package jobs

import (
	"math"
	"slices"
)

// DefaultBackend is the backend of an experiment that names none.
const DefaultBackend = "trtllm"

// Largest sizes of experiments, far above any real one.
const (
	longest    = 1 << 24 // tokens: beyond what any table covers
	mostValues = 256     // in one list
)

var (
	gpuBudget          = positive("total_gpus").upTo(1 << 20)
	waysAxis           = positive("").upTo(1 << 14)
	mostWorkersAxis    = positive("").upTo(1 << 10)
	batchAxis          = positive("").upTo(1 << 16)
	mostGPUsAxis       = wholeAxis("max_gpu_per_replica", "a whole number of at least 0", 0).upTo(1 << 20)
	draftsAxis         = wholeAxis("nextn", "a whole number of at least 0", 0).upTo(16)
	requestLatencyAxis = latencyAxis("request_latency")
	scaleAxis          = &axis{want: "a positive number", min: math.SmallestNonzeroFloat64, max: 100, full: "more than any correction"}
	rateAxis           = &axis{want: "a rate from 0 to 1", max: 1, full: "which is always"}
)

func positive(key string) *axis { return wholeAxis(key, "a positive whole number", 1) }

// upTo is the axis with another largest value.
func (a *axis) upTo(most int) *axis {
	out := *a
	out.max, out.full = float64(most), "the largest that is tried"
	return &out
}

// require reports keys that are missing.
func (b *block) require(keys ...string) {
	for _, key := range keys {
		_, ok := b.given[key]
		if _, alias := b.given["model_name"]; !ok && (key != "model_path" || !alias) {
			b.add(b.line, "%s: %s is missing", b.what, key)
		}
	}
}

// needs reports keys that are missing where there are no defaults.
func (b *block) needs(keys []string) {
	if !b.replace {
		return
	}
	for _, key := range keys {
		if _, ok := b.given[key]; !ok {
			b.add(b.line, "%s: %s is missing: mode replace takes no defaults", b.what, key)
		}
	}
}

// The readers below leave dst as it is where the key is absent.

func (b *block) readInt(key string, dst *int, a *axis) {
	v := float64(*dst)
	b.readFloat(key, &v, a)
	*dst = int(v)
}

func (b *block) readFloat(key string, dst *float64, a *axis) {
	if f, ok := b.given[key]; ok {
		if v, ok := b.number(a, key, f.value); ok {
			*dst = v
		}
	}
}

func (b *block) readInts(key string, dst *[]int, a *axis) {
	f, ok := b.given[key]
	if !ok {
		return
	}
	items := b.items(key, f.value)
	if len(items) > mostValues {
		b.add(f.line, "%s: %d values: at most %d", key, len(items), mostValues)
		return
	}
	var list []int
	for _, n := range items {
		if v, ok := b.number(a, key, n); ok && !slices.Contains(list, int(v)) {
			list = append(list, int(v))
		}
	}
	*dst = list
}

func (b *block) readBool(key string, dst *bool) {
	f, ok := b.given[key]
	if !ok {
		return
	}
	if f.value.Decode(dst) != nil || f.value.ShortTag() != "!!bool" {
		b.add(f.value.Line, "%s: wants true or false, not %s", key, kindOf(f.value))
	}
}

// readName reads a name that [Known.Check] knows.
func (b *block) readName(key string, dst *string) {
	if f, ok := b.given[key]; ok {
		var list []string
		b.checked(key, f, &list)
		switch {
		case len(list) == 1:
			*dst = list[0]
		case len(list) > 1:
			b.add(f.value.Line, "%s: wants one name, not %d", key, len(list))
		}
	}
}

// readNames reads a list of names; an empty one is a list too.
func (b *block) readNames(key string, dst *[]string) {
	if f, ok := b.given[key]; ok && !isEmpty(f.value) {
		b.checked(key, f, dst)
	}
}

func (b *block) checked(key string, f field, dst *[]string) {
	for _, n := range b.items(key, f.value) {
		v, ok := b.text(key, n)
		if !ok {
			continue
		}
		if b.known.Check != nil {
			if err := b.known.Check(key, v); err != nil {
				b.add(n.Line, "%s: %v", key, err)
				continue
			}
		}
		*dst = append(*dst, v)
	}
}

// choiceOf reads a key with a few valid values.
func (b *block) choiceOf(key, def string, valid ...string) string {
	return b.choice(key, b.given, def, valid)
}
