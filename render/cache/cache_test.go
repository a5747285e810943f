package cache

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pagemap/render"
	"pagemap/render/cache/memcachetest"
)

// TestWays reads one page in each way it can come.
func TestWays(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	o := Options{Servers: []string{mc.Addr()}, Timeout: patient}
	a, b := newCache(t, o), newCache(t, o)
	want := usualDocument()
	fill := fillWith(want)

	get(t, a, usualInputs(), fill, "pagemap; fwd=miss; stored")
	get(t, a, usualInputs(), noFill(t), "pagemap; hit")
	got := get(t, b, usualInputs(), noFill(t), "pagemap; hit; detail=memcached")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("from memcached: another document of %d bytes", len(got.Body))
	}
	get(t, b, usualInputs(), noFill(t), "pagemap; hit")

	if s := a.Stats(); s.MemoryHits != 1 || s.Misses != 1 || s.Fills != 1 || s.Stores != 1 || s.MemoryEntries != 1 || s.MemoryBytes < 20<<10 {
		t.Errorf("stats of the first: %+v", s)
	}
	if s := b.Stats(); s.MemoryHits != 1 || s.MemcachedHits != 1 || s.Misses != 0 || s.Fills != 0 {
		t.Errorf("stats of the second: %+v", s)
	}

	without := newCache(t, Options{MemoryBytes: -1})
	get(t, without, usualInputs(), fill, "pagemap; fwd=bypass")
	alone := newCache(t, Options{MemoryBytes: -1, Servers: o.Servers, Timeout: patient})
	get(t, alone, usualInputs(), noFill(t), "pagemap; hit; detail=memcached")
}

// TestNotKept: what must not be kept is in neither tier, and leaves no lock behind.
func TestNotKept(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	c := newCache(t, Options{Servers: []string{mc.Addr()}, Timeout: patient})
	volatile := usualDocument()
	volatile.Volatile = true
	newer := usualDocument()
	newer.Revision = "13-abd"
	unnamed := usualDocument()
	unnamed.Revision = ""
	for _, tt := range []struct {
		name string
		doc  *render.Document
		err  error
	}{
		{"volatile", volatile, nil},
		{"newer than its key", newer, nil},
		{"without a revision", unnamed, nil},
		{"error", nil, render.ErrNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 {
				doc, status, err := c.Get(t.Context(), plain(usualInputs()), func(context.Context) (*render.Document, error) { return tt.doc, tt.err })
				if doc != tt.doc || !errors.Is(err, tt.err) || status != "pagemap; fwd=miss" {
					t.Errorf("got %p, %q, %v", doc, status, err)
				}
			}
			if keys := mc.Keys(); len(keys) != 0 {
				t.Errorf("memcached has %q", keys)
			}
		})
	}
	if s := c.Stats(); s.Fills != 8 || s.Stores != 0 || s.MemoryEntries != 0 || s.LockWaits != 0 {
		t.Errorf("stats %+v", s)
	}
}

// TestKeysStored asserts the exact keys in memcached before and after an input changes.
func TestKeysStored(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	c := newCache(t, Options{Servers: []string{mc.Addr()}, Timeout: patient, Prefix: "site:"})
	stored := func() []string {
		var keys []string
		for _, k := range mc.Keys() {
			if !strings.HasPrefix(k, "site:lock:") {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		return keys
	}
	keyOf := func(inputs []string) string { return "site:" + KeyOf(inputs...).String() }

	before := usualInputs()
	get(t, c, before, fillWith(usualDocument()), statusStored)
	if got, want := stored(), []string{keyOf(before)}; !slices.Equal(got, want) {
		t.Fatalf("keys %q, want %q", got, want)
	}
	want := []string{keyOf(before)}
	for i := range before {
		after := usualInputs()
		after[i] += "'"
		doc := usualDocument()
		doc.Revision = after[len(after)-1]
		get(t, c, after, fillWith(doc), statusStored)
		want = append(want, keyOf(after))
	}
	slices.Sort(want)
	if got := stored(); !slices.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
	for _, k := range mc.Keys() {
		if len(k) > 250 || strings.ContainsFunc(k, func(r rune) bool { return r < '!' || r > '~' }) {
			t.Errorf("key %q is not of [!-~]{1,250}", k)
		}
	}
	get(t, c, before, noFill(t), statusHit)
}

// TestLargest: the largest value that is sent is stored, one byte more is not sent.
func TestLargest(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	c := newCache(t, Options{Servers: []string{mc.Addr()}, Timeout: patient})
	other := newCache(t, Options{Servers: []string{mc.Addr()}, Timeout: patient})
	doc := testDocument()
	doc.Type, doc.Gzip = "image/png", nil
	doc.Body = make([]byte, maxValue-valueLen(doc)+len(doc.Body))
	get(t, c, inputsOf("/fits"), fillWith(doc), statusStored)
	if s := c.Stats(); s.Stores != 1 || s.TooLarge != 0 || s.Errors != (Errors{}) {
		t.Errorf("the largest value: %+v", s)
	}
	get(t, other, inputsOf("/fits"), noFill(t), statusMemcached)

	larger := *doc
	larger.Body = make([]byte, len(doc.Body)+1)
	sets := mc.Stat("cmd_set")
	get(t, c, inputsOf("/larger"), fillWith(&larger), statusStored)
	if s := c.Stats(); s.Stores != 1 || s.TooLarge != 1 || s.Errors != (Errors{}) {
		t.Errorf("a larger value: %+v", s)
	}
	if got := mc.Stat("cmd_set") - sets; got != 1 { // the lock
		t.Errorf("memcached got %d values", got)
	}
	get(t, c, inputsOf("/larger"), noFill(t), statusHit)
	get(t, other, inputsOf("/larger"), fillWith(&larger), statusStored)
}

// TestRefused: a server with smaller items than usual refuses a page; it goes on serving others.
func TestRefused(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{Args: []string{"-I", "8k", "-o", "slab_chunk_max=4096"}})
	c := newCache(t, Options{Servers: []string{mc.Addr()}, Timeout: patient})
	large := plainDocument()
	large.Type = "image/png"
	get(t, c, inputsOf("/large"), fillWith(large), statusStored)
	if s := c.Stats(); s.Errors != (Errors{Refused: 1}) || s.DeadServers != 0 || s.Stores != 0 {
		t.Errorf("stats %+v", s)
	}
	get(t, c, inputsOf("/small"), fillWith(testDocument()), statusStored)
	if s := c.Stats(); s.Stores != 1 || s.Skipped != 0 {
		t.Errorf("stats %+v", s)
	}
}

// raw stores a value under a page's key as anybody who reaches memcached could.
func raw(t *testing.T, mc *memcachetest.Server, inputs []string, value []byte) {
	t.Helper()
	nc, err := net.Dial("unix", strings.TrimPrefix(mc.Addr(), "unix:"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	fmt.Fprintf(nc, "set %s%s 0 0 %d\r\n%s\r\n", DefaultPrefix, KeyOf(inputs...), len(value), value)
	if line, err := bufio.NewReader(nc).ReadString('\n'); err != nil || line != "STORED\r\n" {
		t.Fatalf("set: %q, %v", line, err)
	}
}

// TestPlanted: a value that somebody planted is drawn anew, at once, and overwritten.
func TestPlanted(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	secret := []byte("secret")
	o := Options{Servers: []string{mc.Addr()}, Timeout: patient, HMACKey: secret}
	good := usualDocument()
	evil := usualDocument()
	evil.Body = []byte("<script>")
	key := KeyOf(usualInputs()...)
	changed := encode(secret, key, good)
	changed[len(changed)-1] ^= 1
	for _, tt := range []struct {
		name  string
		value []byte
	}{
		{"sealed with no secret", encode(nil, key, evil)},
		{"sealed with another secret", encode([]byte("Secret"), key, evil)},
		{"another page's value", encode(secret, KeyOf("/other"), evil)},
		{"truncated", encode(secret, key, good)[:1500]},
		{"changed", changed},
		{"empty", nil},
		{"a lock's name", []byte("lock")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw(t, mc, usualInputs(), tt.value)
			c := newCache(t, o)
			doc := get(t, c, usualInputs(), fillWith(good), statusStored)
			if !bytes.Equal(doc.Body, good.Body) {
				t.Errorf("body %.20q", doc.Body)
			}
			if s := c.Stats(); s.Rejected != 1 || s.LockWaits != 0 || s.DeadServers != 0 {
				t.Errorf("stats %+v", s)
			}
			get(t, newCache(t, o), usualInputs(), noFill(t), statusMemcached)
		})
	}
}

// TestCrowd: 2,000 readers of one page through two responders; it is drawn once.
func TestCrowd(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	o := Options{Servers: []string{mc.Addr()}, Timeout: patient}
	pool := []*Cache{newCache(t, o), newCache(t, o)}
	var fills atomic.Int32
	want := usualDocument()
	fill := func(context.Context) (*render.Document, error) {
		fills.Add(1)
		time.Sleep(20 * time.Millisecond)
		return want, nil
	}
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 2000 {
		wg.Go(func() {
			<-start
			doc, _, err := pool[i%2].Get(t.Context(), plain(usualInputs()), fill)
			if err != nil || !bytes.Equal(doc.Body, want.Body) {
				t.Errorf("reader %d: %v", i, err)
			}
		})
	}
	close(start)
	wg.Wait()
	// Twice only if the second one's wait for the lock (200 ms) was over before it was scheduled.
	if n := fills.Load(); n < 1 || n > 2 {
		t.Errorf("drawn %d times", n)
	}
	var answered uint64
	for _, c := range pool {
		s := c.Stats()
		answered += s.MemoryHits + s.MemcachedHits + s.Misses
	}
	if answered != 2000 {
		t.Errorf("%d readers were counted", answered)
	}
}

// TestLock: a reader waits for the other responder's page, but not for one that never comes.
func TestLock(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	o := Options{Servers: []string{mc.Addr()}, Timeout: patient}
	// hold lets a responder draw the page until release is closed.
	hold := func(inputs []string, doc *render.Document) (release func()) {
		c, drawing, done := newCache(t, o), make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _, err := c.Get(t.Context(), plain(inputs), func(context.Context) (*render.Document, error) {
				close(drawing)
				<-done
				return doc, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-drawing
		return func() { close(done); wg.Wait() }
	}

	t.Run("comes", func(t *testing.T) {
		release := hold(inputsOf("/comes"), usualDocument())
		c := newCache(t, o)
		released := make(chan struct{})
		go func() {
			for c.Stats().LockWaits == 0 {
				runtime.Gosched()
			}
			release()
			close(released)
		}()
		get(t, c, inputsOf("/comes"), noFill(t), statusMemcached)
		<-released
	})
	t.Run("never comes", func(t *testing.T) {
		release := hold(inputsOf("/never"), usualDocument())
		defer release()
		c := newCache(t, o)
		start := time.Now()
		get(t, c, inputsOf("/never"), fillWith(usualDocument()), statusStored)
		if took := time.Since(start); took < lockWait || took > lockWait+2*time.Second {
			t.Errorf("waited %v", took)
		}
	})
	t.Run("not kept", func(t *testing.T) {
		volatile := usualDocument()
		volatile.Volatile = true
		release := hold(inputsOf("/volatile"), volatile)
		c := newCache(t, o)
		released := make(chan struct{})
		go func() {
			for c.Stats().LockWaits == 0 {
				runtime.Gosched()
			}
			release()
			close(released)
		}()
		get(t, c, inputsOf("/volatile"), fillWith(usualDocument()), statusStored)
		<-released
		if locks := mc.Stat("delete_hits"); locks != 1 {
			t.Errorf("%d locks were removed", locks)
		}
	})
}

// TestMemoryBound: the memory tier stays within its bytes, also in the heap.
func TestMemoryBound(t *testing.T) {
	const limit = 4 << 20
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // the first leaves what is in pools
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	c := newCache(t, Options{MemoryBytes: limit})
	for i := range 1000 { // 22 MB
		for range 2 { // the second time it comes, it is let in
			if _, _, err := c.Get(t.Context(), plain(inputsOf(fmt.Sprint(i))), fillWith(usualDocument())); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.memory.pages.CleanUp()
	after := heap()
	s := c.Stats()
	if s.MemoryBytes > limit || s.MemoryBytes < limit/2 {
		t.Errorf("%d bytes of %d", s.MemoryBytes, limit)
	}
	if used := after - before; used > limit*5/4 {
		t.Errorf("heap grew by %d bytes, limit %d", used, limit)
	}
	runtime.KeepAlive(c)
}

// TestMemoryOverhead: an entry's overhead is what entryOverhead says, at most.
func TestMemoryOverhead(t *testing.T) {
	const entries = 20_000
	m, err := newMemory(1 << 30)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range entries {
		m.set(place{key: KeyOf(fmt.Sprint(i))}, &render.Document{})
	}
	m.pages.CleanUp()
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := int(after.HeapAlloc-before.HeapAlloc) / entries
	t.Logf("%d bytes an entry", per)
	if per > entryOverhead || per < entryOverhead/4 {
		t.Errorf("an entry takes %d bytes, entryOverhead is %d", per, entryOverhead)
	}
	runtime.KeepAlive(m)
}

func TestHitAllocs(t *testing.T) {
	c := newCache(t, Options{})
	inputs, fill := usualInputs(), fillWith(usualDocument())
	get(t, c, inputs, fill, statusStored)
	n := testing.AllocsPerRun(1000, func() {
		if _, status, _ := c.Get(t.Context(), plain(inputs), fill); status != statusHit {
			t.Fatal(status)
		}
	})
	if n != 0 {
		t.Errorf("a hit allocates %v times", n)
	}
	n = testing.AllocsPerRun(1000, func() {
		if _, status, ok := c.Ready(plain(inputs)); !ok || status != statusHit {
			t.Fatal(status)
		}
	})
	if n != 0 {
		t.Errorf("a page that is ready allocates %v times", n)
	}
}

// TestReady: what is in memory is ready, and is a use of the page like any other; the rest is left to Get.
func TestReady(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	o := Options{Servers: []string{mc.Addr()}, Timeout: patient}
	c, other := newCache(t, o), newCache(t, o)
	get(t, c, usualInputs(), fillWith(usualDocument()), statusStored)
	if doc, status, ok := c.Ready(plain(usualInputs())); !ok || status != statusHit || !bytes.Equal(doc.Body, usualBody()) {
		t.Errorf("in memory: %v, %q", ok, status)
	}
	if s := c.Stats(); s.MemoryHits != 1 {
		t.Errorf("stats %+v", s)
	}
	before := other.Stats()
	if doc, _, ok := other.Ready(plain(usualInputs())); ok || doc != nil {
		t.Error("a page in memcached is ready")
	}
	if s := other.Stats(); s != before {
		t.Errorf("stats %+v", s)
	}
}

// TestAllocs: a page from memcached, and one that is drawn, allocate their bytes and little else.
func TestAllocs(t *testing.T) {
	mc := memcachetest.Start(t, memcachetest.Options{})
	o := Options{MemoryBytes: -1, Servers: []string{mc.Addr()}, Timeout: patient, HMACKey: []byte("k")}
	c, fill := newCache(t, o), fillWith(usualDocument())
	get(t, c, usualInputs(), fill, statusStored)
	if n := testing.AllocsPerRun(200, func() { get(t, c, usualInputs(), fill, statusMemcached) }); n > 40 {
		t.Errorf("a page from memcached allocates %v times", n)
	}
	page := 0
	if n := testing.AllocsPerRun(200, func() { page++; get(t, c, inputsOf(fmt.Sprint(page)), fill, statusStored) }); n > 50 {
		t.Errorf("a page that is drawn allocates %v times", n)
	}
}

// TestSecondLook: a reader who missed in memory just before another one's flight ended finds
// the page there.
func TestSecondLook(t *testing.T) {
	c := newCache(t, Options{})
	w := plain(usualInputs())
	c.memory.set(placeOf(w), usualDocument())
	if r := c.fetch(t.Context(), placeOf(w), w, noFill(t)); r.err != nil || r.source != memHit {
		t.Errorf("%+v", r)
	}
}
