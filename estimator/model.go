package estimator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"servegrid/internal/suggest"
)

// Family groups the architectures that share an operator list.
type Family string

// The families.
const (
	Llama Family = "LLAMA" // dense decoder with gated feed-forward: Llama 2 and 3, Qwen 2.5 and 3
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
}

// IsMoE reports whether the model has expert layers.
func (m *Model) IsMoE() bool { return false }

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
	"LlamaForCausalLM": Llama,
	"Qwen2ForCausalLM": Llama,
	"Qwen3ForCausalLM": Llama,
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

var shortName = regexp.MustCompile(`^[A-Z0-9_.]+$`)

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

// hfConfig is the part of a Hugging Face config.json that the formulas read.
type hfConfig struct {
	Architectures []string `json:"architectures"`
	Layers        *int     `json:"num_hidden_layers"`
	Heads         *int     `json:"num_attention_heads"`
	KVHeads       *int     `json:"num_key_value_heads"`
	HeadDim       *int     `json:"head_dim"`
	Hidden        *int     `json:"hidden_size"`
	Intermediate  *int     `json:"intermediate_size"`
	Vocab         *int     `json:"vocab_size"`
	MaxPositions  *int     `json:"max_position_embeddings"`
}

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

func parseConfig(b []byte) (*Model, error) {
	var c hfConfig
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, err
	}
	if len(c.Architectures) == 0 {
		return nil, errors.New(`"architectures" is missing or empty`)
	}
	family, ok := architectures[c.Architectures[0]]
	if !ok {
		var known []string
		for a := range architectures {
			known = append(known, a)
		}
		slices.Sort(known)
		return nil, suggest.Unknown("architecture", c.Architectures[0], known)
	}
	m := &Model{Family: family}
	for _, f := range []struct {
		key string
		v   *int
		dst *int
	}{
		{"num_hidden_layers", c.Layers, &m.Layers},
		{"num_attention_heads", c.Heads, &m.Heads},
		{"num_key_value_heads", c.KVHeads, &m.KVHeads},
		{"hidden_size", c.Hidden, &m.Hidden},
		{"intermediate_size", c.Intermediate, &m.Intermediate},
		{"vocab_size", c.Vocab, &m.Vocab},
		{"max_position_embeddings", c.MaxPositions, &m.MaxPositions},
	} {
		// Sizes beyond any real model are refused, so that products of them stay
		// exact in a float64.
		const largest = 1 << 24
		switch {
		case f.v == nil:
			return nil, fmt.Errorf("%q is missing", f.key)
		case *f.v < 1 || *f.v > largest:
			return nil, fmt.Errorf("%q is %d, want 1 to %d", f.key, *f.v, largest)
		}
		*f.dst = *f.v
	}
	m.HeadDim = m.Hidden / m.Heads
	if c.HeadDim != nil {
		m.HeadDim = *c.HeadDim
	}
	if m.HeadDim < 1 || m.HeadDim > 1<<16 {
		return nil, fmt.Errorf("the head size is %d", m.HeadDim)
	}
	return m, nil
}
