//go:build cgo

package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"servegrid/cmd/servegrid/internal/web"
	"servegrid/internal/suggest"
)

// artifactsRequest asks for the files that run a configuration.
type artifactsRequest struct {
	workloadRequest
	engineRequest
	overridesRequest
	Experiment string `json:"experiment" doc:"agg or disagg"`
	Rank       int    `json:"rank,omitempty" doc:"ranked row, 1 is the best"`
	Row        *int   `json:"row,omitempty" doc:"or any row, by its number in the answer of /api/sweep"`
}

// overridesRequest are the flags of default that change the files.
type overridesRequest struct {
	GeneratorSet           []string `json:"generator_set,omitempty" doc:"overrides KEY=VALUE, as servegrid cli default --generator-help lists them"`
	GeneratedConfigVersion string   `json:"generated_config_version,omitempty" doc:"engine version to write configurations for"`
	DynamoVersion          string   `json:"dynamo_version,omitempty" doc:"Dynamo release to deploy"`
	ModelCache             string   `json:"model_cache,omitempty" doc:"claim that caches models: NAME[:MOUNT[:SUBPATH]]"`
	Namespace              string   `json:"namespace,omitempty" doc:"Kubernetes namespace"`
	Transport              string   `json:"transport,omitempty" doc:"network of the KV transfer: nvlink, ib or efa"`
	ImagePullSecret        string   `json:"image_pull_secret,omitempty" doc:"secret that images are pulled with"`
	FreeGPUMemoryFraction  *float64 `json:"free_gpu_memory_fraction,omitempty" doc:"share of GPU memory that engines take"`
	MaxSeqLen              *int     `json:"max_seq_len,omitempty" doc:"longest sequence of the engines, tokens"`
}

// artifact is one file, under its path below --save-dir.
type artifact struct {
	Path       string `json:"path"`
	Content    string `json:"content"`
	Executable bool   `json:"executable,omitempty"`
}

type artifactsReply struct {
	Folder  string     `json:"folder" doc:"of the deployment, below --save-dir"`
	Files   []artifact `json:"files" doc:"the deployment, and what its namespace needs first"`
	Notes   []string   `json:"notes"`
	Command string     `json:"command" doc:"command that writes the same files"`
}

// memoryFolder keeps the files of an answer in memory.
type memoryFolder struct{ files []artifact }

func (m *memoryFolder) write(name string, fill func(w io.Writer) error) error {
	var b bytes.Buffer
	if err := fill(&b); err != nil {
		return err
	}
	return m.writeBytes(name, 0o644, b.Bytes())
}

func (m *memoryFolder) writeBytes(name string, mode fs.FileMode, b []byte) error {
	m.files = append(m.files, artifact{name, string(b), mode&0o100 != 0})
	return nil
}

func (w *webapp) artifacts(_ context.Context, q artifactsRequest) (artifactsReply, error) {
	reply := artifactsReply{Files: []artifact{}, Notes: []string{}}
	a, o, _, err := ask(q.workloadRequest, q.engineRequest, flagArgs(q.overridesRequest))
	if err != nil {
		return reply, err
	}
	at := slices.IndexFunc(a.experiments, func(e *experiment) bool { return e.name == q.Experiment })
	if at < 0 {
		return reply, fmt.Errorf("%w: experiment: %w", web.ErrRequest, suggest.Unknown("value", q.Experiment, experimentNames(a.experiments)))
	}
	e := a.experiments[at]
	rank, err := q.rank(e)
	if err != nil {
		return reply, err
	}
	if rank > 0 {
		o.topN = max(o.topN, rank)
	}
	// As a whole, as --save-dir does: what a namespace needs depends on all of it.
	m := &memoryFolder{}
	s := &saver{tree: m, generator: &o.generator, topN: o.topN}
	for _, x := range a.experiments {
		for i, r := range x.top(o.topN) {
			if err := s.deployment(x.name, i+1, x.task(), &r, true); err != nil {
				return reply, fmt.Errorf("%s rank %d: %w", x.name, i+1, err)
			}
		}
	}
	if rank == 0 { // behind the ranked ones
		rank = len(e.top(o.topN)) + 1
		if err := s.deployment(e.name, rank, e.task(), &e.result.Rows[*q.Row], true); err != nil {
			return reply, err
		}
	}
	if err := s.prerequisites(); err != nil {
		return reply, err
	}
	reply.Folder = fmt.Sprintf("%s/top%d/%s/", e.name, rank, e.mode)
	for _, f := range m.files {
		if strings.HasPrefix(f.Path, reply.Folder) || strings.HasPrefix(f.Path, "prerequisites/") {
			reply.Files = append(reply.Files, f)
		}
	}
	reply.Command = shellLine(append(o.command, "--save-dir=results"))
	for _, p := range s.plans {
		if len(p.Roles) > 1 != (e.mode == "disagg") {
			continue
		}
		for _, n := range append([]string{runsOn(p)}, p.Notes...) {
			if !slices.Contains(reply.Notes, n) {
				reply.Notes = append(reply.Notes, n)
			}
		}
	}
	return reply, nil
}

// rank returns the rank that is asked for; 0 for a row that is not ranked.
func (q *artifactsRequest) rank(e *experiment) (int, error) {
	switch {
	case e.failed != nil:
		return 0, e.failed
	case q.Row == nil && (q.Rank < 1 || q.Rank > len(e.result.Picked)):
		return 0, fmt.Errorf("%w: rank is %d, %s has %d ranked rows within the limits", web.ErrRequest, q.Rank, e.name, len(e.result.Picked))
	case q.Row == nil:
		return q.Rank, nil
	case *q.Row < 0 || *q.Row >= len(e.result.Rows):
		return 0, fmt.Errorf("%w: row is %d, %s has %d rows", web.ErrRequest, *q.Row, e.name, len(e.result.Rows))
	}
	return slices.Index(e.result.Picked, e.result.Rows[*q.Row]) + 1, nil
}

func experimentNames(experiments []*experiment) []string {
	var list []string
	for _, e := range experiments {
		list = append(list, e.name)
	}
	return list
}

// archive is artifacts as one file.
func (w *webapp) archive(ctx context.Context, q artifactsRequest) (web.Blob, error) {
	reply, err := w.artifacts(ctx, q)
	if err != nil {
		return web.Blob{}, err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range reply.Files {
		h := &zip.FileHeader{Name: f.Path, Method: zip.Deflate}
		h.SetMode(0o644)
		if f.Executable {
			h.SetMode(0o755)
		}
		to, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(to, f.Content)
		}
		if err != nil {
			return web.Blob{}, err
		}
	}
	if err := z.Close(); err != nil {
		return web.Blob{}, err
	}
	return web.Blob{Type: "application/zip", Name: "servegrid-" + strings.ReplaceAll(strings.TrimSuffix(reply.Folder, "/"), "/", "-") + ".zip", Content: b.Bytes()}, nil
}
