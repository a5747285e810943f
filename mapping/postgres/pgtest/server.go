// Server: one PostgreSQL server as a child process.

package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"pagemap/scripts/freeport"

	_ "github.com/lib/pq" // the driver that tells when a server answers
)

// ErrNotInstalled is that no PostgreSQL server was found.
var ErrNotInstalled = errors.New("pgtest: PostgreSQL is not installed")

// startTimeout is how long a server may take to answer, crash recovery included.
const startTimeout = 60 * time.Second

// Options of Start.
type Options struct {
	TCP      bool     // listen on a free port of 127.0.0.1 too
	Settings []string // of postgresql.conf: "wal_level=replica"
}

// Server is a running, or stopped, PostgreSQL server.
type Server struct {
	bin      string // directory of the programs
	dir      string // holds the data directory and the socket
	port     string // also part of the socket's name
	settings []string
	cred     *syscall.Credential // whom the server runs as; nil: as the test

	mu   sync.Mutex    // protects what follows
	cmd  *exec.Cmd     // nil: stopped
	done chan struct{} // closed when cmd ended
	log  *bytes.Buffer // written by cmd until then
}

// Start starts a server that ends with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := newServer(o)
	if err == nil {
		t.Cleanup(s.close)
		if err = s.init(); err == nil {
			err = s.Start()
		}
	}
	need(t, err)
	return s
}

// need ends the test where err says that there is no server.
func need(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrNotInstalled) && os.Getenv("CI") == "":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}

// newServer makes the directory of a server without data.
func newServer(o Options) (*Server, error) {
	bin, err := binDir()
	if err != nil {
		return nil, err
	}
	cred, err := credential()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pm")
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	s := &Server{bin: bin, dir: dir, port: "5432", cred: cred, settings: o.Settings}
	if o.TCP {
		if s.port, err = freeport.Find(); err != nil {
			return nil, err
		}
		s.settings = append(slices.Clone(s.settings), "listen_addresses=127.0.0.1")
	}
	if cred != nil {
		if err := os.Chown(dir, int(cred.Uid), int(cred.Gid)); err != nil {
			return nil, fmt.Errorf("pgtest: %w", err)
		}
	}
	return s, nil
}

// init makes the data directory.
func (s *Server) init() error {
	_, err := s.Run("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	return err
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// DSN is the connection string of a database of the server, over its unix socket.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("host=%s port=%s user=postgres dbname=%s sslmode=disable", s.dir, s.port, database)
}

// TCPDSN is DSN over TCP, for a server with Options.TCP.
func (s *Server) TCPDSN(database string) string {
	return fmt.Sprintf("host=127.0.0.1 port=%s user=postgres dbname=%s sslmode=disable", s.port, database)
}

// Start starts the server again after Stop or Kill, and waits until it answers.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	deadline := time.Now().Add(startTimeout)
	for {
		if s.cmd == nil {
			if err := s.spawn(); err != nil {
				return err
			}
		}
		if s.answers() {
			return nil
		}
		select {
		case <-s.done:
			// After a Kill the old shared memory may be in use for a moment.
			s.cmd = nil
			if time.Now().After(deadline) {
				return fmt.Errorf("pgtest: the server ends at once: %s", s.log)
			}
		case <-time.After(20 * time.Millisecond):
			if time.Now().After(deadline) {
				return errors.New("pgtest: the server does not answer")
			}
		}
	}
}

// spawn starts the server's first process, out of reach of the terminal's ^C.
func (s *Server) spawn() error {
	args := []string{"-D", s.data(), "-k", s.dir, "-p", s.port}
	settings := append([]string{
		"listen_addresses=", "fsync=off", "full_page_writes=off", "shared_buffers=64MB",
		"max_connections=40", "wal_level=replica", "wal_keep_size=64MB", "log_min_messages=warning",
	}, s.settings...)
	for _, set := range settings {
		args = append(args, "-c", set)
	}
	log := new(bytes.Buffer)
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	cmd.Dir = s.dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT, Credential: s.cred}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how a server ends is for the test to judge
		close(done)
	}()
	s.cmd, s.done, s.log = cmd, done, log
	return nil
}

// answers reports whether the server takes connections.
func (s *Server) answers() bool {
	db, err := sql.Open("postgres", s.DSN("postgres")+" connect_timeout=2")
	if err != nil {
		return false
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return db.PingContext(ctx) == nil
}

// Stop ends the server in an orderly way, its sessions at once.
func (s *Server) Stop() { s.end(syscall.SIGINT, false) }

// Kill ends the server and all its processes with SIGKILL.
func (s *Server) Kill() { s.end(syscall.SIGKILL, true) }

func (s *Server) end(sig syscall.Signal, all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	s.signal(sig, all)
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
		s.signal(syscall.SIGKILL, true)
		<-s.done
	}
	s.cmd = nil
}

// Pause stops every process of the server with SIGSTOP, as a machine that hangs.
func (s *Server) Pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signal(syscall.SIGSTOP, true)
}

// Resume undoes Pause.
func (s *Server) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signal(syscall.SIGCONT, true)
}

// signal reaches the first process and, with all, its children, which lead
// process groups of their own. The first gets it first: it must not see them die.
func (s *Server) signal(sig syscall.Signal, all bool) {
	if s.cmd == nil {
		return
	}
	pid := s.cmd.Process.Pid
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	_ = syscall.Kill(pid, sig)
	if !all {
		return
	}
	for _, child := range bytes.Fields(children) {
		if n, err := strconv.Atoi(string(child)); err == nil {
			_ = syscall.Kill(n, sig)
		}
	}
}

func (s *Server) close() {
	s.Kill()
	_ = os.RemoveAll(s.dir)
}

// Run runs one of PostgreSQL's programs, such as pg_dump, as the user the
// server runs as, and returns what it wrote to its standard output.
func (s *Server) Run(program string, args ...string) ([]byte, error) {
	return s.RunInput(nil, program, args...)
}

// RunInput is Run with a standard input.
func (s *Server) RunInput(input []byte, program string, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Dir = s.dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred}
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("pgtest: %s: %w: %s", program, err, &stderr)
	}
	return stdout.Bytes(), nil
}

// SQL runs statements with psql, as a person would, and returns what it prints,
// without headings, "|" between columns.
func (s *Server) SQL(database, statements string) (string, error) {
	out, err := s.RunInput([]byte(statements), "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", s.DSN(database), "-f", "-")
	return string(bytes.TrimSpace(out)), err
}

// binDir finds the newest installed server.
func binDir() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is right
	version := func(bin string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(bin))))
		return n
	}
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
	}
	if bin, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(bin), nil
	}
	return "", ErrNotInstalled
}

// credential is whom the server runs as: nil for the test's own user.
func credential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("pgtest: as root: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
