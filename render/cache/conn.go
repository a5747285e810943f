// The connection: bounds what one operation may cost in time and memory.

package cache

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// Errors of a connection.
var (
	errAnswer  = errors.New("cache: not an answer of memcached's")
	errRefused = errors.New("cache: memcached refused the operation")
	errClosed  = errors.New("cache: memcached closed the connection")
)

// conn is a connection to memcached as its client sees it. It adds what the
// client lacks: the deadline of an operation covers dialling and stays where it is
// while an answer arrives in pieces, and an answer that announces more bytes than an item
// has is an error before the client allocates them.
type conn struct {
	net.Conn
	in     *bufio.Reader
	fresh  bool   // dialled for the operation under way, whose deadline it has already
	asking bool   // a request was sent whose answer is not complete
	line   []byte // what is left to hand over of the answer's first line, which is in in's buffer
	left   int    // bytes of the answer behind that line; below 0: the line was not read yet
}

// dial connects to a server. ctx ends with the operation.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	nc, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if t, ok := ctx.Deadline(); ok {
		if err := nc.SetDeadline(t); err != nil {
			nc.Close()
			return nil, err
		}
	}
	return &conn{Conn: nc, in: bufio.NewReader(nc), fresh: true}, nil
}

// SetDeadline is called by the client when an operation begins, and again for
// each piece of an answer: only the first counts.
func (c *conn) SetDeadline(t time.Time) error {
	if c.fresh || c.asking {
		c.fresh = false
		return nil
	}
	return c.Conn.SetDeadline(t)
}

// Write sends a request, in one or more pieces.
func (c *conn) Write(p []byte) (int, error) {
	c.asking, c.left = true, -1
	return c.Conn.Write(p)
}

// Read hands over the answer to the last request, and nothing behind it.
func (c *conn) Read(p []byte) (n int, err error) {
	if !c.asking {
		return 0, fmt.Errorf("%w: unfinished", errAnswer)
	}
	if c.left < 0 {
		if c.line, err = c.in.ReadSlice('\n'); err != nil {
			return 0, c.readError(err)
		}
		if c.left, err = bytesBehind(c.line); err != nil {
			return 0, err
		}
	}
	if len(c.line) > 0 {
		n = copy(p, c.line)
		c.line = c.line[n:]
	} else {
		n, err = c.in.Read(p[:min(len(p), c.left)])
		c.left -= n
	}
	c.asking = c.left > 0 || len(c.line) > 0
	return n, c.readError(err)
}

// readError names the errors that the client would hide.
func (c *conn) readError(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return errClosed
	case errors.Is(err, bufio.ErrBufferFull):
		return fmt.Errorf("%w: endless line", errAnswer)
	}
	return err
}

// bytesBehind returns how many bytes follow an answer's first line: behind a
// "VALUE key flags bytes [cas]" the value, a line end, and "END" with another.
func bytesBehind(line []byte) (int, error) {
	if bytes.HasPrefix(line, []byte("SERVER_ERROR")) {
		return 0, fmt.Errorf("%w: %q", errRefused, line)
	}
	if !bytes.HasPrefix(line, []byte("VALUE ")) {
		return 0, nil
	}
	fields := bytes.Fields(line)
	if len(fields) < 4 {
		return 0, fmt.Errorf("%w: %q", errAnswer, line)
	}
	n, err := strconv.ParseUint(string(fields[3]), 10, 32)
	if err != nil || n > maxItem {
		return 0, fmt.Errorf("%w: %q", errAnswer, line)
	}
	return int(n) + len("\r\nEND\r\n"), nil
}
