// Changes, as seen through the edge.

package apache_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pagemap/deploy/apache/apachetest"
	"pagemap/mapping"
)

// awaitNew waits until readers of every encoding get the answer that fresh
// accepts, soon after the change; then makes sure that no reader of the next seconds
// gets another one.
func (s *edgeSite) awaitNew(t *testing.T, target string, changed time.Time, fresh func(reply) bool) {
	t.Helper()
	var wait sync.WaitGroup
	for _, encoding := range encodings {
		wait.Go(func() {
			for {
				begun := time.Now()
				if fresh(s.ask(t, target, encoding)) {
					break
				}
				if late := begun.Sub(changed); late > soon {
					t.Errorf("%s for %q: the old answer %s after the change", target, encoding, late)
					return
				}
				time.Sleep(2 * time.Millisecond)
			}
			took := time.Since(changed)
			for end := changed.Add(2*time.Second + soon); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
				if r := s.ask(t, target, encoding); !fresh(r) {
					t.Errorf("%s for %q: the old answer again %s after the change, %s after the new one: %d %v", target, encoding, time.Since(changed), time.Since(changed)-took, r.StatusCode, r.Header)
					return
				}
			}
		})
	}
	wait.Wait()
}

func TestEdgeChanges(t *testing.T) {
	for _, responders := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d responders", responders), func(t *testing.T) {
			s := upEdge(t, edgeOptions{responders: responders})
			for _, v := range []string{"1", "2"} {
				s.write(t, "v"+v+".html", versioned(v))
			}
			tag := func(file string) string { return s.ask(t, file, "").Header.Get("ETag") }
			old, next := tag("/v1.html"), tag("/v2.html")
			isNext := func(r reply) bool {
				return r.StatusCode == 200 && strings.HasPrefix(r.Header.Get("ETag"), strings.TrimSuffix(next, `"`))
			}
			status := func(want int) func(reply) bool { return func(r reply) bool { return r.StatusCode == want } }
			tests := []struct {
				name   string
				change func(path, file string)
				fresh  func(reply) bool
			}{
				{"a row to another file", func(path, _ string) { s.put(t, path, 200, "file:/v2.html") }, isNext},
				{"a row to a redirect", func(path, _ string) { s.put(t, path, 301, "/about.html") }, status(301)},
				{"a row to gone", func(path, _ string) { s.put(t, path, 410, "") }, status(410)},
				{"a row hidden", func(path, _ string) { s.put(t, path, 404, "") }, status(404)},
				{"a row to a data resource", func(path, _ string) { s.put(t, path, 200, "file:/files/doc.pdf") }, status(302)},
				{"a row to a page too large for the edge", func(path, _ string) { s.put(t, path, 200, "file:/big.html") },
					func(r reply) bool { return r.StatusCode == 200 && r.ContentLength > 1e6 }},
				{"a row removed", func(path, _ string) {
					s.apply(mapping.Change{Pattern: path})
				}, status(404)},
				{"a query row beside it", func(path, _ string) { s.put(t, path+"?id=1", 410, "") },
					func(r reply) bool { return strings.HasPrefix(r.Header.Get("Cache-Control"), "private") }},
				{"its file replaced", func(_, file string) { s.write(t, file, versioned("2")) }, isNext},
				{"its file written a moment ago", func(_, file string) {
					if err := s.world.Write(file, versioned("2")); err != nil {
						t.Error(err)
					}
				}, isNext},
			}
			var wait sync.WaitGroup
			for i, tt := range tests {
				path, file := fmt.Sprintf("/change%d", i), fmt.Sprintf("change%d.html", i)
				s.write(t, file, versioned("1"))
				s.put(t, path, 200, "file:/"+file)
				for _, encoding := range encodings {
					if r := s.warm(t, path, encoding); !strings.HasPrefix(r.Header.Get("ETag"), strings.TrimSuffix(old, `"`)) {
						t.Fatalf("%s: not the old page: %v", path, r.Header)
					}
				}
				wait.Go(func() {
					changed := time.Now()
					tt.change(path, file)
					t.Run(tt.name, func(t *testing.T) { s.awaitNew(t, path, changed, tt.fresh) })
				})
			}
			wait.Wait()
		})
	}
}

// held is an answer that is stopped before its first byte goes to Apache.
type held struct {
	http.ResponseWriter
	once    sync.Once
	made    chan struct{} // closed when the answer is there
	release chan struct{} // lets it go
}

func (h *held) wait() { h.once.Do(func() { close(h.made); <-h.release }) }

func (h *held) WriteHeader(status int) { h.wait(); h.ResponseWriter.WriteHeader(status) }

func (h *held) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// An old answer that was on its way when the page changed is not served later.
func TestEdgeAnswerOnItsWay(t *testing.T) {
	t.Parallel()
	s := upEdge(t, edgeOptions{})
	s.write(t, "v1.html", versioned("1"))
	s.write(t, "v2.html", versioned("2"))
	s.put(t, "/page", 200, "file:/v1.html")
	s.put(t, "/warmup", 200, "file:/v1.html")
	s.warm(t, "/warmup", "")

	late := &held{made: make(chan struct{}), release: make(chan struct{})}
	s.holding(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			late.ResponseWriter = w
			h.ServeHTTP(late, r)
		})
	})
	answers := make(chan reply)
	go func() { answers <- s.ask(t, "/page", "") }()
	<-late.made
	s.holding(nil)
	s.put(t, "/page", 200, "file:/v2.html")
	eventually(t, 2*time.Second, "the first invalidation", func() bool { return s.responders[0].watch.Stats().Sent > 0 })
	time.Sleep(1500 * time.Millisecond) // longer than the last invalidation would have been without it
	if v := version(s.ask(t, "/page", "")); v != "2" {
		t.Fatalf("version %q after the change", v)
	}
	released := time.Now()
	close(late.release)
	if v := version(<-answers); v != "1" {
		t.Fatalf("the answer on its way was version %q", v)
	}
	for time.Since(released) < 6*time.Second {
		begun := time.Now()
		if v := version(s.ask(t, "/page", "")); v != "2" && begun.Sub(released) > 100*time.Millisecond {
			t.Fatalf("version %q %s after the late answer", v, begun.Sub(released))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// A reader who stalls in the middle of a page keeps nobody from the new one, and
// brings the old one back for at most its lifetime.
func TestEdgeStalledReader(t *testing.T) {
	t.Parallel()
	s := upEdge(t, edgeOptions{})
	for _, size := range []int{20 << 10, 250 << 10, 800 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			path := fmt.Sprintf("/stalled%d.html", size)
			page := func(v string) string { return versioned(v) + strings.Repeat(v, size) }
			s.write(t, path, page("1"))
			c, err := (&net.Dialer{Control: smallBuffers}).DialContext(t.Context(), "tcp", s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host)
			if _, err := io.ReadFull(c, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			s.write(t, path, page("2"))
			changed := time.Now()
			resumed := false
			for time.Since(changed) < 9*time.Second {
				if !resumed && time.Since(changed) > 3*time.Second {
					resumed = true
					go io.Copy(io.Discard, c)
				}
				begun := time.Now()
				if v := version(s.ask(t, path, "")); v != "2" {
					after := begun.Sub(changed)
					if !resumed && after > time.Second || after > 6*time.Second {
						t.Fatalf("version %q %s after the change", v, after)
					}
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
}

// Many readers at once have the page drawn once, whether the edge never had it,
// had to forget it, or its lifetime has ended.
func TestEdgeStampede(t *testing.T) {
	const readers = 64
	s := upEdge(t, edgeOptions{maxAge: 4 * time.Second, slow: 200 * time.Millisecond})
	stampede := func() (asked, drawn int64) {
		a, d := s.asked.Load(), s.drawn.Load()
		var wait sync.WaitGroup
		for range readers {
			wait.Go(func() {
				if r := s.ask(t, "/about.html", ""); r.StatusCode != 200 || r.ContentLength < 1000 {
					t.Errorf("%d, %d bytes", r.StatusCode, r.ContentLength)
				}
			})
		}
		wait.Wait()
		return s.asked.Load() - a, s.drawn.Load() - d
	}
	asked, drawn := stampede()
	t.Logf("%d readers of a page that the edge never had: %d reached the responder, %d drawings", readers, asked, drawn)
	if drawn != 1 {
		t.Errorf("drawn %d times", drawn)
	}
	if asked, _ := stampede(); asked != 0 {
		t.Errorf("%d readers of a stored page reached the responder", asked)
	}
	time.Sleep(4200 * time.Millisecond)
	asked, drawn = stampede()
	t.Logf("%d readers of a page whose lifetime has ended: %d reached the responder, %d drawings", readers, asked, drawn)
	if drawn != 0 {
		t.Errorf("drawn %d times, though the page had not changed", drawn)
	}
	s.write(t, "about.html", versioned("2"))
	eventually(t, time.Second, "the edge to forget", func() bool { return s.responders[0].watch.Stats().Sent > 0 })
	if asked, drawn = stampede(); drawn > 1 {
		t.Errorf("drawn %d times for %d after a change", drawn, asked)
	}
}

// While no responder answers, what was stored is served, and nothing that has
// changed before.
func TestEdgeOutage(t *testing.T) {
	t.Parallel()
	s := upEdge(t, edgeOptions{maxAge: time.Second, defines: map[string]string{"PAGEMAP_EDGE_STALE": "6"}})
	want := s.warm(t, "/about.html", "gzip")
	s.put(t, "/changed", 200, "file:/about.html")
	s.warm(t, "/changed", "")
	s.put(t, "/changed", 410, "")
	eventually(t, time.Second, "410", func() bool { return s.ask(t, "/changed", "").StatusCode == 410 })
	s.ask(t, "/docs/guide.html", "gzip") // another copy than is asked for below
	s.warm(t, "/about.html", "gzip")
	down := time.Now()
	s.listener.Close()
	s.responders[0].stop()
	var last time.Duration
	for time.Since(down) < 12*time.Second {
		r := s.ask(t, "/about.html", "gzip")
		if r.StatusCode == 200 {
			last = time.Since(down)
			if r.body != want.body {
				t.Fatalf("another page: %v", r.Header)
			}
		} else if time.Since(down) < 5*time.Second {
			t.Fatalf("status %d %s into the outage", r.StatusCode, time.Since(down))
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("a page was served until %s into the outage", last)
	if last > 10*time.Second {
		t.Errorf("served for %s, more than PAGEMAP_EDGE_STALE", last)
	}
	if r := s.ask(t, "/changed", ""); r.StatusCode != 503 {
		t.Errorf("a page that had changed: status %d, want 503", r.StatusCode)
	}
	if r := s.ask(t, "/docs/guide.html", ""); r.StatusCode != 503 {
		t.Errorf("a copy that nobody had asked for: status %d, want 503", r.StatusCode)
	}
}

// The edge comes back by itself after the responder does, with what has changed
// meanwhile no later than its lifetime.
func TestEdgeResponderIsReplaced(t *testing.T) {
	t.Parallel()
	s := upEdge(t, edgeOptions{responders: 2})
	s.write(t, "v1.html", versioned("1"))
	s.write(t, "v2.html", versioned("2"))
	s.put(t, "/page", 200, "file:/v1.html")
	s.warm(t, "/page", "")
	s.responders[0].stop() // as a kill does: what it handed out nobody watches
	s.put(t, "/page", 200, "file:/v2.html")
	changed := time.Now()
	for time.Since(changed) < 8*time.Second {
		begun := time.Now()
		if v := version(s.ask(t, "/page", "")); v == "" || v != "2" && begun.Sub(changed) > 5*time.Second {
			t.Fatalf("version %q %s after the change", v, begun.Sub(changed))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// A second cache is told as well, and one that is away delays nothing.
func TestEdgeOfTwoServers(t *testing.T) {
	t.Parallel()
	away := "http://" + apachetest.FreeAddr(t)
	s := upEdge(t, edgeOptions{second: true, caches: []string{away}})
	both := []string{s.Addr, s.second.Addr}
	for _, addr := range both {
		get(t, addr, "GET", "/about.html")
		if !get(t, addr, "GET", "/about.html").hit() {
			t.Fatalf("%s does not store", addr)
		}
	}
	changed := time.Now()
	s.put(t, "/about.html", 410, "")
	for _, addr := range both {
		eventually(t, time.Until(changed.Add(time.Second)), "410 from "+addr, func() bool {
			return get(t, addr, "GET", "/about.html").StatusCode == 410
		})
	}
	eventually(t, 15*time.Second, "the one that is away to be given up", func() bool {
		stats := s.responders[0].watch.Stats()
		return stats.Failed == 1 && stats.Pending == 0
	})
}

// smallBuffers has a connection take little that its reader has not asked for.
func smallBuffers(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) }); e != nil {
		return e
	}
	return err
}
