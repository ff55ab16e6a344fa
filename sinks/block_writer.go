package sinks

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// A block is written at once. Of 256 KiB to 1 MiB the largest were the fastest.
const (
	blockSize  = 2 << 20
	blockAlign = 4096    // in memory and on disk, what any device asks for
	blockStart = 1 << 14 // what a file begins with: many stay small
)

// blocks are those that nobody uses.
var blocks = sync.Pool{New: func() any {
	b := make([]byte, blockSize+blockAlign)
	from := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) % blockAlign
	b = b[from : from : from+blockSize]
	return &b
}}

// blockWriter writes a file in large blocks, each while the next one is filled. Where
// the system can, full blocks go past its page cache: a sweep's files are read later, if
// at all, and copying them there took a sixth of its processor time. Not safe for
// concurrent use.
type blockWriter struct {
	f       *os.File
	block   *[]byte       // being filled; nil when given back
	writing chan error    // gets the error of the block that is on its way; nil: none is
	wanted  bool          // direct writes; not tried yet
	direct  bool          // past the page cache
	ending  chan struct{} // closed when the last block has arrived; nil: not asked for yet
	err     error         // the first failure
}

// newBlockWriter starts at the beginning of a new file. What is read again at once
// is better off in the page cache: direct is false then.
func newBlockWriter(f *os.File, direct bool) *blockWriter {
	start := make([]byte, 0, blockStart)
	return &blockWriter{f: f, block: &start, wanted: direct}
}

// Write appends to the file. An error may be one of an earlier call's bytes.
func (w *blockWriter) Write(b []byte) (n int, err error) {
	if w.block == nil || w.ending != nil {
		return 0, ErrClosed
	}
	for len(b) > 0 && w.err == nil {
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
	return n, w.err
}

// send puts the full block on its way, when the one before has arrived.
func (w *blockWriter) send() {
	if w.wait(); w.err != nil {
		return
	}
	if w.wanted {
		w.wanted, w.direct = false, setDirect(w.f, true) == nil
	}
	full, done := w.block, make(chan error, 1)
	w.block, w.writing = blocks.Get().(*[]byte), done
	go func() {
		err := w.put(*full)
		free(full)
		done <- err
	}()
}

// put writes a block to the file. Some file systems take the wish for direct writes and
// then refuse the writes.
func (w *blockWriter) put(b []byte) error {
	n, err := w.f.Write(b)
	if w.direct && n == 0 && errors.Is(err, syscall.EINVAL) {
		if err = w.indirect(); err == nil {
			_, err = w.f.Write(b)
		}
	}
	return err
}

// indirect goes through the page cache from here on.
func (w *blockWriter) indirect() error {
	if !w.direct {
		return nil
	}
	w.direct = false
	return setDirect(w.f, false)
}

func (w *blockWriter) wait() {
	if w.writing != nil {
		if err := <-w.writing; w.err == nil {
			w.err = err
		}
		w.writing = nil
	}
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
		w.wait()
		if w.err == nil && w.block != nil {
			if w.err = w.indirect(); w.err == nil {
				w.err = w.put(*w.block)
			}
		}
		w.giveBack()
	}()
}

// finish returns when everything is written.
func (w *blockWriter) finish() error {
	w.flush()
	<-w.ending
	return w.err
}

// drop gives the memory back, finished or not.
func (w *blockWriter) drop() {
	if w.ending != nil {
		<-w.ending
		return
	}
	w.wait()
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
