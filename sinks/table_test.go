package sinks

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

var tableColumns = []string{"mode", "tokens_per_s", "gpus", "ok", "list"}

var tableRows = [][]any{
	{"agg", 397.3125, int64(8), true, []any{int64(1), 0.5}},
	{"disagg, wide", 8734.68, int64(128), false, nil},
	{nil, 0.000123456, nil, nil, map[string]any{"b": math.NaN(), "a": "<x>"}},
	{"bad\n\x1b[31m", math.NaN(), int64(-1), true, []any{}},
	{"é", 12.0, 3, true, "t"},
}

func TestWriteTable(t *testing.T) {
	for format, want := range map[string]string{
		"table": `
mode           tokens_per_s  gpus  ok     list
-------------  ------------  ----  -----  --------------------
agg             397.3           8  true   [1,0.5]
disagg, wide   8735           128  false  -
-                 0.0001235     -  -      {"a":"<x>","b":null}
bad\n\x1b[31m     -            -1  true   []
é                12             3  true   t
`,
		"csv": `
mode,tokens_per_s,gpus,ok,list
agg,397.3125,8,true,"[1,0.5]"
"disagg, wide",8734.68,128,false,
,0.000123456,,,"{""a"":""<x>"",""b"":null}"
"bad
` + "\x1b" + `[31m",,-1,true,[]
é,12,3,true,t
`,
		"json": `
[
  {"mode": "agg", "tokens_per_s": 397.3125, "gpus": 8, "ok": true, "list": [1,0.5]},
  {"mode": "disagg, wide", "tokens_per_s": 8734.68, "gpus": 128, "ok": false, "list": null},
  {"mode": null, "tokens_per_s": 0.000123456, "gpus": null, "ok": null, "list": {"a":"<x>","b":null}},
  {"mode": "bad\n\u001b[31m", "tokens_per_s": null, "gpus": -1, "ok": true, "list": []},
  {"mode": "é", "tokens_per_s": 12, "gpus": 3, "ok": true, "list": "t"}
]
`,
	} {
		var b strings.Builder
		if err := WriteTable(&b, format, tableColumns, tableRows); err != nil {
			t.Fatal(err)
		}
		if got := "\n" + b.String(); got != want {
			t.Errorf("%s: got%s\nwant%s", format, got, want)
		}
	}
}

func TestWriteTableEmpty(t *testing.T) {
	for format, want := range map[string]string{"table": "a  b\n-  -\n", "csv": "a,b\n", "json": "[]\n"} {
		var b strings.Builder
		if err := WriteTable(&b, format, []string{"a", "b"}, nil); err != nil || b.String() != want {
			t.Errorf("%s: %q, %v", format, b.String(), err)
		}
	}
	if err := WriteTable(&strings.Builder{}, "xml", nil, nil); err == nil || !strings.Contains(err.Error(), "table, csv, json") {
		t.Errorf("unknown format: %v", err)
	}
	if err := WriteTable(&strings.Builder{}, "csv", []string{"a"}, [][]any{{}}); err == nil {
		t.Error("a short row is taken")
	}
	if err := WriteTable(&limitWriter{3}, "json", []string{"a"}, [][]any{{1}}); err == nil {
		t.Error("a failing writer goes unnoticed")
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 0.5: "0.5000", 60.6612: "60.66", 999.96: "1000.0", 123456.7: "123457", 1234567: "1234567",
		-3.14159: "-3.142", 0.00012: "0.0001200", 1.5e-7: "1.5e-07", 2e18: "2e+18", 1e15: "1e+15",
	} {
		if got := short(v); got != want {
			t.Errorf("short(%v) = %q, want %q", v, got, want)
		}
	}
}

func FuzzWriteTableJSON(f *testing.F) {
	f.Add("a", 1.5, int64(3))
	f.Fuzz(func(t *testing.T, s string, x float64, n int64) {
		var b strings.Builder
		if err := WriteTable(&b, "json", []string{"s", s}, [][]any{{s, x}, {n, nil}}); err != nil {
			t.Fatal(err)
		}
		if !json.Valid([]byte(b.String())) {
			t.Errorf("not JSON: %s", b.String())
		}
		for _, format := range []string{"table", "csv"} {
			if err := WriteTable(&b, format, []string{"s", s}, [][]any{{s, x}, {n, nil}}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
