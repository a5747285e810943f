// Package phptest runs PHP programs for tests: commands, and sites on PHP's built-in web
// server, as child processes of the test. A test without PHP on its machine is skipped, or fails where
// the environment has CI set.
package phptest

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"pagemap/scripts/freeport"
)

// workers is how many requests a site answers at once.
const workers = 4

// Need ends the test where a file that it needs is not installed: the name of the Debian package says
// what to install.
func Need(tb testing.TB, file, debian string) {
	tb.Helper()
	if _, err := os.Stat(file); err != nil {
		missing(tb, fmt.Errorf("%w (Debian package %s)", err, debian))
	}
}

func missing(tb testing.TB, err error) {
	tb.Helper()
	if os.Getenv("CI") != "" {
		tb.Fatalf("phptest: %v", err)
	}
	tb.Skipf("phptest: %v", err)
}

// Command runs a PHP program to its end, and returns what it prints.
func Command(env []string, args ...string) ([]byte, error) {
	cmd := exec.Command("php", args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("php %q: %w\n%s", args, err, out)
	}
	return out, nil
}

// Options of Start.
type Options struct {
	Root   string             // directory that is served
	Router string             // PHP program that is asked first, or ""
	Env    []string           // added to the environment
	Args   []string           // of php, such as "-d", "name=value"
	Log    string             // file that the server's words are appended to
	Ready  string             // path that answers when the site is ready
	Setup  func(string) error // given the site's URL before its first start: writes settings that name it
}

// Site is a site on PHP's own web server. Its methods are for one goroutine at a time, and end the
// test where they fail.
type Site struct {
	tb      testing.TB
	o       Options
	address string
	cmd     *exec.Cmd     // nil: not running
	exited  chan struct{} // closed when cmd has ended
}

// Start starts a site on a free port of 127.0.0.1, and ends it with the test.
func Start(tb testing.TB, o Options) *Site {
	tb.Helper()
	if _, err := exec.LookPath("php"); err != nil {
		missing(tb, err)
	}
	s := &Site{tb: tb, o: o}
	tb.Cleanup(s.Stop)
	var err error
	for range 5 { // another process may take the port before PHP does
		var port string
		if port, err = freeport.Find(); err != nil {
			break
		}
		s.address = net.JoinHostPort("127.0.0.1", port)
		if err = o.Setup(s.URL()); err != nil {
			break
		}
		if err = s.run(); err == nil {
			return s
		}
	}
	tb.Fatalf("phptest: %v", err)
	return nil
}

// URL is the site's, "http://127.0.0.1:port". It stays the same for the site's life.
func (s *Site) URL() string { return "http://" + s.address }

// Start starts a stopped site again, at the same address.
func (s *Site) Start() {
	s.tb.Helper()
	if s.cmd != nil {
		return
	}
	if err := s.run(); err != nil {
		s.tb.Fatalf("phptest: %v", err)
	}
}

// run starts the process and waits until it answers.
func (s *Site) run() error {
	// Programs do not change while the site runs.
	args := append([]string{"-d", "opcache.enable_cli=1", "-d", "opcache.validate_timestamps=0", "-d", "display_errors=stderr"}, s.o.Args...)
	args = append(args, "-S", s.address, "-t", s.o.Root)
	if s.o.Router != "" {
		args = append(args, s.o.Router)
	}
	log, err := os.OpenFile(s.o.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("php", args...)
	cmd.Env = append(append(os.Environ(), fmt.Sprintf("PHP_CLI_SERVER_WORKERS=%d", workers)), s.o.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	// The server forks its workers, ends them when it is interrupted, and leaves them when it is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is no matter: it is killed
		close(exited)
	}()
	s.cmd, s.exited = cmd, exited
	client := &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if res, err := client.Get(s.URL() + s.o.Ready); err == nil {
			res.Body.Close()
			if res.StatusCode < 500 {
				return nil
			}
			break
		}
		select {
		case <-exited:
			s.Stop()
			return fmt.Errorf("php %q: exited\n%s", args, s.Log())
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.Stop()
	return fmt.Errorf("php %q: no good answer\n%s", args, s.Log())
}

// Stop ends the site at once (SIGKILL), if it runs: connections to it are refused.
func (s *Site) Stop() {
	if s.cmd == nil {
		return
	}
	s.signal(syscall.SIGKILL)
	<-s.exited
	s.cmd = nil
}

// Freeze stops the processes (SIGSTOP): connections are accepted and never answered.
func (s *Site) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets frozen processes go on (SIGCONT).
func (s *Site) Thaw() { s.signal(syscall.SIGCONT) }

// signal reaches the server and its workers, which are a process group of their own.
func (s *Site) signal(sig syscall.Signal) {
	if err := syscall.Kill(-s.cmd.Process.Pid, sig); err != nil {
		s.tb.Errorf("phptest: %v: %v", sig, err)
	}
}

// Log returns the last of what the site's processes have said.
func (s *Site) Log() []byte {
	b, err := os.ReadFile(s.o.Log)
	if err != nil {
		return []byte(err.Error())
	}
	lines := bytes.SplitAfter(b, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-40):], nil)
}

// Overlay makes in directory root a symbolic link to each entry of directory from, except those
// that are named: a program's files, beside which a test puts its own.
func Overlay(root, from string, except ...string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	skip := make(map[string]bool)
	for _, name := range except {
		skip[name] = true
	}
	for _, e := range entries {
		if skip[e.Name()] {
			continue
		}
		if err := os.Symlink(filepath.Join(from, e.Name()), filepath.Join(root, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
