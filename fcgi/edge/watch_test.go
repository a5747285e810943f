// The Watch against HTTP servers that note what they are told.

package edge_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"pagemap/fcgi/edge"
	"pagemap/mapping"
)

const secret = "0123456789abcdef"

// told is a cache that notes what it is told.
type told struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
	at       []time.Time
	status   int           // of its answers; 0: 204
	pause    time.Duration // before each
	most     int           // requests at a time, the most there were
	now      int
}

func newTold(t *testing.T) *told {
	c := &told{}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *told) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.requests = append(c.requests, fmt.Sprintf("%s %s %s %s %s", r.Method, r.Host, r.RequestURI, r.Header.Get(edge.Header), r.Header.Get("Accept-Encoding")))
	c.at = append(c.at, time.Now())
	c.now++
	c.most = max(c.most, c.now)
	status, pause := c.status, c.pause
	c.mu.Unlock()
	time.Sleep(pause)
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
	if status == 0 {
		status = http.StatusNoContent
	}
	w.WriteHeader(status)
}

func (c *told) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

func (c *told) answer(status int, pause time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status, c.pause = status, pause
}

// pages are what a site has: identities by path; "" may not be stored.
type pages struct {
	mu    sync.Mutex
	of    map[mapping.Path]string
	looks map[mapping.Path]int
	state int
}

func (p *pages) set(path mapping.Path, identity string, newState bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of[path] = identity
	if newState {
		p.state++
	}
}

func (p *pages) identity(_ context.Context, path mapping.Path) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looks[path]++
	return p.of[path], p.of[path] != ""
}

func (p *pages) current() any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// start runs a Watch over p until the test ends.
func start(t *testing.T, p *pages, change func(*edge.Options), caches ...string) *edge.Watch {
	t.Helper()
	o := edge.Options{
		Caches: caches, Host: "www.example.org", Secret: secret, MaxAge: 2 * time.Second,
		Identity: p.identity, State: p.current,
	}
	if change != nil {
		change(&o)
	}
	w, err := edge.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

func newPages() *pages {
	return &pages{of: map[mapping.Path]string{}, looks: map[mapping.Path]int{}}
}

// hand hands out a page and has it sent.
func hand(t *testing.T, w *edge.Watch, path mapping.Path, identity string) {
	t.Helper()
	sent := w.Handed(path, identity)
	if sent == nil {
		t.Fatalf("%s: not to be stored", path)
	}
	sent()
}

func eventually(t *testing.T, within time.Duration, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for %s", within, what)
		}
	}
}

func TestProtocol(t *testing.T) {
	apache, varnish := newTold(t), newTold(t)
	varnish.answer(http.StatusOK, 0)
	p := newPages()
	w := start(t, p, nil, apache.URL, "varnish+"+varnish.URL)
	p.set("/a%2Ab", "1", true)
	hand(t, w, "/a%2Ab", "1")
	p.set("/a%2Ab", "2", true)
	eventually(t, 5*time.Second, "the end of the change", func() bool { return len(varnish.all()) == 2 && w.Stats().Pending == 0 })
	var want []string
	for range 2 { // at once, and a second later: no answer was under way
		for _, e := range edge.Encodings {
			want = append(want, "DELETE www.example.org /a%2Ab "+secret+" "+e)
		}
	}
	if got := apache.all(); !slices.Equal(got, want) {
		t.Errorf("Apache was told %q, want %q", got, want)
	}
	const purge = "PURGE www.example.org /a%2Ab " + secret + " "
	if got := varnish.all(); !slices.Equal(got, []string{purge, purge}) {
		t.Errorf("Varnish was told %q", got)
	}
	if pause := varnish.at[1].Sub(varnish.at[0]); pause < time.Second || pause > 2*time.Second {
		t.Errorf("told again after %s, want 1 s", pause)
	}
	if s := w.Stats(); s.Sent != 4 || s.Failed != 0 || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}

// What counts as a change, and how soon it is noticed.
func TestChanges(t *testing.T) {
	tests := []struct {
		name   string
		change func(w *edge.Watch, p *pages)
		told   bool
	}{
		{"nothing", func(*edge.Watch, *pages) {}, false},
		{"a new table in which the page is the same", func(_ *edge.Watch, p *pages) { p.set("/other", "x", true) }, false},
		{"a new table", func(_ *edge.Watch, p *pages) { p.set("/page", "2", true) }, true},
		{"a page no longer to be stored", func(_ *edge.Watch, p *pages) { p.set("/page", "", true) }, true},
		{"another file", func(_ *edge.Watch, p *pages) { p.set("/page", "2", false) }, true},
		{"an answer with another identity", func(w *edge.Watch, _ *pages) { w.Handed("/page", "2")() }, true},
		{"another page", func(w *edge.Watch, p *pages) { p.set("/new", "1", false); w.Handed("/new", "1")() }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cache, p := newTold(t), newPages()
			p.set("/page", "1", false)
			w := start(t, p, nil, "varnish+"+cache.URL)
			hand(t, w, "/page", "1")
			time.Sleep(100 * time.Millisecond)
			tt.change(w, p)
			if !tt.told {
				time.Sleep(time.Second)
				if got := cache.all(); len(got) > 0 {
					t.Errorf("told %q", got)
				}
				return
			}
			eventually(t, 2*time.Second, "the cache to be told", func() bool { return len(cache.all()) > 0 })
		})
	}
}

// An old answer under way when the page changes has the cache told again once it
// has been sent; one that never ends, when its copy is too old to be served.
func TestAnswerUnderWay(t *testing.T) {
	for _, ends := range []bool{true, false} {
		t.Run(fmt.Sprint(ends), func(t *testing.T) {
			t.Parallel()
			cache, p := newTold(t), newPages()
			p.set("/page", "1", false)
			w := start(t, p, nil, "varnish+"+cache.URL)
			hand(t, w, "/page", "1")
			late := w.Handed("/page", "1")
			p.set("/page", "2", true)
			changed := time.Now()
			eventually(t, time.Second, "the first time", func() bool { return len(cache.all()) == 1 })
			hand(t, w, "/page", "2") // a new answer is not waited for
			w.Handed("/page", "2")
			time.Sleep(1500 * time.Millisecond)
			if n := len(cache.all()); n != 1 {
				t.Fatalf("told %d times while the old answer was under way", n)
			}
			if ends {
				late()
				eventually(t, time.Second, "the second time", func() bool { return len(cache.all()) == 2 })
			} else {
				eventually(t, time.Until(changed.Add(3500*time.Millisecond)), "the second time", func() bool { return len(cache.all()) == 2 })
			}
			eventually(t, 1500*time.Millisecond, "the last time", func() bool { return len(cache.all()) == 3 && w.Stats().Pending == 0 })
		})
	}
}

// A page that changes again while the cache is being told is told of again in full.
func TestChangeUponChange(t *testing.T) {
	cache, p := newTold(t), newPages()
	cache.answer(0, 100*time.Millisecond)
	p.set("/page", "1", false)
	w := start(t, p, nil, "varnish+"+cache.URL)
	hand(t, w, "/page", "1")
	p.set("/page", "2", true)
	eventually(t, time.Second, "the first change", func() bool { return len(cache.all()) == 1 })
	hand(t, w, "/page", "2")
	p.set("/page", "3", true)
	eventually(t, 5*time.Second, "the end", func() bool { return len(cache.all()) == 3 && w.Stats().Pending == 0 })
}

// A cache that fails is tried again, until its copies are too old to be served;
// that keeps nobody waiting, nor another cache.
func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		pause  time.Duration
	}{{"refuses", 405, 0}, {"is out of order", 503, 0}, {"redirects", 301, 0}, {"hangs", 0, 5 * time.Second}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bad, good, p := newTold(t), newTold(t), newPages()
			bad.answer(tt.status, tt.pause)
			p.set("/page", "1", false)
			w := start(t, p, nil, "varnish+"+bad.URL, "varnish+"+good.URL)
			hand(t, w, "/page", "1")
			p.set("/page", "2", true)
			eventually(t, 500*time.Millisecond, "the good one", func() bool { return len(good.all()) == 1 })
			begun := time.Now()
			hand(t, w, "/page", "2")
			if took := time.Since(begun); took > time.Second {
				t.Errorf("an answer waited %s", took)
			}
			eventually(t, 10*time.Second, "the bad one to be given up", func() bool { return w.Stats().Failed == 1 && w.Stats().Pending == 0 })
			if n := len(bad.all()); tt.pause == 0 && (n < 4 || n > 12) {
				t.Errorf("tried %d times", n)
			}
			bad.answer(0, 0)
			hand(t, w, "/page", "2") // by now nobody watches the first one's copies
			p.set("/page", "3", true)
			before := len(bad.all())
			eventually(t, time.Second, "the bad one after its recovery", func() bool { return len(bad.all()) > before })
		})
	}
}

// A source that hangs keeps no cache from what is known to have changed.
func TestLookHangs(t *testing.T) {
	cache, p := newTold(t), newPages()
	p.set("/page", "1", false)
	release := make(chan struct{})
	w := start(t, p, func(o *edge.Options) {
		identity := o.Identity
		o.Identity = func(ctx context.Context, path mapping.Path) (string, bool) {
			if path == "/hangs" {
				<-release
			}
			return identity(ctx, path)
		}
	}, "varnish+"+cache.URL)
	t.Cleanup(func() { close(release) }) // before the end of w, which start has asked for
	hand(t, w, "/hangs", "1")
	time.Sleep(100 * time.Millisecond) // by now it is looked at
	hand(t, w, "/page", "1")
	hand(t, w, "/page", "2")
	eventually(t, 5*time.Second, "the cache to be told", func() bool { return len(cache.all()) > 0 })
}

// Many changes at once are sent over a few connections, all of them.
func TestManyChanges(t *testing.T) {
	const n = 1000
	cache, p := newTold(t), newPages()
	w := start(t, p, nil, "varnish+"+cache.URL)
	for i := range n {
		path := mapping.Path(fmt.Sprintf("/%d", i))
		p.set(path, "1", false)
		hand(t, w, path, "1")
	}
	for i := range n {
		p.set(mapping.Path(fmt.Sprintf("/%d", i)), "2", i == n-1)
	}
	eventually(t, 10*time.Second, "all to be told", func() bool { return w.Stats().Pending == 0 && w.Stats().Sent >= 2*n })
	if cache.most > 8 {
		t.Errorf("%d requests at a time", cache.most)
	}
}

func TestFull(t *testing.T) {
	cache, p := newTold(t), newPages()
	for _, path := range []mapping.Path{"/1", "/2", "/3"} {
		p.set(path, "1", false)
	}
	w := start(t, p, func(o *edge.Options) { o.MaxPages, o.MaxAge = 2, time.Second }, cache.URL)
	hand(t, w, "/1", "1")
	hand(t, w, "/2", "1")
	if w.Handed("/3", "1") != nil {
		t.Error("a third page may be stored")
	}
	hand(t, w, "/2", "1")
	if s := w.Stats(); s.Pages != 2 || s.Refused != 1 {
		t.Errorf("%+v", s)
	}
	// Pages that no cache serves any more make room.
	eventually(t, 5*time.Second, "room", func() bool { return w.Stats().Pages == 0 })
	hand(t, w, "/3", "1")
	if got := cache.all(); len(got) > 0 {
		t.Errorf("told %q, though nothing changed", got)
	}
}

func TestRecall(t *testing.T) {
	cache, p := newTold(t), newPages()
	p.set("/page", "1", false)
	w := start(t, p, nil, "varnish+"+cache.URL)
	hand(t, w, "/page", "1")
	if err := w.Recall(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(cache.all()); n != 2 {
		t.Errorf("told %d times, want 2", n)
	}
	if w.Handed("/page", "1") != nil {
		t.Error("answers may still be stored")
	}
	cache.answer(503, 0)
	w2 := start(t, p, nil, "varnish+"+cache.URL)
	hand(t, w2, "/page", "1")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := w2.Recall(ctx); err == nil {
		t.Error("no error though the cache could not be told in time")
	}
}

// Each watched page is looked at again and again, not too often.
func TestLooks(t *testing.T) {
	cache, p := newTold(t), newPages()
	p.set("/page", "1", false)
	w := start(t, p, func(o *edge.Options) { o.Every = 200 * time.Millisecond }, cache.URL)
	hand(t, w, "/page", "1")
	time.Sleep(1100 * time.Millisecond)
	p.mu.Lock()
	n := p.looks["/page"]
	p.mu.Unlock()
	if n < 3 || n > 6 {
		t.Errorf("%d looks in 1.1 s, want 5", n)
	}
}

func TestNewRefuses(t *testing.T) {
	good := edge.Options{
		Caches: []string{"http://127.0.0.1"}, Host: "h", Secret: secret, MaxAge: time.Second,
		Identity: newPages().identity, State: newPages().current,
	}
	if _, err := edge.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*edge.Options){
		"no cache":         func(o *edge.Options) { o.Caches = nil },
		"no host":          func(o *edge.Options) { o.Host = "" },
		"no lifetime":      func(o *edge.Options) { o.MaxAge = 0 },
		"no identity":      func(o *edge.Options) { o.Identity = nil },
		"no state":         func(o *edge.Options) { o.State = nil },
		"no secret":        func(o *edge.Options) { o.Secret = "" },
		"short secret":     func(o *edge.Options) { o.Secret = secret[:15] },
		"secret of blanks": func(o *edge.Options) { o.Secret = "0123456789 abcdef" },
		"secret of lines":  func(o *edge.Options) { o.Secret = "0123456789abcdef\r\nX: y" },
		"bad cache":        func(o *edge.Options) { o.Caches = []string{"http://127.0.0.1", "127.0.0.1:80"} },
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			change(&o)
			if _, err := edge.New(o); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func BenchmarkHanded(b *testing.B) {
	p := newPages()
	w, err := edge.New(edge.Options{
		Caches: []string{"http://127.0.0.1"}, Host: "h", Secret: secret, MaxAge: time.Second, Identity: p.identity, State: p.current,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		w.Handed("/page", "1")()
	}
}
