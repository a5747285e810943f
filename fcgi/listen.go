// Listeners: unix sockets, TCP on loopback, inherited descriptors, systemd's.

package fcgi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

var (
	// ErrInUse is wrapped where another process listens on a unix socket.
	ErrInUse = errors.New("fcgi: socket is in use by another process")

	// ErrPublic is wrapped where a TCP address is not loopback.
	ErrPublic = errors.New("fcgi: TCP address is not loopback: whoever reaches it can forge any request")

	// ErrNoSocket is wrapped where no listening socket was inherited.
	ErrNoSocket = errors.New("fcgi: no listening socket was inherited")
)

const maxUnixPath = 107 // sockaddr_un(7), less its final NUL

// ListenOptions of Listen.
type ListenOptions struct {
	Mode        fs.FileMode // of a unix socket; 0: 0660. To connect takes write permission
	Owner       string      // "user:group", "user" or ":group" of a unix socket, names or numbers; "": the process's
	AllowPublic bool        // TCP addresses that are not loopback
}

// Listen returns the listener for an address:
//
//	unix:/run/x.sock    a unix socket
//	tcp:127.0.0.1:9000  a TCP port, loopback unless AllowPublic is set
//	fd:0                the listening socket inherited as this descriptor
//	systemd             the first socket of systemd's socket activation
//
// Closing a unix socket's listener removes the socket; closing an inherited
// one leaves it to those who share it. All listeners are *net.TCPListener or
// have the methods of *net.UnixListener, with SyscallConn to hand their
// descriptors on.
func Listen(addr string, o ListenOptions) (net.Listener, error) {
	l, err := listen(addr, o)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() && !o.AllowPublic {
		l.Close()
		return nil, fmt.Errorf("listen on %s: %s: %w", addr, tcp, ErrPublic)
	}
	return l, nil
}

func listen(addr string, o ListenOptions) (net.Listener, error) {
	kind, rest, _ := strings.Cut(addr, ":")
	switch {
	case kind == "unix" && rest != "":
		return listenUnix(rest, o)
	case kind == "tcp" && rest != "":
		return listenTCP(rest, o)
	case kind == "fd":
		n, err := strconv.ParseUint(rest, 10, 16)
		if err != nil {
			return nil, errors.New("fcgi: fd: wants the number of a descriptor")
		}
		return inheritNumbered(int(n))
	case addr == "systemd":
		return listenSystemd()
	}
	return nil, errors.New("fcgi: address is none of unix:PATH, tcp:HOST:PORT, fd:N, systemd")
}

func listenTCP(addr string, o ListenOptions) (net.Listener, error) {
	to, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, err
	}
	if !to.IP.IsLoopback() && !o.AllowPublic {
		return nil, ErrPublic
	}
	return net.ListenTCP("tcp", to)
}

func listenSystemd() (net.Listener, error) {
	files := activation.Files(true)
	if len(files) == 0 {
		return nil, fmt.Errorf("%w: systemd sets LISTEN_PID and LISTEN_FDS, for a service with a .socket unit", ErrNoSocket)
	}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	return inherit(int(files[0].Fd()))
}

// inherit returns the listener of a listening stream socket, with a descriptor
// of its own.
func inherit(fd int) (net.Listener, error) {
	listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil || listening == 0 {
		return nil, fmt.Errorf("%w: descriptor %d is none; programs started by mod_fcgid, systemd or a pool have one", ErrNoSocket, fd)
	}
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	f := os.NewFile(uintptr(own), "listening socket")
	defer f.Close()
	return net.FileListener(f)
}

// inheritNumbered inherits a descriptor by its number, which becomes /dev/null:
// no file opened later may take the place of a standard one.
func inheritNumbered(fd int) (net.Listener, error) {
	l, err := inherit(fd)
	if err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err == nil {
		err = os.NewSyscallError("dup3", unix.Dup3(int(null.Fd()), fd, 0))
		null.Close()
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// unixListener is a listener whose socket's path belongs to this process as
// long as it holds the lock.
type unixListener struct {
	*net.UnixListener
	path string
	lock *os.File
	once sync.Once
}

// listenUnix listens at path. A lock file beside it, path.lock, tells a socket
// left by a process that has died, which is replaced, from one that is in use.
func listenUnix(path string, o ListenOptions) (net.Listener, error) {
	if len(path) > maxUnixPath {
		return nil, fmt.Errorf("fcgi: path of %d bytes; a socket's has at most %d", len(path), maxUnixPath)
	}
	uid, gid, err := lookUp(o.Owner)
	if err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		return nil, ErrInUse
	}
	l, err := bind(path, o.Mode, uid, gid)
	if err != nil {
		lock.Close()
		return nil, err
	}
	return &unixListener{UnixListener: l, path: path, lock: lock}, nil
}

func bind(path string, mode fs.FileMode, uid, gid int) (*net.UnixListener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// The socket's file gets the mode that the socket has when it is bound: it
	// never has a wider one than it shall have.
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		return errors.Join(raw.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }), err)
	}}
	nl, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	l := nl.(*net.UnixListener)
	l.SetUnlinkOnClose(false)
	set(&mode, 0o660)
	if uid >= 0 || gid >= 0 {
		err = os.Lchown(path, uid, gid)
	}
	if err == nil {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		os.Remove(path)
		l.Close()
		return nil, err
	}
	return l, nil
}

// removeStale removes the socket at path, if nobody listens on it.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("fcgi: %s exists and is no socket", path)
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return ErrInUse
	}
	return os.Remove(path)
}

// Close stops listening and removes the socket.
func (l *unixListener) Close() error {
	err := net.ErrClosed
	l.once.Do(func() {
		err = errors.Join(os.Remove(l.path), l.UnixListener.Close(), l.lock.Close())
	})
	return err
}

// lookUp returns the numbers of "user:group"; -1 for one that is not given.
func lookUp(owner string) (uid, gid int, err error) {
	uid, gid = -1, -1
	userName, groupName, _ := strings.Cut(owner, ":")
	if userName != "" {
		if uid, err = strconv.Atoi(userName); err != nil {
			u, err := user.Lookup(userName)
			if err != nil {
				return 0, 0, err
			}
			uid, _ = strconv.Atoi(u.Uid)
		}
	}
	if groupName != "" {
		if gid, err = strconv.Atoi(groupName); err != nil {
			g, err := user.LookupGroup(groupName)
			if err != nil {
				return 0, 0, err
			}
			gid, _ = strconv.Atoi(g.Gid)
		}
	}
	return uid, gid, nil
}
