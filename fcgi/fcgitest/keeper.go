// Keeper: a connection that is kept from one request to the next.

package fcgitest

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Keeper sends requests one after another as Apache's mod_proxy_fcgi does with
// enablereuse: it keeps the connection, polls it before it uses it again, and
// dials anew where the poll tells of anything. A request that fails is not
// repeated. It is not safe for concurrent use.
type Keeper struct {
	Addr  net.Addr
	Dials int // connections made

	conn *Conn // nil: none
}

// Do sends a request and reads its answer.
func (k *Keeper) Do(r Request) (*Response, error) {
	if k.conn != nil && !quiet(k.conn.Conn) {
		k.Close()
	}
	if k.conn == nil {
		conn, err := Dial(k.Addr)
		if err != nil {
			return nil, err
		}
		k.conn = conn
		k.Dials++
	}
	res, err := k.conn.Do(r)
	if err != nil {
		k.Close()
	}
	return res, err
}

// Close closes the connection, if there is one.
func (k *Keeper) Close() {
	if k.conn != nil {
		_ = k.conn.Close()
		k.conn = nil
	}
}

// quiet reports whether there is neither a byte nor an end to be read.
func quiet(c net.Conn) bool {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return false
	}
	events := 1
	err = raw.Control(func(fd uintptr) {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			var errno error
			if events, errno = unix.Poll(poll, 0); errno != unix.EINTR {
				return
			}
		}
	})
	return err == nil && events == 0
}
