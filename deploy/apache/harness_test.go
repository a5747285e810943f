// The whole stack for tests: Apache with the shipped files, pagemapd as it is
// built from this source, PostgreSQL, memcached.

package apache_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pagemap/deploy/apache"
	"pagemap/deploy/apache/apachetest"
	"pagemap/fcgi/site/sitetest"
	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/postgres/pgtest"
	"pagemap/mapping/tree"
	"pagemap/render/cache/memcachetest"
)

func TestMain(m *testing.M) {
	code := pgtest.Run(m)
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// host is the site's name in the tests.
const host = "www.example.org"

// apacheWait is how long a test waits for Apache and pagemapd to find each other.
const apacheWait = 30 * time.Second

var built struct {
	once sync.Once
	dir  string
	err  error
}

// program builds pagemapd once, with the race detector if the tests have it, and
// returns the directory that holds it.
func program(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "pm"); built.err != nil {
			return
		}
		args := []string{"build", "-o", built.dir + "/"}
		if raceEnabled {
			args = append(args, "-race")
		}
		out, err := exec.Command("go", append(args, "pagemap/cmd/pagemapd")...).CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
			return
		}
		built.err = os.Chmod(built.dir, 0o755)
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.dir
}

// stack is a running site.
type stack struct {
	*apachetest.Server
	world     *sitetest.World
	dir       string // settings, sockets and logs
	memcached *memcachetest.Server
	daemon    *daemon // nil with mod_fcgid, which starts its own
	settings  string  // the responder's settings file

	settingsOf map[string]string // what it says
	dsn        string            // of the database
}

// options of up.
type options struct {
	way     apache.Way        // "" is apache.Socket
	more    map[string]string // settings of pagemapd beyond the usual
	timeout int               // seconds that Apache waits for a responder; 0: its default
	server  string            // further directives of Apache outside the virtual host
	vhost   string            // and inside
	edge    bool              // with the edge cache
	world   *sitetest.World   // nil: that of the page tests
}

// up brings up a site over a world's tree and pages.
func up(t *testing.T, o options) *stack {
	t.Helper()
	if o.way == "" {
		o.way = apache.Socket
	}
	if o.world == nil {
		o.world = sitetest.NewWorld(t)
	}
	s := &stack{world: o.world, dir: apachetest.Dir(t), memcached: memcachetest.Start(t, memcachetest.Options{TCP: true})}
	dsn := database(t, o.way)
	s.dsn = dsn
	fill(t, dsn, s.world.Pages)

	settings := map[string]string{
		"tree":           s.world.Dir,
		"site":           "http://" + host,
		"site-alias":     "127.0.0.1",
		"database":       dsn,
		"memcached":      s.memcached.Addr(),
		"listen":         "unix:" + s.socket(),
		"socket-mode":    "0666",
		"admin":          "unix:" + filepath.Join(s.dir, "admin.sock"),
		"snapshot":       filepath.Join(s.dir, "snapshot"),
		"workers":        "2",
		"connection-ttl": "1s",
		"mime-types":     "/etc/mime.types",
	}
	for name, value := range o.more {
		settings[name] = value
	}
	if o.way == apache.FCGID {
		delete(settings, "listen")
		delete(settings, "admin")
		delete(settings, "snapshot")
	}
	s.settingsOf = settings
	start := func() {
		if err := os.WriteFile(s.settings, []byte(lines(settings)), 0o644); err != nil {
			t.Fatal(err)
		}
		if o.way != apache.FCGID {
			s.daemon = startDaemon(t, "--config", s.settings)
			s.daemon.awaitSocket(t, s.socket())
		}
	}
	s.settings = filepath.Join(s.dir, "pagemap.conf")
	if !o.edge {
		start()
	}
	s.Server = apachetest.Start(t, apachetest.Options{
		Site:   s.site(t, o) + "\n" + o.vhost,
		Server: o.server,
		FCGID:  o.way == apache.FCGID,
	})
	if o.edge { // Apache's port is known now
		settings["edge"], settings["edge-secret-file"] = s.URL, filepath.Join(s.dir, "secret")
		if err := os.WriteFile(settings["edge-secret-file"], []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		start()
	}
	return s
}

// lines are settings as their file has them.
func lines(settings map[string]string) string {
	var text strings.Builder
	for name, value := range settings {
		fmt.Fprintf(&text, "%s = %s\n", name, value)
	}
	return text.String()
}

// socket is where the responders listen.
func (s *stack) socket() string { return filepath.Join(s.dir, "pagemap.sock") }

// site is the printed configuration.
func (s *stack) site(t testing.TB, o options) string {
	t.Helper()
	files, err := tree.Open(s.world.Dir, tree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	restrictions, err := files.Restrictions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	err = apache.Render(&b, apache.Options{
		Way: o.way, Tree: s.world.Dir, ACME: s.dir, Socket: s.socket(), Bin: program(t), Config: s.settings,
		Timeout: o.timeout, TTL: 1, Edge: o.edge, Restrictions: restrictions,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// database is the connection string of an empty database.
func database(t testing.TB, way apache.Way) string {
	t.Helper()
	if way != apache.FCGID {
		return pgtest.Database(t)
	}
	// What mod_fcgid starts runs as Apache's user, who may not reach the shared server's socket.
	db := pgtest.Start(t, pgtest.Options{TCP: true})
	return db.TCPDSN(db.CreateDatabase(t))
}

// fill makes the schema and writes the pages.
func fill(t testing.TB, dsn string, pages []mapping.Page) {
	t.Helper()
	db, err := postgres.Open(postgres.Options{DSN: dsn, Hosts: mapping.Hosts{host}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	// One change-set an origin, as it is an attribute of the change-set.
	edits := map[mapping.Origin][]postgres.Edit{}
	for _, p := range pages {
		edits[p.Origin] = append(edits[p.Origin], postgres.Edit{Pattern: p.Pattern, Page: &p})
	}
	for origin, e := range edits {
		if _, err := db.Write(t.Context(), postgres.ChangeSet{Author: "test", Origin: origin}, e); err != nil {
			t.Fatal(err)
		}
	}
}

// daemon is a pagemapd process.
type daemon struct {
	cmd    *exec.Cmd
	log    string // file of its standard error
	exited chan struct{}
}

// startDaemon starts pagemapd, and ends it with the test.
func startDaemon(t testing.TB, args ...string) *daemon {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), "pagemapd")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	d := &daemon{cmd: exec.Command(filepath.Join(program(t), "pagemapd"), args...), log: log.Name(), exited: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = log, log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.cmd.Wait(); close(d.exited) }()
	t.Cleanup(func() {
		d.stop(t)
		text := d.output(t)
		if strings.Contains(text, "DATA RACE") || strings.Contains(text, "panic:") || t.Failed() {
			t.Errorf("pagemapd said:\n%s", text)
		}
	})
	return d
}

// output is what pagemapd has written so far.
func (d *daemon) output(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(d.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// awaitSocket waits until the process listens.
func (d *daemon) awaitSocket(t testing.TB, path string) {
	t.Helper()
	eventually(t, 60*time.Second, "pagemapd to listen", func() bool {
		select {
		case <-d.exited:
			t.Fatalf("pagemapd ended:\n%s", d.output(t))
		default:
		}
		// The socket's file is there a moment before anybody listens.
		c, err := net.Dial("unix", path)
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
}

// stop ends the process as a service manager does, and waits until it is gone.
func (d *daemon) stop(t testing.TB) {
	t.Helper()
	d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.exited:
	case <-time.After(30 * time.Second):
		d.cmd.Process.Kill()
		<-d.exited
		t.Errorf("pagemapd did not end within 30 s of SIGTERM")
	}
}

// scripted is an Apache for scripts, whose second request for a page may come to another worker than the first: one that
// has to read the file itself, for a reader without gzip.
func scripted(addr string) sitetest.Target {
	target := sitetest.Dial("tcp", addr, host, "apache")
	do := target.Do
	target.Do = func(q sitetest.Request) (*sitetest.Response, error) {
		res, err := do(q)
		if err == nil && res.Header.Get("Cache-Status") == "pagemap; fwd=miss; stored" {
			res.Header.Set("Cache-Status", "pagemap; hit")
		}
		return res, err
	}
	return target
}

// workers are the process ids of the pool's workers.
func (d *daemon) workers(t testing.TB) []int {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), "ps", "-o", "pid=", "--ppid", fmt.Sprint(d.cmd.Process.Pid)).Output()
	if err != nil {
		return nil // ps finds none
	}
	var pids []int
	for _, f := range strings.Fields(string(out)) {
		var pid int
		if _, err := fmt.Sscan(f, &pid); err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// eventually waits until done is true.
func eventually(t testing.TB, within time.Duration, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for %s", within, what)
		}
	}
}
