// Package apachetest starts real Apache servers for tests: unprivileged, on a
// free port of the loopback interface, in a directory of their own, with exactly
// the configuration files of package apache.
package apachetest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pagemap/deploy/apache"
	"pagemap/scripts/freeport"
)

// Options of Start.
type Options struct {
	Site    string            // directives inside the virtual host, such as `Include "${PAGEMAP_CONF}/pagemap.conf"`
	Server  string            // directives outside it, before everything else
	Defines map[string]string // Apache's Define, name to value
	FCGID   bool              // load mod_fcgid
}

// Server is a running Apache. It is stopped when the test ends.
type Server struct {
	Addr string // host:port
	URL  string // http://host:port, without a slash
	Dir  string // all that the server writes, and conf/ with the configuration files

	t      testing.TB
	cmd    *exec.Cmd
	exited chan struct{} // closed once the process is gone
	stop   sync.Once
}

// Dir is a temporary directory that Apache's processes can read, also where the
// tests run as root and Apache's processes do not. Its path is short enough for
// a unix socket in it.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Start starts an Apache and waits until it accepts connections. Without an
// installed Apache the test is skipped; in CI it fails.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	program := find(t)
	dir := Dir(t)
	conf := filepath.Join(dir, "conf")
	if err := os.CopyFS(conf, apache.Files); err != nil {
		t.Fatal(err)
	}
	site := filepath.Join(dir, "site.conf")
	if err := os.WriteFile(site, []byte(o.Site+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	server := filepath.Join(dir, "server.conf")
	text := o.Server + "\nInclude \"" + filepath.Join(conf, "private.conf") + "\"\n"
	if err := os.WriteFile(server, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"-DFOREGROUND", "-d", dir, "-f", server}
	if o.FCGID {
		args = append(args, "-DPRIVATE_FCGID")
	}
	args = append(args, define("PRIVATE_DIR", dir)...)
	args = append(args, define("PRIVATE_SITE", site)...)
	args = append(args, define("PAGEMAP_CONF", conf)...)
	for name, value := range o.Defines {
		args = append(args, define(name, value)...)
	}

	// Another process may take the free port before Apache does.
	for range 5 {
		s := &Server{t: t, Dir: dir, Addr: FreeAddr(t), exited: make(chan struct{})}
		s.URL = "http://" + s.Addr
		_, port, _ := net.SplitHostPort(s.Addr)
		s.cmd = exec.Command(program, append(args, define("PRIVATE_PORT", port)...)...)
		// Apache dies with a test that is killed before its cleanup.
		s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
		var out bytes.Buffer
		s.cmd.Stdout, s.cmd.Stderr = &out, &out
		if err := s.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { s.cmd.Wait(); close(s.exited) }()
		if s.accepts() {
			t.Cleanup(s.Stop)
			return s
		}
		s.Stop()
		if !strings.Contains(out.String(), "could not bind") {
			t.Fatalf("apache2 did not start: %s\n%s", out.String(), s.ErrorLog())
		}
	}
	t.Fatal("apache2 did not start: no free port")
	return nil
}

// find is the Apache program.
func find(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"apache2", "/usr/sbin/apache2"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("apache2 is not installed")
	}
	t.Skip("apache2 is not installed")
	return ""
}

// define is a setting on the command line.
func define(name, value string) []string {
	return []string{"-C", fmt.Sprintf("Define %s %q", name, value)}
}

// FreeAddr is an address of loopback that nobody listens on.
func FreeAddr(t testing.TB) string {
	t.Helper()
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// accepts waits until the server accepts connections; false if it died or did
// not within 20 s.
func (s *Server) accepts() bool {
	deadline := time.After(20 * time.Second)
	for {
		if c, err := net.Dial("tcp", s.Addr); err == nil {
			c.Close()
			return true
		}
		select {
		case <-s.exited:
			return false
		case <-deadline:
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Stop ends the server and waits until it is gone. It may be called twice.
func (s *Server) Stop() {
	s.stop.Do(func() {
		s.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.exited:
		case <-time.After(15 * time.Second):
			s.cmd.Process.Kill()
			<-s.exited
		}
	})
}

// Reload has the server read its configuration again, gracefully. It does not
// wait until that is done.
func (s *Server) Reload() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		s.t.Fatal(err)
	}
}

// PID is the server's process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// ErrorLog is the error log so far.
func (s *Server) ErrorLog() string {
	b, err := os.ReadFile(filepath.Join(s.Dir, "error.log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	return string(b)
}

var errorLine = regexp.MustCompile(`(?m)^\[[^]]*\] \[[^]]*:(?:error|crit|alert|emerg)\] .*$`)

// Errors are the lines of the error log of level error or above.
func (s *Server) Errors() []string { return errorLine.FindAllString(s.ErrorLog(), -1) }
