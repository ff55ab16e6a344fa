package grid

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"servegrid/jobs"
)

func goldenInput() KeyInput {
	return KeyInput{
		Combo:             Combo{"Qwen/Qwen3-32B-FP8", "h200_sxm", "h200_sxm", "vllm", "0.12.0"},
		Workloads:         []jobs.Workload{{ISL: 4000, OSL: 500, Prefix: 0}, {ISL: 8000, OSL: 200, Prefix: 1000}},
		GPUs:              []int{8, 16},
		ServingModes:      []string{"agg", "disagg"},
		Keep:              "useful",
		Estimator:         "reference",
		Search:            "exhaustive",
		DatabaseMode:      "SILICON",
		Quant:             Quant{GEMM: "fp8_block", MoE: "fp8_block", KVCache: "fp8", FMHA: "fp8", Comm: "half", NextN: 0},
		TableDigests:      []string{"aa", "bb"},
		EstimatorRevision: 1,
		SchemaVersion:     1,
	}
}

// A change of this key makes every stored shard obsolete. If that is wanted,
// raise the number in the encoding's first line.
func TestGoldenKey(t *testing.T) {
	const want = "3a7eabd5c12018a0a495652f5b7e1952"
	if got := goldenInput().Key(); got != want {
		t.Errorf("key %s, want %s", got, want)
	}
}

func TestKeyShape(t *testing.T) {
	if k := (KeyInput{}).Key(); !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(k) {
		t.Errorf("key %q", k)
	}
	empty := KeyInput{Workloads: []jobs.Workload{}, GPUs: []int{}, ServingModes: []string{}, TableDigests: []string{}}
	if empty.Key() != (KeyInput{}).Key() {
		t.Error("nil and empty lists have different keys")
	}
}

// Every field counts: each leaf of the struct is changed in turn, each list also
// grown, shortened and turned around.
func TestEveryFieldIsInTheKey(t *testing.T) {
	keys := map[string]string{goldenInput().Key(): "unchanged"}
	add := func(what string, k KeyInput) {
		key := k.Key()
		if other, ok := keys[key]; ok {
			t.Errorf("%s has the same key as %s", what, other)
		}
		keys[key] = what
	}
	leaves := countLeaves(reflect.ValueOf(goldenInput()))
	if leaves < 25 {
		t.Fatalf("only %d leaves found", leaves)
	}
	for i := range leaves {
		k := goldenInput()
		n := i
		path := changeLeaf(reflect.ValueOf(&k).Elem(), "KeyInput", &n)
		add(path, k)
	}
	fields := reflect.TypeFor[KeyInput]()
	for i := range fields.NumField() {
		if fields.Field(i).Type.Kind() != reflect.Slice {
			continue
		}
		for _, what := range []string{"emptied", "shortened", "repeated", "turned around"} {
			k := goldenInput()
			f := reflect.ValueOf(&k).Elem().Field(i)
			switch what {
			case "emptied":
				f.SetZero()
			case "shortened":
				f.Set(f.Slice(0, 1))
			case "repeated":
				f.Set(reflect.Append(f, f.Index(0)))
			case "turned around":
				first := reflect.ValueOf(f.Index(0).Interface())
				f.Index(0).Set(f.Index(1))
				f.Index(1).Set(first)
			}
			add(fields.Field(i).Name+" "+what, k)
		}
	}
}

func countLeaves(v reflect.Value) int {
	n := 0
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			n += countLeaves(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += countLeaves(v.Index(i))
		}
	default:
		n = 1
	}
	return n
}

// changeLeaf changes the leaf that n counts down to and returns its path.
func changeLeaf(v reflect.Value, path string, n *int) string {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if p := changeLeaf(v.Field(i), path+"."+v.Type().Field(i).Name, n); p != "" {
				return p
			}
		}
		return ""
	case reflect.Slice:
		for i := range v.Len() {
			if p := changeLeaf(v.Index(i), fmt.Sprintf("%s[%d]", path, i), n); p != "" {
				return p
			}
		}
		return ""
	}
	if *n--; *n >= 0 {
		return ""
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Int:
		v.SetInt(v.Int() + 7)
	default:
		panic("a kind of field that the test does not know: " + v.Kind().String())
	}
	return path
}

func TestFieldBoundariesDoNotBlur(t *testing.T) {
	pairs := [][2]KeyInput{
		{{Combo: Combo{Model: "ab", System: "c"}}, {Combo: Combo{Model: "a", System: "bc"}}},
		{{Combo: Combo{Model: "a"}}, {Combo: Combo{System: "a"}}},
		{{ServingModes: []string{"a", "b"}}, {ServingModes: []string{"ab"}}},
		{{ServingModes: []string{"a"}}, {TableDigests: []string{"a"}}},
		{{ServingModes: []string{""}}, {}},
		{{Quant: Quant{NextN: 1}}, {SchemaVersion: 1}},
		{{EstimatorRevision: 1}, {SchemaVersion: 1}},
		{{GPUs: []int{8}}, {Workloads: []jobs.Workload{{ISL: 8}}}},
	}
	for _, p := range pairs {
		if p[0].Key() == p[1].Key() {
			t.Errorf("%+v and %+v have the same key", p[0], p[1])
		}
	}
}

func TestShardKeyInput(t *testing.T) {
	s := spec("latest")
	sh := New(s, installed).Shards()[0]
	k := sh.KeyInput(s)
	if k.Combo != sh.Combo || !slices.Equal(k.Workloads, sh.Workloads) || !slices.Equal(k.GPUs, s.GPUs) ||
		!slices.Equal(k.ServingModes, s.ServingModes) || k.Keep != s.Keep || k.Estimator != s.Estimator ||
		k.Search != s.Search || k.DatabaseMode != s.DatabaseMode {
		t.Errorf("got %+v", k)
	}
	same := *s
	same.Name, same.Warehouse, same.TTFT, same.TPOT = "other", "elsewhere", []float64{1}, []float64{2}
	if sh.KeyInput(&same).Key() != k.Key() {
		t.Error("the key depends on the run's name, place or limits")
	}
	s.ServingModes = []string{jobs.ModeAgg}
	if k := sh.KeyInput(s); k.GPUs != nil {
		t.Errorf("GPU budgets %v count without disagg", k.GPUs)
	}
}

// FuzzKey shows that the encoding is injective: it can be read back.
func FuzzKey(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("\x03abc\x02\x00\x00\x01\xff\xff\xff\xff"))
	f.Add([]byte("a long enough seed that reaches every one of the fields of a key's input, \x00\xff\x80 and a bit more than that"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var k KeyInput
		fill(reflect.ValueOf(&k).Elem(), &data)
		if got := decode(t, k.encode()); !reflect.DeepEqual(got, k) {
			t.Fatalf("read back\n%+v, want\n%+v", got, k)
		}
	})
}

// fill sets every leaf from data, and lists to up to three elements.
func fill(v reflect.Value, data *[]byte) {
	next := func() byte {
		if len(*data) == 0 {
			return 0
		}
		b := (*data)[0]
		*data = (*data)[1:]
		return b
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), data)
		}
	case reflect.Slice:
		if n := int(next() % 4); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(v.Index(i), data)
			}
		}
	case reflect.String:
		n := min(int(next()%8), len(*data))
		v.SetString(string((*data)[:n]))
		*data = (*data)[n:]
	case reflect.Int:
		v.SetInt(int64(int8(next())) << (next() % 56))
	}
}

// decode reads what encode wrote.
func decode(t *testing.T, b []byte) KeyInput {
	take := func(n uint64) []byte {
		if n > uint64(len(b)) {
			t.Fatalf("%d bytes wanted, %d left", n, len(b))
		}
		out := b[:n]
		b = b[n:]
		return out
	}
	number := func() int { return int(binary.BigEndian.Uint64(take(8))) }
	text := func() string { return string(take(uint64(number()))) }
	name := func(want string) {
		if got := text(); got != want {
			t.Fatalf("field %q, want %q", got, want)
		}
	}
	named := func(want string) string { name(want); return text() }
	count := func(want string) int { name(want); return number() }
	texts := func(want string) (out []string) {
		for range count(want) {
			out = append(out, text())
		}
		return out
	}

	var k KeyInput
	take(uint64(len("servegrid shard key 2\n")))
	k.Combo = Combo{named("model"), named("system"), named("decode_system"), named("backend"), named("version")}
	for range count("workloads") {
		k.Workloads = append(k.Workloads, jobs.Workload{ISL: count("isl"), OSL: count("osl"), Prefix: count("prefix")})
	}
	for range count("gpus") {
		k.GPUs = append(k.GPUs, count("gpu"))
	}
	k.ServingModes = texts("serving_modes")
	k.Keep, k.Estimator, k.Search, k.DatabaseMode = named("keep"), named("estimator"), named("search"), named("database_mode")
	k.Quant = Quant{named("gemm_quant"), named("moe_quant"), named("kvcache_quant"), named("fmha_quant"), named("comm_quant"), count("nextn")}
	k.TableDigests = texts("table_digests")
	k.EstimatorRevision, k.SchemaVersion = count("estimator_revision"), count("schema_version")
	if len(b) != 0 {
		t.Fatalf("%d bytes left", len(b))
	}
	return k
}
