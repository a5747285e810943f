// What the reading side of a connection does with each kind of record.

package fcgi

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// act acts on the record whose header was read.
func (c *conn) act(h header) error {
	if h.id == 0 {
		return c.management(h)
	}
	if h.kind == typeBegin {
		return c.begin(h)
	}
	if h.kind >= typeEnd && h.kind != typeParams && h.kind != typeStdin {
		return &protocolError{kind: badType, header: h}
	}
	req := c.open()
	if req == nil || req.id != h.id {
		return c.discard(h.length)
	}
	switch h.kind {
	case typeAbort:
		c.s.stats.aborted.Add(1)
		c.phase = atRest
		c.end(req)
		return c.discard(h.length)
	case typeParams:
		return c.readParams(req, h)
	default:
		return c.readStdin(req, h)
	}
}

// management answers a record that belongs to no request (section 4).
func (c *conn) management(h header) error {
	if h.kind < typeGetValues {
		return &protocolError{kind: badID, header: h}
	}
	if h.kind != typeGetValues {
		if err := c.skip(h.length); err != nil {
			return err
		}
		return c.reply(appendRecord(nil, typeUnknown, 0, []byte{h.kind, 0, 0, 0, 0, 0, 0, 0}))
	}
	if h.length > maxValues {
		return &protocolError{kind: tooLarge, header: h}
	}
	asked, err := c.br.Peek(h.length)
	if err != nil {
		return truncated(err)
	}
	var values []byte
	for rest := asked; len(rest) > 0; {
		var name []byte
		var ok bool
		if name, _, rest, ok = nextPair(rest); !ok {
			return &protocolError{kind: badPairs, header: h}
		}
		switch string(name) {
		case "FCGI_MAX_CONNS":
			values = appendPair(values, name, fmt.Sprint(c.s.o.MaxConns))
		case "FCGI_MAX_REQS":
			values = appendPair(values, name, fmt.Sprint(c.s.o.MaxRequests))
		case "FCGI_MPXS_CONNS":
			values = appendPair(values, name, "0")
		}
	}
	if err := c.skip(h.length); err != nil {
		return err
	}
	return c.reply(appendRecord(nil, typeValues, 0, values))
}

func (c *conn) begin(h header) error {
	if h.length != 8 {
		return &protocolError{kind: badBegin, header: h}
	}
	b, err := c.br.Peek(h.length)
	if err != nil {
		return truncated(err)
	}
	role, keep := int(b[0])<<8|int(b[1]), b[2]&flagKeep != 0
	if err := c.skip(h.length); err != nil {
		return err
	}
	if req := c.open(); req != nil {
		if req.id == h.id {
			return &protocolError{kind: badOrder, header: h}
		}
		return c.reply(appendEnd(nil, h.id, statusCantMpx))
	}
	if role != roleResponder {
		if err := c.reply(appendEnd(nil, h.id, statusUnknownRole)); err != nil || keep {
			return err
		}
		return io.EOF
	}
	c.phase, c.skipped, c.ready = inParams, 0, nil
	if c.number++; c.number == 0 {
		c.number = 1
	}
	c.mu.Lock()
	c.req = &request{id: h.id, number: c.number, keep: keep, params: c.params[:0]}
	c.last = !keep
	c.mu.Unlock()
	return nil
}

func (c *conn) readParams(req *request, h header) error {
	if c.phase != inParams {
		return &protocolError{kind: badOrder, header: h}
	}
	if h.length == 0 {
		return c.start(req)
	}
	if int64(len(req.params)+h.length) > c.s.o.MaxParams {
		req.tooLarge = true // answered when they have ended: the web server is not listening yet
	}
	if req.tooLarge {
		return c.discard(h.length)
	}
	have := len(req.params)
	req.params = append(req.params, make([]byte, h.length)...)
	_, err := io.ReadFull(c.br, req.params[have:])
	return truncated(err)
}

// start checks a request whose parameters are complete, and refuses it or has it
// wait for proceed.
func (c *conn) start(req *request) error {
	c.s.stats.requests.Add(1)
	c.phase = inBody
	c.deadline = time.Now().Add(c.s.o.BodyTimeout)
	c.params = reusable(req.params)
	status := req.check()
	if req.tooLarge {
		status = http.StatusRequestHeaderFieldsTooLarge
	}
	if status == 0 && req.length > c.s.o.MaxBody {
		status = http.StatusRequestEntityTooLarge
	}
	if status != 0 {
		c.s.stats.badRequests.Add(1)
		c.answer(req, status, ErrRequestOver)
		return nil
	}
	if req.length != 0 {
		req.body = newBody(req.length, c.s.o.MaxBody)
	}
	c.ready = req
	return nil
}

// proceed has the request that is ready answered: at once, if Options.Prompt
// can, or by the library.
func (c *conn) proceed() {
	req := c.ready
	c.ready = nil
	if req.length == 0 && c.s.o.Prompt != nil && c.prompt(req) {
		return
	}
	if !c.s.acquire() {
		c.answer(req, http.StatusServiceUnavailable, ErrRequestOver)
		return
	}
	c.mu.Lock()
	req.counted = c.req == req
	c.mu.Unlock()
	if !req.counted { // broken meanwhile
		c.s.release()
		return
	}
	c.lib = appendBegin(c.libBuf[:0], req.number)
	c.lib = appendStream(c.lib, typeParams, req.number, req.forLibrary())
	c.lib = appendRecord(c.lib, typeStdin, req.number, nil)
	c.libBuf = reusable(c.lib)
	req.params = nil
}

// reusable returns b, emptied, for the next request, unless it is a large one.
func reusable(b []byte) []byte {
	if cap(b) > readSize {
		return nil
	}
	return b[:0]
}

func (c *conn) readStdin(req *request, h header) error {
	if c.phase != inBody {
		return &protocolError{kind: badOrder, header: h}
	}
	if h.length == 0 {
		c.phase = atRest
		c.mu.Lock()
		req.complete = true
		c.mu.Unlock()
		if req.body != nil {
			req.body.end()
		}
		return nil
	}
	for left := h.length; left > 0; {
		p, err := c.ahead(left)
		if err != nil {
			return err
		}
		taken := 0
		if req.body != nil {
			var waited time.Duration
			if taken, waited = req.body.write(p); waited > 0 {
				c.deadline = c.deadline.Add(waited)
			}
		}
		left -= len(p)
		if err := c.skip(taken); err != nil {
			return err
		}
		if taken == len(p) {
			continue
		}
		if err := c.discard(len(p) - taken); err != nil {
			return err
		}
	}
	if req.body != nil && req.body.exceeded() {
		c.s.stats.badRequests.Add(1)
		c.answer(req, http.StatusRequestEntityTooLarge, ErrRequestOver)
	}
	return nil
}
