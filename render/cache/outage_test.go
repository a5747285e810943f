package cache

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"pagemap/render"
	"pagemap/render/cache/memcachetest"
)

// TestHang: a server that accepts and never answers costs one budget, and then nothing.
func TestHang(t *testing.T) {
	for _, tcp := range []bool{false, true} {
		t.Run(fmt.Sprintf("tcp=%v", tcp), func(t *testing.T) {
			mc := memcachetest.Start(t, memcachetest.Options{TCP: tcp})
			var log bytes.Buffer
			c := newCache(t, Options{
				MemoryBytes: -1, Servers: []string{mc.Addr()},
				Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			other := newCache(t, Options{Servers: []string{mc.Addr()}, Timeout: patient})
			get(t, other, inputsOf("/warm"), fillWith(usualDocument()), statusStored)
			mc.Freeze()
			start := time.Now()
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() { get(t, c, inputsOf(fmt.Sprint(i)), fillWith(usualDocument()), statusMiss) })
			}
			wg.Wait()
			// One budget of 20 ms, and much room for a loaded machine.
			if took := time.Since(start); took > patient {
				t.Errorf("50 readers took %v", took)
			}
			s := c.Stats()
			if s.Errors.Timeout == 0 || s.DeadServers != 1 || s.Servers != 1 {
				t.Errorf("stats %+v", s)
			}
			if n := strings.Count(log.String(), "left alone"); n != 1 {
				t.Errorf("%d warnings: %s", n, &log)
			}

			for i := range 40 {
				get(t, c, inputsOf(fmt.Sprint("again", i)), fillWith(usualDocument()), statusMiss)
			}
			again := c.Stats()
			if tried := again.Errors.Timeout - s.Errors.Timeout; tried > 8 || again.Skipped-s.Skipped < 32 {
				t.Errorf("of 40 readers %d waited for the server", tried)
			}

			mc.Thaw()
			until(t, "the server is used again", func() bool {
				_, status, err := c.Get(t.Context(), plain(inputsOf("/warm")), fillWith(usualDocument()))
				return err == nil && status == statusMemcached
			})
			if n := strings.Count(log.String(), "is back"); n != 1 || c.Stats().DeadServers != 0 {
				t.Errorf("%d messages of its return; %+v", n, c.Stats())
			}
		})
	}
}

// until waits for ok, which must come soon.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timeout: %s", what)
		}
	}
}

// TestKill kills, restarts, freezes and thaws one of two servers under load: no reader gets an error or
// another page's bytes.
func TestKill(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	other := memcachetest.Start(t, memcachetest.Options{TCP: true})
	o := Options{MemoryBytes: 50 << 10, Servers: []string{mc.Addr(), other.Addr()}}
	pool := []*Cache{newCache(t, o), newCache(t, o)}
	var stop atomic.Bool
	var reads atomic.Int64
	var wg sync.WaitGroup
	for r := range 16 {
		wg.Go(func() {
			for i := r; !stop.Load(); i++ {
				page := fmt.Sprint("/page", i%300)
				doc, _, err := pool[r%2].Get(t.Context(), plain(inputsOf(page)), func(context.Context) (*render.Document, error) {
					doc := testDocument()
					doc.Gzip = nil
					doc.Body = append(doc.Body, page...)
					return doc, nil
				})
				if err != nil || !bytes.HasSuffix(doc.Body, []byte(page)) {
					t.Errorf("%s: %v", page, err)
					return
				}
				reads.Add(1)
			}
		})
	}
	more := func(what string) {
		n := reads.Load() + 3000
		until(t, what, func() bool { return reads.Load() > n || t.Failed() })
	}
	more("reading at first")
	mc.Kill()
	more("reading while it is dead")
	mc.Restart()
	more("reading after its restart")
	mc.Freeze()
	more("reading while it hangs")
	mc.Thaw()
	more("reading after it went on")
	stop.Store(true)
	wg.Wait()
	for i, c := range pool {
		s := c.Stats()
		if s.Errors.Connection+s.Errors.Timeout == 0 || s.Errors.Protocol != 0 || s.Rejected != 0 || s.FillErrors != 0 {
			t.Errorf("responder %d: %+v", i, s)
		}
	}
}

// TestNoServer: nobody listens where memcached should be.
func TestNoServer(t *testing.T) {
	c := newCache(t, Options{MemoryBytes: -1, Servers: []string{"unix:" + filepath.Join(t.TempDir(), "none")}})
	get(t, c, usualInputs(), fillWith(usualDocument()), statusMiss)
	if s := c.Stats(); s.Errors != (Errors{Connection: 1}) || s.DeadServers != 1 {
		t.Errorf("stats %+v", s)
	}
}

// TestHostile: whatever a server answers, the page is drawn, and soon.
func TestHostile(t *testing.T) {
	item := func(size, flags, cas, rest string) string {
		return "VALUE pagemap:" + KeyOf(usualInputs()...).String() + " " + flags + " " + size + cas + "\r\n" + rest
	}
	value := string(encode(nil, KeyOf(usualInputs()...), testDocument()))
	size := fmt.Sprint(len(value))
	for _, tt := range []struct {
		name   string
		answer string // to anything
		hang   bool   // keep the connection open behind it
		want   Errors
	}{
		{"closes at once", "", false, Errors{Connection: 1}},
		{"never answers", "", true, Errors{Timeout: 1}},
		{"half a line", "VAL", false, Errors{Connection: 1}},
		{"half a line, then nothing", "VAL", true, Errors{Timeout: 1}},
		{"HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", true, Errors{Protocol: 1}},
		{"ERROR", "ERROR\r\n", true, Errors{Protocol: 1}},
		{"CLIENT_ERROR", "CLIENT_ERROR bad\r\n", true, Errors{Protocol: 1}},
		{"endless line", strings.Repeat("x", 1<<20), true, Errors{Protocol: 1}},
		{"zeros", strings.Repeat("\x00", 1<<20), true, Errors{Protocol: 1}},
		{"empty line", "\r\n", true, Errors{Protocol: 1}},
		{"truncated value", item(size, "0", " 1", value[:50]), false, Errors{Connection: 1}},
		{"truncated value, then nothing", item(size, "0", " 1", value[:50]), true, Errors{Timeout: 1}},
		{"no END", item(size, "0", " 1", value+"\r\n"), true, Errors{Timeout: 1}},
		{"no line end behind the value", item(size, "0", " 1", value+"xxEND\r\n"), true, Errors{Protocol: 1}},
		{"4 GiB announced", item("4294967290", "0", " 1", "x"), true, Errors{Protocol: 1}},
		{"negative size", item("-1", "0", " 1", "x"), true, Errors{Protocol: 1}},
		{"no size", "VALUE x\r\n", true, Errors{Protocol: 1}},
		{"two values", item("1", "0", " 1", "x\r\nVALUE y 0 4294967290\r\n"), true, Errors{Protocol: 1}},
		{"bad flags", item(size, "x", " 1", value+"\r\nEND\r\n"), true, Errors{Protocol: 1}},
		{"bad cas", item(size, "0", " x", value+"\r\nEND\r\n"), true, Errors{Protocol: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			budget := patient // only a server that must be waited for may use it up
			if tt.want.Timeout > 0 {
				budget = 100 * time.Millisecond
			}
			c := newCache(t, Options{MemoryBytes: -1, Servers: []string{hostile(t, tt.answer, tt.hang)}, Timeout: budget})
			start := time.Now()
			get(t, c, usualInputs(), fillWith(usualDocument()), statusMiss)
			if took := time.Since(start); took >= patient {
				t.Errorf("took %v", took)
			}
			if s := c.Stats(); s.Errors != tt.want || s.DeadServers != 1 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// hostile starts a server that gives every request the same answer.
func hostile(t *testing.T, answer string, hang bool) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer nc.Close()
				go func() { <-ctx.Done(); nc.Close() }()
				for request := make([]byte, 64<<10); ; {
					if _, err := nc.Read(request); err != nil {
						return
					}
					if _, err := nc.Write([]byte(answer)); err != nil || !hang {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); cancel(); wg.Wait() })
	return l.Addr().String()
}

// TestDrip: an answer in pieces does not move the deadline. Each piece comes within the budget of the
// one before, and the value is right, but all of it comes too late.
func TestDrip(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const budget = 400 * time.Millisecond
	value := encode(nil, KeyOf(usualInputs()...), testDocument())
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		fmt.Fprintf(nc, "VALUE x 0 %d 1\r\n", len(value))
		time.Sleep(budget * 3 / 4)
		nc.Write(append(value, "\r\n"...))
		time.Sleep(budget * 3 / 4)
		nc.Write([]byte("END\r\n"))
	}()
	c := newCache(t, Options{MemoryBytes: -1, Servers: []string{l.Addr().String()}, Timeout: budget})
	get(t, c, usualInputs(), fillWith(usualDocument()), statusMiss)
	if s := c.Stats(); s.Errors != (Errors{Timeout: 1}) {
		t.Errorf("stats %+v", s)
	}
}

// TestRestart: idle connections that a restart broke cost one failure, not one each.
func TestRestart(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	c := newCache(t, Options{MemoryBytes: -1, Servers: []string{mc.Addr()}, Timeout: patient})
	get(t, c, inputsOf("/warm"), fillWith(usualDocument()), statusStored)
	until(t, "10 connections are idle", func() bool {
		mc.Freeze() // so that the operations overlap
		var started, wg sync.WaitGroup
		for range 20 {
			started.Add(1)
			wg.Go(func() {
				started.Done()
				_ = c.servers.do(Key{}, func(c *memcache.Client) error { _, err := c.Get("k"); return err })
			})
		}
		started.Wait()
		time.Sleep(20 * time.Millisecond)
		mc.Thaw()
		wg.Wait()
		return mc.Stat("curr_connections") > 10
	})
	mc.Restart()
	until(t, "the server is used again", func() bool {
		_, status, err := c.Get(t.Context(), plain(inputsOf("/again")), fillWith(usualDocument()))
		return err == nil && status == statusMemcached
	})
	if s := c.Stats(); s.Errors != (Errors{Connection: 1}) {
		t.Errorf("stats %+v", s)
	}
}

// TestConnectionReuse: readers one after another share one connection.
func TestConnectionReuse(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	c := newCache(t, Options{MemoryBytes: -1, Servers: []string{mc.Addr()}, Timeout: patient})
	before := mc.Stat("total_connections")
	for i := range 100 {
		get(t, c, inputsOf(fmt.Sprint(i)), fillWith(usualDocument()), statusStored)
	}
	if got := mc.Stat("total_connections") - before - 1; got != 1 { // the last one is Stat's
		t.Errorf("%d connections for 300 operations", got)
	}
}
