// Pages of a wiki: how they are answered, how soon a change shows, and what they cost.

package site_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pagemap/fcgi/site"
	"pagemap/fcgi/site/sitetest"
	"pagemap/mapping"
	"pagemap/render"
	"pagemap/render/look"
	"pagemap/render/wiki"
	"pagemap/render/wiki/directory"
)

// wikiStack is a stack with a wiki.
type wikiStack struct {
	*stack
	pages string // the wiki's directory
	looks string // the layouts' directory
	shut  atomic.Bool
}

// newWikiStack starts one, by the real clock. A wiki that is far may be shut.
func newWikiStack(t testing.TB, far bool, change func(*site.Options)) *wikiStack {
	t.Helper()
	w := &wikiStack{pages: t.TempDir(), looks: t.TempDir()}
	w.write(t, w.looks, "layout.html", layoutOf("first look"))
	w.write(t, w.pages, "About.md", "# About us\n\nThe first text. [Other](Other.md)\n")
	w.write(t, w.pages, "img/dot.png", "\x89PNG\r\n\x1a\n")
	dir, err := directory.Open(w.pages)
	if err != nil {
		t.Fatal(err)
	}
	looks, err := look.Open(w.looks, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w.stack = newStack(t, func(s *stack, o *site.Options) {
		src, err := wiki.NewSource(wiki.Options{
			Wiki: &shutter{dir, &w.shut}, Near: !far, Look: looks.For, Table: s.table.Load, Poll: 50 * time.Millisecond, Timeout: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { src.Close(); dir.Close() })
		o.Sources[mapping.SourceWiki] = src
		o.LookFor, o.Now = 0, nil
		if change != nil {
			change(o)
		}
	})
	w.rows("/about", "About", "/media/*", "img/*", "/gone", "Nowhere")
	return w
}

func layoutOf(text string) string {
	return "<!DOCTYPE html><html><head><title><!--pagemap:title--></title></head><body><p>" + text + "</p><div><!--pagemap:body--></div></body></html>"
}

// write puts a file in place at once.
func (w *wikiStack) write(t testing.TB, dir, file, text string) {
	t.Helper()
	to := filepath.Join(dir, file)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to+".new", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(to+".new", to); err != nil {
		t.Fatal(err)
	}
}

// rows adds rows of patterns and wiki pages to the world's.
func (w *wikiStack) rows(text ...string) {
	pages := append(w.world.Pages[:len(w.world.Pages):len(w.world.Pages)], w.world.Loops...)
	for i := 0; i < len(text); i += 2 {
		pages = append(pages, mapping.Page{Row: mapping.Row{Pattern: text[i], Source: "wiki:" + text[i+1], Status: 200, Origin: mapping.OriginCLI}})
	}
	w.table.Store(tableOf(pages...))
}

// shutter is a wiki that may be shut.
type shutter struct {
	*directory.Wiki
	shut *atomic.Bool
}

func (s *shutter) Stat(ctx context.Context, name string) (wiki.State, error) {
	if s.shut.Load() {
		return wiki.State{}, fmt.Errorf("%w: shut", render.ErrUnavailable)
	}
	return s.Wiki.Stat(ctx, name)
}

func (s *shutter) Open(ctx context.Context, name string) (*wiki.Page, error) {
	if s.shut.Load() {
		return nil, fmt.Errorf("%w: shut", render.ErrUnavailable)
	}
	return s.Wiki.Open(ctx, name)
}

func TestWikiPages(t *testing.T) {
	w := newWikiStack(t, false, nil)
	const cached = "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400"
	for way, h := range ways(t, w.stack) {
		t.Run(way, func(t *testing.T) {
			first := get(t, h, "/about", 200)
			for name, want := range map[string]string{"Cache-Control": cached, "Content-Type": "text/html; charset=utf-8", "Vary": "Accept-Encoding"} {
				if got := first.Header.Get(name); got != want {
					t.Errorf("%s: %s; want %s", name, got, want)
				}
			}
			tag, modified := first.Header.Get("ETag"), first.Header.Get("Last-Modified")
			if tag == "" || modified == "" || !strings.Contains(string(first.Body), "<title>About us</title>") {
				t.Errorf("ETag %s, Last-Modified %s, %s", tag, modified, first.Body)
			}
			again := get(t, h, "/about", 200)
			if s := again.Header.Get("Cache-Status"); s != "pagemap; hit" {
				t.Errorf("Cache-Status: %s", s)
			}
			get(t, h, "/about", 304, sitetest.Field{Name: "If-None-Match", Value: tag})
			get(t, h, "/about", 304, sitetest.Field{Name: "If-Modified-Since", Value: modified})
			get(t, h, "/about", 206, sitetest.Field{Name: "Range", Value: "bytes=0-9"})
			if to := get(t, h, "/about/", 301).Header.Get("Location"); to != "/about" {
				t.Errorf("/about/ leads to %s", to)
			}
			if image := get(t, h, "/media/dot.png", 200); image.Header.Get("Content-Type") != "image/png" || len(image.Body) != 8 {
				t.Errorf("the attachment is %q of %s", image.Body, image.Header.Get("Content-Type"))
			}
			get(t, h, "/gone", 404)
			get(t, h, "/media/no.png", 404)
			get(t, h, "/media/../../etc/passwd", 400)
			get(t, h, "/media/%2E%2E%2Fabout.md", 404)
		})
	}
}

// soon waits until a page shows a text, at most a second and a half.
func soon(t *testing.T, h sitetest.Target, path, text string) time.Duration {
	t.Helper()
	begin := time.Now()
	for {
		if strings.Contains(string(get(t, h, path, 200).Body), text) {
			return time.Since(begin)
		}
		if time.Since(begin) > 1500*time.Millisecond {
			t.Fatalf("%s does not show %q after 1.5 s", path, text)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestWikiFreshness: an edit, a row and a layout show soon, though the page is asked for all the time.
func TestWikiFreshness(t *testing.T) {
	for name, far := range map[string]bool{"near": false, "far": true} {
		t.Run(name, func(t *testing.T) {
			w := newWikiStack(t, far, nil)
			h := sitetest.FastCGI(listen(t, w.stack, w.Prompt))
			soon(t, h, "/about", "The first text")
			w.write(t, w.pages, "About.md", "# About us\n\nThe other text. [Other](Other.md)\n")
			if took := soon(t, h, "/about", "The other text"); took > time.Second {
				t.Errorf("an edit showed after %v", took)
			}
			if strings.Contains(string(get(t, h, "/about", 200).Body), `href="/other"`) {
				t.Error("a link leads where no row is")
			}
			w.rows("/about", "About", "/other", "Other")
			if took := soon(t, h, "/about", `href="/other"`); took > time.Second {
				t.Errorf("a row showed after %v", took)
			}
			w.write(t, w.looks, "layout.html", layoutOf("second look"))
			soon(t, h, "/about", "second look")
			w.write(t, w.looks, "layout.html", "<p>no mark</p>")
			time.Sleep(1200 * time.Millisecond)
			soon(t, h, "/about", "second look")
		})
	}
}

// TestWikiDown: a page that was seen goes on, marked, and one that was not is 503.
func TestWikiDown(t *testing.T) {
	w := newWikiStack(t, true, nil)
	for way, h := range ways(t, w.stack) {
		t.Run(way, func(t *testing.T) {
			w.shut.Store(false)
			w.write(t, w.pages, "About.md", "before")
			soon(t, h, "/about", "before")
			time.Sleep(300 * time.Millisecond)
			if s := get(t, h, "/about", 200).Header.Get("Cache-Status"); s != "pagemap; hit" {
				t.Errorf("Cache-Status: %s", s)
			}
			w.shut.Store(true)
			time.Sleep(time.Second)
			for range 20 {
				get(t, h, "/about", 200)
				time.Sleep(20 * time.Millisecond)
			}
			if s := get(t, h, "/about", 200).Header.Get("Cache-Status"); s != "pagemap; hit; detail=stale" {
				t.Errorf("Cache-Status while the wiki is down: %s", s)
			}
			res := get(t, h, "/media/unseen-"+way+".png", 503)
			if res.Header.Get("Retry-After") == "" || res.Header.Get("Cache-Control") != "no-store" || strings.Contains(string(res.Body), "shut") {
				t.Errorf("a page never seen: %v %s", res.Header, res.Body)
			}
			w.write(t, w.pages, "About.md", "after")
			w.shut.Store(false)
			soon(t, h, "/about", "after")
		})
	}
}

// TestWikiEdge: a cache in front may store a wiki's page, and its identity moves with whatever it is drawn from.
func TestWikiEdge(t *testing.T) {
	w := newWikiStack(t, false, func(o *site.Options) {
		o.Edge = &site.Edge{MaxAge: 3 * time.Second, Secret: "secret", Handed: func(mapping.Path, string) func() { return func() {} }}
	})
	h := sitetest.FastCGI(listen(t, w.stack, w.Prompt))
	const want = "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400, s-maxage=3"
	if c := get(t, h, "/about", 200).Header.Get("Cache-Control"); c != want {
		t.Errorf("Cache-Control: %s; want %s", c, want)
	}
	seen := map[string]string{}
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"first", func() {}},
		{"edit", func() { w.write(t, w.pages, "About.md", "edited") }},
		{"link", func() { w.rows("/about", "About", "/other", "Other") }},
		{"layout", func() {
			w.write(t, w.looks, "layout.html", layoutOf("second look"))
			time.Sleep(1100 * time.Millisecond)
		}},
	} {
		step.do()
		id, storable := w.Identity(t.Context(), "/about")
		if before, ok := seen[id]; !storable || ok {
			t.Errorf("%s: storable %t, identity as after %q", step.name, storable, before)
		}
		seen[id] = step.name
	}
}

// BenchmarkWiki gets a wiki's page and the same bytes as a file's, in turns: ratio is of the wiki's
// requests a second to the file's.
func BenchmarkWiki(b *testing.B) {
	for _, far := range []bool{false, true} {
		b.Run(fmt.Sprint("far ", far), func(b *testing.B) {
			w := newWikiStack(b, far, nil)
			w.write(b, w.pages, "About.html", "<h1>About</h1>"+strings.Repeat("<p>0123456789</p>\n", 600))
			if err := os.Remove(filepath.Join(w.pages, "About.md")); err != nil {
				b.Fatal(err)
			}
			server := listen(b, w.stack, w.Prompt)
			page := get(b, sitetest.FastCGI(server), "/about", 200)
			if err := w.world.Write("docs/hot.html", string(page.Body)); err != nil {
				b.Fatal(err)
			}
			old := time.Now().Add(-time.Hour)
			if err := os.Chtimes(filepath.Join(w.world.Dir, "docs/hot.html"), old, old); err != nil {
				b.Fatal(err)
			}
			w.table.Store(w.table.Load().Apply([]mapping.Change{{Pattern: "/docs/hot.html", Row: &mapping.Row{
				Pattern: "/docs/hot.html", Source: "file:/docs/hot.html", Status: 200, Origin: mapping.OriginPopulate,
			}}}))
			const turns = 10
			load(b, server, 1000, "/about")
			load(b, server, 1000, "/docs/hot.html")
			time.Sleep(time.Second) // the encodings are made
			b.ResetTimer()
			var file, wiki, fileCPU, wikiCPU time.Duration
			for range turns {
				for path, sum := range map[string][2]*time.Duration{"/about": {&wiki, &wikiCPU}, "/docs/hot.html": {&file, &fileCPU}} {
					begin, cpu := time.Now(), cpuTime()
					load(b, server, max(1, b.N/turns), path)
					*sum[0] += time.Since(begin)
					*sum[1] += cpuTime() - cpu
				}
			}
			b.ReportMetric(float64(file)/float64(wiki), "ratio")
			b.ReportMetric(float64(fileCPU)/float64(wikiCPU), "cpu-ratio")
			b.ReportMetric(float64(b.N)/wiki.Seconds(), "pages/s")
		})
	}
}

// TestLargeAttachment: an attachment that is too large to be kept is sent over FastCGI, with and without the prompt answers.
func TestLargeAttachment(t *testing.T) {
	w := newWikiStack(t, false, nil)
	content := strings.Repeat("0123456789", 200_000)
	w.write(t, w.pages, "photo.jpg", content)
	w.rows("/photo.jpg", "photo.jpg")
	for _, prompt := range []bool{true, false} {
		server := listen(t, w.stack, nil)
		if prompt {
			server = listen(t, w.stack, w.Prompt)
		}
		res := get(t, sitetest.FastCGI(server), "/photo.jpg", 200)
		if string(res.Body) != content || res.Header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("prompt %t: %d bytes, %v", prompt, len(res.Body), res.Header)
		}
	}
}
