// Package memcachetest starts real memcached servers for tests. A test without
// memcached on its machine is skipped, or fails where the environment has CI set.
package memcachetest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pagemap/scripts/freeport"
)

// Options of Start. The zero value is a server of 64 MiB on a unix socket.
type Options struct {
	TCP       bool     // listen on a free port of 127.0.0.1
	Megabytes int      // of items; 0: 64
	Args      []string // further arguments
}

// Server is a memcached process. Its methods are for one goroutine at a time, and end the test
// where they fail.
type Server struct {
	tb      testing.TB
	binary  string
	network string
	address string
	args    []string
	cmd     *exec.Cmd     // nil: not running
	exited  chan struct{} // closed when cmd has ended
}

// Start starts a server, and ends it with the test.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	binary, err := exec.LookPath("memcached")
	if err != nil {
		if os.Getenv("CI") != "" {
			tb.Fatalf("memcachetest: %v", err)
		}
		tb.Skipf("memcachetest: %v", err)
	}
	if o.Megabytes == 0 {
		o.Megabytes = 64
	}
	s := &Server{tb: tb, binary: binary}
	s.args = append([]string{"-U", "0", "-m", strconv.Itoa(o.Megabytes), "-c", "4096"}, o.Args...)
	if os.Geteuid() == 0 {
		s.args = append(s.args, "-u", "root") // memcached wants to be told
	}
	tb.Cleanup(s.Kill)
	if !o.TCP {
		dir, err := os.MkdirTemp("", "pm")
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { os.RemoveAll(dir) })
		s.network, s.address = "unix", filepath.Join(dir, "mc")
		s.args = append(s.args, "-s", s.address)
		s.Restart()
		return s
	}
	s.network = "tcp"
	rest := s.args
	for range 5 { // another process may take the port before memcached does
		port, err := freeport.Find()
		if err != nil {
			tb.Fatal(err)
		}
		s.address = net.JoinHostPort("127.0.0.1", port)
		s.args = append(rest[:len(rest):len(rest)], "-l", "127.0.0.1", "-p", port)
		if s.run() == nil {
			return s
		}
	}
	tb.Fatal("memcachetest: memcached does not start on a free port")
	return nil
}

// Addr is the server's address, "127.0.0.1:port" or "unix:/path/of/socket". It stays the
// same for the server's life.
func (s *Server) Addr() string {
	if s.network == "unix" {
		return "unix:" + s.address
	}
	return s.address
}

// run starts the process and waits until it answers.
func (s *Server) run() error {
	cmd := exec.Command(s.binary, s.args...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is no matter: it is killed
		close(exited)
	}()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if _, err := s.ask("version"); err == nil {
			s.cmd, s.exited = cmd, exited
			return nil
		}
		select {
		case <-exited:
			return fmt.Errorf("memcachetest: %s %s: exited", s.binary, strings.Join(s.args, " "))
		case <-time.After(5 * time.Millisecond):
		}
	}
	_ = cmd.Process.Kill()
	return fmt.Errorf("memcachetest: %s %s: no answer", s.binary, strings.Join(s.args, " "))
}

// Restart ends the process, if there is one, and starts an empty one at the same address.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	if err := s.run(); err != nil {
		s.tb.Fatal(err)
	}
}

// Kill ends the process at once (SIGKILL), if there is one.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.exited
	s.cmd = nil
}

// Freeze stops the process (SIGSTOP): connections are accepted and never answered.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on (SIGCONT).
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig os.Signal) {
	s.tb.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.tb.Fatalf("memcachetest: %v: %v", sig, err)
	}
}

// Keys returns the keys of all items, in no particular order.
func (s *Server) Keys() []string {
	s.tb.Helper()
	lines, err := s.ask("lru_crawler metadump all")
	for errors.Is(err, errBusy) { // memcached crawls on its own account
		time.Sleep(5 * time.Millisecond)
		lines, err = s.ask("lru_crawler metadump all")
	}
	if err != nil {
		s.tb.Fatalf("memcachetest: %v", err)
	}
	var keys []string
	for _, line := range lines {
		if key, ok := strings.CutPrefix(line, "key="); ok {
			key, _, _ = strings.Cut(key, " ")
			if key, err = url.PathUnescape(key); err != nil {
				s.tb.Fatalf("memcachetest: %v", err)
			}
			keys = append(keys, key)
		}
	}
	return keys
}

// Stat returns one of memcached's own statistics, such as "cmd_set".
func (s *Server) Stat(name string) int {
	s.tb.Helper()
	lines, err := s.ask("stats")
	if err != nil {
		s.tb.Fatalf("memcachetest: %v", err)
	}
	for _, line := range lines {
		if value, ok := strings.CutPrefix(line, "STAT "+name+" "); ok {
			n, err := strconv.Atoi(value)
			if err != nil {
				s.tb.Fatalf("memcachetest: %v", err)
			}
			return n
		}
	}
	s.tb.Fatalf("memcachetest: no statistic %q", name)
	return 0
}

var errBusy = errors.New("memcachetest: memcached is busy")

// ask sends one command and returns the lines of its answer, up to END or VERSION.
func (s *Server) ask(command string) ([]string, error) {
	nc, err := net.DialTimeout(s.network, s.address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(nc, "%s\r\n", command); err != nil {
		return nil, err
	}
	var lines []string
	for in := bufio.NewScanner(nc); in.Scan(); {
		line := in.Text()
		if line == "END" || strings.HasPrefix(line, "VERSION ") {
			return lines, nil
		}
		if strings.HasPrefix(line, "BUSY ") {
			return nil, errBusy
		}
		lines = append(lines, line)
	}
	return nil, fmt.Errorf("%s: the answer ends behind %q", command, lines)
}
