//go:build cgo

package main

import (
	"cmp"
	"context"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/queries"
)

// sweptModels maps architectures to the id under which a warehouse holds them.
func sweptModels(ctx context.Context, warehouse string) (map[string]string, error) {
	db, err := queries.Open(ctx, warehouse)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	ids, err := db.Models(ctx)
	if err != nil {
		return nil, err
	}
	swept := map[string]string{}
	for _, id := range ids {
		if m, err := estimator.LookupModel(id); err == nil {
			a := calibrate.Architecture(m)
			swept[a] = cmp.Or(swept[a], id)
		}
	}
	return swept, nil
}
