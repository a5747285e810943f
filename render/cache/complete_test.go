package cache

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pagemap/render"
	"pagemap/render/cache/memcachetest"
)

// plainDocument is the usual page before it has encodings.
func plainDocument() *render.Document {
	doc := usualDocument()
	doc.Gzip = nil
	return doc
}

// wanted gets a page from memory for a reader who would take more of its encodings.
func wanted(t *testing.T, c *Cache, inputs []string) *render.Document {
	t.Helper()
	doc := getAs(t, c, packed(inputs), noFill(t), statusHit)
	c.Complete(packed(inputs), doc)
	return doc
}

// TestComplete: a page is completed once a reader wants that, for the pool.
func TestComplete(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	o := Options{Servers: []string{mc.Addr()}, Timeout: patient}
	a, b, late := newCache(t, o), newCache(t, o), newCache(t, o)
	drawn := plainDocument()
	getAs(t, a, packed(usualInputs()), fillWith(drawn), statusStored)
	getAs(t, b, packed(usualInputs()), noFill(t), statusMemcached)
	if getAs(t, a, packed(usualInputs()), noFill(t), statusHit); a.completer.busy.Load() || b.completer.busy.Load() {
		t.Error("completed while nobody wants it")
	}

	inMemory := func(c *Cache) func() bool {
		return func() bool { return wanted(t, c, usualInputs()).Complete }
	}
	until(t, "the first responder completes it", inMemory(a))
	until(t, "memcached has it", func() bool {
		doc, _, err := late.Peek(usualInputs()...)
		return err == nil && doc.Complete
	})
	until(t, "the second one has it", inMemory(b))
	if got := b.Stats().Completed; got != 0 || a.Stats().Completed != 1 {
		t.Errorf("completed %d times by the first responder, %d by the second", a.Stats().Completed, got)
	}
	if drawn.Complete || drawn.Gzip != nil {
		t.Error("the document that was drawn has changed")
	}
	want, err := new(render.Encoder).Complete(drawn)
	if err != nil || want.Gzip == nil || want.Brotli == nil {
		t.Fatalf("gzip of %d bytes, brotli of %d, %v", len(want.Gzip), len(want.Brotli), err)
	}
	for name, c := range map[string]*Cache{"first": a, "second": b} {
		if got := getAs(t, c, packed(usualInputs()), noFill(t), statusHit); !reflect.DeepEqual(got, want.Packed()) {
			t.Errorf("the %s responder has another document, %d bytes of gzip, %d of brotli", name, len(got.Gzip), len(got.Brotli))
		}
	}
	if got := getAs(t, late, packed(usualInputs()), noFill(t), statusMemcached); !reflect.DeepEqual(got, want.Packed()) {
		t.Errorf("memcached has another document, %d bytes of gzip, %d of brotli", len(got.Gzip), len(got.Brotli))
	}
}

// TestCompleteBound: one page at a time is completed, and then none while the completer rests.
func TestCompleteBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, Options{})
		var running, most, made atomic.Int32
		const work = time.Second
		c.completer.encode = func(doc *render.Document) (*render.Document, error) {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(work)
			running.Add(-1)
			made.Add(1)
			d := *doc
			d.Complete = true
			return &d, nil
		}
		const pages = 10
		for i := range pages {
			getAs(t, c, packed(inputsOf(fmt.Sprint(i))), fillWith(usualDocument()), statusStored)
		}
		begun := time.Now()
		for incomplete := pages; incomplete > 0; time.Sleep(work / 4) {
			incomplete = 0
			for i := range pages {
				if !wanted(t, c, inputsOf(fmt.Sprint(i))).Complete {
					incomplete++
				}
			}
			if n, most := int(made.Load()), 1+int(time.Since(begun)/((1+rests)*work)); n > most {
				t.Fatalf("%d pages after %v", n, time.Since(begun))
			}
		}
		if made.Load() != pages || most.Load() != 1 {
			t.Errorf("%d pages were encoded, %d at a time", made.Load(), most.Load())
		}
		if s := c.Stats(); s.Completed != pages {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestCompleteFails: a page that cannot be encoded is served as it is, and not tried again.
func TestCompleteFails(t *testing.T) {
	for _, tt := range []struct {
		name   string
		encode func(*render.Document) (*render.Document, error)
		want   string
	}{
		{"error", func(*render.Document) (*render.Document, error) { return nil, errors.New("boom") }, "boom"},
		{"panic", func(*render.Document) (*render.Document, error) { panic("boom") }, "encoder panicked: boom"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mc := memcachetest.Start(t, memcachetest.Options{})
			var log bytes.Buffer
			c := newCache(t, Options{Servers: []string{mc.Addr()}, Timeout: patient, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			c.completer.encode = tt.encode
			want := usualDocument()
			getAs(t, c, packed(usualInputs()), fillWith(want), statusStored)
			until(t, "it was tried", func() bool { return wanted(t, c, usualInputs()).Complete })
			got := getAs(t, c, packed(usualInputs()), noFill(t), statusHit)
			if got.Body != nil || !bytes.Equal(got.Gzip, want.Gzip) || got.Brotli != nil {
				t.Errorf("%d bytes, %d of gzip, %d of brotli", len(got.Body), len(got.Gzip), len(got.Brotli))
			}
			if n := strings.Count(log.String(), tt.want); n != 1 {
				t.Errorf("%d messages: %s", n, &log)
			}
			if s := c.Stats(); s.Completed != 0 || s.Stores != 1 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// TestCompleteGone: a page that memory has given up meanwhile is not put there again.
func TestCompleteGone(t *testing.T) {
	c := newCache(t, Options{})
	key := placeOf(packed([]string{"gone"}))
	c.memory.replace(key, usualDocument())
	if c.memory.peek(key) != nil {
		t.Error("replaced a page that was not there")
	}
}

// TestCompleteAtOnce: a program that fills memcached for others leaves complete pages there, also in the
// place of incomplete ones.
func TestCompleteAtOnce(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	o := Options{Servers: []string{mc.Addr()}, Timeout: patient}
	reader := newCache(t, o)
	o.CompleteAtOnce, o.MemoryBytes = true, -1
	warm := newCache(t, o)
	check := func(inputs []string) {
		t.Helper()
		other := newCache(t, Options{Servers: o.Servers, Timeout: patient})
		if doc := get(t, other, inputs, noFill(t), statusMemcached); doc.Gzip == nil || doc.Brotli == nil || !doc.Complete {
			t.Errorf("memcached has gzip of %d bytes, brotli of %d", len(doc.Gzip), len(doc.Brotli))
		}
	}
	get(t, warm, inputsOf("/drawn"), fillWith(plainDocument()), statusStored)
	check(inputsOf("/drawn"))
	get(t, reader, inputsOf("/there"), fillWith(plainDocument()), statusStored)
	get(t, warm, inputsOf("/there"), noFill(t), statusMemcached)
	check(inputsOf("/there"))
	get(t, warm, inputsOf("/there"), noFill(t), statusMemcached)
	if s := warm.Stats(); s.Completed != 2 || s.Stores != 2 || s.MemoryEntries != 0 {
		t.Errorf("stats %+v", s)
	}
	volatile := plainDocument()
	volatile.Volatile = true
	if doc := get(t, warm, inputsOf("/volatile"), fillWith(volatile), statusMiss); doc.Brotli != nil {
		t.Error("a page that is not kept was completed")
	}
}

// TestPeek: looking tells where a page is, and leaves no trace.
func TestPeek(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	secret := []byte("secret")
	o := Options{Servers: []string{mc.Addr()}, Timeout: patient, HMACKey: secret}
	c, other := newCache(t, o), newCache(t, o)
	peek := func(name string, c *Cache, page, wantTier string) {
		t.Helper()
		before := c.Stats()
		doc, tier, err := c.Peek(inputsOf(page)...)
		if tier != wantTier || err != nil || (doc != nil) != (wantTier != "") {
			t.Errorf("%s: %v, %q, %v", name, doc != nil, tier, err)
		}
		if after := c.Stats(); after != before {
			t.Errorf("%s: counted: %+v, before %+v", name, after, before)
		}
	}
	get(t, c, inputsOf("/a"), fillWith(usualDocument()), statusStored)
	peek("in both", c, "/a", "memory")
	peek("in memcached", other, "/a", "memcached")
	peek("still in memcached alone", other, "/a", "memcached")
	peek("nowhere", c, "/b", "")
	peek("no tier", newCache(t, Options{MemoryBytes: -1}), "/a", "")
	if n := mc.Stat("cmd_set"); n != 2 { // the page and its lock
		t.Errorf("%d values were stored", n)
	}
	raw(t, mc, inputsOf("/b"), encode(nil, KeyOf(inputsOf("/b")...), usualDocument()))
	if _, tier, err := c.Peek(inputsOf("/b")...); tier != "" || !errors.Is(err, ErrRejected) {
		t.Errorf("planted: %q, %v", tier, err)
	}
	mc.Kill()
	if _, tier, err := c.Peek(inputsOf("/b")...); tier != "" || err == nil {
		t.Errorf("memcached is dead: %q, %v", tier, err)
	}
}
