// What a request costs.

package site_test

import (
	"net/http"
	"testing"

	"pagemap/fcgi/site/sitetest"
)

// discard is a ResponseWriter that costs next to nothing itself.
type discard struct {
	header http.Header
	status int
	bytes  int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { d.bytes += len(b); return len(b), nil }

// hot are the requests whose cost counts, and the allocations that each may
// take, those of resolving and of looking at the file among them.
var hot = []struct {
	name, method, target string
	header               []sitetest.Field
	status               int
	allocs               float64
}{
	{"hit", "GET", "/docs/guide.html", nil, 200, 15},
	{"hit gzip", "GET", "/docs/guide.html", []sitetest.Field{{Name: "Accept-Encoding", Value: "gzip, deflate, br"}}, 200, 15},
	{"hit without a row", "GET", "/about.html", nil, 200, 25},
	{"HEAD", "HEAD", "/docs/guide.html", nil, 200, 15},
	{"not modified", "GET", "/docs/guide.html", []sitetest.Field{{Name: "If-None-Match", Value: "*"}}, 304, 15},
	{"redirect", "GET", "/external", nil, 301, 15},
	{"redirect to a file", "GET", "/moved", nil, 301, 20},
	{"data", "GET", "/alias-data", nil, 302, 15},
	{"missing", "GET", "/no/such/page/at-all.html", nil, 404, 18},
	{"bad", "GET", "/%zz", nil, 400, 8},
}

// run serves one request again and again; it returns the function that does.
func run(t testing.TB, h http.Handler, method, target string, header []sitetest.Field, status int) func() {
	r := sitetest.HTTPRequest(sitetest.Request{Method: method, Target: target, Proto: "HTTP/1.1", Header: header})
	w := &discard{header: make(http.Header)}
	serve := func() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
	serve()
	if w.status != status {
		t.Fatalf("status %d, want %d", w.status, status)
	}
	return serve
}

func TestAllocations(t *testing.T) {
	s := newStack(t, nil)
	for _, tt := range hot {
		t.Run(tt.name, func(t *testing.T) {
			serve := run(t, s, tt.method, tt.target, tt.header, tt.status)
			if got := testing.AllocsPerRun(100, serve); got > tt.allocs {
				t.Errorf("%v allocations, want at most %v", got, tt.allocs)
			}
		})
	}
}

func BenchmarkHandler(b *testing.B) {
	s := newStack(b, nil)
	for _, tt := range hot {
		b.Run(tt.name, func(b *testing.B) {
			serve := run(b, s, tt.method, tt.target, tt.header, tt.status)
			b.ReportAllocs()
			for b.Loop() {
				serve()
			}
		})
	}
}
