// Listeners: modes, owners, stale sockets, what is refused.

package fcgi_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
)

// tempDir is short enough for a socket's path.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestListenUnix(t *testing.T) {
	path := filepath.Join(tempDir(t), "s")
	gid := os.Getgid()
	if os.Getuid() == 0 {
		gid = 12345
	}
	o := fcgi.ListenOptions{Mode: 0o666, Owner: ":" + strconv.Itoa(gid)}
	l, err := fcgi.Listen("unix:"+path, o)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode(); got != fs.ModeSocket|0o666 {
		t.Errorf("mode %v", got)
	}
	if got := info.Sys().(*syscall.Stat_t).Gid; int(got) != gid {
		t.Errorf("group %d", got)
	}
	if _, ok := l.(syscall.Conn); !ok {
		t.Error("has no SyscallConn")
	}
	if _, err := fcgi.Listen("unix:"+path, o); !errors.Is(err, fcgi.ErrInUse) {
		t.Errorf("second listener: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Close: %v", err)
	}
	again, err := fcgi.Listen("unix:"+path, fcgi.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o660 {
		t.Errorf("default mode %v", info.Mode())
	}
}

func TestListenUnixExisting(t *testing.T) {
	dir := tempDir(t)
	path := func(name string) string { return filepath.Join(dir, name) }

	stale, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path("stale")})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	l, err := fcgi.Listen("unix:"+path("stale"), fcgi.ListenOptions{})
	if err != nil {
		t.Errorf("stale socket: %v", err)
	} else {
		l.Close()
	}

	foreign, err := net.Listen("unix", path("foreign"))
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	if _, err := fcgi.Listen("unix:"+path("foreign"), fcgi.ListenOptions{}); !errors.Is(err, fcgi.ErrInUse) {
		t.Errorf("another program's socket: %v", err)
	}
	if _, err := os.Stat(path("foreign")); err != nil {
		t.Errorf("another program's socket: %v", err)
	}

	if err := os.WriteFile(path("file"), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := fcgi.Listen("unix:"+path("file"), fcgi.ListenOptions{}); err == nil {
		t.Error("listens in place of a file")
	}
	if b, err := os.ReadFile(path("file")); err != nil || string(b) != "precious" {
		t.Errorf("the file: %q, %v", b, err)
	}
}

func TestListenRefuses(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	datagram, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer datagram.Close()
	packets, err := datagram.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	for _, test := range []struct {
		name, addr string
		options    fcgi.ListenOptions
		err        error // nil: any
	}{
		{"no kind", "/run/x.sock", fcgi.ListenOptions{}, nil},
		{"empty path", "unix:", fcgi.ListenOptions{}, nil},
		{"long path", "unix:/tmp/" + strings.Repeat("x", 108), fcgi.ListenOptions{}, nil},
		{"no directory", "unix:/nonexistent/x", fcgi.ListenOptions{}, fs.ErrNotExist},
		{"no such user", "unix:" + filepath.Join(tempDir(t), "s"), fcgi.ListenOptions{Owner: "no such user"}, nil},
		{"no such group", "unix:" + filepath.Join(tempDir(t), "s"), fcgi.ListenOptions{Owner: ":no such group"}, nil},
		{"all interfaces", "tcp::0", fcgi.ListenOptions{}, fcgi.ErrPublic},
		{"all IPv4 interfaces", "tcp:0.0.0.0:0", fcgi.ListenOptions{}, fcgi.ErrPublic},
		{"a public address", "tcp:192.0.2.1:9000", fcgi.ListenOptions{}, fcgi.ErrPublic},
		{"no port", "tcp:127.0.0.1", fcgi.ListenOptions{}, nil},
		{"no descriptor", "fd:", fcgi.ListenOptions{}, nil},
		{"closed descriptor", "fd:999", fcgi.ListenOptions{}, fcgi.ErrNoSocket},
		{"file", fmt.Sprintf("fd:%d", file.Fd()), fcgi.ListenOptions{}, fcgi.ErrNoSocket},
		{"datagrams", fmt.Sprintf("fd:%d", packets.Fd()), fcgi.ListenOptions{}, fcgi.ErrNoSocket},
		{"no systemd", "systemd", fcgi.ListenOptions{}, fcgi.ErrNoSocket},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, err := fcgi.Listen(test.addr, test.options)
			if err == nil {
				l.Close()
				t.Fatalf("listens on %s", l.Addr())
			}
			if test.err != nil && !errors.Is(err, test.err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestListenTCP(t *testing.T) {
	l, err := fcgi.Listen("tcp:127.0.0.1:0", fcgi.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, l, http.HandlerFunc(fine), fcgi.Options{})
	if res, err := s.do(fcgitest.Request{Close: true}); err != nil || res.Body != "fine" {
		t.Errorf("got %v, %v", res, err)
	}
	public, err := fcgi.Listen("tcp:0.0.0.0:0", fcgi.ListenOptions{AllowPublic: true})
	if err != nil {
		t.Fatal(err)
	}
	public.Close()
}

// inheritedResponder answers on an inherited socket until SIGTERM.
func inheritedResponder() int {
	addr := "fd:0"
	if os.Getenv("LISTEN_FDS") != "" {
		os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid())) // as systemd does
		addr = "systemd"
	}
	l, err := fcgi.Listen(addr, fcgi.ListenOptions{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s := fcgi.NewServer(appOfApache(), fcgi.Options{DrainIdle: 1})
	go func() {
		<-ctx.Done()
		_ = s.Shutdown(context.Background())
	}()
	if err := s.Serve(l); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := s.Shutdown(context.Background()); err != nil {
		return 1
	}
	return 0
}

func TestInherited(t *testing.T) {
	for _, test := range []struct {
		name  string
		start func(*exec.Cmd, *os.File)
	}{
		{"descriptor 0", func(cmd *exec.Cmd, f *os.File) { cmd.Stdin = f }},
		{"systemd", func(cmd *exec.Cmd, f *os.File) {
			cmd.ExtraFiles = []*os.File{f}
			cmd.Env = append(cmd.Env, "LISTEN_FDS=1")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := socket(t)
			f, err := l.(*net.UnixListener).File()
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), roleEnv+"=fd")
			cmd.Stderr = os.Stderr
			test.start(cmd, f)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			s := side{t, l.Addr(), nil}
			res, err := s.do(fcgitest.Request{Target: "/describe"})
			if err != nil || res.Status != 200 {
				t.Errorf("got %v, %v", res, err)
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("the process ended with %v", err)
			}
			if _, err := os.Stat(l.Addr().String()); err != nil {
				t.Errorf("the socket does not outlive it: %v", err)
			}
		})
	}
}
