package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"servegrid/internal/suggest"
	"servegrid/perftables"
)

// systemFile is a description of a GPU system as AIConfigurator writes it: what
// the formulas use, and the keys that may be there besides.
type systemFile struct {
	DataDir string `yaml:"data_dir"`
	GPU     struct {
		MemBandwidth  float64 `yaml:"mem_bw"`
		MemEfficiency float64 `yaml:"mem_bw_empirical_scaling_factor"`
		MemLatency    float64 `yaml:"mem_empirical_constant_latency"`
		MemCapacity   float64 `yaml:"mem_capacity"`
		Float16Rate   float64 `yaml:"float16_tc_flops"`
		BFloat16Rate  float64 `yaml:"bfloat16_tc_flops"`
		Float32Rate   float64 `yaml:"float32_tc_flops"`
		Int8Rate      float64 `yaml:"int8_tc_flops"`
		FP8Rate       float64 `yaml:"fp8_tc_flops"`
		FP4Rate       float64 `yaml:"fp4_tc_flops"`
		Power         float64 `yaml:"power"`
		SMVersion     int     `yaml:"sm_version"`
	} `yaml:"gpu"`
	Node struct {
		GPUsPerNode      int     `yaml:"num_gpus_per_node"`
		GPUsPerRack      int     `yaml:"num_gpus_per_rack"`
		IntraNodeBW      float64 `yaml:"intra_node_bw"`
		InterNodeBW      float64 `yaml:"inter_node_bw"`
		InterRackBW      float64 `yaml:"inter_rack_bw"`
		InterRackLatency float64 `yaml:"inter_rack_latency"`
		PCIeBW           float64 `yaml:"pcie_bw"`
		P2PLatency       float64 `yaml:"p2p_latency"`
	} `yaml:"node"`
	Misc struct {
		NCCLMemory    map[int]float64 `yaml:"nccl_mem"`
		OtherMemory   float64         `yaml:"other_mem"`
		NCCLVersion   string          `yaml:"nccl_version"`
		OneCCLVersion string          `yaml:"oneccl_version"`
	} `yaml:"misc"`
}

// isSystem reports whether a YAML file describes a system.
func isSystem(content []byte) bool {
	var top map[string]any
	if yaml.Unmarshal(content, &top) != nil {
		return false
	}
	_, gpu := top["gpu"]
	_, node := top["node"]
	return gpu && node
}

// System reads the description of a GPU system: a YAML file as AIConfigurator
// has it, or as tables template writes it. Every mistake is reported.
func System(name string, content []byte) (perftables.System, error) {
	var f systemFile
	d := yaml.NewDecoder(bytes.NewReader(content))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return perftables.System{}, err
	}
	s := perftables.System{
		Name: name, MemBandwidth: f.GPU.MemBandwidth, MemCapacity: f.GPU.MemCapacity, Float16Rate: f.GPU.Float16Rate, SMVersion: f.GPU.SMVersion,
		GPUsPerNode: f.Node.GPUsPerNode, GPUsPerRack: f.Node.GPUsPerRack,
		IntraNodeBW: f.Node.IntraNodeBW, InterNodeBW: f.Node.InterNodeBW, InterRackBW: f.Node.InterRackBW,
		NCCLVersion: f.Misc.NCCLVersion,
	}
	if s.Float16Rate == 0 {
		s.Float16Rate = f.GPU.BFloat16Rate // the name of newer releases
	}
	if s.SMVersion == 0 {
		s.SMVersion = 80 // no NVIDIA GPU: formats of the oldest generation
	}
	differs := func(v, usual float64) float64 {
		if v == usual {
			return 0
		}
		return v
	}
	s.MemEfficiency = differs(f.GPU.MemEfficiency, perftables.UsualMemEfficiency)
	s.MemLatency = differs(f.GPU.MemLatency, perftables.UsualMemLatency)
	s.P2PLatency = differs(f.Node.P2PLatency, perftables.UsualP2PLatency)
	s.RuntimeMemory = differs(f.Misc.OtherMemory, perftables.UsualOtherMemory)
	return s, checkSystem(&s, f.Misc.OneCCLVersion)
}

func checkSystem(s *perftables.System, oneCCL string) error {
	var errs []error
	positive := func(key string, v float64) {
		if !(v > 0) || math.IsInf(v, 0) {
			errs = append(errs, fmt.Errorf("%s is %v, want a number above 0", key, v))
		}
	}
	positive("gpu.mem_bw (bytes/s)", s.MemBandwidth)
	positive("gpu.mem_capacity (bytes)", s.MemCapacity)
	positive("gpu.bfloat16_tc_flops (dense FLOP/s)", s.Float16Rate)
	positive("node.num_gpus_per_node", float64(s.GPUsPerNode))
	positive("node.intra_node_bw (bytes/s per GPU and direction)", s.IntraNodeBW)
	positive("node.inter_node_bw (bytes/s per GPU and direction)", s.InterNodeBW)
	optional := func(key string, v float64) {
		if v != 0 {
			positive(key, v)
		}
	}
	optional("gpu.mem_bw_empirical_scaling_factor", s.MemEfficiency)
	optional("gpu.mem_empirical_constant_latency (s)", s.MemLatency)
	optional("node.p2p_latency (s)", s.P2PLatency)
	optional("misc.other_mem (bytes)", s.RuntimeMemory)
	optional("node.num_gpus_per_rack", float64(s.GPUsPerRack))
	optional("node.inter_rack_bw", s.InterRackBW)
	if s.MemEfficiency > 1 {
		errs = append(errs, fmt.Errorf("gpu.mem_bw_empirical_scaling_factor is %v, want at most 1", s.MemEfficiency))
	}
	if !systemName(s.Name) {
		errs = append(errs, fmt.Errorf("the name of the system is %q, want lower-case letters, digits and _", s.Name))
	}
	if oneCCL != "" {
		s.NCCLVersion = oneCCL // the collectives of a system without NCCL
	}
	if s.NCCLVersion != "" && !PathName(s.NCCLVersion) {
		errs = append(errs, fmt.Errorf("misc.nccl_version is %q, want a version such as 2.27.3", s.NCCLVersion))
	}
	return errors.Join(errs...)
}

func systemName(s string) bool {
	ok := s != "" && len(s) <= 64
	for _, c := range s {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_')
	}
	return ok
}

// PathName reports whether a version or set can name a folder.
func PathName(s string) bool {
	ok := s != "" && len(s) <= 128 && s[0] != '.'
	for _, c := range s {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' || c == '+')
	}
	return ok
}

// SystemTemplate is a description of a system to start from, with the figures of
// a known one.
func SystemTemplate(s *perftables.System) []byte {
	f := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	var b bytes.Buffer
	fmt.Fprintf(&b, `# A GPU system for servegrid, with the figures of %s. The name of the
# file is the name of the system. Read it with: servegrid tables import FILE
gpu:
  mem_bw: %s  # peak memory bandwidth, bytes/s
  mem_capacity: %s  # device memory, bytes
  bfloat16_tc_flops: %s  # dense tensor-core rate, FLOP/s
  sm_version: %d  # CUDA compute capability x 10; it chooses the numeric formats
node:
  num_gpus_per_node: %d
  intra_node_bw: %s  # per GPU and direction, bytes/s
  inter_node_bw: %s  # per GPU and direction, bytes/s
`, s.Name, f(s.MemBandwidth), f(s.MemCapacity), f(s.Float16Rate), s.SMVersion, s.GPUsPerNode, f(s.IntraNodeBW), f(s.InterNodeBW))
	if s.GPUsPerRack > 0 {
		fmt.Fprintf(&b, "  num_gpus_per_rack: %d\n  inter_rack_bw: %s\n", s.GPUsPerRack, f(s.InterRackBW))
	}
	return b.Bytes()
}

// TableTemplate is an empty table of a kind: its columns as CSV.
func TableTemplate(kind perftables.Kind) ([]byte, error) {
	shape, ok := perftables.Shapes[kind]
	if !ok {
		return nil, suggest.Unknown("kind of table", string(kind), perftables.KindNames())
	}
	var columns []string
	for _, f := range slices.Concat(shape.Slice, shape.Coords, latencyColumns(kind)) {
		from := []string{f}
		switch f {
		case "kvn", "s":
			from = derived[f]
		case "sub_table":
			continue
		}
		for _, c := range from {
			if !slices.Contains(columns, c) {
				columns = append(columns, c)
			}
		}
	}
	var b bytes.Buffer
	for i, c := range columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(c)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
