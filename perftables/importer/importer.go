// Package importer turns original kernel measurements into packed tables.
//
// It reads one table per file, as AIConfigurator 0.6.0 ships them: text
// (<kind>_perf.txt, comma separated with a header line) or Parquet with the same
// columns (<kind>.parquet). Columns are found by name; what is not needed is
// ignored. Where a key occurs twice the first row counts, except in the two
// wide-EP expert tables, where the last does.
package importer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"servegrid/internal/suggest"
	"servegrid/perftables"
)

// neverRead are tables that the package ships and no formula uses.
var neverRead = []string{"wideep_context_mlp", "wideep_generation_mlp"}

// Result says what became of one file.
type Result struct {
	File  string // as found, relative to the source folder
	Table *perftables.Table
	Bytes int  // packed size; 0 when nothing was written
	Skip  bool // a table that no formula reads
}

// Dir imports every table below from into to, keeping the folder layout
// <system>/<backend>/<version>. source is recorded in each table. Files of the
// destination that the source no longer has are left alone.
func Dir(from, to, source string) ([]Result, error) {
	var results []Result
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		kind, ok := kindOfFile(d.Name())
		if !ok {
			return nil
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if slices.Contains(neverRead, string(kind)) {
			results = append(results, Result{File: rel, Skip: true})
			return nil
		}
		t, err := File(path, kind, Rows{})
		if err != nil {
			return fmt.Errorf("import %s: %w", rel, err)
		}
		t.Source = source
		packed, err := t.Pack()
		if err != nil {
			return fmt.Errorf("import %s: %w", rel, err)
		}
		dst := filepath.Join(to, filepath.Dir(rel), string(kind)+".tbl")
		if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(dst, packed, 0o644); err != nil {
			return err
		}
		results = append(results, Result{File: rel, Table: t, Bytes: len(packed)})
		return nil
	})
	if err == nil && len(results) == 0 {
		err = fmt.Errorf("import %s: it holds no <kind>_perf.txt and no <kind>.parquet", from)
	}
	return results, err
}

// kindOfFile returns the kind that a file name stands for.
func kindOfFile(name string) (perftables.Kind, bool) {
	for _, suffix := range []string{"_perf.parquet", ".parquet", "_perf.txt", ".csv"} {
		if k, ok := strings.CutSuffix(name, suffix); ok {
			return perftables.Kind(k), true
		}
	}
	return "", false
}

// File reads one table. raw and prefer say which of several rows of one key
// counts, see [Rows].
func File(path string, kind perftables.Kind, rows Rows) (*perftables.Table, error) {
	content, err := readLimited(os.Open(path))
	if err != nil {
		return nil, err
	}
	return Read(path, content, kind, rows)
}

// Rows says which row counts where a key occurs more than once.
type Rows struct {
	// Fastest: of several kernels the fastest, of repeated measurements of one
	// kernel the first. Otherwise the first row of a key counts, but for the two
	// wide-EP expert tables, where the last does.
	Fastest bool

	// Prefer is a kernel whose rows count before those of any other; "" for none.
	Prefer string
}

// Read reads one table from the content of a file. Errors name the line or row.
func Read(name string, content []byte, kind perftables.Kind, rows Rows) (*perftables.Table, error) {
	shape, ok := perftables.Shapes[kind]
	if !ok {
		return nil, suggest.Unknown("kind of table", string(kind), perftables.KindNames())
	}
	var recs *records
	var err error
	if strings.HasSuffix(name, ".parquet") {
		recs, err = readParquet(content)
	} else {
		recs, err = readText(content)
	}
	if err != nil {
		return nil, err
	}
	return build(kind, shape, recs, rows)
}

// build sorts the records into slices.
func build(kind perftables.Kind, shape perftables.Shape, recs *records, rows Rows) (*perftables.Table, error) {
	fields, err := newFields(kind, shape, recs)
	if err != nil {
		return nil, err
	}
	lastWins := !rows.Fastest && (kind == perftables.KindWideEPContextMoE || kind == perftables.KindWideEPGenerationMoE)
	t := &perftables.Table{Kind: kind}
	type place struct {
		row    int
		kernel string
	}
	type coords = [3]int
	bySlice := map[string]int{}
	var seen []map[coords]place // by slice
	for i := range recs.n {
		if kind == perftables.KindGEMM {
			// Formats that the formulas never ask for.
			if q := recs.text("gemm_dtype", i); q == "awq" || q == "gptq" {
				continue
			}
		}
		t.Read++
		key, row, err := fields.read(i)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", recs.place(i), err)
		}
		kernel := ""
		if recs.has("kernel_source") {
			kernel = recs.text("kernel_source", i)
		}
		name := strings.Join(key, "\x00")
		s, ok := bySlice[name]
		if !ok {
			s = len(t.Slices)
			bySlice[name] = s
			t.Slices = append(t.Slices, perftables.Slice{Key: key})
			seen = append(seen, map[coords]place{})
		}
		at, ok := seen[s][row.Coords]
		if !ok {
			seen[s][row.Coords] = place{len(t.Slices[s].Rows), kernel}
			t.Slices[s].Rows = append(t.Slices[s].Rows, row)
			continue
		}
		t.Dropped++
		kept := &t.Slices[s].Rows[at.row]
		replace := lastWins
		if rows.Fastest && kernel != at.kernel {
			replace = kernel == rows.Prefer || at.kernel != rows.Prefer && row.Latency < kept.Latency
		}
		if replace {
			*kept = row
			seen[s][row.Coords] = place{at.row, kernel}
		}
	}
	if t.Read == 0 {
		return nil, errors.New("it has no rows")
	}
	return t, nil
}

// fields reads the key, the coordinates and the latency of a record.
type fields struct {
	kind  perftables.Kind
	shape perftables.Shape
	recs  *records
}

// derived names the columns that a derived field is made of.
var derived = map[string][]string{
	"kvn":         {"num_heads", "num_key_value_heads"},
	"s":           {"isl", "step"},
	"sub_table":   nil, // optional: no column means ordinary kernels
	"window_size": nil, // optional: no column means no window
}

func newFields(kind perftables.Kind, shape perftables.Shape, recs *records) (*fields, error) {
	var missing []string
	need := func(column string) {
		if !recs.has(column) && !slices.Contains(missing, column) {
			missing = append(missing, column)
		}
	}
	for _, f := range slices.Concat(shape.Slice, shape.Coords, latencyColumns(kind)) {
		if from, ok := derived[f]; ok {
			for _, c := range from {
				need(c)
			}
			continue
		}
		need(f)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("column %s is missing; it has %s", strings.Join(missing, ", "), suggest.List(recs.names))
	}
	return &fields{kind, shape, recs}, nil
}

// latencyColumns are added up to the latency.
func latencyColumns(kind perftables.Kind) []string {
	switch kind {
	case perftables.KindDeepEPNormal:
		return []string{"dispatch_transmit_us", "dispatch_notify_us", "combine_transmit_us", "combine_notify_us"}
	case perftables.KindDeepEPLL:
		return []string{"combine_avg_t_us", "dispatch_avg_t_us"}
	}
	return []string{"latency"}
}

func (f *fields) read(i int) (key []string, row perftables.Row, err error) {
	for _, name := range f.shape.Slice {
		part, err := f.keyPart(name, i)
		if err != nil {
			return nil, row, err
		}
		key = append(key, part)
	}
	for d, name := range f.shape.Coords {
		if name == "s" {
			isl, err1 := f.recs.integer("isl", i)
			step, err2 := f.recs.integer("step", i)
			if err := errors.Join(err1, err2); err != nil {
				return nil, row, err
			}
			row.Coords[d] = isl + step
			continue
		}
		if row.Coords[d], err = f.recs.integer(name, i); err != nil {
			return nil, row, err
		}
	}
	for _, name := range latencyColumns(f.kind) {
		v, err := f.recs.float(name, i)
		if err != nil {
			return nil, row, err
		}
		row.Latency += v
	}
	if row.Latency <= 0 {
		return nil, row, fmt.Errorf("%s is %v, want more than 0", strings.Join(latencyColumns(f.kind), " + "), row.Latency)
	}
	return key, row, nil
}

func (f *fields) keyPart(name string, i int) (string, error) {
	switch name {
	case "kvn":
		heads, err1 := f.recs.integer("num_heads", i)
		kv, err2 := f.recs.integer("num_key_value_heads", i)
		if heads == kv {
			kv = 0
		}
		return strconv.Itoa(kv), errors.Join(err1, err2)
	case "window_size":
		if !f.recs.has(name) {
			return "0", nil
		}
		w, err := f.recs.integer(name, i)
		return strconv.Itoa(w), err
	case "head_dim", "topk", "num_topk", "num_experts", "hidden_size", "inter_size", "node_num":
		n, err := f.recs.integer(name, i)
		return strconv.Itoa(n), err
	case "sub_table":
		if !f.recs.has("kernel_source") {
			return perftables.MoEOrdinary, nil
		}
		switch f.recs.text("kernel_source", i) {
		case "moe_torch_flow_min_latency":
			return perftables.MoELowLatency, nil
		case "moe_torch_flow_nongated":
			return perftables.MoENonGated, nil
		}
		return perftables.MoEOrdinary, nil
	}
	text := f.recs.text(name, i)
	switch {
	case text == "":
		return "", fmt.Errorf("%s is empty", name)
	case text == "bfloat16":
		return "float16", nil // the same size and speed; AIConfigurator changed the name
	}
	return text, nil
}
