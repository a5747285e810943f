// Connections that notice a server which hangs.

package postgres

import (
	"context"
	"net"
	"time"
)

// dialer makes connections for lib/pq, whose cancelled queries go on waiting
// for a server that answers nothing.
type dialer struct {
	silence time.Duration // longest wait for the next byte that was asked for; 0: no limit
}

// Dial implements pq.Dialer.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialTimeout implements pq.Dialer.
func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// DialContext implements pq.DialerContext.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil || d.silence == 0 {
		return c, err
	}
	return impatientConn{c, d.silence}, nil
}

// impatientConn gives every read a deadline of its own.
type impatientConn struct {
	net.Conn
	silence time.Duration
}

func (c impatientConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}
