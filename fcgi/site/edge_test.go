// What a cache in front may store, and who may have it forget.

package site_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"pagemap/fcgi/site"
	"pagemap/fcgi/site/sitetest"
	"pagemap/mapping"
)

// edged is a stack with an edge, and what was handed to it.
type edged struct {
	*stack
	mu     sync.Mutex // protects the rest
	handed map[mapping.Path]string
	sent   int
}

// take returns what was handed since the last call.
func (e *edged) take() map[mapping.Path]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	handed := e.handed
	e.handed = map[mapping.Path]string{}
	return handed
}

func newEdged(t *testing.T, change func(*stack, *site.Options)) *edged {
	e := &edged{handed: map[mapping.Path]string{}}
	e.stack = newStack(t, func(s *stack, o *site.Options) {
		o.Edge = &site.Edge{MaxAge: 3 * time.Second, Secret: "s3cret", Handed: func(p mapping.Path, identity string) func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.handed[p] = identity
			return func() {
				e.mu.Lock()
				defer e.mu.Unlock()
				e.sent++
			}
		}}
		if change != nil {
			change(s, o)
		}
	})
	return e
}

// ways are the two ways to reach a site.
func ways(t *testing.T, s *stack) map[string]sitetest.Target {
	return map[string]sitetest.Target{
		"handler": sitetest.FastCGI(listen(t, s, nil)),
		"prompt":  sitetest.FastCGI(listen(t, s, s.Prompt)),
	}
}

func TestStorable(t *testing.T) {
	e := newEdged(t, nil)
	const storable = "public, max-age=300, s-maxage=3"
	tests := []struct {
		name, method, target string
		header               []sitetest.Field
		status               int
		control              string
		handed               mapping.Path // "": nothing was
	}{
		{"page", "GET", "/about.html", nil, 200, storable, "/about.html"},
		{"compressed", "GET", "/about.html", []sitetest.Field{{Name: "Accept-Encoding", Value: "gzip"}}, 200, storable, "/about.html"},
		{"HEAD", "HEAD", "/about.html", nil, 200, storable, "/about.html"},
		{"conditional", "GET", "/about.html", []sitetest.Field{{Name: "If-None-Match", Value: "*"}}, 200, storable, "/about.html"},
		{"conditional and private", "GET", "/about.html", []sitetest.Field{{Name: "If-None-Match", Value: "*"}, {Name: "Authorization", Value: "x"}},
			304, "private, max-age=300", ""},
		{"with a query", "GET", "/about.html?x=1", nil, 200, storable, "/about.html"},
		{"row", "GET", "/alias", nil, 200, storable, "/alias"},
		{"directory", "GET", "/docs/", nil, 200, storable, "/docs/"},
		{"index twin", "GET", "/docs/index.html", nil, 200, "private, max-age=300", ""},
		{"escaped", "GET", "/%61bout.html", nil, 200, "private, max-age=300", ""},
		{"absolute form", "GET", "http://www.example.org/about.html", nil, 200, "private, max-age=300", ""},
		{"query rows", "GET", "/q", nil, 200, "private, max-age=300", ""},
		{"query row", "GET", "/q?id=1", nil, 301, "private, max-age=3600", ""},
		{"range", "GET", "/about.html", []sitetest.Field{{Name: "Range", Value: "bytes=0-1"}}, 206, "private, max-age=300", ""},
		{"other range", "GET", "/about.html", []sitetest.Field{{Name: "Range", Value: "lines=0-1"}}, 200, "private, max-age=300", ""},
		{"authorized", "GET", "/about.html", []sitetest.Field{{Name: "Authorization", Value: "x"}}, 200, "private, max-age=300", ""},
		{"large", "GET", "/big.html", nil, 200, "private, max-age=300", ""},
		{"spelling", "GET", "/ABOUT.html", nil, 301, "no-store", ""},
		{"two slashes", "GET", "//about.html", nil, 301, "no-store", ""},
		{"redirect", "GET", "/moved", nil, 301, "private, max-age=3600", ""},
		{"data", "GET", "/files/doc.pdf", nil, 302, "private, max-age=60", ""},
		{"gone", "GET", "/gone", nil, 410, "private, max-age=3600", ""},
		{"nothing", "GET", "/nothing", nil, 404, "private, max-age=30", ""},
		{"bad", "GET", "/%zz", nil, 400, "no-store", ""},
		{"POST", "POST", "/about.html", nil, 405, "no-store", ""},
		{"foreign DELETE", "DELETE", "/about.html", nil, 405, "no-store", ""},
		{"DELETE with another secret", "DELETE", "/about.html", []sitetest.Field{{Name: "Pagemap-Invalidate", Value: "s3creT"}}, 405, "no-store", ""},
		{"foreign DELETE of what leads to a page", "DELETE", "/moved", nil, 301, "private, max-age=3600", ""},
		{"POST to what leads elsewhere", "POST", "/external", nil, 301, "private, max-age=3600", ""},
		{"DELETE with the secret", "DELETE", "/about.html", []sitetest.Field{{Name: "Pagemap-Invalidate", Value: "s3cret"}}, 204, "no-store", ""},
		{"with the secret, where nothing is", "DELETE", "/nothing?x", []sitetest.Field{{Name: "Pagemap-Invalidate", Value: "s3cret"}}, 204, "no-store", ""},
		{"the secret with another method", "POST", "/about.html", []sitetest.Field{{Name: "Pagemap-Invalidate", Value: "s3cret"}}, 405, "no-store", ""},
	}
	for way, target := range ways(t, e.stack) {
		for _, tt := range tests {
			t.Run(way+"/"+tt.name, func(t *testing.T) {
				for range 2 { // missed, and ready
					res, err := target.Do(sitetest.Request{Method: tt.method, Target: tt.target, Proto: "HTTP/1.1", Header: tt.header})
					if err != nil {
						t.Fatal(err)
					}
					if res.Status != tt.status || res.Header.Get("Cache-Control") != tt.control {
						t.Errorf("%d, %v", res.Status, res.Header)
					}
					want := map[mapping.Path]string{}
					if tt.handed != "" {
						identity, ok := e.Identity(t.Context(), tt.handed)
						if !ok {
							t.Error("handed, but not storable")
						}
						want[tt.handed] = identity
					}
					if handed := e.take(); !reflect.DeepEqual(handed, want) {
						t.Errorf("handed %q, want %q", handed, want)
					}
				}
			})
		}
	}
}

func TestNoSecretNoInvalidation(t *testing.T) {
	without := newEdged(t, func(_ *stack, o *site.Options) { o.Edge.Secret = "" })
	q := sitetest.Request{Method: "DELETE", Target: "/about.html", Proto: "HTTP/1.1", Header: []sitetest.Field{{Name: "Pagemap-Invalidate", Value: ""}}}
	for _, h := range []sitetest.Target{sitetest.Handler(without), sitetest.Handler(newStack(t, nil))} {
		for _, value := range []string{"", "s3cret"} {
			q.Header[0].Value = value
			if res, err := h.Do(q); err != nil || res.Status != 405 || res.Header.Get("Allow") == "" {
				t.Errorf("%q: %v, %v", value, res, err)
			}
		}
	}
}

// TestIdentity checks that whatever alters an answer alters the identity.
func TestIdentity(t *testing.T) {
	e := newEdged(t, nil)
	identity := func(p mapping.Path) string {
		t.Helper()
		id, storable := e.Identity(t.Context(), p)
		if !storable {
			t.Fatalf("%s is not storable", p)
		}
		return id
	}
	seen := map[string]string{}
	differs := func(what string) {
		t.Helper()
		id := identity("/flip")
		if other, ok := seen[id]; ok {
			t.Errorf("%s: the identity of %s", what, other)
		}
		seen[id] = what
	}
	flip := row("/flip", "file:/about.html")
	e.table.Store(tableOf(flip))
	differs("the row")
	flip.Changed++
	e.table.Store(tableOf(flip))
	differs("its change")
	flip.Source = "file:/docs/guide.html"
	e.table.Store(tableOf(flip))
	differs("its source")
	if err := e.world.Write("docs/guide.html", "<p>new</p>"); err != nil {
		t.Fatal(err)
	}
	differs("its file")
	if id := identity("/flip"); seen[id] == "" {
		t.Error("another identity, but nothing has changed")
	}
	for _, p := range []mapping.Path{"/nothing", "/docs", "/docs/index.html", "/files/doc.pdf", "/big.html", "/private/secret.html"} {
		if id, storable := e.Identity(t.Context(), p); id != "" || storable {
			t.Errorf("%s: %q, %t", p, id, storable)
		}
	}

	e.table.Store(nil)
	if _, storable := e.Identity(t.Context(), "/flip"); storable {
		t.Error("storable without a table")
	}
}

// TestUnsettledIsNotStored: a file that may change again without showing it.
func TestUnsettledIsNotStored(t *testing.T) {
	e := newEdged(t, nil)
	name := filepath.Join(e.world.Dir, "about.html")
	if err := os.WriteFile(name, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := sitetest.Handler(e)
	res := get(t, h, "/about.html", 200)
	if got := res.Header.Get("Cache-Control"); got != "private, max-age=300" || len(e.handed) > 0 {
		t.Errorf("%s, handed %q", got, e.handed)
	}
	if _, storable := e.Identity(t.Context(), "/about.html"); storable {
		t.Error("storable")
	}
}

// TestTableSwitchedMeanwhile: an answer of a table that was switched before it
// was handed out is not stored, as the invalidation may have passed.
func TestTableSwitchedMeanwhile(t *testing.T) {
	var e *edged
	e = newEdged(t, func(_ *stack, o *site.Options) {
		handed := o.Edge.Handed
		o.Edge.Handed = func(p mapping.Path, identity string) func() {
			e.table.Store(tableOf(row("/flip", "file:/docs/guide.html")))
			return handed(p, identity)
		}
	})
	h := sitetest.Handler(e)
	e.table.Store(tableOf(row("/flip", "file:/about.html")))
	res := get(t, h, "/flip", 200)
	same(t, e.stack, res, "about.html")
	if got := res.Header.Get("Cache-Control"); got != "private, max-age=300" {
		t.Errorf("Cache-Control %q", got)
	}
	if e.sent != 1 {
		t.Errorf("sent %d times", e.sent)
	}
}

// TestEdgeSeesChangesAtOnce: a look of before is not enough for what is stored.
func TestEdgeSeesChangesAtOnce(t *testing.T) {
	e := newEdged(t, func(_ *stack, o *site.Options) { o.LookFor = time.Hour })
	h := sitetest.Handler(e)
	get(t, h, "/about.html", 200)
	if err := e.world.Write("about.html", "new"); err != nil {
		t.Fatal(err)
	}
	if res := get(t, h, "/about.html", 200); string(res.Body) != "new" || !strings.Contains(res.Header.Get("Cache-Control"), "s-maxage") {
		t.Errorf("%v %q", res.Header, res.Body)
	}
}

func TestEdgeLifetime(t *testing.T) {
	for _, tt := range []struct {
		age    time.Duration
		file   string // CacheControl.File
		stored string // "": refused
	}{
		{0, "", "public, max-age=300, s-maxage=5"},
		{time.Second, "max-age=9, s-maxage=99, must-revalidate", "max-age=9, must-revalidate, s-maxage=1"},
		{time.Second, "no-store", "no-store"},
		{time.Second, "no-cache, max-age=1", "private, no-cache, max-age=1"},
		{time.Second, "private, max-age=1", "private, max-age=1"},
		{6 * time.Second, "", ""},
		{1500 * time.Millisecond, "", ""},
		{-time.Second, "", ""},
	} {
		t.Run(fmt.Sprint(tt.age, tt.file), func(t *testing.T) {
			o := site.Options{Table: func() *mapping.Table { return nil }, Pages: keys{}, Edge: &site.Edge{MaxAge: tt.age}}
			if _, err := site.New(o); (err != nil) != (tt.stored == "") {
				t.Fatal(err)
			}
			if tt.stored == "" {
				return
			}
			e := newEdged(t, func(_ *stack, o *site.Options) { o.Edge.MaxAge, o.CacheControl.File = tt.age, tt.file })
			if got := get(t, sitetest.Handler(e), "/about.html", 200).Header.Get("Cache-Control"); got != tt.stored {
				t.Errorf("%q, want %q", got, tt.stored)
			}
		})
	}
}
