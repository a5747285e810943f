// The control socket between parent and worker: messages of one byte, one of
// which carries a connection.

package pool

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// message is what the two say to each other.
type message byte

const (
	sayReady  message = 'r' // worker: it can answer
	sayRetire message = 'x' // parent: hand kept connections over, drain and exit
	sayConn   message = 'c' // worker: a connection for another; parent: a connection from another
)

// sendTimeout is for the other side to make room in the socket's buffer.
const sendTimeout = time.Second

// controlPair returns the two ends of a control socket: the parent's and the
// worker's.
func controlPair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "control")
	ours, err := controlConn(os.NewFile(uintptr(fds[0]), "control"))
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// controlConn makes a connection of one end, and closes the file.
func controlConn(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("descriptor %s is no unix socket", f.Name())
	}
	return unixConn, nil
}

// send sends a message; conn, which may be nil, is copied to the other side.
func send(control *net.UnixConn, what message, conn syscall.Conn) error {
	if err := control.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	if conn == nil {
		_, err := control.Write([]byte{byte(what)})
		return err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	if err := raw.Control(func(fd uintptr) {
		_, _, sent = control.WriteMsgUnix([]byte{byte(what)}, unix.UnixRights(int(fd)), nil)
	}); err != nil {
		return err
	}
	return sent
}

// receive waits for a message; conn is what came with it, nil for nothing. The
// error is io.EOF when the other side is gone.
func receive(control *net.UnixConn) (what message, conn *os.File, err error) {
	text, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	n, rightsLen, _, _, err := control.ReadMsgUnix(text, rights)
	if err != nil || n == 0 {
		return 0, nil, err
	}
	// Close-on-exec is set by ReadMsgUnix (MSG_CMSG_CLOEXEC).
	parts, err := unix.ParseSocketControlMessage(rights[:rightsLen])
	if err != nil {
		return 0, nil, fmt.Errorf("pool: control message: %w", err)
	}
	for i := range parts {
		fds, err := unix.ParseUnixRights(&parts[i])
		if err == nil && len(fds) == 1 {
			conn = os.NewFile(uintptr(fds[0]), "connection")
		}
	}
	return message(text[0]), conn, nil
}
