// What the tests share: worker processes, which are this test's own binary
// started again, and a pool of them.

package pool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"pagemap/fcgi/pool"
)

// roleEnv makes the test binary a worker of this kind.
const roleEnv = "POOL_TEST_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleEnv); role {
	case "":
		os.Exit(m.Run())
	case "parent":
		runParent()
	default:
		runWorker(role)
	}
}

// runWorker is a worker that answers HTTP with its role and process number. The
// role "crash" dies at once, "mute" never gets ready, "stubborn" does not drain.
func runWorker(role string) {
	member, err := pool.Join()
	if err != nil {
		fail(err)
	}
	terminated := make(chan os.Signal, 2)
	signal.Notify(terminated, syscall.SIGTERM)
	switch role {
	case "crash":
		os.Exit(7)
	case "mute":
		<-terminated
		return
	case "fastcgi":
		serveFastCGI(member, terminated)
		return
	}
	socket, err := net.FileListener(os.Stdin)
	if err != nil {
		fail(err)
	}
	answers := prometheus.NewCounter(prometheus.CounterOpts{Name: "test_answers_total", Help: "Answers."})
	registry := prometheus.NewRegistry()
	registry.MustRegister(answers)
	admin := http.NewServeMux()
	admin.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	admin.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	go http.Serve(member.Admin, admin)

	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d, err := time.ParseDuration(r.URL.Query().Get("sleep")); err == nil {
			time.Sleep(d)
		}
		answers.Inc()
		fmt.Fprintf(w, "%s %d", role, os.Getpid())
	})}
	go server.Serve(socket)
	if err := member.Ready(); err != nil {
		fail(err)
	}
	select {
	case <-terminated:
	case <-member.Retired:
	case <-member.Orphaned:
	}
	if role == "stubborn" {
		select {}
	}
	server.Shutdown(context.Background())
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "worker:", err)
	os.Exit(1)
}

// command starts workers of one role.
func command(role string) pool.Command {
	return func(int) (*exec.Cmd, error) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), roleEnv+"="+role, "GORACE=atexit_sleep_ms=0") // the race detector waits 1 s at each exit
		cmd.Stderr = os.Stderr
		return cmd, nil
	}
}

// running is a pool under test.
type running struct {
	*pool.Pool
	t      *testing.T
	socket string
	stop   func() error // ends Run and returns its error; may be called again
	states *states
	log    *buffer
}

// start runs a pool of HTTP workers on a unix socket until the test ends.
func start(t *testing.T, o pool.Options) *running {
	t.Helper()
	dir, err := os.MkdirTemp("", "pm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &running{t: t, socket: filepath.Join(dir, "s"), states: &states{}, log: &buffer{}}
	l, err := net.Listen("unix", r.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	o.Listener = l.(*net.UnixListener)
	o.Notify = r.states.add
	o.Logger = slog.New(slog.NewTextHandler(r.log, nil))
	if r.Pool, err = pool.New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if t.Failed() {
			t.Log(r.log)
		}
	})
	r.until("ready", func() bool { return r.states.has("READY=1") })
	return r
}

// until waits for a condition.
func (r *running) until(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("not within 20 s: %s\n%s", what, r.log)
		}
	}
}

// get sends one request on a connection of its own.
func (r *running) get(path string) (string, error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", r.socket)
		},
	}, Timeout: 20 * time.Second}
	res, err := client.Get("http://pool" + path)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}

// pids are the process numbers of the workers in their places, 0 for none.
func (r *running) pids() []int {
	var pids []int
	for _, a := range r.Ask(context.Background(), "/healthz") {
		pid, _ := strconv.Atoi(string(a.Body))
		pids = append(pids, pid)
	}
	return pids
}

// states keeps what the service manager is told; buffer keeps a log.
type states struct {
	mu  sync.Mutex
	all []string
}

func (s *states) add(state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, _, _ = strings.Cut(state, "\n")
	s.all = append(s.all, state)
}

func (s *states) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

func (s *states) has(state string) bool { return slices.Contains(s.list(), state) }

type buffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// runParent is a pool in a process of its own, that can be killed.
func runParent() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	p, err := pool.New(pool.Options{Workers: 2, Listener: l.(*net.TCPListener), Command: command("http")})
	if err != nil {
		fail(err)
	}
	go func() {
		for slices.ContainsFunc(p.Ask(context.Background(), "/healthz"), func(a pool.Answer) bool { return a.Err != nil }) {
			time.Sleep(10 * time.Millisecond)
		}
		for _, a := range p.Ask(context.Background(), "/healthz") {
			fmt.Println(string(a.Body))
		}
	}()
	if err := p.Run(context.Background()); err != nil {
		fail(err)
	}
}
