package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"servegrid/sinks"
)

// Part is a share of a sweep's shards: every Count-th one from Index on, which is
// below Count. The zero value stands for all.
type Part struct{ Index, Count int }

func (p Part) whole() bool { return p.Count == 0 }

func (p Part) of(shards []shard) []shard {
	if p.whole() {
		return shards
	}
	var mine []shard
	for i := p.Index; i < len(shards); i += p.Count {
		mine = append(mine, shards[i])
	}
	return mine
}

const partsDir = "parts"

func (p Part) name(run string) string {
	return path.Join(partsDir, run, fmt.Sprintf("%d-of-%d.json", p.Index, p.Count))
}

// partManifest says that one process has scored its share of a run.
type partManifest struct {
	Run          string    `json:"run"`
	Index        int       `json:"index"`
	Count        int       `json:"count"`
	Work         string    `json:"work"` // hash of the keys of all shards of the sweep
	Shards       int       `json:"shards"`
	ScoredShards int       `json:"scored_shards"`
	StartedAt    time.Time `json:"started_at"`
	FinishedAt   time.Time `json:"finished_at"`
}

// workOf identifies the work of a sweep: processes that share it have the same
// sweep file, kernel tables and formulas.
func workOf(shards []shard) string {
	h := sha256.New()
	for i := range shards {
		fmt.Fprintln(h, shards[i].key)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// writePart notes that a share of the run is scored. The manifest that it returns
// counts that share.
func writePart(o Options, all, mine []shard, receipts []*receipt, scored int, started time.Time) (*Manifest, error) {
	p := partManifest{
		Run: o.Run, Index: o.Part.Index, Count: o.Part.Count, Work: workOf(all), Shards: len(mine), ScoredShards: scored,
		StartedAt: started.UTC(), FinishedAt: o.Now().UTC(),
	}
	m := newManifest(o, mine, receipts, scored, started)
	m.Status, m.FinishedAt = "part", p.FinishedAt
	return m, writeJSON(o.Dir, o.Part.name(o.Run), p)
}

// MissingPartsError says which processes of a run have not finished.
type MissingPartsError struct {
	Run   string
	Parts []Part
}

func (e *MissingPartsError) Error() string {
	noun, verb := "part", "is"
	if len(e.Parts) > 1 {
		noun, verb = "parts", "are"
	}
	return fmt.Sprintf("run %s: %s %s of %d (counted from 0) %s missing: sweep with that shard index first",
		e.Run, noun, indexes(e.Parts), e.Parts[0].Count, verb)
}

// indexes lists the indexes of parts, in ascending order: 0, 2-5 and 9.
func indexes(parts []Part) string {
	var texts []string
	for i := 0; i < len(parts); {
		j := i
		for j+1 < len(parts) && parts[j+1].Index == parts[j].Index+1 {
			j++
		}
		text := fmt.Sprint(parts[i].Index)
		if j > i {
			text += fmt.Sprintf("-%d", parts[j].Index)
		}
		texts, i = append(texts, text), j+1
	}
	last := len(texts) - 1
	if last == 0 {
		return texts[0]
	}
	return strings.Join(texts[:last], ", ") + " and " + texts[last]
}

// Finish publishes a run whose parts were scored by several processes. It scores
// nothing and fails when a part is missing or was made of something else.
func Finish(ctx context.Context, o Options) (*Manifest, error) {
	unlock, err := prepare(o)
	if err != nil {
		return nil, err
	}
	defer unlock()
	shards := resolve(o.Spec, o.Catalog)
	scored, started, err := readParts(o, workOf(shards))
	if err != nil {
		// The parts are gone, too, when another process has just published them.
		return nil, cmp.Or(checkRun(o.Dir, o.Run), err)
	}
	receipts, err := readReceipts(ctx, o, shards)
	if err != nil {
		return nil, err
	}
	for i, r := range receipts {
		if r == nil {
			return nil, fmt.Errorf("%s (shard %s) is gone or damaged: sweep with shard index %d again", shards[i].Name(), shards[i].key, i%o.Part.Count)
		}
	}
	p, err := prepublish(ctx, o, shards, receipts)
	if err != nil {
		return nil, err
	}
	defer p.drop()
	m, err := p.publish(ctx, scored, started)
	if err != nil {
		return nil, err
	}
	return m, o.Dir.RemoveAll(path.Join(partsDir, o.Run))
}

// readParts checks the part manifests of the run; it returns how many shards they
// scored and when the first began.
func readParts(o Options, work string) (scored int, started time.Time, err error) {
	missing := &MissingPartsError{Run: o.Run}
	for i := range o.Part.Count {
		part := Part{i, o.Part.Count}
		b, err := sinks.ReadFile(o.Dir, part.name(o.Run))
		if errors.Is(err, fs.ErrNotExist) {
			missing.Parts = append(missing.Parts, part)
			continue
		}
		if err != nil {
			return 0, started, err
		}
		var p partManifest
		if err := json.Unmarshal(b, &p); err != nil {
			return 0, started, fmt.Errorf("%s cannot be read: %w", part.name(o.Run), err)
		}
		if p.Work != work {
			return 0, started, fmt.Errorf("part %d of run %s was made from another sweep file, other kernel tables or another version: sweep it again", i, o.Run)
		}
		scored += p.ScoredShards
		if started.IsZero() || p.StartedAt.Before(started) {
			started = p.StartedAt
		}
	}
	if len(missing.Parts) > 0 {
		return 0, started, missing
	}
	return scored, started, nil
}
