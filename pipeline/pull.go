package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"servegrid/internal/suggest"
	"servegrid/sinks"
)

// Pulled is what [Pull] brought.
type Pulled struct {
	Run     string
	Files   int   // of the run
	Bytes   int64 // of the run
	Fetched int   // files that were not there, or not whole
	Moved   int64 // bytes of these
}

// Pull copies a finished run of a store into a directory, which is then a warehouse with
// that run as its latest: run names it, or is "" for the latest one. Files that are
// there with their hashes are not brought again. Every file is compared with the hash
// that the run lists; readers of the directory see the run when it is whole. found
// is called once it is known what has to be brought.
func Pull(ctx context.Context, from sinks.Store, to *sinks.Dir, run string, found func(Pulled)) (*Pulled, error) {
	unlock, err := to.Lock(false)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if _, err := to.CleanTemp(); err != nil {
		return nil, err
	}
	p := &pull{from: from, to: to, shards: map[string]string{}}
	if err := p.choose(run); err != nil {
		return nil, err
	}
	if err := p.compare(ctx); err != nil {
		return nil, err
	}
	found(p.Pulled)
	if err := p.fetchShards(ctx); err != nil {
		return nil, err
	}
	if err := p.publish(ctx); err != nil {
		return nil, err
	}
	return &p.Pulled, to.Show(latestLink, path.Join(runsDir, p.Run, tablesRel))
}

// pull is one call of Pull.
type pull struct {
	Pulled
	from sinks.Store
	to   *sinks.Dir

	manifest, files, list []byte // of the run, as they are
	receipts              []receipt
	tables                []runFile
	shards                map[string]string // hash → name of the shard's file

	mu      sync.Mutex
	missing []shardFile
	broken  map[string]bool // keys of shards with a file that is there but not whole
}

// choose reads what the run says of itself.
func (p *pull) choose(run string) error {
	runs, _, err := listRuns(p.from)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		return fmt.Errorf("no finished sweep in %s: run `servegrid sweep SPEC --warehouse %s` first", p.from.Root(), p.from.Root())
	}
	var names []string
	at := 0
	for i, r := range runs {
		names = append(names, r.Run)
		if run == r.Run || run == "" && r.shown {
			at = i
		}
	}
	if run != "" && !slices.Contains(names, run) {
		return suggest.Unknown("run", run, names)
	}
	p.Run = names[at]
	for rel, into := range map[string]*[]byte{manifestRel: &p.manifest, filesRel: &p.files, listRel: &p.list} {
		if *into, err = sinks.ReadFile(p.from, path.Join(runsDir, p.Run, rel)); err != nil {
			return fmt.Errorf("read run %s: %w", p.Run, err)
		}
	}
	if err := errors.Join(json.Unmarshal(p.files, &p.receipts), json.Unmarshal(p.list, &p.tables)); err != nil {
		return fmt.Errorf("the lists of run %s cannot be read: %w", p.Run, err)
	}
	return p.checkNames()
}

// checkNames refuses lists that a sweep did not write: their names become paths here.
func (p *pull) checkNames() error {
	for i := range p.receipts {
		for _, f := range p.receipts[i].Files {
			if f.Name != shardName(f.Table, p.receipts[i].Key) || !fs.ValidPath(f.Name) {
				return fmt.Errorf("run %s lists a file %q, which is not the name of a shard", p.Run, f.Name)
			}
			p.shards[f.XXH128] = f.Name
		}
	}
	for _, f := range p.tables {
		if !fs.ValidPath(f.Name) {
			return fmt.Errorf("run %s lists a file %q, which is not a name below its tables", p.Run, f.Name)
		}
		p.Files, p.Bytes = p.Files+1, p.Bytes+f.Bytes
	}
	return nil
}

// pullsAtOnce is how many files are compared or brought at a time.
const pullsAtOnce = 16

func atOnce(ctx context.Context) (*errgroup.Group, context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(pullsAtOnce)
	return group, ctx
}

// compare finds the shards' files that are not here, or not whole.
func (p *pull) compare(ctx context.Context) error {
	p.broken = map[string]bool{}
	group, ctx := atOnce(ctx)
	for i := range p.receipts {
		group.Go(func() error {
			for _, f := range p.receipts[i].Files {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				what, err := p.to.Damage(f.Name, f.Bytes, f.XXH128)
				if err != nil {
					return err
				}
				if what != "" {
					_, err := p.to.Stat(f.Name)
					p.miss(p.receipts[i].Key, f, err == nil)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (p *pull) miss(key string, f shardFile, broken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.missing = append(p.missing, f)
	p.Fetched, p.Moved = p.Fetched+1, p.Moved+f.Bytes
	if broken {
		p.broken[key] = true
	}
}

// fetchShards brings the shards, and puts those that were not whole right in the
// runs that are here.
func (p *pull) fetchShards(ctx context.Context) error {
	group, ctx := atOnce(ctx)
	for _, f := range p.missing {
		group.Go(func() error { return p.fetch(ctx, p.to, f.Name, f.Name, f.Bytes, f.XXH128) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	dir, sync := p.to.Batch()
	for i := range p.receipts {
		r := &p.receipts[i]
		if have, err := readReceipt(p.to, r.Key); err != nil {
			return err
		} else if have == nil {
			if err := writeJSON(dir, receiptName(r.Key), r); err != nil {
				return err
			}
		}
		if p.broken[r.Key] {
			if err := relink(dir, r); err != nil {
				return err
			}
		}
	}
	return sync()
}

// publish puts the run together from the shards that are here now.
func (p *pull) publish(ctx context.Context) error {
	final := path.Join(runsDir, p.Run)
	have, err := sinks.ReadFile(p.to, path.Join(final, manifestRel))
	switch {
	case err == nil && string(have) == string(p.manifest):
		return p.fill(ctx, p.to, final)
	case err == nil:
		return fmt.Errorf("%s holds another run %q: pull into another directory", p.to.Root(), p.Run)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	stage, err := p.to.Stage(final, manifestRel)
	if err != nil {
		return err
	}
	defer stage.Drop()
	if err := p.fill(ctx, stage.Store(), stage.Folder()); err != nil {
		return err
	}
	for _, f := range []struct {
		rel     string
		content []byte
	}{{filesRel, p.files}, {listRel, p.list}, {manifestRel, p.manifest}} {
		if err := sinks.PutFile(stage.Store(), path.Join(stage.Folder(), f.rel), f.content); err != nil {
			return err
		}
	}
	if err := p.fetchLasting(ctx); err != nil {
		return err
	}
	if err := stage.Publish(); errors.Is(err, fs.ErrExist) {
		return &PublishedError{p.Run, p.to.Root(), false}
	} else if err != nil {
		return err
	}
	return nil
}

// fill puts the files of the run's tables that are missing into its folder.
func (p *pull) fill(ctx context.Context, dir sinks.Store, folder string) error {
	group, ctx := atOnce(ctx)
	for _, f := range p.tables {
		name := path.Join(folder, tablesRel, f.Name)
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if what, err := dir.Damage(name, f.Bytes, f.XXH128); what == "" || err != nil {
				return err
			}
			if shard := p.shards[f.XXH128]; shard != "" {
				return dir.Link(shard, name)
			}
			p.mu.Lock()
			p.Fetched, p.Moved = p.Fetched+1, p.Moved+f.Bytes
			p.mu.Unlock()
			return p.fetch(ctx, dir, path.Join(runsDir, p.Run, tablesRel, f.Name), name, f.Bytes, f.XXH128)
		})
	}
	return group.Wait()
}

// fetchLasting brings what belongs to people: measurements that are not here, and the
// prices where there are none. No list holds their hashes.
func (p *pull) fetchLasting(ctx context.Context) error {
	files, err := p.from.List(path.Dir(validationStart))
	if err != nil {
		return err
	}
	prices, err := p.from.Stat(pricesFile)
	if err != nil {
		return err
	}
	for _, f := range append(files, prices) {
		if _, err := p.to.Stat(f.Name); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return err
			}
			continue
		}
		if err := p.fetch(ctx, p.to, f.Name, f.Name, f.Size, ""); err != nil {
			return err
		}
	}
	return nil
}

// fetch brings one file, whole and with its hash or not at all.
func (p *pull) fetch(ctx context.Context, dir sinks.Store, name, as string, size int64, sum string) error {
	in, err := p.from.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is gone from %s: pull again; if it stays so, sweep again", name, p.from.Root())
	}
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := dir.Create(as)
	if err != nil {
		return err
	}
	defer out.Abort()
	if _, err := io.Copy(out, contextReader{ctx, in}); err != nil {
		return fmt.Errorf("bring %s: %w", name, err)
	}
	if out.Size() != size || sum != "" && out.XXH128() != sum {
		return fmt.Errorf("%s in %s has other bytes than its run lists: remove it there and sweep again", name, p.from.Root())
	}
	return out.Commit()
}

// contextReader ends reading with a context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
