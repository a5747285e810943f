// Forms, and pages that are kept in memory alone.

package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"pagemap/render"
	"pagemap/render/cache/memcachetest"
)

// local wants a page that is drawn quickly.
func local(inputs []string) render.Want { return render.Want{Inputs: inputs, Local: true} }

// TestForms: memory has of a page what its readers are sent, and memcached all of it.
func TestForms(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	o := Options{Servers: []string{mc.Addr()}, Timeout: patient}
	a, b := newCache(t, o), newCache(t, o)
	page := usualDocument()
	page.Gzip = nil
	whole, err := new(render.Encoder).Gzip(page)
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		name   string
		cache  *Cache
		want   render.Want
		status string
		doc    *render.Document
	}{
		{"drawn for a browser", a, packed(usualInputs()), statusStored, whole},
		{"again", a, packed(usualInputs()), statusHit, whole.Packed()},
		{"for somebody else", a, plain(usualInputs()), statusMemcached, whole},
		{"again", a, plain(usualInputs()), statusHit, page},
		{"the browser again", a, packed(usualInputs()), statusHit, whole.Packed()},
		{"a browser at another responder", b, packed(usualInputs()), statusMemcached, whole.Packed()},
		{"again", b, packed(usualInputs()), statusHit, whole.Packed()},
	} {
		if got := getAs(t, step.cache, step.want, fillWith(page), step.status); !reflect.DeepEqual(got, step.doc) {
			t.Errorf("%d, %s: %d bytes, %d of gzip", i, step.name, len(got.Body), len(got.Gzip))
		}
	}
	if s := b.Stats(); s.MemoryBytes > uint64(len(whole.Gzip)+2*entryOverhead) {
		t.Errorf("a packed page with %d bytes of gzip takes %d", len(whole.Gzip), s.MemoryBytes)
	}
}

// TestDraw: a page that is drawn quickly is drawn by who asks, and kept in memory alone.
func TestDraw(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	o := Options{Servers: []string{mc.Addr()}, Timeout: patient}
	c := newCache(t, o)
	page := usualDocument()
	page.Gzip = nil
	doc, status, ok, err := c.Draw(local(usualInputs()), func(context.Context) (*render.Document, error) {
		if doc, _, ok, err := c.Draw(local(usualInputs()), noFill(t)); doc != nil || ok || err != nil {
			t.Errorf("while it is drawn: %v, %v", ok, err)
		}
		if _, _, ok, err := c.Draw(local(inputsOf("/other")), fillWith(page)); !ok || err != nil {
			t.Errorf("another page: %v, %v", ok, err)
		}
		return page, nil
	})
	if doc != page || status != statusStored || !ok || err != nil {
		t.Errorf("%q, %v, %v", status, ok, err)
	}
	if doc, status, ok := c.Ready(local(usualInputs())); doc != page || status != statusHit || !ok {
		t.Errorf("ready: %q, %v", status, ok)
	}
	if got := getAs(t, c, local(inputsOf("/third")), fillWith(page), statusStored); got != page {
		t.Error("Get returns another document")
	}
	if s := c.Stats(); s.Fills != 3 || s.Misses != 3 || s.MemoryHits != 1 || s.MemoryEntries != 3 {
		t.Errorf("stats %+v", s)
	}
	if n := mc.Stat("cmd_get") + mc.Stat("cmd_set"); n != 0 {
		t.Errorf("memcached was asked %d times", n)
	}

	volatile := *page
	volatile.Volatile = true
	for range 2 {
		if doc, status, ok, err := c.Draw(local(inputsOf("/volatile")), fillWith(&volatile)); doc != &volatile || status != statusMiss || !ok || err != nil {
			t.Errorf("volatile: %q, %v, %v", status, ok, err)
		}
	}
	if _, _, ok, err := c.Draw(local(inputsOf("/gone")), func(context.Context) (*render.Document, error) { return nil, render.ErrNotFound }); !ok || !errors.Is(err, render.ErrNotFound) {
		t.Errorf("error: %v, %v", ok, err)
	}
	if _, _, ok, err := c.Draw(local(inputsOf("/panic")), func(context.Context) (*render.Document, error) { panic("boom") }); !ok || !errors.Is(err, errPanic) {
		t.Errorf("panic: %v, %v", ok, err)
	}

	o.CompleteAtOnce = true
	warm := newCache(t, o)
	for name, w := range map[string]render.Want{"browsers": {Inputs: usualInputs(), Packed: true, Local: true}, "not local": plain(usualInputs())} {
		if _, _, ok, _ := c.Draw(w, noFill(t)); ok {
			t.Errorf("%s: drawn at once", name)
		}
	}
	if _, _, ok, _ := warm.Draw(local(usualInputs()), noFill(t)); ok {
		t.Error("drawn at once by who fills the cache of others")
	}
	getAs(t, warm, local(usualInputs()), fillWith(page), statusStored)
	got := getAs(t, c, packed(usualInputs()), noFill(t), statusMemcached)
	if !got.Complete || bytes.Equal(got.Gzip, nil) || got.Brotli == nil {
		t.Errorf("it left %d bytes of gzip, %d of brotli", len(got.Gzip), len(got.Brotli))
	}
}

// TestDrawBound: so many pages are drawn by who asks at once, and the others are left to Get.
func TestDrawBound(t *testing.T) {
	c := newCache(t, Options{})
	page := usualDocument()
	var draw func(n int)
	draw = func(n int) {
		_, _, ok, err := c.Draw(local(inputsOf(fmt.Sprint(n))), func(context.Context) (*render.Document, error) {
			draw(n + 1)
			return page, nil
		})
		if want := n < maxDrawing; ok != want || err != nil {
			t.Errorf("page %d: %v, %v", n, ok, err)
		}
	}
	for range 2 {
		draw(0)
		c.memory.pages.InvalidateAll()
	}
}

func TestDrawAllocs(t *testing.T) {
	c := newCache(t, Options{})
	page := usualDocument()
	page.Volatile = true
	w, fill := local(usualInputs()), fillWith(page)
	if n := testing.AllocsPerRun(1000, func() {
		if _, _, ok, err := c.Draw(w, fill); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}); n > 12 {
		t.Errorf("a page that is drawn at once allocates %v times", n)
	} else {
		t.Logf("%v allocations", n)
	}
}
