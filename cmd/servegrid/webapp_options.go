//go:build cgo

package main

import (
	"context"
	"errors"

	"servegrid/estimator"
	"servegrid/perftables"
	"servegrid/queries"
	"servegrid/sinks/deploy"
)

type optionsRequest struct{}

// optionsReply is what there is to choose from.
type optionsReply struct {
	Version       string         `json:"version"`
	Models        []modelOption  `json:"models"`
	Systems       []systemOption `json:"systems"`
	Backends      []string       `json:"backends"`
	DatabaseModes []string       `json:"database_modes"`
	Profiles      []string       `json:"profiles"`
	Dynamo        []string       `json:"dynamo_versions"`
	Overrides     table          `json:"overrides" doc:"keys of generator_set"`
	Warehouse     warehouseState `json:"warehouse"`
}

type modelOption struct {
	ID           string   `json:"id"`
	Aliases      []string `json:"aliases" doc:"ids of the same architecture"`
	Family       string   `json:"family"`
	MoE          bool     `json:"moe"`
	MaxPositions int      `json:"max_positions" doc:"longest context, tokens"`
}

type systemOption struct {
	Name        string              `json:"name"`
	MemoryGiB   float64             `json:"memory_gib" doc:"of one GPU"`
	GPUsPerNode int                 `json:"gpus_per_node"`
	Versions    map[string][]string `json:"versions" doc:"engine versions with data by engine, oldest first"`
}

type warehouseState struct {
	Path  string `json:"path"`
	Ready bool   `json:"ready"`
	Why   string `json:"why,omitempty" doc:"why there is nothing to ask"`
}

func (w *webapp) options(ctx context.Context, _ optionsRequest) (optionsReply, error) {
	reply := optionsReply{
		Version: version(), Backends: perftables.Backends, DatabaseModes: perftables.Modes(), Profiles: estimator.Profiles(), Dynamo: deploy.DynamoVersions(),
		Warehouse: warehouseState{Path: w.warehouse},
	}
	for _, id := range estimator.ModelIDs() {
		m, err := estimator.LookupModel(id)
		if err != nil {
			return reply, err
		}
		reply.Models = append(reply.Models, modelOption{id, m.IDs(), string(m.Family), m.IsMoE(), m.MaxPositions})
	}
	for _, name := range kernelTables().SystemNames() {
		s, _ := kernelTables().System(name) // it is one of them
		o := systemOption{name, s.MemCapacity / estimator.GiB, s.GPUsPerNode, map[string][]string{}}
		for _, b := range perftables.Backends {
			if v := kernelTables().Versions(name, b); len(v) > 0 {
				o.Versions[b] = v
			}
		}
		reply.Systems = append(reply.Systems, o)
	}
	reply.Overrides.Columns, reply.Overrides.Rows = deploy.KeyTable("")
	db, err := queries.Open(ctx, w.warehouse)
	switch {
	case errors.Is(err, queries.ErrEmpty):
		reply.Warehouse.Why = errNoWarehouse.Error()
	case err != nil:
		reply.Warehouse.Why = oneLine(err)
	default:
		reply.Warehouse.Ready = true
		return reply, db.Close()
	}
	return reply, nil
}
