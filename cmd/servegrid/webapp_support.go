//go:build cgo

package main

import (
	"context"

	"github.com/urfave/cli/v2"
)

// supportRequest are the flags of support.
type supportRequest struct {
	ModelPath      string `json:"model_path,omitempty" doc:"Hugging Face id of a known model"`
	System         string `json:"system,omitempty" doc:"GPU system, or all"`
	Backend        string `json:"backend,omitempty" doc:"serving engine, or all"`
	BackendVersion string `json:"backend_version,omitempty" doc:"engine version; the newest with data when left out"`
}

// table is columns with rows.
type table struct {
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"`
}

func (w *webapp) support(_ context.Context, q supportRequest) (table, error) {
	var t table
	_, err := readFlags(supportCommand(), flagArgs(q), func(c *cli.Context) error {
		o, err := newSupportOptions(c)
		if err != nil {
			return err
		}
		m, err := lookupModel(c.App.ErrWriter, o.model)
		if err != nil {
			return err
		}
		combos, err := o.judge(m)
		if err != nil {
			return err
		}
		t.Columns, t.Rows = supportRows(m, combos)
		return nil
	})
	return t, err
}
