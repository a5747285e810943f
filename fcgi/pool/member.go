// A worker's own side of the pool.

package pool

import (
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
)

// Member is a worker's own side of the pool.
type Member struct {
	Admin    net.Listener    // where the worker serves its admin pages, for the parent
	Conns    net.Listener    // yields the kept connections of workers that retired
	Retired  <-chan struct{} // closed when another has replaced this worker: hand connections over, drain and exit
	Orphaned <-chan struct{} // closed when the parent is no more: drain and exit

	control *net.UnixConn
}

// Join takes over the descriptors that the parent gave this process. It is
// called once, by a process that a pool started.
func Join() (*Member, error) {
	control, err := controlConn(os.NewFile(3, "3"))
	if err != nil {
		return nil, fmt.Errorf("pool: control socket: %w", err)
	}
	adminFile := os.NewFile(4, "4")
	defer adminFile.Close()
	admin, err := net.FileListener(adminFile)
	if err != nil {
		control.Close()
		return nil, fmt.Errorf("pool: admin socket: %w", err)
	}
	retired, orphaned := make(chan struct{}), make(chan struct{})
	conns := &connections{arriving: make(chan net.Conn), closed: make(chan struct{}), addr: admin.Addr()}
	go func() {
		defer close(orphaned)
		retire := sync.OnceFunc(func() { close(retired) })
		for {
			what, conn, err := receive(control)
			if err != nil {
				return
			}
			switch {
			case what == sayRetire:
				retire()
			case what == sayConn && conn != nil:
				go conns.take(conn) // which may wait, while other messages come
			}
		}
	}()
	return &Member{Admin: admin, Conns: conns, Retired: retired, Orphaned: orphaned, control: control}, nil
}

// Ready tells the parent that this worker can answer.
func (m *Member) Ready() error {
	if err := send(m.control, sayReady, nil); err != nil {
		return fmt.Errorf("pool: tell parent: %w", err)
	}
	return nil
}

// HandOver passes a copy of a kept connection to another worker. Where there is
// none left, the copy is closed.
func (m *Member) HandOver(conn net.Conn) error {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return fmt.Errorf("pool: a %T has no descriptor to hand over", conn)
	}
	if err := send(m.control, sayConn, c); err != nil {
		return fmt.Errorf("pool: hand connection over: %w", err)
	}
	return nil
}

// connections is a listener that yields connections from elsewhere.
type connections struct {
	arriving chan net.Conn
	closed   chan struct{}
	once     sync.Once
	addr     net.Addr
}

// take makes a connection of f, which it closes, and waits for its acceptance.
func (c *connections) take(f *os.File) {
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return // it was broken on its way
	}
	select {
	case c.arriving <- conn:
	case <-c.closed:
		conn.Close()
	}
}

// Accept implements net.Listener.
func (c *connections) Accept() (net.Conn, error) {
	select {
	case conn := <-c.arriving:
		return conn, nil
	case <-c.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (c *connections) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// Addr implements net.Listener.
func (c *connections) Addr() net.Addr { return c.addr }
