package main

import (
	"embed"

	"servegrid/estimator"
	"servegrid/jobs"
	"servegrid/perftables"
)

//go:embed *.yaml
var files embed.FS

// readSpec reads a sweep file that stands beside this source.
func readSpec(name string) (*jobs.Spec, error) {
	src, err := files.ReadFile(name + ".yaml")
	if err != nil {
		return nil, err
	}
	return parse(name, src)
}

func parse(name string, src []byte) (*jobs.Spec, error) {
	return jobs.Parse(name, src, jobs.Known{
		Models: estimator.ModelIDs(), Systems: perftables.SystemNames(), Backends: perftables.Backends,
		ResolveModel: func(name string) (string, error) { return name, nil },
		Versions:     perftables.Embedded().Versions,
	})
}
