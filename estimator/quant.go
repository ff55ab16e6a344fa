package estimator

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"servegrid/internal/suggest"
	"servegrid/perftables"
)

// Quant holds the numeric formats of a worker.
type Quant struct {
	GEMM perftables.GEMMQuant
	MoE  perftables.MoEQuant
	KV   perftables.KVQuant
	FMHA perftables.FMHAQuant
	Comm perftables.CommQuant
}

// DefaultQuant chooses the formats that a model is served in on a database: the
// fastest that the GPU generation supports and the tables cover. The checkpoint's
// own quantization plays no part. The rules are AIConfigurator 0.6.0's; the
// published figures depend on them (vLLM: per-tensor FP8).
func DefaultQuant(m *Model, db *perftables.Database) Quant {
	sm := db.System.SMVersion
	gemms, moes := db.GEMMQuants(), db.MoEQuants()

	gemm8, moe8, fmha8 := perftables.GEMMFP8, perftables.MoEFP8, perftables.FMHAFloat16
	if db.Backend != "vllm" {
		if sm >= 90 {
			gemm8, fmha8 = perftables.GEMMFP8Block, perftables.FMHAFP8
		}
		if sm >= 89 {
			moe8 = perftables.MoEFP8Block
		}
	}

	q := Quant{Comm: perftables.CommHalf}
	switch {
	case sm >= 100:
		q.GEMM = pick(gemms, perftables.GEMMNVFP4, perftables.GEMMNVFP4, perftables.GEMMFP8Block, perftables.GEMMFP8, perftables.GEMMFloat16)
		q.MoE = pick(moes, perftables.MoENVFP4, perftables.MoENVFP4, perftables.MoEFP8Block, perftables.MoEFloat16)
		q.KV, q.FMHA = perftables.KVFP8, fmha8
	case sm >= 89:
		q.GEMM = pick(gemms, gemm8, gemm8, perftables.GEMMFP8, perftables.GEMMFloat16)
		q.MoE = pick(moes, moe8, moe8, perftables.MoEFP8, perftables.MoEFloat16)
		q.KV, q.FMHA = perftables.KVFP8, fmha8
		if m.Family == Llama || m.Family == MoE {
			q.GEMM = gemm8 // whether or not the table has it
		}
	default:
		q.GEMM, q.MoE, q.KV, q.FMHA = perftables.GEMMFloat16, perftables.MoEFloat16, perftables.KVFloat16, perftables.FMHAFloat16
	}

	if m.Family == DeepSeek {
		q.FMHA = perftables.FMHAFloat16
	}
	if m.SlidingWindow {
		q.MoE = perftables.MoEW4A16MXFP4
	}
	have := append(slices.Clone(db.KVQuants()), db.ContextKVQuants(q.FMHA)...)
	if len(have) > 0 && !slices.Contains(have, q.KV) {
		q.KV = pick(have, q.KV, q.KV, perftables.KVFloat16, perftables.KVFP8)
	}
	return q
}

// pick returns the first wanted value that is available, the first wanted one
// when nothing is known about what is, and otherwise the fallback.
func pick[Q comparable](available []Q, fallback Q, wanted ...Q) Q {
	if len(available) == 0 {
		return wanted[0]
	}
	for _, w := range wanted {
		if slices.Contains(available, w) {
			return w
		}
	}
	return fallback
}

// CheckQuant reports a configuration whose formats the tables do not cover for
// the phases of its worker, or that the backend does not serve. A table without
// any format is not checked.
func CheckQuant(c *Config, context, generation bool) error {
	db, q := c.DB, c.Quant
	if c.Model.Family == DeepSeek && db.Backend == "vllm" {
		return fmt.Errorf("%s: DeepSeek on vLLM is not supported", c.Model.ID)
	}
	if err := checkFormat(db, "GEMM", q.GEMM, db.GEMMQuants()); err != nil {
		return err
	}
	fmhas, kvs := db.FMHAQuants(), db.KVQuants()
	if c.Model.Family == DeepSeek {
		fmhas, kvs = db.ContextMLAQuants(), db.GenerationMLAQuants()
	}
	wide := c.WideEP && db.Backend == "sglang"
	if wide && c.Model.Family == DeepSeek {
		fmhas, kvs = db.WideEPContextMLAQuants(), db.WideEPGenerationMLAQuants()
	}
	// Dense models are held to the expert formats too: a database without the
	// chosen one is refused as a whole.
	for _, phase := range []struct{ checked, context bool }{{context, true}, {generation, false}} {
		moes := db.MoEQuants()
		if wide && c.DeepEP {
			moes = db.WideEPMoEQuants(phase.context)
		}
		if phase.checked {
			if err := checkFormat(db, "expert layers", q.MoE, moes); err != nil {
				return err
			}
		}
	}
	if context {
		if err := checkFormat(db, "context attention", q.FMHA, fmhas); err != nil {
			return err
		}
	}
	if generation {
		return checkFormat(db, "KV cache", q.KV, kvs)
	}
	return nil
}

func checkFormat[Q ~string](db *perftables.Database, what string, q Q, have []Q) error {
	if len(have) == 0 || slices.Contains(have, q) {
		return nil
	}
	return fmt.Errorf("%s has no measurements of %s in %s; it has %v", db, what, q, have)
}

// Format is how a checkpoint stores its weights.
type Format string

// The formats of checkpoints.
const (
	FormatFloat16  Format = "float16" // or bfloat16
	FormatFP8      Format = "fp8"     // one scale per tensor or row
	FormatFP8Block Format = "fp8_block"
	FormatNVFP4    Format = "nvfp4"
	FormatMXFP4    Format = "mxfp4" // experts only
	FormatInt4     Format = "int4"  // weights only
	FormatInt8     Format = "int8"  // weights only
)

// formatOfID is the format of a checkpoint of the catalogue, by its name.
func formatOfID(id string) Format {
	owner, name, _ := strings.Cut(id, "/")
	switch {
	case strings.HasSuffix(name, "-NVFP4"):
		return FormatNVFP4
	case owner == "deepseek-ai", owner == "Qwen" && strings.HasSuffix(name, "-FP8"):
		return FormatFP8Block
	case strings.HasSuffix(name, "-FP8"):
		return FormatFP8
	case owner == "openai":
		return FormatMXFP4
	}
	return FormatFloat16
}

// CheckpointQuant chooses the formats that a checkpoint is stored in, and the
// defaults of [DefaultQuant] for what a checkpoint does not decide: KV cache,
// attention and communication.
//
// A way of storing weights that is not known is an error.
func CheckpointQuant(m *Model, db *perftables.Database) (Quant, error) {
	q := DefaultQuant(m, db)
	f, ok := checkpointFormats[m.Checkpoint]
	if !ok {
		return q, fmt.Errorf("%s: its quantization_config is not one of those known: fp8, nvfp4 (ModelOpt), mxfp4, awq and gptq of 4 or 8 bits", m.ID)
	}
	q.GEMM, q.MoE = f.gemm, f.moe
	if !m.IsMoE() {
		// Dense models have no experts; keep a format that the tables have.
		q.MoE = DefaultQuant(m, db).MoE
	}
	return q, nil
}

var checkpointFormats = map[Format]struct {
	gemm perftables.GEMMQuant
	moe  perftables.MoEQuant
}{
	FormatFloat16:  {perftables.GEMMFloat16, perftables.MoEFloat16},
	FormatFP8:      {perftables.GEMMFP8, perftables.MoEFP8},
	FormatFP8Block: {perftables.GEMMFP8Block, perftables.MoEFP8Block},
	FormatNVFP4:    {perftables.GEMMNVFP4, perftables.MoENVFP4},
	FormatMXFP4:    {perftables.GEMMFloat16, perftables.MoEW4A16MXFP4},
	FormatInt4:     {perftables.GEMMInt4WO, perftables.MoEInt4WO},
	FormatInt8:     {perftables.GEMMInt8WO, perftables.MoEFloat16},
}

// profiles are named sets of formats. Source: AIConfigurator 0.6.0.
var profiles = map[string]Quant{
	"float16_default": {perftables.GEMMFloat16, perftables.MoEFloat16, perftables.KVFloat16, perftables.FMHAFloat16, perftables.CommHalf},
	"fp8_default":     {perftables.GEMMFP8, perftables.MoEFP8, perftables.KVFP8, perftables.FMHAFP8, perftables.CommHalf},
	"nvfp4_default":   {perftables.GEMMNVFP4, perftables.MoENVFP4, perftables.KVFP8, perftables.FMHAFP8, perftables.CommHalf},
}

// Profiles lists the named sets of formats.
func Profiles() []string { return slices.Sorted(maps.Keys(profiles)) }

// ProfileQuant returns a named set of formats.
func ProfileQuant(name string) (Quant, error) {
	if q, ok := profiles[name]; ok {
		return q, nil
	}
	return Quant{}, suggest.Unknown("profile", name, Profiles())
}
