package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/estimator"
	"servegrid/internal/suggest"
	"servegrid/perftables"
)

// quantOptions say how the numeric formats are chosen: by the GPU and the
// tables, by the checkpoint, or by a profile, and single ones on top of that.
type quantOptions struct {
	source  string // reference or checkpoint
	common  string // format of experts and matrix multiplications; "" keeps
	profile string
	single  []string // GEMM, experts, KV cache, context attention, communication; "" keeps
	inFile  bool     // chosen by an experiment file, not by flags
}

var quantSources = []string{"reference", "checkpoint"}

func quantFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "quant", Value: "reference", Usage: "formats: reference (the fastest that GPU and tables have) or checkpoint (as the weights are stored)"},
		&cli.StringFlag{Name: "profile", Aliases: []string{"profiles"}, Usage: "set of formats: " + strings.Join(estimator.Profiles(), ", ")},
		&cli.StringFlag{Name: "gemm-quant-mode", Usage: "format of the matrix multiplications"},
		&cli.StringFlag{Name: "moe-quant-mode", Usage: "format of the experts"},
		&cli.StringFlag{Name: "kvcache-quant-mode", Usage: "format of the KV cache"},
		&cli.StringFlag{Name: "fmha-quant-mode", Usage: "format of context attention"},
		&cli.StringFlag{Name: "comm-quant-mode", Usage: "format of communication"},
	}
}

func newQuantOptions(c *cli.Context) (quantOptions, error) {
	o := quantOptions{source: c.String("quant"), profile: c.String("profile")}
	for _, f := range []string{"gemm", "moe", "kvcache", "fmha", "comm"} {
		o.single = append(o.single, c.String(f+"-quant-mode"))
	}
	if !slices.Contains(quantSources, o.source) {
		return o, usagef("--quant: %w", suggest.Unknown("value", o.source, quantSources))
	}
	if o.profile != "" {
		if _, err := estimator.ProfileQuant(o.profile); err != nil {
			return o, usagef("--profile: %w", err)
		}
	}
	_, err := quantOf(estimator.Quant{}, o.single)
	return o, asUsage(err)
}

// choose returns the formats of a model on a database.
func (o quantOptions) choose(m *estimator.Model, db *perftables.Database) (estimator.Quant, error) {
	q := estimator.DefaultQuant(m, db)
	var err error
	if o.source == "checkpoint" {
		if q, err = estimator.CheckpointQuant(m, db); err != nil {
			return q, err
		}
	}
	if o.common != "" {
		gemm := o.common
		if gemm == expertsOnly {
			gemm = ""
		}
		if q, err = quantOf(q, []string{gemm, o.common, "", "", ""}); err != nil {
			return q, err
		}
	}
	if o.profile != "" {
		if q, err = estimator.ProfileQuant(o.profile); err != nil {
			return q, err
		}
	}
	return quantOf(q, o.single)
}

// String says where the formats come from.
func (o quantOptions) String() string {
	source, by := "They follow from the GPU and the measured tables, not from the checkpoint", "the file"
	if !o.inFile {
		source, by = source+"; --quant checkpoint reads that", "flags"
	}
	switch {
	case o.common != "":
		source += ", except for use_specific_quant_mode " + o.common
	case o.profile != "":
		source = "They are those of profile " + o.profile
	case o.source == "checkpoint":
		source = "They follow from the checkpoint"
	}
	if slices.ContainsFunc(o.single, func(s string) bool { return s != "" }) {
		source += ", with single ones chosen by " + by
	}
	return source + "."
}

// expertsOnly is the common format that matrix multiplications do not have: they
// keep their own. Source: AIConfigurator 0.6.0.
const expertsOnly = string(perftables.MoEW4AFP8)

// quantOf replaces formats by those that are named: GEMM, experts, KV cache,
// context attention, communication. An empty name keeps the format.
func quantOf(q estimator.Quant, names []string) (estimator.Quant, error) {
	var errs [5]error
	set(&q.GEMM, names[0], perftables.ParseGEMMQuant, &errs[0])
	set(&q.MoE, names[1], perftables.ParseMoEQuant, &errs[1])
	set(&q.KV, names[2], perftables.ParseKVQuant, &errs[2])
	set(&q.FMHA, names[3], perftables.ParseFMHAQuant, &errs[3])
	set(&q.Comm, names[4], perftables.ParseCommQuant, &errs[4])
	return q, errors.Join(errs[:]...)
}

func set[Q any](dst *Q, name string, parse func(string) (Q, error), err *error) {
	if name != "" {
		*dst, *err = parse(name)
	}
}

// describeQuant names the formats.
func describeQuant(m *estimator.Model, q estimator.Quant) string {
	text := fmt.Sprintf("gemm %s, KV cache %s, context attention %s", q.GEMM, q.KV, q.FMHA)
	if m.IsMoE() {
		text += fmt.Sprintf(", experts %s", q.MoE)
	}
	return text
}
