package estimator

// GiB is 2^30 bytes.
const GiB = 1 << 30

// memoryModel holds what the memory of one GPU is made of.
// Source of its constants: AIConfigurator 0.6.0, per backend.
type memoryModel struct {
	weights     float64 // bytes
	kvPerToken  float64 // bytes per token of a sequence
	actPerToken float64 // activation bytes per token of a step
	actFloor    float64 // bytes that activations take at least
	actFactor   float64
	nccl, other float64 // bytes
	capacity    float64 // bytes
}

// Memory is what one GPU holds, in GiB.
type Memory struct {
	Weights, Activations, KVCache, NCCL, Others float64
}

// Total in GiB.
func (m Memory) Total() float64 { return m.Weights + m.Activations + m.KVCache + m.NCCL + m.Others }

// activationFactors is the activation bytes per token and attention channel,
// halved, for tensor parallel sizes 1, 2, 4, and 8 and more.
var activationFactors = map[Family]map[bool][4]float64{ // by whether the backend is SGLang
	Llama:       {false: {11, 6.5, 5, 5}, true: {14, 8.5, 6.5, 6.5}},
	MoE:         {false: {22, 13, 10, 10}, true: {28, 17, 13, 13}},
	DeepSeek:    {false: {22, 13, 10, 10}, true: {28, 17, 13, 13}},
	GPT:         {false: {10, 6, 5, 5}, true: {13, 8, 6.5, 6.5}},
	NemotronNAS: {false: {10, 6, 5, 5}, true: {13, 8, 6.5, 6.5}},
}

func newMemoryModel(p *Plan) (memoryModel, error) {
	m, tp := p.Model, p.Layout.TP
	nccl, err := p.DB.System.NCCLMemory(tp)
	if err != nil {
		return memoryModel{}, err
	}
	slot := map[int]int{1: 0, 2: 1, 4: 2, 8: 3}[min(tp, 8)]
	sglang := p.DB.Backend == "sglang"
	channels := float64(m.Heads * m.HeadDim)
	mm := memoryModel{
		actPerToken: float64(2 * channels * activationFactors[m.Family][sglang][slot]),
		actFloor:    70 << 20,
		actFactor:   1,
		nccl:        nccl,
		other:       p.DB.System.OtherMemory(),
		capacity:    p.DB.System.MemCapacity,
		kvPerToken:  p.Quant.KV.Bytes() * float64(ceilDiv(m.KVHeads, tp)*m.HeadDim*m.Layers*2),
	}
	if m.Family == DeepSeek {
		// Tokens on their way to the experts.
		mm.actPerToken += float64(channels * float64(p.Layout.DP*m.Experts*m.TopK) / float64(p.Layout.MoEEP) / 128 * 4)
		if p.NextN > 0 {
			mm.actPerToken *= float64(p.NextN + 1)
		}
		mm.kvPerToken = p.Quant.KV.Bytes() * float64(m.Layers*mlaKVBytes)
	}
	if sglang {
		mm.actFloor, mm.actFactor, mm.other = 90<<20, 1.15, p.DB.System.OtherMemory()*1.2
	}
	for _, ops := range [][]operator{p.context.ops, p.logits.ops} {
		for _, op := range ops {
			mm.weights += float64(op.scale * op.weight)
		}
	}
	mm.weights /= float64(p.Layout.PP)
	return mm, nil
}

// Memory returns what one GPU holds when b sequences run on each rank and a step
// computes that many tokens.
func (p *Plan) Memory(b int, w Workload, tokens int) Memory {
	m := &p.memory
	return Memory{
		Weights:     m.weights / GiB,
		Activations: m.activations(float64(tokens)) / GiB,
		KVCache:     m.kv(float64(b*w.ISL+b*w.OSL)) / GiB,
		NCCL:        m.nccl / GiB,
		Others:      m.other / GiB,
	}
}

func (m *memoryModel) activations(tokens float64) float64 {
	return float64(max(tokens*m.actPerToken, m.actFloor) * m.actFactor)
}

// kv is the cache of that many tokens.
func (m *memoryModel) kv(tokens float64) float64 { return float64(tokens * m.kvPerToken) }

// total in GiB.
func (m *memoryModel) total(b int, w Workload, tokens int) float64 {
	return m.sum(float64(tokens), float64(b*w.ISL+b*w.OSL))
}

// sum is the total in GiB for a step of that many tokens and a cache of
// kvTokens.
func (m *memoryModel) sum(tokens, kvTokens float64) float64 {
	return (m.weights + m.activations(tokens) + m.kv(kvTokens) + m.nccl + m.other) / GiB
}

// fits reports whether a total in GiB is below the GPU's capacity.
func (m *memoryModel) fits(total float64) bool { return total < m.capacity/GiB }

// Fits reports whether a memory total in GiB is below the GPU's capacity.
func (p *Plan) Fits(total float64) bool { return p.memory.fits(total) }

// CapacityGiB is the memory of one GPU.
func (p *Plan) CapacityGiB() float64 { return p.memory.capacity / GiB }
