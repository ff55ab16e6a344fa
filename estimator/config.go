package estimator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"servegrid/internal/suggest"
)

// readConfig reads a config.json.
func readConfig(path, id string) (*Model, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &UnknownModelError{fmt.Sprintf("model directory %s has no config.json", id)}
	}
	if err != nil {
		return nil, fmt.Errorf("read model %s: %w", id, err)
	}
	m, err := parseConfig(b)
	if err != nil {
		return nil, fmt.Errorf("read model %s: %w", path, err)
	}
	m.ID = id
	return m, nil
}

// hfConfig is the part of a Hugging Face config.json that the formulas read. GPT
// models spell most of it in their own way.
type hfConfig struct {
	Architectures []string `json:"architectures"`

	Layers       *int `json:"num_hidden_layers"`
	Heads        *int `json:"num_attention_heads"`
	KVHeads      *int `json:"num_key_value_heads"`
	HeadDim      *int `json:"head_dim"`
	Hidden       *int `json:"hidden_size"`
	Intermediate *int `json:"intermediate_size"`
	Vocab        *int `json:"vocab_size"`
	MaxPositions *int `json:"max_position_embeddings"`

	GPTLayers    *int  `json:"n_layer"`
	GPTHeads     *int  `json:"n_head"`
	GPTHidden    *int  `json:"n_embd"`
	GPTInner     *int  `json:"n_inner"`
	GPTPositions *int  `json:"n_positions"`
	MultiQuery   *bool `json:"multi_query"`

	TopK          *int `json:"num_experts_per_tok"`
	LocalExperts  *int `json:"num_local_experts"`
	RoutedExperts *int `json:"n_routed_experts"`
	Experts       *int `json:"num_experts"`
	MoEInter      *int `json:"moe_intermediate_size"`

	Blocks []hfBlock `json:"block_configs"`

	Quantization *hfQuantization `json:"quantization_config"`
}

// hfQuantization says how the weights are stored.
type hfQuantization struct {
	Method    string `json:"quant_method"`
	Algorithm string `json:"quant_algo"` // of NVIDIA's ModelOpt
	Block     []int  `json:"weight_block_size"`
	Bits      int    `json:"bits"`
}

// format returns the format, "" when it is not known.
func (q *hfQuantization) format() Format {
	if q == nil {
		return FormatFloat16
	}
	algorithm := strings.ToUpper(q.Algorithm)
	switch method := strings.ToLower(q.Method); {
	case strings.Contains(algorithm, "NVFP4"):
		return FormatNVFP4
	case method == "fp8" && len(q.Block) > 0:
		return FormatFP8Block
	case method == "fp8", method == "fbgemm_fp8", strings.HasPrefix(algorithm, "FP8"):
		return FormatFP8
	case method == "mxfp4":
		return FormatMXFP4
	case (method == "awq" || method == "gptq") && q.Bits == 4:
		return FormatInt4
	case (method == "awq" || method == "gptq") && q.Bits == 8:
		return FormatInt8
	}
	return ""
}

// hfBlock is one block of a model found by architecture search.
type hfBlock struct {
	Attention struct {
		HeadsInGroup *int `json:"n_heads_in_group"`
		NoOp         bool `json:"no_op"`
		Linear       bool `json:"replace_with_linear"`
	} `json:"attention"`
	FFN struct {
		Mult   *float64 `json:"ffn_mult"`
		NoOp   bool     `json:"no_op"`
		Linear bool     `json:"replace_with_linear"`
	} `json:"ffn"`
}

func parseConfig(b []byte) (*Model, error) {
	var c hfConfig
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, err
	}
	if len(c.Architectures) == 0 {
		return nil, errors.New(`"architectures" is missing or empty`)
	}
	architecture := c.Architectures[0]
	family, ok := architectures[architecture]
	if !ok {
		var known []string
		for a := range architectures {
			known = append(known, a)
		}
		slices.Sort(known)
		return nil, suggest.Unknown("architecture", architecture, known)
	}
	m := &Model{Family: family, SlidingWindow: architecture == "GptOssForCausalLM", Checkpoint: c.Quantization.format()}
	r := &sizes{}
	switch family {
	case GPT:
		r.gpt(m, &c, architecture == "GPTBigCodeForCausalLM")
	case NemotronNAS:
		r.common(m, &c)
		r.blocks(m, &c)
	case MoE, DeepSeek:
		r.common(m, &c)
		r.grouped(m, &c)
		r.experts(m, &c)
	default:
		r.common(m, &c)
		r.grouped(m, &c)
	}
	if r.err == nil && (m.HeadDim < 1 || m.HeadDim > 1<<16) {
		r.err = fmt.Errorf("the head size is %d", m.HeadDim)
	}
	if r.err == nil && m.KVHeads > m.Heads {
		r.err = fmt.Errorf("%d KV heads for %d heads", m.KVHeads, m.Heads)
	}
	return m, r.err
}

// sizes reads required numbers; the first mistake sticks.
type sizes struct{ err error }

// largestSize is beyond any real model and keeps products of sizes exact in a
// float64.
const largestSize = 1 << 24

func (r *sizes) read(dst *int, key string, v *int) {
	switch {
	case r.err != nil:
	case v == nil:
		r.err = fmt.Errorf("%q is missing", key)
	case *v < 1 || *v > largestSize:
		r.err = fmt.Errorf("%q is %d, want 1 to %d", key, *v, largestSize)
	default:
		*dst = *v
	}
}

// common reads what every family but GPT spells alike.
func (r *sizes) common(m *Model, c *hfConfig) {
	r.read(&m.Layers, "num_hidden_layers", c.Layers)
	r.read(&m.Heads, "num_attention_heads", c.Heads)
	r.read(&m.Hidden, "hidden_size", c.Hidden)
	r.read(&m.Vocab, "vocab_size", c.Vocab)
	r.read(&m.MaxPositions, "max_position_embeddings", c.MaxPositions)
	if m.Heads > 0 {
		m.HeadDim = m.Hidden / m.Heads
	}
	if c.HeadDim != nil {
		m.HeadDim = *c.HeadDim
	}
}

// grouped reads KV heads and the feed-forward size.
func (r *sizes) grouped(m *Model, c *hfConfig) {
	r.read(&m.KVHeads, "num_key_value_heads", c.KVHeads)
	r.read(&m.Intermediate, "intermediate_size", c.Intermediate)
}

// experts reads the expert layers. Where the size of an expert is not said apart
// it is the feed-forward size.
func (r *sizes) experts(m *Model, c *hfConfig) {
	r.read(&m.TopK, "num_experts_per_tok", c.TopK)
	experts, key := c.Experts, "num_experts"
	if c.RoutedExperts != nil && *c.RoutedExperts != 0 {
		experts, key = c.RoutedExperts, "n_routed_experts"
	}
	if c.LocalExperts != nil && *c.LocalExperts != 0 {
		experts, key = c.LocalExperts, "num_local_experts"
	}
	r.read(&m.Experts, key, experts)
	if c.MoEInter == nil {
		m.MoEInter = m.Intermediate
		return
	}
	r.read(&m.MoEInter, "moe_intermediate_size", c.MoEInter)
}

// gpt reads GPT-2 and its kin. Every head has its own KV head, unless all share
// one.
func (r *sizes) gpt(m *Model, c *hfConfig, mayShare bool) {
	r.read(&m.Layers, "n_layer", c.GPTLayers)
	r.read(&m.Heads, "n_head", c.GPTHeads)
	r.read(&m.Hidden, "n_embd", c.GPTHidden)
	r.read(&m.Vocab, "vocab_size", c.Vocab)
	r.read(&m.MaxPositions, "n_positions", c.GPTPositions)
	m.Intermediate = 4 * m.Hidden
	if c.GPTInner != nil {
		r.read(&m.Intermediate, "n_inner", c.GPTInner)
	}
	m.KVHeads = m.Heads
	if mayShare && (c.MultiQuery == nil || *c.MultiQuery) {
		m.KVHeads = 1
	}
	if m.Heads > 0 {
		m.HeadDim = m.Hidden / m.Heads
	}
}

// blocks reads the block table of a model found by architecture search; equal
// blocks are counted together.
func (r *sizes) blocks(m *Model, c *hfConfig) {
	if r.err == nil && len(c.Blocks) == 0 {
		r.err = errors.New(`"block_configs" is missing or empty`)
	}
	for i, hb := range c.Blocks {
		if r.err != nil {
			return
		}
		b := Block{Count: 1}
		if !hb.Attention.NoOp && !hb.Attention.Linear {
			r.read(&b.HeadsPerGroup, fmt.Sprintf("block_configs[%d].attention.n_heads_in_group", i), hb.Attention.HeadsInGroup)
		}
		if !hb.FFN.NoOp && !hb.FFN.Linear {
			if hb.FFN.Mult == nil || !(*hb.FFN.Mult > 0 && *hb.FFN.Mult < 1024) {
				r.err = fmt.Errorf("block_configs[%d].ffn.ffn_mult is missing or out of range", i)
				return
			}
			b.FFN = blockFFN(*hb.FFN.Mult, m.Hidden)
		}
		at := slices.IndexFunc(m.Blocks, func(o Block) bool { return o.HeadsPerGroup == b.HeadsPerGroup && o.FFN == b.FFN })
		if at < 0 {
			m.Blocks = append(m.Blocks, b)
		} else {
			m.Blocks[at].Count++
		}
	}
}

// blockFFN is the feed-forward size of a block: two thirds of the multiple,
// rounded up to 256.
func blockFFN(mult float64, hidden int) int {
	return (int(2*mult*float64(hidden)/3) + 255) / 256 * 256
}
