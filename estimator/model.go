package estimator

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"servegrid/internal/lazyregexp"
	"servegrid/internal/suggest"
)

// Family groups the architectures that share an operator list.
type Family string

// The families.
const (
	GPT         Family = "GPT"         // dense decoder without a gate: GPT-2, StarCoder
	Llama       Family = "LLAMA"       // dense decoder with gated feed-forward: Llama 2 and 3, Qwen 2.5 and 3
	MoE         Family = "MOE"         // decoder with expert layers: Mixtral, Qwen3 MoE, GPT-OSS
	DeepSeek    Family = "DEEPSEEK"    // latent attention and expert layers: DeepSeek-V3 and R1
	NemotronNAS Family = "NEMOTRONNAS" // blocks found by architecture search, some without attention
)

// Model holds the figures of an architecture that the formulas use.
type Model struct {
	ID      string // Hugging Face id, or the path that was given
	Builtin string // AIConfigurator's short name, where it has one
	Family  Family

	Layers       int
	Heads        int // query heads
	KVHeads      int
	HeadDim      int
	Hidden       int
	Intermediate int // feed-forward size
	Vocab        int
	MaxPositions int // longest context the checkpoint supports, tokens

	// Checkpoint is the format that the weights are stored in. Only
	// [CheckpointQuant] reads it.
	Checkpoint Format

	TopK          int     // experts per token; 0 without expert layers
	Experts       int     // experts per layer
	MoEInter      int     // feed-forward size of one expert
	SlidingWindow bool    // every other layer attends to a window only (GPT-OSS)
	Blocks        []Block // of NemotronNAS
}

// Block is a number of equal blocks of a NemotronNAS model.
type Block struct {
	Count         int
	HeadsPerGroup int // query heads per KV head; 0: no attention
	FFN           int // feed-forward size; 0: none
}

// IsMoE reports whether the model has expert layers.
func (m *Model) IsMoE() bool { return m.Family == MoE || m.Family == DeepSeek }

// IDs lists every id that the catalogue has for the architecture; outside of the
// catalogue the model's own.
func (m *Model) IDs() []string {
	for i := range catalogue {
		if m.Builtin != "" && catalogue[i].builtin == m.Builtin {
			return catalogue[i].ids
		}
	}
	return []string{m.ID}
}

// architectures maps the first entry of a config.json's "architectures".
var architectures = map[string]Family{
	"LlamaForCausalLM":      Llama,
	"Qwen2ForCausalLM":      Llama,
	"Qwen3ForCausalLM":      Llama,
	"GPT2LMHeadModel":       GPT,
	"GPTBigCodeForCausalLM": GPT,
	"MixtralForCausalLM":    MoE,
	"Qwen3MoeForCausalLM":   MoE,
	"GptOssForCausalLM":     MoE,
	"DeepSeekForCausalLM":   DeepSeek,
	"DeepseekV3ForCausalLM": DeepSeek,
	"NemotronForCausalLM":   NemotronNAS,
	"DeciLMForCausalLM":     NemotronNAS,
}

// ModelIDs lists one id per architecture of the catalogue, smallest family
// members first.
func ModelIDs() []string {
	ids := make([]string, len(catalogue))
	for i := range catalogue {
		ids[i] = catalogue[i].ids[0]
	}
	return ids
}

// UnknownModelError is returned for a name that is neither in the catalogue nor
// on disk.
type UnknownModelError struct{ text string }

func (e *UnknownModelError) Error() string { return e.text }

// LookupModel returns the model of that name: a Hugging Face id of the
// catalogue, AIConfigurator's short name for it, a directory with a config.json,
// or the path of one. Nothing is ever fetched. An unknown name is an
// [UnknownModelError] with the nearest known one.
func LookupModel(name string) (*Model, error) {
	for i := range catalogue {
		c := &catalogue[i]
		if name == c.builtin || slices.Contains(c.ids, name) {
			m := c.model
			m.Builtin, m.ID = c.builtin, name
			if name == c.builtin {
				m.ID = c.ids[0]
			}
			m.Checkpoint = formatOfID(m.ID)
			return &m, nil
		}
	}
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return readConfig(filepath.Join(name, "config.json"), name)
	case err == nil:
		return readConfig(name, name)
	}
	return nil, &UnknownModelError{unknownModel(name)}
}

var shortName = lazyregexp.New(`^[A-Z0-9_.]+$`)

func unknownModel(name string) string {
	var ids []string
	full := map[string]string{} // the id that a short name stands for
	for i := range catalogue {
		c := &catalogue[i]
		ids = append(append(ids, c.ids...), c.builtin)
		full[c.builtin] = c.ids[0]
	}
	text := fmt.Sprintf("unknown model %q: it is neither a known id nor a directory with a config.json", name)
	if shortName.MatchString(name) {
		text += "; use the full Hugging Face path"
	}
	if near := suggest.Nearest(name, ids, max(4, len(name)/3)); near != "" {
		if id, ok := full[near]; ok {
			near = id
		}
		text += fmt.Sprintf("; did you mean %q?", near)
	} else {
		text += "."
	}
	return text + ` For another model pass the folder that holds its config.json. Known are ` + strings.Join(ModelIDs(), ", ")
}
