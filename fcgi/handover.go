// Handing connections over to another process while the server drains.

package fcgi

import "time"

// rest is called by the reading side before it waits for the next request. With
// the server draining, and nothing read or owed, it hands the connection over.
// Otherwise it says that the reading side waits, from when on interrupt wakes it.
func (c *conn) rest() (handed bool, err error) {
	if c.br.Buffered() > 0 {
		return false, nil
	}
	c.mu.Lock()
	if c.free() {
		c.mu.Unlock()
		c.wmu.Lock() // until END_REQUEST is sent
		defer c.wmu.Unlock()
		(*c.s.handOver.Load())(c.Conn)
		return true, nil
	}
	defer c.mu.Unlock()
	// Before waiting is set, as it would undo an interrupt.
	if c.interrupted || !c.deadline.Equal(c.armed) {
		if err := c.SetReadDeadline(c.deadline); err != nil {
			return false, err
		}
		c.armed, c.interrupted = c.deadline, false
	}
	c.waiting = true
	return false, nil
}

// awake says that the reading side does not wait any more.
func (c *conn) awake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = false
}

// interrupt has the reading side look again, if it waits and no request is open,
// whether the connection can be handed over. It reads nothing more, so what the
// web server sends from now on is read by the other process. The caller holds mu.
func (c *conn) interrupt() {
	if c.waiting && c.free() {
		c.interrupted = true
		_ = c.SetReadDeadline(time.Unix(1, 0)) // fails on a closed connection alone
	}
}

// free reports whether the connection is to be handed over. The caller holds mu.
func (c *conn) free() bool { return c.req == nil && !c.last && c.s.handsOver() }

// handsOver reports whether connections at rest are handed over now.
func (s *Server) handsOver() bool { return s.draining.Load() && s.handOver.Load() != nil }

// handOverIdle hands over the connections that are at rest.
func (s *Server) handOverIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.mu.Lock()
		c.interrupt()
		c.mu.Unlock()
	}
}
