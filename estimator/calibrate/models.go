package calibrate

import "servegrid/estimator"

// standIns are models that the catalogue does not have, described by the nearest
// architecture that it has: good enough for an estimate whose tables are borrowed
// anyway. Source of the sizes: the config.json of each checkpoint. What the
// stand-in leaves out is said with each.
var standIns = map[string]estimator.Model{
	// Nothing left out.
	"MiniMaxAI/MiniMax-M2.5": {Family: estimator.MoE, Layers: 62, Heads: 48, KVHeads: 8, HeadDim: 128, Hidden: 3072, Intermediate: 1536,
		Vocab: 200064, MaxPositions: 196608, TopK: 8, Experts: 256, MoEInter: 1536},
	// Latent attention of DeepSeek-V3's 128 heads instead of 64.
	"moonshotai/Kimi-K2.5": {Family: estimator.DeepSeek, Layers: 61, Heads: 128, KVHeads: 128, HeadDim: 56, Hidden: 7168, Intermediate: 18432,
		Vocab: 163840, MaxPositions: 262144, TopK: 8, Experts: 384, MoEInter: 2048},
	// As Kimi, and sparse attention is taken as full attention.
	"zhipuai/GLM-5": {Family: estimator.DeepSeek, Layers: 78, Heads: 128, KVHeads: 128, HeadDim: 56, Hidden: 6144, Intermediate: 12288,
		Vocab: 154880, MaxPositions: 202752, TopK: 8, Experts: 256, MoEInter: 2048},
	// Its three linear attention layers of four are taken as full attention.
	"Qwen/Qwen3.5-397B-A17B": {Family: estimator.MoE, Layers: 60, Heads: 32, KVHeads: 2, HeadDim: 128, Hidden: 4096, Intermediate: 4096,
		Vocab: 248320, MaxPositions: 262144, TopK: 10, Experts: 512, MoEInter: 1024},
	// Expert layers are taken to be in every layer, without a shared expert.
	"nvidia/Llama-4-Maverick-17B-128E-Instruct": {Family: estimator.MoE, Layers: 48, Heads: 40, KVHeads: 8, HeadDim: 128, Hidden: 5120, Intermediate: 16384,
		Vocab: 202048, MaxPositions: 1048576, TopK: 1, Experts: 128, MoEInter: 8192},
}

// lookupModel returns a model of the catalogue, or its stand-in; architecture
// names what it is, the same for all checkpoints of one architecture.
func lookupModel(name string) (m *estimator.Model, architecture string, standIn bool, err error) {
	if s, ok := standIns[name]; ok {
		s.ID = name
		return &s, name, true, nil
	}
	m, err = estimator.LookupModel(name)
	if err != nil {
		return nil, name, false, err
	}
	if m.Builtin == "" {
		return m, name, false, nil
	}
	return m, m.Builtin, false, nil
}
