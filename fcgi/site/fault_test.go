// Sources that fail, and changes that come while a page is drawn.

package site_test

import (
	"context"
	"errors"
	"fmt"
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
)

// source is the tree's, with its functions replaceable.
type source struct {
	*render.Files
	stat   func(context.Context, render.Page) (render.Revision, error)
	render func(context.Context, render.Page) (*render.Document, error)
}

func (s *source) Stat(ctx context.Context, page render.Page) (render.Revision, error) {
	if s.stat != nil {
		return s.stat(ctx, page)
	}
	return s.Files.Stat(ctx, page)
}

func (s *source) Render(ctx context.Context, page render.Page) (*render.Document, error) {
	if s.render != nil {
		return s.render(ctx, page)
	}
	return s.Files.Render(ctx, page)
}

// over puts a source before the stack's files.
func over(src *source) func(*stack, *site.Options) {
	return func(s *stack, o *site.Options) {
		src.Files = s.files
		o.Sources[mapping.SourceFile] = src
	}
}

func TestSourceErrors(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		status int
		retry  bool
	}{
		{"not found", render.ErrNotFound, 404, false},
		{"unavailable", render.ErrUnavailable, 503, true},
		{"deadline", context.DeadlineExceeded, 503, true},
		{"canceled", context.Canceled, 503, true},
		{"any other", errors.New("boom"), 500, false},
	}
	for _, step := range []string{"stat", "render"} {
		for _, tt := range tests {
			t.Run(step+"/"+tt.name, func(t *testing.T) {
				src := &source{}
				err := fmt.Errorf("open /srv/machine/path: %w", tt.err)
				if step == "stat" {
					src.stat = func(context.Context, render.Page) (render.Revision, error) { return render.Revision{}, err }
				} else {
					src.render = func(context.Context, render.Page) (*render.Document, error) { return nil, err }
				}
				h := sitetest.Handler(newStack(t, over(src)))
				res := get(t, h, "/about.html", tt.status)
				if got := res.Header.Get("Retry-After") != ""; got != tt.retry {
					t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
				}
				want := "no-store"
				if tt.status == 404 {
					want = "public, max-age=30"
				}
				if got := res.Header.Get("Cache-Control"); got != want {
					t.Errorf("Cache-Control %q, want %q", got, want)
				}
				if strings.Contains(string(res.Body), "machine") || strings.Contains(string(res.Body), "boom") {
					t.Errorf("the body tells of the error: %s", res.Body)
				}
				if !strings.Contains(string(res.Body), fmt.Sprint(tt.status)) {
					t.Errorf("not the error's page: %s", res.Body)
				}
			})
		}
	}
}

// An error is not kept: the next request succeeds.
func TestErrorIsNotKept(t *testing.T) {
	src := &source{render: func(context.Context, render.Page) (*render.Document, error) { return nil, render.ErrUnavailable }}
	h := sitetest.Handler(newStack(t, over(src)))
	get(t, h, "/about.html", 503)
	src.render = nil
	get(t, h, "/about.html", 200)
}

// gate is a source whose first Render waits, once entered, to be let go.
type gate struct {
	source
	passed  atomic.Bool
	entered chan struct{}
	release chan struct{}
}

func newGate() *gate {
	g := &gate{entered: make(chan struct{}), release: make(chan struct{})}
	g.render = func(ctx context.Context, page render.Page) (*render.Document, error) {
		if !g.passed.Swap(true) {
			close(g.entered)
			<-g.release
		}
		return g.Files.Render(ctx, page)
	}
	return g
}

// start requests a page in the background, until it is being drawn.
func (g *gate) start(h sitetest.Target, path string) <-chan *sitetest.Response {
	answer := make(chan *sitetest.Response, 1)
	go func() {
		res, _ := h.Do(sitetest.Request{Method: "GET", Target: path, Proto: "HTTP/1.1"})
		answer <- res
	}()
	<-g.entered
	return answer
}

func TestRowChangesWhileDrawn(t *testing.T) {
	g := newGate()
	s := newStack(t, over(&g.source))
	h := sitetest.Handler(s)
	guide := row("/flip", "file:/docs/guide.html")
	about := row("/flip", "file:/about.html")

	s.table.Store(tableOf(guide))
	late := g.start(h, "/flip")
	s.table.Store(tableOf(about))
	same(t, s, get(t, h, "/flip", 200), "about.html")
	close(g.release)
	same(t, s, <-late, "docs/guide.html") // what the table said when it was asked
	for range 2 {
		same(t, s, get(t, h, "/flip", 200), "about.html")
	}

	// Flipped back, the page that was drawn late is the right one.
	s.table.Store(tableOf(guide))
	res := get(t, h, "/flip", 200)
	same(t, s, res, "docs/guide.html")
	if got := res.Header.Get("Cache-Status"); got != "pagemap; hit" {
		t.Errorf("Cache-Status %q", got)
	}
}

func TestFileChangesWhileDrawn(t *testing.T) {
	g := newGate()
	s := newStack(t, over(&g.source))
	h := sitetest.Handler(s)
	name := filepath.Join(s.world.Dir, "about.html")
	old, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}

	late := g.start(h, "/about.html")
	if err := s.world.Write("about.html", "<p>new</p>\n"); err != nil {
		t.Fatal(err)
	}
	close(g.release)
	if res := <-late; string(res.Body) != "<p>new</p>\n" {
		t.Errorf("body %.50q, want what was there when it was read", res.Body)
	}

	// The old state returns: under its key there must not be the new page.
	if err := s.world.Write("about.html", string(old)); err != nil {
		t.Fatal(err)
	}
	if res := get(t, h, "/about.html", 200); string(res.Body) != string(old) {
		t.Errorf("body %.50q, want the old page", res.Body)
	}
}

// A page that is replaced by one of the same size and time an instant ago is
// served, but not kept.
func TestUnsettledFileIsNotKept(t *testing.T) {
	s := newStack(t, nil)
	h := sitetest.Handler(s)
	write := func(content string, modified time.Time) {
		t.Helper()
		name := filepath.Join(s.world.Dir, "about.html")
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	for _, content := range []string{"one", "two"} {
		write(content, now)
		if res := get(t, h, "/about.html", 200); string(res.Body) != content {
			t.Errorf("body %q, want %q", res.Body, content)
		}
	}
}

func TestFileGrowsTooLargeWhileDrawn(t *testing.T) {
	g := newGate()
	s := newStack(t, over(&g.source))
	h := sitetest.Handler(s)
	late := g.start(h, "/about.html")
	content := strings.Repeat("0123456789", 100<<10)
	if err := s.world.Write("about.html", content); err != nil {
		t.Fatal(err)
	}
	close(g.release)
	if res := <-late; res.Status != 200 || string(res.Body) != content {
		t.Errorf("status %d, %d bytes", res.Status, len(res.Body))
	}
}

// A vanished file is gone within the tree's second, cached or not.
func TestVanishedFile(t *testing.T) {
	h := newStack(t, nil)
	target := sitetest.Handler(h)
	get(t, target, "/alias", 200)
	if err := os.Remove(filepath.Join(h.world.Dir, "about.html")); err != nil {
		t.Fatal(err)
	}
	get(t, target, "/alias", 404)
}

// row is a page made by hand.
func row(pattern, source string) mapping.Page {
	return mapping.Page{Row: mapping.Row{Pattern: pattern, Status: 200, Source: source, Origin: mapping.OriginCLI}}
}

// same compares a body with a file of the tree.
func same(t *testing.T, s *stack, res *sitetest.Response, name string) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(s.world.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if string(res.Body) != string(want) {
		t.Errorf("body %.60q, want %s", res.Body, name)
	}
}
