//go:build !race

// Reading and writing the web server's socket.

package fcgi

import (
	"io"
	"net"
	"syscall"
	"unsafe"
)

// socket is the connection to the web server, with reads and writes that the
// scheduler is not told of. They never wait, as Go's sockets do not block: what
// waits is the poller. Told of each, as net does, the scheduler may take the
// processor away in the microseconds that it takes, and its watcher is kept from
// sleeping: on busy connections that was a quarter of all processor time.
type socket struct {
	raw     syscall.RawConn
	in, out transfer
}

// transfer is a read or write under way. Its methods are made once, so that a
// read or write allocates nothing.
type transfer struct {
	call  uintptr // system call
	bytes []byte  // still to be filled or sent
	n     int
	errno syscall.Errno
	try   func(fd uintptr) (done bool)
}

// newSocket returns how nc is read and written: a connection without a
// descriptor by itself.
func newSocket(nc net.Conn) io.ReadWriter {
	c, ok := nc.(syscall.Conn)
	if !ok {
		return nc
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nc
	}
	s := &socket{raw: raw, in: transfer{call: syscall.SYS_READ}, out: transfer{call: syscall.SYS_WRITE}}
	s.in.try = func(fd uintptr) bool { return s.in.do(fd) }
	s.out.try = func(fd uintptr) bool { // until all is sent
		for s.out.do(fd) {
			if s.out.errno != 0 || len(s.out.bytes) == 0 {
				return true
			}
		}
		return false
	}
	return s
}

// do makes the system call, and reports whether it was more than a word that it
// would block.
func (t *transfer) do(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall(t.call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(t.bytes))), uintptr(len(t.bytes)))
		switch errno {
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		case 0:
			t.n += int(n)
			t.bytes = t.bytes[n:]
			return true
		default:
			t.errno = errno
			return true
		}
	}
}

// run transfers bytes with one of raw's methods.
func (t *transfer) run(p []byte, wait func(func(uintptr) bool) error) (int, error) {
	t.bytes, t.n, t.errno = p, 0, 0
	err := wait(t.try)
	t.bytes = nil
	if err == nil && t.errno != 0 {
		err = t.errno
	}
	return t.n, err
}

// Read reads what there is. It is called by one goroutine at a time.
func (s *socket) Read(p []byte) (int, error) {
	n, err := s.in.run(p, s.raw.Read)
	if n == 0 && err == nil && len(p) > 0 {
		err = io.EOF
	}
	return n, err
}

// Write writes all of p. It is called by one goroutine at a time.
func (s *socket) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return s.out.run(p, s.raw.Write)
}
