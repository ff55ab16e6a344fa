package grid

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"servegrid/jobs"
)

// KeyInput holds everything that the rows of a shard depend on. Nothing else
// may be part of it: no run name, time, path, SLA limit or program version.
//
// [Shard.KeyInput] fills what the sweep file decides; the caller adds the rest.
type KeyInput struct {
	Combo        Combo
	Workloads    []jobs.Workload // in the order of the shard's rows
	GPUs         []int           // GPU budgets; only when disagg is asked for, no other rows depend on them
	ServingModes []string
	Keep         string
	Estimator    string
	Search       string
	DatabaseMode string

	Constants string // digest of the constants that the calibrated estimator predicts with; else ""

	Quant             Quant
	TableDigests      []string // of the tables used, in the order of their kinds
	EstimatorRevision int
	SchemaVersion     int
}

// Quant names the numeric formats that a plan was resolved to, and its
// multi-token-prediction depth.
type Quant struct {
	GEMM, MoE, KVCache, FMHA, Comm string
	NextN                          int // tokens
}

// KeyInput returns what the sweep file contributes to the shard's key. The
// slices are shared with the shard and the spec.
func (s Shard) KeyInput(spec *jobs.Spec) KeyInput {
	k := KeyInput{
		Combo:        s.Combo,
		Workloads:    s.Workloads,
		ServingModes: spec.ServingModes,
		Keep:         spec.Keep,
		Estimator:    spec.Estimator,
		Search:       spec.Search,
		DatabaseMode: spec.DatabaseMode,
	}
	if slices.Contains(spec.ServingModes, jobs.ModeDisagg) {
		k.GPUs = s.GPUs
	}
	return k
}

// Key returns the shard's content key: 32 lower-case hexadecimal characters,
// half of a SHA-256. Equal inputs have equal keys on every platform; the order
// of every slice counts.
func (k KeyInput) Key() string {
	sum := sha256.Sum256(k.encode())
	return hex.EncodeToString(sum[:16])
}

// encode returns the canonical encoding: a fixed sequence of named fields. Names
// and texts carry their length, numbers have eight bytes and lists their count,
// so different inputs never have the same bytes. Changing anything here changes
// every key, and every stored shard is scored again.
func (k KeyInput) encode() []byte {
	e := encoder("servegrid shard key 2\n")
	e.text("model", k.Combo.Model)
	e.text("system", k.Combo.System)
	e.text("decode_system", k.Combo.DecodeSystem)
	e.text("backend", k.Combo.Backend)
	e.text("version", k.Combo.Version)
	e.number("workloads", len(k.Workloads))
	for _, w := range k.Workloads {
		e.number("isl", w.ISL)
		e.number("osl", w.OSL)
		e.number("prefix", w.Prefix)
	}
	e.number("gpus", len(k.GPUs))
	for _, n := range k.GPUs {
		e.number("gpu", n)
	}
	e.texts("serving_modes", k.ServingModes)
	e.text("keep", k.Keep)
	e.text("estimator", k.Estimator)
	if k.Constants != "" { // so that the keys of the reference estimator stay what they are
		e.text("constants", k.Constants)
	}
	e.text("search", k.Search)
	e.text("database_mode", k.DatabaseMode)
	e.text("gemm_quant", k.Quant.GEMM)
	e.text("moe_quant", k.Quant.MoE)
	e.text("kvcache_quant", k.Quant.KVCache)
	e.text("fmha_quant", k.Quant.FMHA)
	e.text("comm_quant", k.Quant.Comm)
	e.number("nextn", k.Quant.NextN)
	e.texts("table_digests", k.TableDigests)
	e.number("estimator_revision", k.EstimatorRevision)
	e.number("schema_version", k.SchemaVersion)
	return e
}

// encoder is the encoding so far.
type encoder []byte

func (e *encoder) bytes(s string) {
	*e = binary.BigEndian.AppendUint64(*e, uint64(len(s)))
	*e = append(*e, s...)
}

func (e *encoder) text(name, v string) {
	e.bytes(name)
	e.bytes(v)
}

func (e *encoder) number(name string, v int) {
	e.bytes(name)
	*e = binary.BigEndian.AppendUint64(*e, uint64(int64(v)))
}

func (e *encoder) texts(name string, list []string) {
	e.number(name, len(list))
	for _, v := range list {
		e.bytes(v)
	}
}
