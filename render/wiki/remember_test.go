// A wiki that is slow, down, or tells what has changed; and the pool that asks it.

package wiki_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pagemap/render"
	"pagemap/render/cache"
	"pagemap/render/cache/memcachetest"
	"pagemap/render/wiki"
)

// far makes a source over a wiki that is remembered.
func far(t testing.TB, change func(*site, *wiki.Options)) *site {
	return newSite(t, func(s *site, o *wiki.Options) {
		o.Near, o.Poll, o.Timeout = false, 50*time.Millisecond, 2*time.Second
		if change != nil {
			change(s, o)
		}
	})
}

// eventually waits for what happens in the background.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 5 s: %s", what)
		}
	}
}

func (s *site) shows(text string) func() bool {
	return func() bool {
		doc, err := s.Render(s.t.Context(), about)
		return err == nil && strings.Contains(string(doc.Body), text)
	}
}

func TestEditIsSeen(t *testing.T) {
	for _, follows := range []bool{false, true} {
		t.Run(fmt.Sprint("follows ", follows), func(t *testing.T) {
			s := far(t, func(s *site, _ *wiki.Options) { s.wiki.follows = follows })
			s.put("About.md", "one")
			first := s.stat(about)
			eventually(t, "the first state", s.shows("one"))
			if follows {
				eventually(t, "the wiki is followed", func() bool { return s.wiki.asks.Load() > 1 })
			}
			s.put("About.md", "two")
			eventually(t, "the second state", s.shows("two"))
			if rev := s.stat(about); rev.ID == first.ID || rev.Stale {
				t.Errorf("revision %+v, at first %+v", rev, first)
			}
			s.wiki.opens.Store(0)
			for range 20 {
				s.stat(about)
				time.Sleep(5 * time.Millisecond)
			}
			if n := s.wiki.opens.Load(); n > 0 {
				t.Errorf("an unchanged page was read %d times", n)
			}
		})
	}
}

// TestFollowed: pages of a wiki that tells its changes are not asked for one by one.
func TestFollowed(t *testing.T) {
	s := far(t, func(s *site, _ *wiki.Options) { s.wiki.follows = true })
	s.put("About.md", "one")
	s.stat(about)
	eventually(t, "the wiki is followed", func() bool { return s.wiki.asks.Load() > 1 })
	eventually(t, "nobody asks for the page", func() bool { // once more, as it was looked at before the wiki was followed
		s.wiki.stats.Store(0)
		s.wiki.opens.Store(0)
		for range 20 {
			s.stat(about)
			time.Sleep(10 * time.Millisecond)
		}
		return s.wiki.stats.Load()+s.wiki.opens.Load() == 0
	})
	if _, err := s.Stat(t.Context(), render.Page{Path: "/new", Ref: "New"}); !errors.Is(err, render.ErrNotFound) {
		t.Fatalf("a page that is not there: %v", err)
	}
	s.put("New.md", "made")
	eventually(t, "the new page", func() bool {
		_, err := s.Stat(t.Context(), render.Page{Path: "/new", Ref: "New"})
		return err == nil
	})
	s.wiki.mu.Lock()
	s.wiki.changed = nil // the wiki has lost its log: the point is none now
	s.wiki.mu.Unlock()
	s.put("About.md", "two")
	eventually(t, "an edit after the log was lost", s.shows("two"))
}

// TestDown: while the wiki is down the last good copies are shown, for a day.
func TestDown(t *testing.T) {
	for _, follows := range []bool{false, true} {
		t.Run(fmt.Sprint("follows ", follows), func(t *testing.T) {
			s := far(t, func(s *site, _ *wiki.Options) { s.wiki.follows = follows })
			s.put("About.md", "one")
			if s.stat(about).Stale {
				t.Fatal("a page is stale while the wiki is up")
			}
			s.wiki.shut.Store(true)
			s.put("About.md", "two")
			eventually(t, "the page is stale", func() bool { return s.stat(about).Stale })
			if !s.shows("one")() {
				t.Error("the last good copy is not shown")
			}
			if _, err := s.Stat(t.Context(), render.Page{Path: "/x", Ref: "Other"}); !errors.Is(err, render.ErrUnavailable) {
				t.Errorf("a page never seen: %v, want ErrUnavailable", err)
			}
			s.layout(strings.ReplaceAll(layoutFile, "Old site", "New site"))
			if doc := s.draw(about); !strings.Contains(string(doc.Body), "New site") || !strings.Contains(string(doc.Body), "one") {
				t.Errorf("in a new look the page is %s", doc.Body)
			}
			before := s.wiki.opens.Load() + s.wiki.stats.Load() + s.wiki.asks.Load()
			for range 100 {
				s.stat(about)
				s.Stat(t.Context(), render.Page{Path: "/x", Ref: "Other"})
				time.Sleep(2 * time.Millisecond)
			}
			if n := s.wiki.opens.Load() + s.wiki.stats.Load() + s.wiki.asks.Load() - before; n > 20 {
				t.Errorf("a wiki that is down was asked %d times in 200 ms", n)
			}
			s.wiki.shut.Store(false)
			eventually(t, "the page is fresh again", func() bool { return s.shows("two")() && !s.stat(about).Stale })
			s.wiki.shut.Store(true)
			later := time.Now().Add(25 * time.Hour)
			s.now.Store(&later)
			if _, err := s.Stat(t.Context(), about); !errors.Is(err, render.ErrUnavailable) {
				t.Errorf("after a day: %v, want ErrUnavailable", err)
			}
		})
	}
}

// TestNobodyWaits: a page that is known is answered at once, however slow the wiki is.
func TestNobodyWaits(t *testing.T) {
	s := far(t, nil)
	s.put("About.md", "one")
	s.stat(about)
	s.wiki.slow.Store(int64(time.Second))
	for range 50 {
		begin := time.Now()
		s.stat(about)
		if _, ok := s.Known(about); !ok {
			t.Error("a page that is known is not")
		}
		if took := time.Since(begin); took > 500*time.Millisecond {
			t.Fatalf("waited %v for a page that is known", took)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n := s.wiki.stats.Load(); n != 1 {
		t.Errorf("the page was looked at %d times at once, want 1", n)
	}
}

// TestCrowd: many readers of one unknown page ask once; many of many pages are refused at once.
func TestCrowd(t *testing.T) {
	s := far(t, nil)
	s.put("About.md", "one")
	s.wiki.slow.Store(int64(300 * time.Millisecond))
	var readers sync.WaitGroup
	for range 30 {
		readers.Go(func() { s.stat(about) })
	}
	readers.Wait()
	if n := s.wiki.opens.Load(); n != 1 {
		t.Errorf("30 readers opened the page %d times", n)
	}
	var mu sync.Mutex
	refused := 0
	for i := range 200 {
		readers.Go(func() {
			begin := time.Now()
			_, err := s.Stat(t.Context(), render.Page{Path: "/x", Ref: fmt.Sprint("Page ", i)})
			if errors.Is(err, render.ErrUnavailable) && time.Since(begin) < 100*time.Millisecond {
				mu.Lock()
				refused++
				mu.Unlock()
			}
		})
	}
	readers.Wait()
	if refused < 100 {
		t.Errorf("%d of 200 readers were refused at once", refused)
	}
	if !s.shows("one")() {
		t.Error("the known page is not shown")
	}
}

func TestGone(t *testing.T) {
	s := far(t, nil)
	s.put("About.md", "one")
	s.stat(about)
	if err := os.Remove(filepath.Join(s.dir, "About.md")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the page is gone", func() bool {
		_, err := s.Stat(t.Context(), about)
		return errors.Is(err, render.ErrNotFound)
	})
	s.put("About.md", "again")
	eventually(t, "the page is back", s.shows("again"))
}

// pool is several sources over one wiki and one memcached.
func pool(t *testing.T, server *memcachetest.Server, n int, change func(*wiki.Options)) []*site {
	t.Helper()
	first := far(t, nil)
	sites := []*site{}
	for range n {
		sites = append(sites, far(t, func(s *site, o *wiki.Options) {
			c, err := cache.New(cache.Options{Servers: []string{server.Addr()}, HMACKey: []byte("secret"), Timeout: 5 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			s.dir, s.wiki = first.dir, first.wiki
			o.Wiki, o.Store = first.wiki, c.Store("wiki")
			if change != nil {
				change(o)
			}
		}))
	}
	return sites
}

// TestPool: what one process of the pool has seen the others need not ask for, also one that starts while the wiki is down.
func TestPool(t *testing.T) {
	server := memcachetest.Start(t, memcachetest.Options{})
	sites := pool(t, server, 4, func(o *wiki.Options) { o.Poll = time.Second })
	gate := sites[0].wiki
	sites[0].put("About.md", "one")
	for _, s := range sites {
		if s.stat(about).Stale || !s.shows("one")() {
			t.Error("the page is not shown")
		}
	}
	if n := gate.opens.Load(); n != 1 {
		t.Errorf("four processes opened the page %d times", n)
	}
	time.Sleep(1100 * time.Millisecond)
	gate.stats.Store(0)
	gate.slow.Store(int64(200 * time.Millisecond))
	for range 10 {
		for _, s := range sites {
			s.stat(about)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if n := gate.stats.Load(); n != 1 {
		t.Errorf("four processes looked at the page %d times at once, want 1", n)
	}
	gate.slow.Store(0)
	gate.shut.Store(true)
	late := pool(t, server, 1, nil)[0]
	late.wiki.shut.Store(true)
	if doc := late.draw(about); !strings.Contains(string(doc.Body), "one") {
		t.Errorf("a process that starts while the wiki is down shows %s", doc.Body)
	}
	eventually(t, "it says that the page is stale", func() bool { return late.stat(about).Stale })
	server.Restart()
	for _, s := range sites {
		if !s.shows("one")() {
			t.Error("with an empty memcached the page is not shown")
		}
	}
	gate.shut.Store(false)
	sites[0].put("About.md", "two")
	for _, s := range sites {
		eventually(t, "an edit, in each process", s.shows("two"))
	}
}

// TestPoolFollows: one process asks for changes, and all learn of them.
func TestPoolFollows(t *testing.T) {
	server := memcachetest.Start(t, memcachetest.Options{})
	sites := pool(t, server, 4, func(o *wiki.Options) { o.Poll = 400 * time.Millisecond })
	gate := sites[0].wiki
	gate.follows = true
	sites[0].put("About.md", "one")
	for _, s := range sites {
		s.stat(about)
	}
	eventually(t, "the wiki is followed", func() bool { return gate.asks.Load() >= 2 })
	gate.asks.Store(0)
	time.Sleep(2 * time.Second)
	if n := gate.asks.Load(); n > 7 {
		t.Errorf("four processes asked for changes %d times in five intervals", n)
	}
	gate.opens.Store(0)
	sites[0].put("About.md", "two")
	begin := time.Now()
	for _, s := range sites {
		eventually(t, "an edit, in each process", s.shows("two"))
	}
	t.Logf("all four show an edit %v later", time.Since(begin))
	if n := gate.opens.Load(); n > 2 {
		t.Errorf("four processes read the changed page %d times", n)
	}
}

func BenchmarkKnown(b *testing.B) {
	s := far(b, func(_ *site, o *wiki.Options) { o.Poll = time.Hour })
	s.put("About.md", "one")
	s.stat(about)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := s.Known(about); !ok {
			b.Fatal("not known")
		}
	}
}
