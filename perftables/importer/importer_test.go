package importer

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"servegrid/perftables"
)

const gemmText = "framework,version,op_name,gemm_dtype,k,m,n,latency\r\n" +
	"x,1,gemm,fp8,4096,1,64,0.25\r\n" +
	"x,1,gemm,fp8,4096,1,64,0.5\r\n" + // a repeated key: dropped
	"x,1,gemm,awq,4096,1,64,0.75\r\n" + // a format that no formula asks for
	"x,1,gemm,float16,4096,2,64,0.3333333333333333\r\n" +
	"x,1,gemm,fp8,32,1,64,0.125\r\n"

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTextAndParquetAreTheSame(t *testing.T) {
	fromText, err := File(write(t, "gemm_perf.txt", gemmText), perftables.KindGEMM, Rows{})
	if err != nil {
		t.Fatal(err)
	}
	if fromText.Read != 4 || fromText.Dropped != 1 || fromText.Kept() != 3 || len(fromText.Slices) != 2 {
		t.Errorf("read %d, dropped %d, kept %d in %d slices; want 4, 1, 3 in 2", fromText.Read, fromText.Dropped, fromText.Kept(), len(fromText.Slices))
	}
	type row struct {
		DType   string  `parquet:"gemm_dtype"`
		M       int64   `parquet:"m"`
		N       int64   `parquet:"n"`
		K       int64   `parquet:"k"`
		Latency float64 `parquet:"latency"`
	}
	path := filepath.Join(t.TempDir(), "gemm.parquet")
	rows := []row{{"fp8", 1, 64, 4096, 0.25}, {"fp8", 1, 64, 4096, 0.5}, {"float16", 2, 64, 4096, 1.0 / 3}, {"fp8", 1, 64, 32, 0.125}}
	if err := parquet.WriteFile(path, rows); err != nil {
		t.Fatal(err)
	}
	fromParquet, err := File(path, perftables.KindGEMM, Rows{})
	if err != nil {
		t.Fatal(err)
	}
	a, err1 := fromText.Pack()
	b, err2 := fromParquet.Pack()
	if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
		t.Errorf("packed tables differ (%v, %v)", err1, err2)
	}
	back, err := perftables.Unpack(a)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(back.Slices[0].Rows, []perftables.Row{{Coords: [3]int{1, 64, 32}, Latency: 0.125}, {Coords: [3]int{1, 64, 4096}, Latency: 0.25}}) {
		t.Errorf("unpacked %+v", back.Slices[0])
	}
}

// The wide-EP expert tables keep the last row of a key, all others the first.
func TestWhichRowCounts(t *testing.T) {
	text := "kernel_source,moe_dtype,distribution,topk,num_experts,hidden_size,inter_size,moe_tp_size,moe_ep_size,num_tokens,latency\n" +
		"a,fp8_block,uniform,8,256,7168,2048,1,8,16,1\n" +
		"a,fp8_block,uniform,8,256,7168,2048,1,8,16,2\n" +
		"moe_torch_flow_min_latency,fp8_block,uniform,8,256,7168,2048,1,8,16,3\n"
	for kind, want := range map[perftables.Kind]float64{perftables.KindMoE: 1, perftables.KindWideEPContextMoE: 2} {
		tab, err := File(write(t, string(kind)+"_perf.txt", text), kind, Rows{})
		if err != nil {
			t.Fatal(err)
		}
		if got := tab.Slices[0].Rows[0].Latency; got != want || len(tab.Slices) != 2 || tab.Slices[1].Key[0] != perftables.MoELowLatency {
			t.Errorf("%s: kept %v of %+v, want %v and a low-latency slice", kind, got, tab.Slices, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"unknown kind", "gem_perf.txt", gemmText, `did you mean "gemm"`},
		{"missing column", "gemm_perf.txt", strings.Replace(gemmText, ",m,", ",mm,", 1), "column m is missing"},
		{"not a number", "gemm_perf.txt", strings.Replace(gemmText, "0.25", "fast", 1), `line 2: latency is "fast", want a number`},
		{"not whole", "gemm_perf.txt", strings.Replace(gemmText, ",1,64,0.5", ",1.5,64,0.5", 1), `line 3: m is "1.5", want a whole number`},
		{"infinite", "gemm_perf.txt", strings.Replace(gemmText, "0.25", "inf", 1), `latency is "inf"`},
		{"ragged", "gemm_perf.txt", gemmText + "x,1\n", "wrong number of fields"},
		{"empty", "gemm_perf.txt", "", "it is empty"},
		{"header only", "gemm_perf.txt", "gemm_dtype,m,n,k,latency\n", "it has no rows"},
		{"not Parquet", "gemm.parquet", "PAR0", ""},
	} {
		dir := filepath.Dir(write(t, c.file, c.text))
		_, err := Dir(dir, t.TempDir(), "test")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", c.name, err, c.want)
		}
	}
	if _, err := Dir(t.TempDir(), t.TempDir(), "test"); err == nil {
		t.Error("an empty folder is accepted")
	}
}

func FuzzText(f *testing.F) {
	f.Add(gemmText)
	f.Add("gemm_dtype,m,n,k,latency\nfp8,1,2,3,4\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "gemm_perf.txt")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		tab, err := File(path, perftables.KindGEMM, Rows{})
		if err != nil {
			return
		}
		packed, err := tab.Pack()
		if err != nil {
			return
		}
		back, err := perftables.Unpack(packed)
		if err != nil {
			t.Fatal(err)
		}
		if back.Kept() != tab.Kept() {
			t.Fatalf("kept %d rows, read back %d", tab.Kept(), back.Kept())
		}
	})
}
