package traffic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pagemap/mapping"
)

var hosts = mapping.Hosts{"www.example.org"}

// ledger is a store in memory that fails, or hangs, when it is told to.
type ledger struct {
	mu      sync.Mutex
	err     error         // what it answers
	hang    chan struct{} // nil: it does not
	batches []Batch       // that it took
}

func (l *ledger) AddTraffic(_ context.Context, b Batch) error {
	l.mu.Lock()
	hang := l.hang
	l.mu.Unlock()
	if hang != nil {
		<-hang
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.batches = append(l.batches, b)
	}
	return l.err
}

func (l *ledger) set(err error, hang chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err, l.hang = err, hang
}

// taken are the store's sums: hits by day and row, misses by path, overflow.
func (l *ledger) taken() (hits map[string]int64, misses map[string]int64, overflow int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	hits, misses = map[string]int64{}, map[string]int64{}
	for _, b := range l.batches {
		for _, h := range b.Hits {
			hits[h.Day.Format(time.DateOnly)+" "+h.Pattern] += h.Count
		}
		for _, m := range b.Misses {
			misses[string(m.Path)] += m.Count
		}
		for _, o := range b.Overflow {
			overflow += o.Count
		}
	}
	return hits, misses, overflow
}

// start runs a counter; stop ends it and waits.
func start(l *ledger) (c *Counter, stop func()) {
	c = New(Options{Store: l, Hosts: hosts})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		c.Run(ctx)
		close(done)
	}()
	return c, func() { cancel(); <-done }
}

func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{}
		c, stop := start(l)
		day1 := time.Now().UTC().Format(time.DateOnly)
		for range 3 {
			c.Hit("/a")
		}
		c.Hit("/docs/*")
		c.Miss("/gone", "")
		c.Miss("/gone", "https://elsewhere.example:8080/page?secret=1")
		c.Miss("/gone", "https://www.example.org/page?secret=1")
		c.Miss("/gone", "https://third.example/")
		time.Sleep(11 * time.Second)
		hits, misses, _ := l.taken()
		if hits[day1+" /a"] != 3 || hits[day1+" /docs/*"] != 1 || misses["/gone"] != 4 {
			t.Fatalf("after an interval: %v %v", hits, misses)
		}
		if m := l.batches[0].Misses[0]; m.Referrer != "www.example.org" || !m.Own {
			t.Errorf("the site's own page counts for less than another: %+v", m)
		}
		time.Sleep(24 * time.Hour)
		c.Hit("/a")
		stop() // what is left is handed over
		hits, _, _ = l.taken()
		day2 := time.Now().UTC().Format(time.DateOnly)
		if hits[day1+" /a"] != 3 || hits[day2+" /a"] != 1 {
			t.Errorf("after the end: %v", hits)
		}
		if n := len(l.batches); n != 2 {
			t.Errorf("%d batches, of which %d with nothing in them", n, n-2)
		}
		if s := c.Stats(); s.Batches != 2 || s.Rows != 3 || s.Paths != 1 || s.Failed != 0 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

// A store that fails or hangs gets everything later, once; and nobody waits.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{err: errors.New("down")}
		c, stop := start(l)
		day1 := time.Now().UTC().Format(time.DateOnly)
		for range 5 {
			c.Hit("/a")
			c.Miss("/m", "")
			time.Sleep(10 * time.Second)
		}
		hang := make(chan struct{})
		l.set(nil, hang)
		for range 5 {
			c.Hit("/a")
			time.Sleep(10 * time.Second)
		}
		time.Sleep(24 * time.Hour)
		c.Hit("/a")
		l.set(nil, nil)
		close(hang)
		time.Sleep(15 * time.Second)
		stop()
		hits, misses, _ := l.taken()
		day2 := time.Now().UTC().Format(time.DateOnly)
		if hits[day1+" /a"] != 10 || hits[day2+" /a"] != 1 || misses["/m"] != 5 {
			t.Errorf("%v %v", hits, misses)
		}
		if s := c.Stats(); s.Failed < 4 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

// A store that hangs does not hold up the end.
func TestHangingEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{hang: make(chan struct{})}
		c, stop := start(l)
		c.Hit("/a")
		time.Sleep(11 * time.Second)
		begun := time.Now()
		stop()
		if d := time.Since(begun); d > endTimeout {
			t.Errorf("the end took %v", d)
		}
		close(l.hang)
	})
}

// While many count, nothing is lost between the batches.
func TestNothingLost(t *testing.T) {
	l := &ledger{}
	c := New(Options{Store: l, Every: time.Millisecond, Hosts: hosts})
	ctx, cancel := context.WithCancel(t.Context())
	var running, counting sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	const workers, each = 8, 20_000
	for w := range workers {
		counting.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(w)))
			for range each {
				c.Hit("/" + strconv.Itoa(r.IntN(50)))
				c.Miss(mapping.Path("/"+strconv.Itoa(r.IntN(50))), "https://a.example/")
			}
		})
	}
	counting.Wait()
	cancel()
	running.Wait()
	hits, misses, overflow := l.taken()
	sum := func(m map[string]int64) (n int64) {
		for _, v := range m {
			n += v
		}
		return n
	}
	if sum(hits) != workers*each || sum(misses)+overflow != workers*each || c.Stats().Dropped != 0 {
		t.Errorf("%d hits and %d misses with %d in the overflow of %d each", sum(hits), sum(misses), overflow, workers*each)
	}
}

// Any number of paths leaves a bounded number, and room for the site's own mistakes.
func TestRandomMisses(t *testing.T) {
	l := &ledger{}
	c := New(Options{Store: l, Hosts: hosts})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const n = 1_000_000
	tail := strings.Repeat("x", 64)
	for i := range n {
		c.Miss(mapping.Path("/"+strconv.Itoa(i)+tail[:i%64]), "https://elsewhere.example/")
		if i%250_000 == 0 {
			c.Miss(mapping.Path("/ours/"+fmt.Sprint(i)), "http://www.example.org/")
		}
	}
	c.Miss(mapping.Path("/"+strings.Repeat("long", 400)), "http://www.example.org/")
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("%d bytes more in use", grown)
	}
	var tally Tally
	c.drain(&tally)
	b := tally.Batch()
	if len(b.Misses) != maxOthers+4 {
		t.Errorf("%d paths, want %d and 4 of our own", len(b.Misses), maxOthers)
	}
	counted := b.Overflow[0].Count
	for _, m := range b.Misses {
		counted += m.Count
	}
	if counted != n+5 {
		t.Errorf("%d counted, want %d", counted, n+5)
	}
	if !slices.IsSortedFunc(b.Misses, func(x, y Miss) int { return strings.Compare(string(x.Path), string(y.Path)) }) {
		t.Error("the batch is in no order")
	}
	c.Miss("/after", "")
	tally = Tally{}
	c.drain(&tally)
	if _, ok := tally.misses["/after"]; !ok {
		t.Error("the places of one interval are not free in the next")
	}
}

// A Tally that readers of a log fill alone is Full before paths of our own are lost.
func TestFullOfOwnMisses(t *testing.T) {
	tally := Tally{Hosts: mapping.Hosts{"www.example.org"}}
	for i := 0; !tally.Full(); i++ {
		tally.Miss(mapping.Path("/"+strconv.Itoa(i)), "https://www.example.org/page", time.Now())
	}
	if b := tally.Batch(); len(b.Misses) != MaxMisses || len(b.Overflow) != 0 {
		t.Errorf("%d paths, overflow %v", len(b.Misses), b.Overflow)
	}
}

func TestBoundedHits(t *testing.T) {
	c := New(Options{Store: &ledger{}})
	for i := range MaxHits + 10 {
		c.Hit("/" + strconv.Itoa(i))
	}
	c.Hit("/1")
	var tally Tally
	c.drain(&tally)
	if len(tally.hits) != MaxHits || tally.dropped != 10 || !tally.Full() {
		t.Errorf("%d rows, %d dropped", len(tally.hits), tally.dropped)
	}
	c.drain(&tally) // nothing was hit since: all are forgotten
	c.Hit("/new")
	var next Tally
	c.drain(&next)
	if len(next.hits) != 1 || next.dropped != 0 {
		t.Errorf("%d rows, %d dropped", len(next.hits), next.dropped)
	}
}

func TestRefer(t *testing.T) {
	tests := []struct {
		name, referrer, host string
		own                  bool
	}{
		{name: "none"},
		{name: "own", referrer: "https://www.example.org/a?b#c", host: "www.example.org", own: true},
		{name: "own, other case and port of the scheme", referrer: "http://WWW.Example.org:80/", host: "www.example.org", own: true},
		{name: "another port is another host", referrer: "http://www.example.org:8080/", host: "www.example.org"},
		{name: "other", referrer: "https://user:secret@search.example/?q=private", host: "search.example"},
		{name: "no URL", referrer: "javascript:alert(1)"},
		{name: "control bytes", referrer: "http://a\x01b/"},
		{name: "not ASCII", referrer: "http://b\u00fccher.example/"},
		{name: "too long", referrer: "http://" + strings.Repeat("a.", 200) + "example/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if host, own := refer(hosts, tt.referrer); host != tt.host || own != tt.own {
				t.Errorf("refer = %q, %v", host, own)
			}
		})
	}
}

// What a request pays for being counted: nothing is allocated for names that
// have come lately.
func TestAllocations(t *testing.T) {
	c := New(Options{Store: &ledger{}, Hosts: hosts})
	var tally Tally
	c.Hit("/docs/page.html")
	c.drain(&tally)
	c.Miss("/favicon.ico", "https://elsewhere.example/")
	if n := testing.AllocsPerRun(100, func() { c.Hit("/docs/page.html") }); n != 0 {
		t.Errorf("a hit allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { c.Miss("/favicon.ico", "") }); n != 0 {
		t.Errorf("a miss allocates %v times", n)
	}
}

func BenchmarkHit(b *testing.B) {
	for _, n := range []int{1, 5000} {
		b.Run(fmt.Sprint(n, " rows"), func(b *testing.B) {
			c := New(Options{Store: &ledger{}})
			names := make([]string, n)
			for i := range names {
				names[i] = fmt.Sprintf("/docs/section%d/page-%d.html", i%50, i)
				c.Hit(names[i])
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := rand.IntN(n); pb.Next(); i++ {
					c.Hit(names[i%n])
				}
			})
		})
	}
}

// Random paths, nearly all beyond the bound.
func BenchmarkRandomMiss(b *testing.B) {
	c := New(Options{Store: &ledger{}, Hosts: hosts})
	paths := make([]mapping.Path, 1_000_000)
	for i := range paths {
		paths[i] = mapping.Path(fmt.Sprintf("/%x.html", rand.Uint64()))
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := rand.IntN(len(paths)); pb.Next(); i++ {
			c.Miss(paths[i%len(paths)], "")
		}
	})
}
