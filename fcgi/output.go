// The writing side of a connection: merges what the library writes into few records.

package fcgi

import (
	"errors"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// output holds a STDOUT record until it is full or the request ends, with room
// for its header before and END_REQUEST behind.
type output struct {
	n int // bytes of content
	b [headerSize + maxContent + 2*headerSize]byte
}

var outputs = sync.Pool{New: func() any { return new(output) }}

// Write takes one record from the library: each of its calls is exactly one.
func (c *conn) Write(p []byte) (int, error) {
	h := parseHeader(p)
	c.wmu.Lock()
	defer c.wmu.Unlock()
	req := c.open()
	if req == nil || req.number != h.id {
		return 0, ErrRequestOver
	}
	var err error
	switch h.kind {
	case typeStdout:
		err = c.hold(req, p[headerSize:headerSize+h.length])
	case typeEnd:
		err = c.conclude(req, nil)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// write takes bytes of the body of the answer to req, whose head the library has
// written: its way through the library would be two copies longer.
func (c *conn) write(req *request, p []byte) (int, error) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if req.over.Load() {
		return 0, ErrRequestOver
	}
	if err := c.hold(req, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// hold takes bytes of the answer, and sends what fills a record. The caller
// holds wmu.
func (c *conn) hold(req *request, p []byte) error {
	for len(p) > 0 {
		if c.out == nil {
			c.out = outputs.Get().(*output)
			c.out.n = 0
		}
		n := copy(c.out.b[headerSize+c.out.n:headerSize+maxContent], p)
		c.out.n += n
		p = p[n:]
		if c.out.n == maxContent {
			if err := c.flushHeld(req); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush sends what is held of the answer to req.
func (c *conn) flush(req *request) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if req.over.Load() {
		return ErrRequestOver
	}
	return c.flushHeld(req)
}

func (c *conn) flushHeld(req *request) error {
	b := c.held(req)
	if len(b) == 0 {
		return nil
	}
	req.sent = true
	err := c.send(b)
	c.out.n = 0
	return err
}

// held returns the record that is held, if any.
func (c *conn) held(req *request) []byte {
	if c.out == nil || c.out.n == 0 {
		return nil
	}
	putHeader(c.out.b[:], typeStdout, req.id, c.out.n)
	return c.out.b[:headerSize+c.out.n]
}

// conclude ends a request with what is held and END_REQUEST; with a cause where
// its handler did not end it. It is over before the web server can know, who may
// then begin the next one. The caller holds wmu.
func (c *conn) conclude(req *request, cause error) error {
	draining := c.s.draining.Load()
	complete, ok := c.detach(req, cause)
	if !ok {
		return ErrRequestOver
	}
	err := c.send(appendEnd(c.held(req), req.id, statusComplete))
	if c.out != nil {
		outputs.Put(c.out)
		c.out = nil
	}
	if err == nil && (!req.keep || draining && !c.s.handsOver() && c.quiet()) {
		c.hangUp(complete)
	}
	return err
}

// quiet reports whether no request has begun and none is in the socket, so that
// closing the connection is not likely to lose one.
func (c *conn) quiet() bool {
	if c.open() != nil {
		return false
	}
	socket, ok := c.Conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	unread := 0
	_ = raw.Control(func(fd uintptr) { unread, _ = unix.IoctlGetInt(int(fd), unix.SIOCINQ) })
	return unread == 0
}

// detach makes req no longer the open request, unless it is not: nothing is
// taken from its handler any more. It returns whether STDIN had ended.
func (c *conn) detach(req *request, cause error) (complete, ok bool) {
	c.mu.Lock()
	if req == nil || c.req != req {
		c.mu.Unlock()
		return false, false
	}
	c.req = nil
	c.rested = time.Now()
	req.over.Store(true)
	complete = req.complete
	release := req.counted && !req.entered
	cancel := req.cancel
	c.interrupt()
	c.mu.Unlock()

	if release {
		c.s.release()
	}
	if cancel != nil && cause != nil {
		cancel(cause)
	}
	if req.body != nil {
		if cause == nil {
			cause = http.ErrBodyReadAfterClose
		}
		req.body.fail(cause)
	}
	return complete, true
}

// hangUp closes the connection after an answer. What the web server is still
// sending must be read first, or it would lose the answer to a reset.
func (c *conn) hangUp(complete bool) {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if complete || !ok || half.CloseWrite() != nil {
		c.Conn.Close()
		return
	}
	c.mu.Lock()
	c.hangs = time.AfterFunc(lingering, func() { c.Conn.Close() })
	c.mu.Unlock()
}

// answer ends req with a prepared answer, if nothing of another one was sent.
func (c *conn) answer(req *request, status int, cause error) bool {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if req.over.Load() || req.sent {
		return false
	}
	if c.out != nil {
		c.out.n = 0
	}
	a := c.s.answers[status]
	err := c.hold(req, a.head)
	if err == nil && req.method != http.MethodHead {
		err = c.hold(req, a.body)
	}
	return err == nil && c.conclude(req, cause) == nil
}

// end ends a request that the web server aborted.
func (c *conn) end(req *request) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if c.out != nil {
		c.out.n = 0
	}
	_ = c.conclude(req, ErrAborted)
}

// reply sends a record that is no part of an answer.
func (c *conn) reply(b []byte) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	return c.send(b)
}

// send writes to the socket; a failure breaks the connection.
func (c *conn) send(b []byte) error {
	var err error
	if limit := c.s.o.WriteTimeout; limit > 0 && time.Until(c.writeBy) < limit {
		c.writeBy = time.Now().Add(2 * limit) // for all writes that begin until half of it is over
		err = c.SetWriteDeadline(c.writeBy)
	}
	if err == nil {
		_, err = c.socket.Write(b)
	}
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.s.stats.protocol[lateWrite].Add(1)
		}
		c.abort(ErrGone)
	}
	return err
}

// cut breaks the connection if req is still open.
func (c *conn) cut(req *request, cause error) {
	if _, ok := c.detach(req, cause); ok {
		c.Conn.Close()
	}
}

// abort breaks the connection, and with it the open request.
func (c *conn) abort(cause error) {
	c.detach(c.open(), cause)
	c.Conn.Close()
}
