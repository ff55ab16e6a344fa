package bucket

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"servegrid/sinks"
)

// A bucket has no locks that end with a process. A lock is an object that its holder
// renews; who finds one that has rested too long takes it as that of a dead process.
// All times are those of the bucket's own clock.
const (
	locksDir    = "locks"
	renewEvery  = 4 * time.Minute
	deadAfter   = 15 * time.Minute
	exclusively = "exclusive-"
	sharing     = "shared-"
)

// lease is a lock that is held.
type lease struct {
	name string
	lost atomic.Bool
}

// Lock implements [sinks.Store]. The lock is put first and then the others are looked
// at, so of two that exclude each other at least one sees the other.
func (b *Bucket) Lock(exclusive bool) (unlock func(), err error) {
	kind := sharing
	if exclusive {
		kind = exclusively
	}
	l := &lease{name: locksDir + "/" + kind + rand.Text() + ".json"}
	if err := b.renew(l); err != nil {
		return nil, fmt.Errorf("lock %s: %w", b.root, err)
	}
	if err := b.alone(l, exclusive); err != nil {
		b.release(l)
		return nil, fmt.Errorf("lock %s: %w", b.root, err)
	}
	b.lock.Store(l)
	done := make(chan struct{})
	var renewing sync.WaitGroup
	renewing.Go(func() { b.keep(l, done) })
	return sync.OnceFunc(func() {
		close(done)
		renewing.Wait()
		b.lock.CompareAndSwap(l, nil)
		b.release(l)
	}), nil
}

// renew writes the lock's object again, for its time.
func (b *Bucket) renew(l *lease) error {
	host, _ := os.Hostname() // only to be read by people
	text, err := json.Marshal(map[string]any{"host": host, "pid": os.Getpid()})
	if err != nil {
		return err
	}
	return sinks.PutFile(b, l.name, append(text, '\n'))
}

// alone looks for locks that exclude this one, and removes those of the dead.
func (b *Bucket) alone(l *lease, exclusive bool) error {
	own, err := b.Stat(l.name)
	if err != nil {
		return err
	}
	locks, err := b.List(locksDir)
	if err != nil {
		return err
	}
	for _, other := range locks {
		if other.Name == l.name {
			continue
		}
		if own.Changed.Sub(other.Changed) > deadAfter {
			if err := b.Remove(other.Name); err != nil {
				return err
			}
			continue
		}
		if exclusive || strings.HasPrefix(path.Base(other.Name), exclusively) {
			return fmt.Errorf("%w (%s; that of a process that was killed ends %v after it was last renewed)", sinks.ErrLocked, other.Name, deadAfter)
		}
	}
	return nil
}

// keep renews the lock until done is closed.
func (b *Bucket) keep(l *lease, done <-chan struct{}) {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-b.ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := b.Stat(l.name); errors.Is(err, fs.ErrNotExist) {
			l.lost.Store(true)
			return
		}
		// One that fails is made good by the next: a lock lives longer than three.
		_ = b.renew(l)
	}
}

// stillLocked fails when the lock of this process was taken as that of a dead one, as
// after a long pause of the machine. What is published then may rest on objects
// that are gone.
func (b *Bucket) stillLocked() error {
	l := b.lock.Load()
	if l == nil {
		return nil
	}
	_, err := b.Stat(l.name)
	if l.lost.Load() || errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the lock on %s was lost: this process paused for more than %v; start it again", b.root, deadAfter)
	}
	return err
}

// release removes the lock, also when the context has ended.
func (b *Bucket) release(l *lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), 10*time.Second)
	defer cancel()
	_ = b.b.Delete(ctx, l.name) // one that stays ends by itself
}
