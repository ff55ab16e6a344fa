package perftables

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// System holds the figures of one GPU system that the formulas use.
type System struct {
	Name string

	MemBandwidth float64 // peak DRAM bandwidth, bytes/s
	MemCapacity  float64 // device memory, bytes
	Float16Rate  float64 // dense float16 tensor-core rate, FLOP/s
	SMVersion    int     // CUDA compute capability x 10
	GPUsPerNode  int
	GPUsPerRack  int     // 0 = racks play no part
	IntraNodeBW  float64 // per GPU and direction, bytes/s
	InterNodeBW  float64
	InterRackBW  float64 // 0 = as between nodes
	NCCLVersion  string  // version of the collective measurements in use

	// What differs from the constants below; 0 = it does not.
	MemEfficiency float64 `json:",omitempty"` // achieved share of the peak bandwidth
	MemLatency    float64 `json:",omitempty"` // seconds added to every memory-bound kernel
	P2PLatency    float64 `json:",omitempty"` // seconds added to every point-to-point transfer
	RuntimeMemory float64 `json:",omitempty"` // bytes that the runtime takes on every GPU
}

// Figures that are the same on almost every system.
// Source: the system descriptions of AIConfigurator 0.6.0.
const (
	UsualMemEfficiency = 0.8          // achieved share of the peak bandwidth in memory-bound kernels
	UsualMemLatency    = 3e-6         // seconds added to every memory-bound kernel
	UsualP2PLatency    = 1e-5         // seconds added to every point-to-point transfer
	UsualOtherMemory   = 3758096384.0 // bytes that the runtime and its graphs take on every GPU
)

// ncclMemory is the memory that collective buffers take, for 1, 2, 4 and 8 GPUs.
var ncclMemory = [4]float64{0, 358612992, 411041792, 411041792}

// systems lists every known GPU system.
// Source: the system descriptions of AIConfigurator 0.6.0; bandwidths and rates
// are those of the vendor's data sheets (dense, one direction).
var systems = []System{
	{
		Name: "h200_sxm", MemBandwidth: 4.8e12, MemCapacity: 151397597184, Float16Rate: 9.89e14, SMVersion: 90,
		GPUsPerNode: 8, IntraNodeBW: 4.5e11, InterNodeBW: 2.5e10, NCCLVersion: "2.26.2",
	},
	{
		Name: "h100_sxm", MemBandwidth: 3.35e12, MemCapacity: 85899345920, Float16Rate: 9.89e14, SMVersion: 90,
		GPUsPerNode: 8, IntraNodeBW: 4.5e11, InterNodeBW: 2.5e10, NCCLVersion: "2.27.3",
	},
	{
		Name: "a100_sxm", MemBandwidth: 2.039e12, MemCapacity: 85899345920, Float16Rate: 3.12e14, SMVersion: 80,
		GPUsPerNode: 8, IntraNodeBW: 3e11, InterNodeBW: 2.5e10, NCCLVersion: "2.27.3",
	},
	{
		Name: "b200_sxm", MemBandwidth: 8e12, MemCapacity: 193273528320, Float16Rate: 2.25e15, SMVersion: 100,
		GPUsPerNode: 8, IntraNodeBW: 9e11, InterNodeBW: 5e10, NCCLVersion: "2.27.3",
	},
	{
		Name: "gb200_sxm", MemBandwidth: 13.4e12, MemCapacity: 206158430208, Float16Rate: 2.5e15, SMVersion: 100,
		GPUsPerNode: 4, GPUsPerRack: 72, IntraNodeBW: 9e11, InterNodeBW: 9e11, InterRackBW: 2.5e10, NCCLVersion: "2.23",
	},
	{
		Name: "l40s", MemBandwidth: 8.64e11, MemCapacity: 48305799168, Float16Rate: 3.6205e14, SMVersion: 89,
		GPUsPerNode: 8, IntraNodeBW: 3.2e10, InterNodeBW: 2.5e10, NCCLVersion: "2.27.3",
	},
}

// SystemNames lists the known GPU systems.
func SystemNames() []string {
	names := make([]string, len(systems))
	for i := range systems {
		names[i] = systems[i].Name
	}
	return names
}

// LookupSystem returns the figures of a system by its exact name.
func LookupSystem(name string) (*System, bool) {
	i := slices.IndexFunc(systems, func(s System) bool { return s.Name == name })
	if i < 0 {
		return nil, false
	}
	return &systems[i], true
}

// OtherMemory is what the runtime and its graphs take on every GPU, bytes.
func (s *System) OtherMemory() float64 { return cmp.Or(s.RuntimeMemory, UsualOtherMemory) }

// NCCLMemory returns the bytes that collective buffers take on each GPU of a
// worker with that many tensor-parallel ranks: 1, 2, 4, or 8 and more.
func (s *System) NCCLMemory(tp int) (float64, error) {
	switch min(tp, 8) {
	case 1:
		return ncclMemory[0], nil
	case 2:
		return ncclMemory[1], nil
	case 4:
		return ncclMemory[2], nil
	case 8:
		return ncclMemory[3], nil
	}
	return 0, fmt.Errorf("memory of %d tensor-parallel ranks is not known: 1, 2, 4 and multiples of 8 are", tp)
}

// pairBandwidth is the bandwidth between the farthest two of g GPUs, bytes/s.
func (s *System) pairBandwidth(g int) float64 {
	rack := math.MaxInt
	if s.GPUsPerRack > 0 {
		rack = s.GPUsPerRack
	}
	switch {
	case g <= s.GPUsPerNode:
		return s.IntraNodeBW
	case g <= rack || s.InterRackBW == 0:
		return s.InterNodeBW
	}
	return s.InterRackBW
}
