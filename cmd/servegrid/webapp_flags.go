//go:build cgo

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/cmd/servegrid/internal/web"
	"servegrid/estimator"
	"servegrid/internal/suggest"
)

// A request of the page carries flags of a command under their names. They are read
// by the command's own parser, so that both mean the same, say the same when they
// are wrong, and cannot drift apart. A request has no field for what names a file:
// those flags cannot be reached from outside.

// workloadRequest are the flags of default that say what is asked. A field that is
// left out has the command's default.
type workloadRequest struct {
	ModelPath        string   `json:"model_path,omitempty" doc:"Hugging Face id of a known model"`
	TotalGPUs        *int     `json:"total_gpus,omitempty" doc:"GPU budget"`
	DecodeSystem     string   `json:"decode_system,omitempty" doc:"GPU system of the decode workers, where it is another one"`
	DatabaseMode     string   `json:"database_mode,omitempty" doc:"SILICON, HYBRID, EMPIRICAL or SOL"`
	ISL              *int     `json:"isl,omitempty" doc:"input length, tokens"`
	OSL              *int     `json:"osl,omitempty" doc:"output length, tokens"`
	Prefix           *int     `json:"prefix,omitempty" doc:"input tokens found in the prefix cache"`
	TTFT             *float64 `json:"ttft,omitempty" doc:"limit on the time to first token, ms"`
	TPOT             *float64 `json:"tpot,omitempty" doc:"limit on the time per output token, ms"`
	RequestLatency   *float64 `json:"request_latency,omitempty" doc:"limit on the whole request, ms; it replaces the other two"`
	NextN            *int     `json:"nextn,omitempty" doc:"drafts of multi-token prediction per step"`
	Estimator        string   `json:"estimator,omitempty" doc:"reference or calibrated"`
	Search           string   `json:"search,omitempty" doc:"reference or exhaustive"`
	ServingMode      string   `json:"serving_mode,omitempty" doc:"agg, disagg or auto for both"`
	Quant            string   `json:"quant,omitempty" doc:"formats: reference or checkpoint"`
	Profile          string   `json:"profile,omitempty" doc:"named set of formats"`
	GEMMQuantMode    string   `json:"gemm_quant_mode,omitempty" doc:"format of the matrix multiplications"`
	MoEQuantMode     string   `json:"moe_quant_mode,omitempty" doc:"format of the experts"`
	KVCacheQuantMode string   `json:"kvcache_quant_mode,omitempty" doc:"format of the KV cache"`
	FMHAQuantMode    string   `json:"fmha_quant_mode,omitempty" doc:"format of context attention"`
}

// engineRequest names what a model runs on.
type engineRequest struct {
	System         string `json:"system,omitempty" doc:"GPU system"`
	Backend        string `json:"backend,omitempty" doc:"serving engine"`
	BackendVersion string `json:"backend_version,omitempty" doc:"engine version; the newest with data when left out"`
}

// flagArgs spells requests as flags; what is left out stays unset.
func flagArgs(requests ...any) []string {
	var args []string
	for _, r := range requests {
		v := reflect.ValueOf(r)
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			f := v.Field(i)
			if f.IsZero() {
				continue
			}
			flag := "--" + strings.ReplaceAll(name, "_", "-") + "="
			switch f.Kind() {
			case reflect.Pointer:
				args = append(args, flag+fmt.Sprint(f.Elem()))
			case reflect.Slice:
				for j := range f.Len() {
					args = append(args, flag+f.Index(j).String())
				}
			default:
				args = append(args, flag+f.String())
			}
		}
	}
	return args
}

// readFlags runs the flags through a command's parser. read gets what the
// command's action would get. said is what the command says beside its result.
func readFlags(c *cli.Command, args []string, read func(*cli.Context) error) (said []string, err error) {
	if err := checkModel(args); err != nil {
		return nil, err
	}
	var messages bytes.Buffer
	c.Action = read
	c.HideHelp = true // the library's help is one variable that all commands share
	c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return asUsage(err) }
	app := &cli.App{
		Name: "servegrid", Commands: []*cli.Command{c}, Writer: io.Discard, ErrWriter: &messages, HideHelp: true,
		ExitErrHandler: func(*cli.Context, error) {}, DisableSliceFlagSeparator: true,
	}
	err = app.Run(append([]string{"servegrid", c.Name}, args...))
	var coded *codedError
	if errors.As(err, &coded) && coded.code == exitUsage {
		err = fmt.Errorf("%w: %w", web.ErrRequest, err)
	}
	if s := strings.TrimSpace(messages.String()); s != "" {
		said = strings.Split(s, "\n")
	}
	return said, err
}

// checkModel refuses a model that the catalogue does not have: elsewhere a name
// may be a path, which a stranger must not open.
func checkModel(args []string) error {
	for _, a := range args {
		name, ok := strings.CutPrefix(a, "--model-path=")
		if !ok {
			continue
		}
		if known := catalogueIDs(); !slices.Contains(known, name) {
			return fmt.Errorf("%w: model_path: %w", web.ErrRequest, suggest.Unknown("model", name, known))
		}
	}
	return nil
}

// catalogueIDs lists every id of the catalogue, and AIConfigurator's short names.
func catalogueIDs() []string {
	var ids []string
	for _, id := range estimator.ModelIDs() {
		m, err := estimator.LookupModel(id)
		if err != nil {
			panic(err) // the catalogue knows its own
		}
		ids = append(ids, m.IDs()...)
		if m.Builtin != "" {
			ids = append(ids, m.Builtin)
		}
	}
	return ids
}
