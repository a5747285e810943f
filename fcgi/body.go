// The body of a request: a bounded window between the connection and the handler.

package fcgi

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// window is how many bytes of a body are read ahead of the handler.
const window = 64 << 10

// body is what the handler reads as http.Request.Body. It gives exactly
// CONTENT_LENGTH bytes: io.EOF after them, io.ErrUnexpectedEOF where the web
// server sent fewer, and never more. A body of unknown length ends with STDIN;
// beyond the limit it fails with *http.MaxBytesError.
type body struct {
	mu      sync.Mutex // protects the rest
	changed sync.Cond
	buf     []byte // what the handler has not read yet
	left    int64  // how many more bytes are taken
	known   bool   // left is what CONTENT_LENGTH promised, else a limit
	limit   int64
	err     error // what Read returns once buf is empty
}

// newBody returns the body for a CONTENT_LENGTH, at most limit; -1: unknown.
func newBody(length, limit int64) *body {
	b := &body{left: length, known: true, limit: limit}
	if length < 0 {
		b.left, b.known = limit, false
	}
	b.changed.L = &b.mu
	return b
}

// write takes what belongs to the body of the bytes p, the next ones of STDIN.
// While the window is full it waits for the handler, and returns how long.
func (b *body) write(p []byte) (taken int, waited time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(p) > 0 && b.err == nil {
		if b.left == 0 { // of a body of unknown length
			b.stop(&http.MaxBytesError{Limit: b.limit})
			break
		}
		room := min(int64(window-len(b.buf)), b.left, int64(len(p)))
		if room == 0 {
			begun := time.Now()
			b.changed.Wait()
			waited += time.Since(begun)
			continue
		}
		b.buf = append(b.buf, p[:room]...)
		p = p[room:]
		taken += int(room)
		b.left -= room
		if b.left == 0 && b.known {
			b.err = io.EOF
		}
		b.changed.Broadcast()
	}
	return taken, waited
}

// end says that STDIN has ended.
func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.err != nil:
	case b.known:
		b.err = io.ErrUnexpectedEOF
	default:
		b.err = io.EOF
	}
	b.changed.Broadcast()
}

// fail makes Read return err, at once.
func (b *body) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stop(err)
}

func (b *body) stop(err error) {
	b.buf, b.err = nil, err
	b.changed.Broadcast()
}

// exceeded reports whether a body of unknown length went beyond the limit.
func (b *body) exceeded() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := errors.AsType[*http.MaxBytesError](b.err)
	return ok
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.buf) == 0 && b.err == nil {
		b.changed.Wait()
	}
	if len(b.buf) == 0 {
		return 0, b.err
	}
	n := copy(p, b.buf)
	if b.buf = b.buf[n:]; len(b.buf) == 0 {
		b.buf = nil
	}
	b.changed.Broadcast()
	return n, nil
}

func (b *body) Close() error {
	b.fail(http.ErrBodyReadAfterClose)
	return nil
}
