// Looks at sources: how often, and how soon a change is seen.

package site_test

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"pagemap/fcgi/site"
	"pagemap/fcgi/site/sitetest"
	"pagemap/render"
)

// watched is a stack whose clock is set by hand, and which counts looks.
type watched struct {
	*stack
	now   atomic.Pointer[time.Time]
	looks atomic.Int64
}

func newWatched(t *testing.T, lookFor time.Duration) *watched {
	w := &watched{}
	src := &source{}
	src.stat = func(ctx context.Context, page render.Page) (render.Revision, error) {
		w.looks.Add(1)
		return src.Files.Stat(ctx, page)
	}
	w.stack = newStack(t, func(s *stack, o *site.Options) {
		over(src)(s, o)
		w.now.Store(&s.world.Now)
		o.LookFor, o.Now = lookFor, func() time.Time { return *w.now.Load() }
	})
	return w
}

// pass lets time pass.
func (w *watched) pass(d time.Duration) {
	now := w.now.Load().Add(d)
	w.now.Store(&now)
}

func TestLooks(t *testing.T) {
	w := newWatched(t, 0)
	for way, h := range ways(t, w.stack) {
		t.Run(way, func(t *testing.T) {
			if err := w.world.Write("about.html", "old"); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Hour)
			w.looks.Store(0)
			for range 10 {
				get(t, h, "/alias", 200)
				w.pass(70 * time.Millisecond)
			}
			if n := w.looks.Load(); n != 1 {
				t.Errorf("%d looks in 700 ms", n)
			}
			if err := w.world.Write("about.html", "newer"); err != nil {
				t.Fatal(err)
			}
			w.pass(50 * time.Millisecond)
			if res := get(t, h, "/alias", 200); string(res.Body) != "newer" {
				t.Errorf("750 ms after the last look: %q", res.Body)
			}
			if err := os.Remove(filepath.Join(w.world.Dir, "about.html")); err != nil {
				t.Fatal(err)
			}
			w.pass(750 * time.Millisecond)
			for range 3 {
				get(t, h, "/alias", 404)
			}
			if n := w.looks.Load(); n != 5 {
				t.Errorf("%d looks: what is not there is looked for each time", n)
			}
		})
	}
}

// A file that may change without showing it is looked at each time.
func TestUnsettledIsLookedAtEachTime(t *testing.T) {
	w := newWatched(t, time.Hour)
	if err := os.WriteFile(filepath.Join(w.world.Dir, "about.html"), []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := sitetest.Handler(w)
	for range 3 {
		get(t, h, "/about.html", 200)
	}
	if n := w.looks.Load(); n != 3 {
		t.Errorf("%d looks", n)
	}
}

// A row that is changed counts at once, whatever was seen of its source.
func TestRowChangesBetweenLooks(t *testing.T) {
	w := newWatched(t, time.Hour)
	h := sitetest.Handler(w)
	for range 2 {
		w.table.Store(tableOf(row("/flip", "file:/about.html")))
		same(t, w.stack, get(t, h, "/flip", 200), "about.html")
		w.table.Store(tableOf(row("/flip", "file:/docs/guide.html")))
		same(t, w.stack, get(t, h, "/flip", 200), "docs/guide.html")
		w.table.Store(tableOf(row("/other", "file:/about.html")))
		get(t, h, "/flip", 404)
	}
}
