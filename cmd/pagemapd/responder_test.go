// With a database: what readers see while PostgreSQL, memcached and files change or go.

package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pagemap/fcgi/fcgitest"
	"pagemap/mapping/postgres/pgtest"
	"pagemap/render/cache/memcachetest"
)

// pages writes a tree of small pages and returns its directory and their paths.
func pages(t testing.TB, n int) (tree string, paths []string) {
	t.Helper()
	tree = filepath.Join(dir(t), "tree")
	for i := range n {
		path := fmt.Sprintf("/page%d.html", i)
		write(t, tree+path, fmt.Sprintf("<p>page %d", i))
		settle(t, tree+path)
		paths = append(paths, path)
	}
	return tree, paths
}

func TestDatabaseDiesUnderLoad(t *testing.T) {
	server := pgtest.Start(t, pgtest.Options{})
	dsn := server.DSN(server.CreateDatabase(t))
	db := migrated(t, dsn)
	moved(t, db, "old", "/page0.html", 10)
	tree, paths := pages(t, 50)
	snapshot := filepath.Join(dir(t), "snapshot")
	args := []string{"--tree", tree, "--database", dsn, "--snapshot", snapshot, "--poll", "100ms", "--workers", "2"}
	p := startResponder(t, args...)
	eventually(t, 10*time.Second, "a snapshot", func() bool { _, err := os.Stat(snapshot); return err == nil })

	load := startLoad(p.socket, 8, paths...)
	time.Sleep(300 * time.Millisecond)
	server.Kill()
	time.Sleep(500 * time.Millisecond)
	if status, body := p.ask("/readyz"); status != http.StatusOK {
		t.Errorf("/readyz without the database: %d %s", status, body)
	}

	// A pool's new workers, and another responder, start from the snapshot.
	p.signal(syscall.SIGHUP)
	p.logged("workers replaced")
	other := startResponder(t, args...)
	if !other.health().Workers[0].Table.FromSnapshot {
		t.Errorf("the other responder did not start from the snapshot: %+v", other.health())
	}
	if res := other.get("/old/3"); res.Status != 301 {
		t.Errorf("a row from the snapshot: status %d", res.Status)
	}

	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	moved(t, migrated(t, dsn), "late", "/page0.html", 1)
	for _, r := range []*program{p, other} {
		// Tries are up to 30 s apart after a long outage; after a short one sooner.
		eventually(t, 15*time.Second, "a change after the outage", func() bool { return r.get("/late/0").Status == 301 })
	}
	load.check(t)
}

func TestMemcachedDiesUnderLoad(t *testing.T) {
	memcached := memcachetest.Start(t, memcachetest.Options{})
	dsn := pgtest.Database(t)
	migrated(t, dsn)
	tree, paths := pages(t, 50)
	// Without a memory tier every request of a browser asks memcached.
	p := startResponder(t, "--tree", tree, "--database", dsn, "--memcached", memcached.Addr(), "--memory", "0", "--workers", "2")
	load := startLoad(p.socket, 8, paths...)
	eventually(t, 30*time.Second, "hits in memcached", func() bool {
		k := p.keeper()
		defer k.Close()
		res, err := k.Do(browser(paths[0]))
		return err == nil && res.Header.Get("Cache-Status") == "pagemap; hit; detail=memcached"
	})
	memcached.Kill()
	time.Sleep(500 * time.Millisecond)
	memcached.Restart()
	time.Sleep(500 * time.Millisecond)
	memcached.Freeze()
	time.Sleep(500 * time.Millisecond)
	memcached.Thaw()
	load.check(t)
}

func TestChangesShow(t *testing.T) {
	dsn := pgtest.Database(t)
	db := migrated(t, dsn)
	p := startResponder(t, "--database", dsn, "--workers", "2")
	everywhere := func(number int64) func() bool {
		return func() bool {
			for _, w := range p.health().Workers {
				if w.Table == nil || w.Table.Number < number {
					return false
				}
			}
			return true
		}
	}
	for _, test := range []struct {
		name   string
		write  func(t testing.TB, prefix string)
		rows   int64
		within time.Duration
	}{
		{"one", func(t testing.TB, prefix string) { moved(t, db, prefix, "/elsewhere", 1) }, 1, time.Second},
		{"hundred", func(t testing.TB, prefix string) { moved(t, db, prefix, "/elsewhere", 100) }, 100, time.Second},
		{"many", func(t testing.TB, prefix string) { files(t, db, prefix, 250_000) }, 250_000, 10 * time.Second * slowness},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := p.health().Workers[0].Table.Number
			test.write(t, test.name)
			took := eventually(t, test.within, "the rows in every worker", everywhere(before+test.rows))
			t.Logf("%d rows showed %s after their commit", test.rows, took)
		})
	}
	if res := p.get("/hundred/99"); res.Status != 301 {
		t.Errorf("the last of the hundred: status %d", res.Status)
	}
}

func TestFileChangeShows(t *testing.T) {
	memcached := memcachetest.Start(t, memcachetest.Options{})
	dsn := pgtest.Database(t)
	migrated(t, dsn)
	tree, paths := pages(t, 1)
	var responders []*program
	for range 2 {
		responders = append(responders, startResponder(t, "--tree", tree, "--database", dsn, "--memcached", memcached.Addr(), "--workers", "1"))
	}
	for _, p := range responders {
		eventually(t, 5*time.Second, "a kept page", func() bool {
			return strings.Contains(p.get(paths[0]).Header.Get("Cache-Status"), "hit")
		})
	}
	write(t, tree+paths[0], "<p>changed")
	for _, p := range responders {
		took := eventually(t, time.Second, "the changed file", func() bool { return p.get(paths[0]).Body == "<p>changed" })
		t.Logf("shown after %s", took)
	}
}

// A file found without a row becomes one, which every responder follows.
func TestFoundFileBecomesRow(t *testing.T) {
	dsn := pgtest.Database(t)
	db := migrated(t, dsn)
	tree, paths := pages(t, 3)
	p := startResponder(t, "--tree", tree, "--database", dsn, "--workers", "2")
	for _, path := range paths {
		if res := p.get(path); res.Status != 200 {
			t.Fatalf("%s: %d", path, res.Status)
		}
	}
	eventually(t, 5*time.Second, "the rows", func() bool {
		for _, path := range paths {
			if _, err := db.Page(t.Context(), path); err != nil {
				return false
			}
		}
		return true
	})
}

// Readers of one page that nobody has drawn yet, on two responders: robots, whom it is read for, and browsers, for whom it is
// looked for in memcached.
func TestCrowdOnUncachedPage(t *testing.T) {
	for name, accept := range map[string]string{"robots": "", "browsers": "gzip"} {
		t.Run(name, func(t *testing.T) { crowd(t, accept) })
	}
}

func crowd(t *testing.T, accept string) {
	const readers = 2000
	raiseFileLimit(t)
	memcached := memcachetest.Start(t, memcachetest.Options{})
	dsn := pgtest.Database(t)
	migrated(t, dsn)
	tree, paths := pages(t, 1)
	var responders []*program
	for range 2 {
		p := startResponder(t, "--tree", tree, "--database", dsn, "--memcached", memcached.Addr(), "--workers", "1",
			"--max-requests", "2000", "--max-connections", "2000", "--request-timeout", "60s")
		responders = append(responders, p)
	}
	opened := countOpens(t, tree+paths[0])

	var conns []*fcgitest.Conn
	for i := range readers {
		c, err := fcgitest.Dial(&net.UnixAddr{Name: responders[i%2].socket, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	begin := make(chan struct{})
	var reading sync.WaitGroup
	var wrong atomic.Int64
	for _, c := range conns {
		reading.Go(func() {
			<-begin
			if res, err := c.Do(fcgitest.Request{Target: paths[0], Params: map[string]string{"HTTP_ACCEPT_ENCODING": accept}}); err != nil || res.Status != 200 || res.Body != "<p>page 0" {
				wrong.Add(1)
			}
		})
	}
	close(begin)
	reading.Wait()
	if wrong.Load() > 0 {
		t.Errorf("%d of %d readers did not get the page", wrong.Load(), readers)
	}
	drawn := responders[0].metric("pagemap_pages_drawn_total") + responders[1].metric("pagemap_pages_drawn_total")
	if n := opened(); n < 1 || n > 2 || drawn < 1 || drawn > 2 {
		t.Errorf("the file was opened %d times and drawn %v times, want once or twice", n, drawn)
	} else {
		t.Logf("%d readers, opened %d times, drawn %v times", readers, n, drawn)
	}
}

func raiseFileLimit(t testing.TB) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 5000 {
		t.Fatalf("%d open files are allowed, 5000 needed: %v", limit.Cur, err)
	}
}

// countOpens counts how often a file is opened from now on. Opens that follow
// each other before they are read of are told as one, so they are read at once,
// and a test looks at what the readers count, too.
func countOpens(t testing.TB, file string) func() int64 {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	events := os.NewFile(uintptr(fd), "inotify")
	t.Cleanup(func() { events.Close() })
	if _, err := unix.InotifyAddWatch(fd, file, unix.IN_OPEN); err != nil {
		t.Fatal(err)
	}
	var opens atomic.Int64
	go func() {
		buf := make([]byte, unix.SizeofInotifyEvent)
		for {
			if _, err := events.Read(buf); err != nil {
				return
			}
			opens.Add(1)
		}
	}()
	return opens.Load
}

func TestSchemaIsChecked(t *testing.T) {
	dsn := pgtest.Database(t)
	p := command(t, "--listen", "unix:"+dir(t)+"/s", "--database", dsn, "--workers", "1").start()
	if code := p.wait(); code != exitFailed || !strings.Contains(p.log.String(), "pagemapctl migrate") {
		t.Errorf("without a schema: exit code %d, log\n%s", code, p.log)
	}
	p = command(t, "--listen", "unix:"+dir(t)+"/s", "--database", dsn, "--workers", "2").start()
	if code := p.wait(); code != exitFailed || !strings.Contains(p.log.String(), "pagemapctl migrate") {
		t.Errorf("pool without a schema: exit code %d, log\n%s", code, p.log)
	}
}

func TestNoTableAtAll(t *testing.T) {
	p := command(t, "--listen", "unix:"+dir(t)+"/s", "--database", "host="+dir(t)+" dbname=none", "--workers", "1").start()
	if code := p.wait(); code != exitFailed || !strings.Contains(p.log.String(), "snapshot") {
		t.Errorf("exit code %d, log\n%s", code, p.log)
	}
}
