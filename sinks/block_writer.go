package sinks

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sync/errgroup"
)

const (
	blockSize  = 2 << 20 // what is written at once: of 256 KiB to 4 MiB the fastest
	blockAlign = 4096    // in memory and on disk, what any device asks for
	blockStart = 1 << 14 // what a file begins with: many stay small

	// blocksOnWay is how many blocks of a file are on their way at most. With one, who
	// fills the next waited for the disk every twentieth of the time.
	blocksOnWay = 2
)

// blocks are those that nobody uses.
var blocks = sync.Pool{New: func() any {
	b := make([]byte, blockSize+blockAlign)
	from := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) % blockAlign
	b = b[from : from : from+blockSize]
	return &b
}}

// blockWriter writes a file in large blocks, each while the next ones are filled. Where
// the system can, full blocks go past its page cache: a sweep's files are read later, if
// at all, and copying them there took a sixth of its processor time. Not safe for
// concurrent use.
type blockWriter struct {
	f      *os.File
	block  *[]byte // being filled; nil when given back
	at     int64   // where it goes
	wanted bool    // direct writes; not tried yet
	onWay  errgroup.Group
	ending chan struct{} // closed when the last block has arrived; nil: not asked for yet

	mu     sync.Mutex // guards what follows, which blocks on their way change
	direct bool       // past the page cache
	err    error      // the first failure
}

// newBlockWriter starts at the beginning of a new file. What is read again at once
// is better off in the page cache: direct is false then.
func newBlockWriter(f *os.File, direct bool) *blockWriter {
	start := make([]byte, 0, blockStart)
	w := &blockWriter{f: f, block: &start, wanted: direct}
	w.onWay.SetLimit(blocksOnWay)
	return w
}

// Write appends to the file. An error may be one of an earlier call's bytes.
func (w *blockWriter) Write(b []byte) (n int, err error) {
	if w.block == nil || w.ending != nil {
		return 0, ErrClosed
	}
	for len(b) > 0 {
		if err := w.failed(nil); err != nil {
			return n, err
		}
		if len(*w.block)+len(b) >= cap(*w.block) && cap(*w.block) < blockSize {
			start := w.block
			w.block = blocks.Get().(*[]byte)
			*w.block = append(*w.block, *start...)
		}
		k := min(len(b), cap(*w.block)-len(*w.block))
		*w.block = append(*w.block, b[:k]...)
		n, b = n+k, b[k:]
		if len(*w.block) == cap(*w.block) {
			w.send()
		}
	}
	return n, w.failed(nil)
}

// send puts the full block on its way, when few enough are.
func (w *blockWriter) send() {
	if w.wanted {
		w.wanted = false
		w.setDirect(true)
	}
	full, at := w.block, w.at
	w.block, w.at = blocks.Get().(*[]byte), at+int64(len(*full))
	w.onWay.Go(func() error {
		w.failed(w.put(*full, at))
		free(full)
		return nil
	})
}

// put writes a block to its place. Some file systems take the wish for direct writes and
// then refuse the writes.
func (w *blockWriter) put(b []byte, at int64) error {
	n, err := w.f.WriteAt(b, at)
	if n == 0 && errors.Is(err, syscall.EINVAL) {
		if err = w.setDirect(false); err == nil {
			_, err = w.f.WriteAt(b, at)
		}
	}
	return err
}

// setDirect has the blocks from here on go past the page cache, where that can be had,
// or through it.
func (w *blockWriter) setDirect(direct bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.direct == direct {
		return nil
	}
	err := setDirect(w.f, direct)
	if err == nil {
		w.direct = direct
	}
	return err
}

// failed notes a failure, if it is one, and returns the first.
func (w *blockWriter) failed(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	return w.err
}

// flush puts on its way what is left, a block that is not full: no such block can be
// written directly. Only finish and drop may follow.
func (w *blockWriter) flush() {
	if w.ending != nil {
		return
	}
	w.ending = make(chan struct{})
	go func() {
		defer close(w.ending)
		defer w.giveBack()
		w.onWay.Wait()
		if w.block == nil || w.failed(nil) != nil || w.failed(w.setDirect(false)) != nil {
			return
		}
		w.failed(w.put(*w.block, w.at))
	}()
}

// finish returns when everything is written.
func (w *blockWriter) finish() error {
	w.flush()
	<-w.ending
	return w.failed(nil)
}

// drop gives the memory back, finished or not.
func (w *blockWriter) drop() {
	if w.ending != nil {
		<-w.ending
		return
	}
	w.onWay.Wait()
	w.giveBack()
}

func (w *blockWriter) giveBack() {
	if w.block != nil {
		free(w.block)
		w.block = nil
	}
}

// free takes a block back that has its full size.
func free(block *[]byte) {
	if cap(*block) == blockSize {
		*block = (*block)[:0]
		blocks.Put(block)
	}
}
