// A connection: reads records from the web server and hands the library whole requests.

package fcgi

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	readSize   = 8 << 10  // of the read buffer: a small request in one read
	maxValues  = 1 << 10  // bytes of a GET_VALUES
	maxDiscard = 16 << 20 // bytes between two requests that belong to neither
	lingering  = 5 * time.Second
)

var (
	// ErrGone is the cause (context.Cause) of a request's end when the web
	// server closed the connection or it failed.
	ErrGone = errors.New("fcgi: connection to web server closed")

	// ErrAborted is the cause when the web server sent ABORT_REQUEST.
	ErrAborted = errors.New("fcgi: request aborted by web server")

	// ErrRequestOver is what a write returns after the handler has returned or
	// its request was ended without it, and the cause in the latter case.
	ErrRequestOver = errors.New("fcgi: request is over")
)

// phase is what the reading side expects.
type phase int

const (
	atRest   phase = iota // BEGIN_REQUEST; an answer may still be on its way
	inParams              // PARAMS
	inBody                // STDIN
)

// conn is what the library takes for its connection. It reads from it requests
// without a body, one after another, under numbers of our own; what it writes
// goes to the web server if it belongs to the open request. The library's one
// reading goroutine runs the reading side in Read; Write and ServeHTTP are
// called by the goroutine of a request.
type conn struct {
	net.Conn // the web server
	socket   io.ReadWriter
	s        *Server

	// Of the reading goroutine alone.
	br       *bufio.Reader
	phase    phase
	deadline time.Time // of the next read; zero: none
	armed    time.Time // the one the socket has
	lib      []byte    // what the library has yet to read
	libBuf   []byte    // in which lib is built
	params   []byte    // in which parameters are gathered
	ready    *request  // the open one, once its parameters are complete, until proceed
	asked    Query     // what Prompt is asked
	given    Answer    // what it answers
	number   uint16    // of the latest request
	skipped  int       // bytes discarded since the latest request
	skipEnd  time.Time // until when they are

	mu          sync.Mutex  // protects what follows, and what request says
	req         *request    // the open one, from BEGIN_REQUEST to END_REQUEST; nil: none
	rested      time.Time   // when the latest one ended
	last        bool        // the latest one is the last: the web server does not keep the connection
	waiting     bool        // the reading side waits for the next one; interrupt wakes it
	interrupted bool        // the socket has another deadline than armed
	hangs       *time.Timer // closes a connection that lingers; nil: it does not
	watcher     *time.Timer // looks whether a request's time is over; nil: never set
	watched     bool        // it will fire

	wmu     sync.Mutex // protects the rest, and writing to the socket; taken before mu
	out     *output    // the answer so far; nil: nothing
	writeBy time.Time  // the deadline that writes have
}

func newConn(nc net.Conn, s *Server) *conn {
	c := &conn{Conn: nc, socket: newSocket(nc), s: s, rested: time.Now()}
	c.br = bufio.NewReaderSize(source{c}, readSize)
	return c
}

// source reads from the socket, under the deadline in force.
type source struct{ c *conn }

func (s source) Read(p []byte) (int, error) {
	c := s.c
	if !c.deadline.Equal(c.armed) {
		if err := c.SetReadDeadline(c.deadline); err != nil {
			return 0, err
		}
		c.armed = c.deadline
	}
	return c.socket.Read(p)
}

// Read is called by the library's reading goroutine alone.
func (c *conn) Read(p []byte) (int, error) {
	for {
		switch {
		case c.ready != nil && !c.stdinEnded():
			c.proceed()
			continue
		case len(c.lib) > 0 && !c.stdinEnded():
			n := copy(p, c.lib)
			c.lib = c.lib[n:]
			return n, nil
		}
		if err := c.record(); err != nil {
			c.readFailed(err)
			return 0, io.EOF
		}
	}
}

// stdinEnded reports whether the record that ends STDIN is already there.
func (c *conn) stdinEnded() bool {
	if c.phase != inBody || c.br.Buffered() < headerSize {
		return false
	}
	b, _ := c.br.Peek(headerSize)
	h := parseHeader(b)
	return h.kind == typeStdin && h.length == 0
}

// Close is called by the library when Read has failed.
func (c *conn) Close() error {
	c.mu.Lock()
	for _, timer := range []*time.Timer{c.hangs, c.watcher} {
		if timer != nil {
			timer.Stop()
		}
	}
	c.mu.Unlock()
	err := c.Conn.Close()
	c.s.remove(c)
	return err
}

// record reads one record and acts on it.
func (c *conn) record() error {
	h, err := c.next()
	if err != nil {
		return err
	}
	if h.version != version {
		return &protocolError{kind: badVersion, header: h}
	}
	if err := c.act(h); err != nil {
		return err
	}
	return c.skip(h.padding)
}

// next reads the header of the next record. Where none has begun it waits as
// long as the phase allows.
func (c *conn) next() (header, error) {
	for {
		if c.phase == inBody && c.open() == nil {
			c.phase = atRest // answered before its body had come
		}
		if c.phase == atRest {
			c.deadline = time.Time{} // Server.sweep ends it
			if handed, err := c.rest(); handed || err != nil {
				return header{}, cmp.Or(err, io.EOF)
			}
		}
		_, err := c.br.Peek(1)
		c.awake()
		if errors.Is(err, os.ErrDeadlineExceeded) && c.open() == nil && (c.phase == inBody || c.s.draining.Load()) {
			continue
		}
		if err != nil {
			return header{}, err
		}
		break
	}
	if c.phase == atRest || c.open() == nil { // it may have been answered meanwhile
		c.deadline = time.Now().Add(c.s.o.HeaderTimeout)
	}
	b, err := c.br.Peek(headerSize)
	if err != nil {
		return header{}, truncated(err)
	}
	h := parseHeader(b)
	return h, c.skip(headerSize)
}

// open returns the open request, or nil.
func (c *conn) open() *request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.req
}

// ahead returns at least one and at most n of the next bytes.
func (c *conn) ahead(n int) ([]byte, error) {
	if _, err := c.br.Peek(1); err != nil {
		return nil, truncated(err)
	}
	return c.br.Peek(min(n, c.br.Buffered()))
}

// discard skips n bytes that belong to no open request: within bounds.
func (c *conn) discard(n int) error {
	now := time.Now()
	if c.skipped == 0 {
		c.skipEnd = now.Add(c.s.o.BodyTimeout)
	}
	if c.skipped += headerSize + n; c.skipped > maxDiscard || now.After(c.skipEnd) {
		return &protocolError{kind: tooMuch}
	}
	return c.skip(n)
}

// skip skips n bytes that were, or need not be, looked at.
func (c *conn) skip(n int) error {
	_, err := c.br.Discard(n)
	return truncated(err)
}

// readFailed breaks the connection after a read, or a record, that failed.
func (c *conn) readFailed(err error) {
	req := c.open()
	var bad *protocolError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		bad = &protocolError{kind: lateHeader}
		if c.phase == inBody && req != nil {
			bad.kind = lateBody
			c.answer(req, http.StatusRequestTimeout, os.ErrDeadlineExceeded)
		}
	case errors.As(err, &bad):
	case errors.Is(err, io.ErrUnexpectedEOF):
		bad = &protocolError{kind: cutOff}
	}
	if bad != nil {
		c.s.stats.protocol[bad.kind].Add(1)
		c.s.o.Logger.Debug("connection closed", "remote", c.RemoteAddr(), "error", bad)
	}
	c.abort(ErrGone)
}

// truncated turns the end of the stream inside a record into an error.
func truncated(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
