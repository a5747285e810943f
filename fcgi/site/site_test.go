// Options, and what no script can ask for.

package site_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"pagemap/fcgi/site"
	"pagemap/fcgi/site/sitetest"
	"pagemap/mapping"
	"pagemap/render"
)

func TestNoTableYet(t *testing.T) {
	s := newStack(t, func(_ *stack, o *site.Options) { o.RetryAfter = 7 * time.Second })
	s.table.Store(nil)
	res := get(t, sitetest.Handler(s), "/about.html", 503)
	if got := res.Header.Get("Retry-After"); got != "7" {
		t.Errorf("Retry-After %q, want 7", got)
	}
}

func TestNewRefuses(t *testing.T) {
	table := func() *mapping.Table { return nil }
	tests := []struct {
		name string
		o    site.Options
	}{
		{"no table", site.Options{Pages: keys{}}},
		{"no pages", site.Options{Table: table}},
		{"bad template", site.Options{Table: table, Pages: keys{}, ErrorTemplate: "{{"}},
		{"unknown field", site.Options{Table: table, Pages: keys{}, ErrorTemplate: "{{.Nothing}}"}},
		{"data prefix without slash", site.Options{Table: table, Pages: keys{}, DataPrefix: "data"}},
		{"data prefix with two", site.Options{Table: table, Pages: keys{}, DataPrefix: "/data/"}},
		{"data prefix on a host", site.Options{Table: table, Pages: keys{}, DataPrefix: "//host/data"}},
		{"control byte", site.Options{Table: table, Pages: keys{}, CacheControl: site.CacheControl{Gone: "no-store\r\nX: y"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := site.New(tt.o); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// keys keeps nothing, and tells the inputs it was asked for.
type keys struct{ got *[]string }

func (k keys) Get(ctx context.Context, w render.Want, fill func(context.Context) (*render.Document, error)) (*render.Document, string, error) {
	*k.got = append([]string(nil), w.Inputs...)
	doc, err := fill(ctx)
	return doc, "pagemap; fwd=bypass", err
}

func (keys) Ready(render.Want) (*render.Document, string, bool) { return nil, "", false }

func (keys) Draw(render.Want, func(context.Context) (*render.Document, error)) (*render.Document, string, bool, error) {
	return nil, "", false, nil
}

func (keys) Complete(render.Want, *render.Document) {}

func TestKeyNamesEveryInput(t *testing.T) {
	var got []string
	s := newStack(t, func(_ *stack, o *site.Options) {
		o.Pages = keys{&got}
		o.Settings = "layout 1"
	})
	h := sitetest.Handler(s)
	revision := func(ref string) string {
		rev, err := s.files.Stat(t.Context(), render.Page{Ref: ref})
		if err != nil {
			t.Fatal(err)
		}
		return rev.ID
	}
	tests := []struct {
		name, target string
		want         []string
	}{
		{"file", "/about.html", []string{"1", "layout 1", "/about.html", "200", "file:/about.html", revision("/about.html")}},
		{"query and spelling", "/%61bout.html?x=1", []string{"1", "layout 1", "/about.html", "200", "file:/about.html", revision("/about.html")}},
		{"row", "/alias", []string{"1", "layout 1", "/alias", "200", "file:/about.html", revision("/about.html")}},
		{"twin", "/docs/index.html", []string{"1", "layout 1", "/docs/", "200", "file:/docs/index.html", revision("/docs/index.html")}},
		{"prefix", "/mirror/guide.html", []string{"1", "layout 1", "/mirror/guide.html", "200", "file:/docs/guide.html", revision("/docs/guide.html")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			get(t, h, tt.target, 200)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("inputs %q, want %q", got, tt.want)
			}
		})
	}

	// An edit makes another key.
	before := revision("/about.html")
	if err := s.world.Write("about.html", "new"); err != nil {
		t.Fatal(err)
	}
	get(t, h, "/about.html", 200)
	if after := got[len(got)-1]; after == before || after != revision("/about.html") {
		t.Errorf("revision %q after the edit, %q before", after, before)
	}
}

// fixed is a source of one document.
type fixed struct{ doc render.Document }

func (f fixed) Stat(context.Context, render.Page) (render.Revision, error) {
	return render.Revision{ID: f.doc.Revision, Size: -1}, nil
}

func (f fixed) Render(context.Context, render.Page) (*render.Document, error) { return &f.doc, nil }

func TestWikiPage(t *testing.T) {
	doc := render.Document{Type: "text/html; charset=utf-8", Revision: "r1", ETag: "e", Body: []byte("<p>wiki</p>")}
	s := newStack(t, func(_ *stack, o *site.Options) { o.Sources[mapping.SourceWiki] = fixed{doc} })
	res := get(t, sitetest.Handler(s), "/wiki", 200)
	for name, want := range map[string]string{
		"Cache-Control": "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400",
		"Content-Type":  doc.Type,
		"Etag":          `"e"`,
		"Last-Modified": "Fri, 30 Jan 2026 12:00:00 GMT", // the row's: the document has no time
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
}

// A page without a known type is sent without one, and nobody guesses.
func TestUnknownType(t *testing.T) {
	doc := render.Document{Revision: "r1", ETag: "e", Body: []byte("<p>wiki</p>")}
	s := newStack(t, func(_ *stack, o *site.Options) { o.Sources[mapping.SourceWiki] = fixed{doc} })
	for _, header := range [][]sitetest.Field{nil, {{Name: "Range", Value: "bytes=0-3"}}} {
		q := sitetest.Request{Method: "GET", Target: "/wiki", Proto: "HTTP/1.1", Header: header}
		res, err := sitetest.Handler(s).Do(q)
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Header.Get("Content-Type"); got != "" || res.Status >= 300 {
			t.Errorf("%v: status %d, Content-Type %q", header, res.Status, got)
		}
	}
}

func TestUserMakesPrivate(t *testing.T) {
	s := newStack(t, func(_ *stack, o *site.Options) {
		o.User = func(r *http.Request) string { return r.Header.Get("X-Test-User") }
	})
	h := sitetest.Handler(s)
	for _, tt := range []struct {
		path    string
		status  int
		private string
	}{
		{"/about.html", 200, "private, max-age=300"},
		{"/temporary", 302, "private, max-age=60"},
		{"/files/doc.pdf", 302, "private, max-age=60"},
		{"/gone", 410, "private, max-age=3600"},
		{"/nothing", 404, "private, max-age=30"},
		{"/docs", 301, "no-store"},
	} {
		res := get(t, h, tt.path, tt.status, sitetest.Field{Name: "X-Test-User", Value: "eve"})
		if got := res.Header.Get("Cache-Control"); got != tt.private {
			t.Errorf("%s: Cache-Control %q, want %q", tt.path, got, tt.private)
		}
		res = get(t, h, tt.path, tt.status)
		if got := res.Header.Get("Cache-Control"); strings.Contains(got, "private") {
			t.Errorf("%s: Cache-Control %q without a user", tt.path, got)
		}
	}
}

func TestFound(t *testing.T) {
	var found []string
	s := newStack(t, func(_ *stack, o *site.Options) {
		o.Found = func(r mapping.Row) { found = append(found, r.Pattern+" "+r.Source) }
	})
	h := sitetest.Handler(s)
	for _, tt := range []struct {
		name, target string
		status       int
		want         []string
	}{
		{"page", "/about.html", 200, []string{"/about.html file:/about.html"}},
		{"index", "/x/index.html", 200, []string{"/x/ file:/x/index.html"}},
		{"data", "/files/doc.pdf", 302, []string{"/files/doc.pdf file:/files/doc.pdf"}},
		{"has a row", "/alias", 200, nil},
		{"crawled", "/docs/guide.html", 200, nil},
		{"nothing", "/nothing", 404, nil},
		{"denied", "/prog.php", 404, nil},
		{"spelling", "/ABOUT.html", 301, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found = nil
			get(t, h, tt.target, tt.status)
			if !reflect.DeepEqual(found, tt.want) {
				t.Errorf("found %q, want %q", found, tt.want)
			}
		})
	}
}

func TestErrorTemplate(t *testing.T) {
	s := newStack(t, func(_ *stack, o *site.Options) {
		o.ErrorTemplate = `<h1 class=mine>{{.Status}} {{.Title}}</h1>{{.Text}}{{with .Link}}<a href="{{.}}">{{.}}</a>{{end}}`
	})
	h := sitetest.Handler(s)
	for _, tt := range []struct {
		path   string
		status int
		want   string
	}{
		{"/nothing", 404, "<h1 class=mine>404 Not Found</h1>There is no page at this address."},
		{"/gone", 410, "<h1 class=mine>410 Gone</h1>The page that was here has been removed."},
		{"/gone-see", 410, `<h1 class=mine>410 Gone</h1>The page that was here has been removed.<a href="/about.html">/about.html</a>`},
	} {
		if res := get(t, h, tt.path, tt.status); string(res.Body) != tt.want {
			t.Errorf("%s: %s, want %s", tt.path, res.Body, tt.want)
		}
	}
}

func TestCacheControlSettings(t *testing.T) {
	s := newStack(t, func(_ *stack, o *site.Options) {
		o.CacheControl = site.CacheControl{
			File: "public, max-age=1, s-maxage=9", Found: "no-store", Moved: "max-age=2", Settled: time.Minute,
		}
	})
	h := sitetest.Handler(s)
	auth := sitetest.Field{Name: "Authorization", Value: "Basic eDp5"}
	for _, tt := range []struct {
		path            string
		status          int
		shared, private string
	}{
		{"/about.html", 200, "public, max-age=1, s-maxage=9", "private, max-age=1"},
		{"/temporary", 302, "no-store", "no-store"},
		{"/moved-new", 301, "max-age=2", "private, max-age=2"},
	} {
		if got := get(t, h, tt.path, tt.status).Header.Get("Cache-Control"); got != tt.shared {
			t.Errorf("%s: Cache-Control %q, want %q", tt.path, got, tt.shared)
		}
		if got := get(t, h, tt.path, tt.status, auth).Header.Get("Cache-Control"); got != tt.private {
			t.Errorf("%s: Cache-Control %q, want %q", tt.path, got, tt.private)
		}
	}
}

func TestDataPrefix(t *testing.T) {
	s := newStack(t, func(_ *stack, o *site.Options) { o.DataPrefix = "/raw/tree" })
	res := get(t, sitetest.Handler(s), "/files/doc.pdf", 302)
	if got := res.Header.Get("Location"); got != "/raw/tree/files/doc.pdf" {
		t.Errorf("Location %q", got)
	}
	res = get(t, sitetest.Handler(s.Embedded(s.tree)), "/raw/tree/files/doc.pdf", 200)
	same(t, s, res, "files/doc.pdf")
}

// The pages of errors are ready for a server's own answers.
func TestErrorPages(t *testing.T) {
	pages := newStack(t, nil).ErrorPages()
	for _, status := range []int{400, 404, 408, 413, 431, 500, 503} {
		if want := fmt.Sprintf("<title>%d %s</title>", status, http.StatusText(status)); !strings.Contains(string(pages[status]), want) {
			t.Errorf("%d: %s", status, pages[status])
		}
	}
}

func TestExplain(t *testing.T) {
	s := newStack(t, nil)
	target, err := mapping.ParseTarget("/c1?a=b")
	if err != nil {
		t.Fatal(err)
	}
	a, steps := s.Explain(target)
	res := get(t, sitetest.Handler(s), "/c1?a=b", a.Status)
	if got := res.Header.Get("Location"); got != a.Location || len(steps) < 3 {
		t.Errorf("explained %+v in %d steps, but Location is %q", a, len(steps), got)
	}
	s.table.Store(nil)
	if a, _ := s.Explain(target); a.Status != 404 {
		t.Errorf("without a table: %+v", a)
	}
}
