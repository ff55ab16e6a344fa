package perftables

import (
	"maps"
	"servegrid/internal/suggest"
	"slices"
)

// The numeric formats of the kernels. They are spelled as the tables spell
// them.
type (
	GEMMQuant string // dense matrix multiplications
	MoEQuant  string // expert layers
	FMHAQuant string // context attention
	KVQuant   string // KV cache
	CommQuant string // communication
)

// The formats of each kind.
const (
	GEMMFloat16  GEMMQuant = "float16"
	GEMMInt8WO   GEMMQuant = "int8_wo"
	GEMMInt4WO   GEMMQuant = "int4_wo"
	GEMMFP8      GEMMQuant = "fp8"
	GEMMSQ       GEMMQuant = "sq"
	GEMMFP8Block GEMMQuant = "fp8_block"
	GEMMFP8OOTB  GEMMQuant = "fp8_ootb"
	GEMMNVFP4    GEMMQuant = "nvfp4"

	MoEFloat16    MoEQuant = "float16"
	MoEFP8        MoEQuant = "fp8"
	MoEInt4WO     MoEQuant = "int4_wo"
	MoEFP8Block   MoEQuant = "fp8_block"
	MoEW4AFP8     MoEQuant = "w4afp8"
	MoENVFP4      MoEQuant = "nvfp4"
	MoEW4A16MXFP4 MoEQuant = "w4a16_mxfp4"

	FMHAFloat16  FMHAQuant = "float16"
	FMHAFP8      FMHAQuant = "fp8"
	FMHAFP8Block FMHAQuant = "fp8_block"

	KVFloat16 KVQuant = "float16"
	KVInt8    KVQuant = "int8"
	KVFP8     KVQuant = "fp8"

	CommHalf CommQuant = "half"
	CommInt8 CommQuant = "int8"
	CommFP8  CommQuant = "fp8"
)

// format holds what a numeric format means for memory and speed.
type format struct {
	bytes   float64 // per element
	compute float64 // tensor-core rate as a multiple of float16's
}

// Source: AIConfigurator 0.6.0, table of quantization modes.
var (
	gemmFormats = map[GEMMQuant]format{
		GEMMFloat16: {2, 1}, GEMMInt8WO: {1, 1}, GEMMInt4WO: {0.5, 1}, GEMMFP8: {1, 2},
		GEMMSQ: {1, 2}, GEMMFP8Block: {1, 2}, GEMMFP8OOTB: {1, 2}, GEMMNVFP4: {0.5, 4},
	}
	moeFormats = map[MoEQuant]format{
		MoEFloat16: {2, 1}, MoEFP8: {1, 2}, MoEInt4WO: {0.5, 1}, MoEFP8Block: {1, 2},
		MoEW4AFP8: {0.5, 2}, MoENVFP4: {0.5, 4}, MoEW4A16MXFP4: {0.5, 1},
	}
	fmhaFormats = map[FMHAQuant]format{FMHAFloat16: {2, 1}, FMHAFP8: {1, 2}, FMHAFP8Block: {1, 2}}
	kvFormats   = map[KVQuant]format{KVFloat16: {2, 1}, KVInt8: {1, 1}, KVFP8: {1, 2}}
	commFormats = map[CommQuant]format{CommHalf: {2, 1}, CommInt8: {1, 1}, CommFP8: {1, 1}}
)

// Bytes per element.
func (q GEMMQuant) Bytes() float64 { return gemmFormats[q].bytes }

// Bytes per element.
func (q MoEQuant) Bytes() float64 { return moeFormats[q].bytes }

// Bytes per element.
func (q KVQuant) Bytes() float64 { return kvFormats[q].bytes }

// ParseGEMMQuant returns the format of that name; an unknown name is an error
// that lists the valid ones. The other parsers do the same.
func ParseGEMMQuant(s string) (GEMMQuant, error) { return parseQuant("GEMM format", s, gemmFormats) }

// ParseMoEQuant: see [ParseGEMMQuant].
func ParseMoEQuant(s string) (MoEQuant, error) { return parseQuant("MoE format", s, moeFormats) }

// ParseFMHAQuant: see [ParseGEMMQuant].
func ParseFMHAQuant(s string) (FMHAQuant, error) {
	return parseQuant("context attention format", s, fmhaFormats)
}

// ParseKVQuant: see [ParseGEMMQuant].
func ParseKVQuant(s string) (KVQuant, error) { return parseQuant("KV cache format", s, kvFormats) }

// ParseCommQuant: see [ParseGEMMQuant].
func ParseCommQuant(s string) (CommQuant, error) {
	return parseQuant("communication format", s, commFormats)
}

func parseQuant[Q ~string](what, s string, known map[Q]format) (Q, error) {
	if _, ok := known[Q(s)]; ok {
		return Q(s), nil
	}
	valid := make([]string, 0, len(known))
	for _, q := range slices.Sorted(maps.Keys(known)) {
		valid = append(valid, string(q))
	}
	return "", suggest.Unknown(what, s, valid)
}
