// Who is told of hits and misses.

package site_test

import (
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"pagemap/fcgi/site"
	"pagemap/fcgi/site/sitetest"
	"pagemap/mapping"
)

// told is a Traffic that remembers.
type told struct {
	mu  sync.Mutex
	all []string
}

func (t *told) Hit(pattern string) { t.add("hit " + pattern) }

func (t *told) Miss(path mapping.Path, referrer string) {
	t.add("miss " + string(path) + " from " + referrer)
}

// take returns what was told since the last call.
func (t *told) take() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.all
	t.all = nil
	return all
}

func (t *told) add(s string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, s)
}

func TestTraffic(t *testing.T) {
	var traffic told
	s := newStack(t, func(_ *stack, o *site.Options) { o.Traffic = &traffic })
	s.table.Store(tableOf(append(s.world.Pages, append(s.world.Loops,
		row("/lost", "file:/lost.html"), row("/tree/*", "file:/docs/*"))...)...))
	if err := os.Remove(filepath.Join(s.world.Dir, "0123.txt")); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, method, target string
		status               int
		want                 []string
	}{
		{"row", "GET", "/alias", 200, []string{"hit /alias"}},
		{"HEAD", "HEAD", "/alias?x", 200, []string{"hit /alias"}},
		{"prefix row", "GET", "/tree/guide.html", 200, []string{"hit /tree/*"}},
		{"file without a row", "GET", "/about.html", 200, []string{"hit /about.html"}},
		{"redirect", "GET", "/moved", 301, []string{"hit /moved"}},
		{"data", "GET", "/files/doc.pdf", 302, []string{"hit /files/doc.pdf"}},
		{"gone", "GET", "/gone", 410, []string{"hit /gone"}},
		{"404 row", "GET", "/hidden.html", 404, []string{"hit /hidden.html"}},
		{"spelling", "GET", "/ABOUT.html", 301, nil},
		{"method", "POST", "/about.html", 405, nil},
		{"OPTIONS", "OPTIONS", "/about.html", 204, nil},
		{"bad", "GET", "/%zz", 400, nil},
		{"nothing", "GET", "/%6eothing?x", 404, []string{"miss /nothing from http://from/ here"}},
		{"row without its file", "GET", "/lost", 404, []string{"miss /lost from http://from/ here"}},
		{"prefix row without the file", "GET", "/tree/nothing", 404, []string{"miss /tree/nothing from http://from/ here"}},
		{"denied", "GET", "/prog.php", 404, []string{"miss /prog.php from http://from/ here"}},
		{"loop", "GET", "/loop1", 404, []string{"miss /loop1 from http://from/ here"}},
	}
	for way, h := range ways(t, s) {
		for _, tt := range tests {
			t.Run(way+"/"+tt.name, func(t *testing.T) {
				for range 2 { // missed, and ready
					res, err := h.Do(sitetest.Request{Method: tt.method, Target: tt.target, Proto: "HTTP/1.1",
						Header: []sitetest.Field{{Name: "Referer", Value: "http://from/ here"}}})
					if err != nil {
						t.Fatal(err)
					}
					if got := traffic.take(); res.Status != tt.status || !reflect.DeepEqual(got, tt.want) {
						t.Errorf("status %d, told %q, want %q", res.Status, got, tt.want)
					}
				}
			})
		}
	}
}
