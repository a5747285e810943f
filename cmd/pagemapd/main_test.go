// What the tests share: the program as a process of its own, and its clients.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pagemap/fcgi/fcgitest"
	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/postgres/pgtest"
)

// programEnv makes the test binary the program.
const programEnv = "PAGEMAPD_IS_THE_TEST_BINARY"

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
	}
	os.Exit(pgtest.Run(m))
}

// buffer keeps output.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
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

// eventually waits for a condition.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	begun := time.Now()
	for !ok() {
		if time.Since(begun) > within {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(begun)
}

// dir is a directory with a path short enough for sockets.
func dir(t testing.TB) string {
	t.Helper()
	d, err := os.MkdirTemp("", "pm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(d) })
	return d
}

// write writes a file, and the directories above it.
func write(t testing.TB, name, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// settle makes a file look unchanged for an hour, so that its page may be kept.
func settle(t testing.TB, name string) {
	t.Helper()
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(name, then, then); err != nil {
		t.Fatal(err)
	}
}

// program is the program as a process of its own.
type program struct {
	t      testing.TB
	cmd    *exec.Cmd
	out    *buffer
	log    *buffer
	done   chan struct{}
	socket string // of its FastCGI listener
	admin  string // socket of its admin listener
}

// command prepares a process without settings but those given.
func command(t testing.TB, args ...string) *program {
	p := &program{t: t, cmd: exec.Command(os.Args[0], args...), out: &buffer{}, log: &buffer{}, done: make(chan struct{})}
	p.cmd.Env = append(workerEnviron(os.Environ(), 1), programEnv+"=1", "PAGEMAP_CONFIG=/dev/null", "TMPDIR="+dir(t),
		"GORACE=atexit_sleep_ms=0") // the race detector waits 1 s at each exit
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.log
	return p
}

func (p *program) start() *program {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	p.t.Cleanup(func() {
		p.signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(10 * time.Second):
			p.signal(syscall.SIGKILL)
			<-p.done
		}
		if p.t.Failed() {
			p.t.Logf("log of %v:\n%s", p.cmd.Args[1:], p.log)
		}
	})
	return p
}

func (p *program) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// wait waits for the end and returns the exit code.
func (p *program) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		p.t.Fatalf("the program does not end; its log:\n%s", p.log)
	}
	return p.cmd.ProcessState.ExitCode()
}

// logged waits for a text in the log.
func (p *program) logged(text string) {
	p.t.Helper()
	eventually(p.t, 20*time.Second, "log "+text, func() bool { return strings.Contains(p.log.String(), text) })
}

// startResponder starts a responder on unix sockets and waits until it is ready.
func startResponder(t testing.TB, args ...string) *program {
	t.Helper()
	d := dir(t)
	socket, admin := filepath.Join(d, "s"), filepath.Join(d, "a")
	p := command(t, append([]string{"--listen", "unix:" + socket, "--admin", "unix:" + admin, "--connection-ttl", "200ms"}, args...)...)
	p.socket, p.admin = socket, admin
	p.start()
	eventually(t, 30*time.Second, "readiness", func() bool {
		select {
		case <-p.done:
			t.Fatalf("the responder ended:\n%s", p.log)
		default:
		}
		status, body := p.ask("/readyz")
		return status == http.StatusOK && !strings.Contains(body, `"ready":false`)
	})
	return p
}

// ask gets an admin page; status 0 where there is none to be had.
func (p *program) ask(path string) (status int, body string) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", p.admin)
		},
	}}
	res, err := client.Get("http://admin" + path)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, ""
	}
	return res.StatusCode, string(b)
}

// metric is the sum of a metric's values, whatever their labels; prefix may name
// the first of them.
func (p *program) metric(prefix string) (sum float64) {
	p.t.Helper()
	status, body := p.ask("/metrics")
	if status != http.StatusOK {
		p.t.Fatalf("/metrics: status %d", status)
	}
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, prefix) {
			value, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndex(line, " "):]), 64)
			if err != nil {
				p.t.Fatalf("/metrics: %q", line)
			}
			sum += value
		}
	}
	return sum
}

// health is the answer of /readyz.
func (p *program) health() health {
	p.t.Helper()
	var h health
	if _, body := p.ask("/readyz"); json.Unmarshal([]byte(body), &h) != nil {
		p.t.Fatalf("/readyz: %q", body)
	}
	return h
}

// keeper is a web server's connection to the responder.
func (p *program) keeper() *fcgitest.Keeper {
	return &fcgitest.Keeper{Addr: &net.UnixAddr{Name: p.socket, Net: "unix"}}
}

// get requests a page on a connection of its own.
func (p *program) get(target string) *fcgitest.Response {
	p.t.Helper()
	k := p.keeper()
	defer k.Close()
	res, err := k.Do(fcgitest.Request{Target: target})
	if err != nil {
		p.t.Fatalf("GET %s: %v", target, err)
	}
	return res
}

// browser is a request for a page by somebody who takes gzip.
func browser(target string) fcgitest.Request {
	return fcgitest.Request{Target: target, Params: map[string]string{"HTTP_ACCEPT_ENCODING": "gzip"}}
}

// load sends requests to responders on kept connections until it is stopped.
type load struct {
	sent, failed atomic.Int64
	mu           sync.Mutex
	errors       []string // the first few
	stop         func()
}

// startLoad has clients that ask for the targets in turn and want status 200.
func startLoad(socket string, clients int, targets ...string) *load {
	l := &load{}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	l.stop = func() { cancel(); running.Wait() }
	for c := range clients {
		running.Go(func() {
			k := fcgitest.Keeper{Addr: &net.UnixAddr{Name: socket, Net: "unix"}}
			defer k.Close()
			for i := c; ctx.Err() == nil; i++ {
				l.sent.Add(1)
				res, err := k.Do(browser(targets[i%len(targets)]))
				if err == nil && res.Status != 200 {
					err = fmt.Errorf("status %d of %s", res.Status, targets[i%len(targets)])
				}
				if err != nil {
					l.fail(err)
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	return l
}

func (l *load) fail(err error) {
	l.failed.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.errors) < 5 {
		l.errors = append(l.errors, err.Error())
	}
}

// check stops the load and wants no failure.
func (l *load) check(t testing.TB) {
	t.Helper()
	l.stop()
	t.Logf("%d requests, %d failed", l.sent.Load(), l.failed.Load())
	if l.failed.Load() > 0 || l.sent.Load() == 0 {
		t.Errorf("%d of %d requests failed: %q", l.failed.Load(), l.sent.Load(), l.errors)
	}
}

// migrated opens a page table in an empty database.
func migrated(t testing.TB, dsn string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(postgres.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// files adds n rows of files /PREFIX/0 and so on, which no tree has.
func files(t testing.TB, db *postgres.DB, prefix string, n int) {
	t.Helper()
	rows := make([]mapping.Row, n)
	for i := range rows {
		path := fmt.Sprintf("/%s/%d", prefix, i)
		rows[i] = mapping.Row{Pattern: path, Status: 200, Source: "file:" + path, Origin: mapping.OriginPopulate}
	}
	if _, err := db.AddFiles(t.Context(), postgres.ChangeSet{Author: "test", Origin: mapping.OriginPopulate}, rows); err != nil {
		t.Fatal(err)
	}
}

// moved writes n redirects /PREFIX/0 and so on to target.
func moved(t testing.TB, db *postgres.DB, prefix, target string, n int) {
	t.Helper()
	edits := make([]postgres.Edit, n)
	for i := range edits {
		page, err := mapping.Hosts(nil).Clean(mapping.Page{Row: mapping.Row{
			Pattern: fmt.Sprintf("/%s/%d", prefix, i), Status: 301, Source: target, Origin: mapping.OriginCLI,
		}})
		if err != nil {
			t.Fatal(err)
		}
		edits[i] = postgres.Edit{Pattern: page.Pattern, Page: &page}
	}
	if _, err := db.Write(t.Context(), postgres.ChangeSet{Author: "test", Origin: mapping.OriginCLI}, edits); err != nil {
		t.Fatal(err)
	}
}
