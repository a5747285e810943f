package remote

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/andybalholm/cascadia"

	"pagemap/render"
	"pagemap/render/wiki"
	"pagemap/render/wiki/mediawikitest"
	"pagemap/render/wiki/wikitest"
)

// connect returns a wiki of a kind.
func connect(t *testing.T, kind Kind, base string) *Wiki {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return create(t, Options{Kind: kind, Base: u, Timeout: time.Minute})
}

func create(t *testing.T, o Options) *Wiki {
	t.Helper()
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// href returns where the first link of a page leads.
func href(t *testing.T, w *Wiki, name string) string {
	t.Helper()
	p, err := w.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(p.Body), `href="`)
	if !ok {
		t.Fatalf("no link in %q", p.Body)
	}
	to, _, _ := strings.Cut(rest, `"`)
	return html.UnescapeString(to)
}

// once makes a Link of a function that tells how the wiki writes its links to a page, which is the same on all pages.
func once(link func(to string) string) func(from, to string) string {
	known := map[string]string{}
	return func(_, to string) string {
		if _, ok := known[to]; !ok {
			known[to] = link(to)
		}
		return known[to]
	}
}

func TestMediaWiki(t *testing.T) {
	wikitest.Run(t, func(t *testing.T) wikitest.World {
		s := mediawikitest.Start(t, mediawikitest.Options{})
		w := connect(t, MediaWiki, s.URL())
		return wikitest.World{
			Wiki:   w,
			Put:    s.Write,
			Delete: s.Delete,
			Link: once(func(to string) string {
				s.Write("Some page", "[[:"+to+"|here]]")
				return href(t, w, "Some page")
			}),
			Cannot: func(name string) bool {
				return strings.ContainsAny(name, "#<>[]{}|") || strings.Contains(name, "A%") || name == "&amp;"
			},
		}
	})
}

func TestDokuWiki(t *testing.T) {
	wikitest.Run(t, func(t *testing.T) wikitest.World {
		d := startDoku(t)
		w := connect(t, DokuWiki, d.URL()+"/doku.php")
		return wikitest.World{
			Wiki:   w,
			Put:    d.write,
			Delete: func(name string) { d.write(name, "") },
			Link: once(func(to string) string {
				d.write("some page", "[[:"+strings.ReplaceAll(to, "/", ":")+"|here]]")
				return href(t, w, "some page")
			}),
			Cannot: func(name string) bool { return !id.MatchString(lowered(name)) },
		}
	})
}

// moin is a server whose URLs and answers are those of MoinMoin 1.9.
type moin struct {
	mu    sync.Mutex
	pages map[string]string // HTML by names
}

func (m *moin) put(name, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pages[name] = text
}

func (m *moin) remove(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.pages, name)
}

func (m *moin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	m.mu.Lock()
	text, ok := m.pages[name]
	m.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if to, ok := strings.CutPrefix(text, "#redirect "); ok {
		http.Redirect(w, r, "/"+(&url.URL{Path: to}).EscapedPath()+"?action=show&redirect="+url.QueryEscape(name), http.StatusFound)
		return
	}
	if !ok {
		text = fmt.Sprintf(`<p class="line867">This page does not exist yet. <a href="/%s?action=edit">Create New Page</a></p>`, (&url.URL{Path: name}).EscapedPath())
	}
	if r.URL.Query().Get("action") != "content" {
		fmt.Fprintf(w, "<!DOCTYPE html><html><head><title>%s - Moin</title></head><body><div id=\"page\">%s</div></body></html>", name, text)
		return
	}
	fmt.Fprintf(w, `<div dir="ltr" id="content" lang="en"><span class="anchor" id="top"></span> %s<span class="anchor" id="bottom"></span></div>`, text)
}

func TestMoinMoin(t *testing.T) {
	wikitest.Run(t, func(t *testing.T) wikitest.World {
		m := &moin{pages: map[string]string{}}
		s := httptest.NewServer(m)
		t.Cleanup(s.Close)
		return wikitest.World{
			Wiki:     connect(t, MoinMoin, s.URL),
			Put:      func(name, text string) { m.put(name, "<p>"+text+"</p>") },
			Delete:   m.remove,
			Link:     func(_, to string) string { return "/" + (&url.URL{Path: to}).EscapedPath() },
			Redirect: func(from, to string) { m.put(from, "#redirect "+to) },
		}
	})
}

// TestDoku: what DokuWiki shows instead of a page, and what its links are.
func TestDoku(t *testing.T) {
	d := startDoku(t)
	w := connect(t, DokuWiki, d.URL()+"/")
	d.write("docs:install", "====== Installing ======\nHow **to** do it. {{:plan.png}} [[other]] [[docs:install#part|part]]\n")
	p, err := w.Open(t.Context(), "Docs/Install")
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "docs/install" || p.Title != "Installing" || strings.Contains(string(p.Body), "<!--") || !strings.Contains(string(p.Body), "<strong>to</strong>") {
		t.Errorf("the page is %q, title %q: %s", p.Name, p.Title, p.Body)
	}
	if want := d.URL() + "/doku.php?do=edit&id=docs%3Ainstall"; p.Edit != want {
		t.Errorf("it is edited at %s, want %s", p.Edit, want)
	}
	for _, tt := range []struct{ ref, name, fragment string }{
		{"/doku.php?id=docs:install#part", "docs/install", "part"},
		{"/doku.php?id=docs:install&do=edit", "", ""},
		{"/docs:install", "docs/install", ""},
		{"/lib/exe/fetch.php?media=plan.png", "", ""},
		{"/lib/tpl/x.png", "", ""},
		{"/_media/plan.png", "", ""},
	} {
		ref, err := url.Parse(tt.ref)
		if err != nil {
			t.Fatal(err)
		}
		target := w.Target("docs/install", ref)
		if target.Name != tt.name || target.Fragment != tt.fragment || !strings.HasPrefix(target.URL, d.URL()+"/") {
			t.Errorf("%s leads to %+v, want %q", tt.ref, target, tt.name)
		}
	}
}

// answers is a server of fixed answers by paths.
func answers(t *testing.T, all map[string]http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := all[r.URL.Path]; h != nil {
			h(w, r)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func html200(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(body))
	}
}

// TestBodies: what is made of answers.
func TestBodies(t *testing.T) {
	const whole = "<!DOCTYPE html><html><head><title> The  title </title></head><body><nav>no</nav><main id=\"c\"><p>text<!-- no --></p></main><main>second</main></body></html>"
	for _, tt := range []struct {
		name, contentType, body string
		sel                     string
		title, want             string
		err                     error
	}{
		{name: "fragment", contentType: "text/html", body: "<h1>A <i>b</i></h1><p>text<!-- 12:00 --> on", title: "A b", want: "<h1>A <i>b</i></h1><p>text on</p>"},
		{name: "selected", contentType: "text/html", body: whole, sel: "main", title: "The title", want: "<p>text</p>"},
		{name: "not selected", contentType: "text/html", body: whole, err: render.ErrUnavailable},
		{name: "nothing selected", contentType: "text/html", body: whole, sel: "article", err: render.ErrUnavailable},
		{name: "broken nesting", contentType: "text/html", body: "</div></main><b><p>x</b></div>y", title: "Page", want: "<b></b><p><b>x</b>y</p>"},
		{name: "declared charset", contentType: "text/html; charset=iso-8859-2", body: "<p>\xb9", title: "Page", want: "<p>š</p>"},
		{name: "charset in the document", contentType: "text/html", body: `<meta charset="euc-kr"><p id=x>` + "\xb0\xa1", sel: "p", title: "Page", want: "가"},
		{name: "no charset, UTF-8 late", contentType: "text/html", body: "<p>" + strings.Repeat("x", 3000) + "é", title: "Page", want: "<p>" + strings.Repeat("x", 3000) + "é</p>"},
		{name: "no charset, not UTF-8", contentType: "text/html", body: "<p>\xe9\x80", title: "Page", want: "<p>é€</p>"},
		{name: "said to be UTF-8", contentType: "text/html; charset=utf-8", body: "<p>a\xffb", title: "Page", want: "<p>a\uFFFDb</p>"},
		{name: "JSON", contentType: "application/json", body: "{}", err: render.ErrUnavailable},
		{name: "no type", contentType: "nonsense/", body: "<p>x", err: render.ErrUnavailable},
		{name: "picture", contentType: "image/png", body: "\x89PNG", title: "Page", want: "\x89PNG"},
		{name: "nothing", contentType: "text/html", body: "", title: "Page", want: ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			site := answers(t, map[string]http.HandlerFunc{"/Page": html200(tt.contentType, tt.body)})
			w := create(t, Options{Template: site + "/{page}", Select: tt.sel})
			p, err := w.Open(t.Context(), "Page")
			if !errors.Is(err, tt.err) {
				t.Fatalf("Open: %v, want %v", err, tt.err)
			}
			if err == nil && (p.Title != tt.title || string(p.Body) != tt.want) {
				t.Errorf("title %q, body %q; want %q, %q", p.Title, p.Body, tt.title, tt.want)
			}
		})
	}
}

// TestRevalidation: a page that has not changed is not sent again, and one that has is never taken for the same.
func TestRevalidation(t *testing.T) {
	var mu sync.Mutex
	var bodies, conditional int
	body, etag, modified := "one", `"1"`, time.Now().Add(-time.Hour)
	site := answers(t, map[string]http.HandlerFunc{"/Page": func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("If-None-Match") != "" || r.Header.Get("If-Modified-Since") != "" {
			conditional++
		}
		w.Header().Set("Content-Type", "text/html")
		if etag != "" {
			w.Header().Set("ETag", etag)
		}
		counted := &counted{ResponseWriter: w}
		http.ServeContent(counted, r, "", modified, strings.NewReader(body))
		if counted.status == 200 {
			bodies++
		}
	}})
	w := create(t, Options{Template: site + "/{page}"})
	state := func() wiki.State {
		t.Helper()
		s, err := w.Stat(t.Context(), "Page")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := state()
	for range 3 {
		if s := state(); s != first {
			t.Errorf("the state was %+v, and is %+v", first, s)
		}
	}
	if p, err := w.Open(t.Context(), "Page"); err != nil || string(p.Body) != "one" || p.State != first {
		t.Errorf("Open after 304: %+v, %v", p, err)
	}
	if bodies != 2 || conditional != 3 {
		t.Errorf("%d bodies and %d conditions were sent, want 2 and 3", bodies, conditional)
	}
	set := func(b, e string, m time.Time) {
		mu.Lock()
		defer mu.Unlock()
		body, etag, modified = b, e, m
	}
	set("two", `"2"`, modified)
	if s := state(); s.Revision == first.Revision {
		t.Error("a new ETag, and the same revision")
	}
	set("one", `"3"`, modified)
	if s := state(); s.Revision != first.Revision {
		t.Error("the first body again, and another revision")
	}
	// Two states of the same second, told apart by nothing but the body.
	now := time.Now()
	set("three", "", now)
	third := state()
	set("four!", "", now)
	if s := state(); s.Revision == third.Revision {
		t.Error("another body of the same second, and the same revision")
	}
}

// counted tells the status of an answer.
type counted struct {
	http.ResponseWriter
	status int
}

func (c *counted) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

// TestGollum: its preset, against what Gollum answers.
func TestGollum(t *testing.T) {
	page := func(body string) http.HandlerFunc {
		return html200("text/html;charset=utf-8", `<!DOCTYPE html><html><head><title>Home</title></head><body><div id="wiki-content"><div id="wiki-body" class="gollum-markdown-content"><div class="markdown-body">`+body+`</div></div></div></body></html>`)
	}
	site := answers(t, map[string]http.HandlerFunc{
		"/wiki/Home": page(`<h1 id="home">Welcome</h1><p><a class="internal present" href="/wiki/Docs/Install">x</a></p>`),
		"/wiki/Missing": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/wiki/gollum/create/Missing", http.StatusFound)
		},
		"/wiki/gollum/create/Missing": page("a form"),
	})
	w := connect(t, Gollum, site+"/wiki/")
	p, err := w.Open(t.Context(), "Home")
	if err != nil || p.Title != "Welcome" || !strings.HasPrefix(string(p.Body), `<h1 id="home">`) || p.Edit != site+"/wiki/gollum/edit/Home" {
		t.Errorf("Open: %+v, %v", p, err)
	}
	for _, name := range []string{"Missing", "gollum/create/Missing", "Nowhere"} {
		if _, err := w.Open(t.Context(), name); !errors.Is(err, render.ErrNotFound) {
			t.Errorf("Open(%q): %v, want ErrNotFound", name, err)
		}
	}
}

func TestTemplates(t *testing.T) {
	for _, tt := range []struct {
		template, name, url string
	}{
		{"https://w.example/{page}?action=content", "Sub/Two words?", "https://w.example/Sub/Two%20words%3F?action=content"},
		{"https://w.example/{page}", "a%2Fb/c#d", "https://w.example/a%252Fb/c%23d"},
		{"https://w.example/wiki/{page}.html", "Über", "https://w.example/wiki/%C3%9Cber.html"},
		{"https://w.example/x?p=pre:{page}:end&b=1", "a&b=c/d", "https://w.example/x?b=1&p=pre%3Aa%26b%3Dc%2Fd%3Aend"},
	} {
		tp, err := parseTemplate(tt.template)
		if err != nil {
			t.Fatal(err)
		}
		if got := tp.url(tt.name).String(); got != tt.url {
			t.Errorf("%s of %q is %s, want %s", tt.template, tt.name, got, tt.url)
		}
		if name, ok := tp.name(tp.url(tt.name)); !ok || name != tt.name {
			t.Errorf("%s leads back to %q, %t; want %q", tt.url, name, ok, tt.name)
		}
	}
	base, err := url.Parse("https://w.example/")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{
		{}, {Template: "https://w.example/"}, {Template: "https://w.example/{page}/{page}"}, {Template: "/{page}"}, {Template: "file:///{page}"},
		{Template: "https://{page}/"}, {Template: "https://{page}.example/"}, {Template: "https://w.example/?{page}"}, {Template: "https://w.example/#{page}"},
		{Template: "https://u:p@w.example/{page}"}, {Template: "https://w.example/{page}", Select: "a["}, {Kind: "twiki", Base: base}, {Kind: MoinMoin},
		{Kind: MoinMoin, Base: base, Template: "https://w.example/{page}"},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("New(%+v): no error", o)
		}
	}
}

// FuzzTemplate: a name comes back from the URL made of it, and leads nowhere else.
func FuzzTemplate(f *testing.F) {
	for _, name := range append(slices.Clone(wikitest.Names), "../x", "a//b", "", "x\x00") {
		f.Add(name)
	}
	var templates []template
	for _, s := range []string{"https://w.example/wiki/{page}.html?action=content", "https://w.example/index.php?title={page}&action=render"} {
		t, err := parseTemplate(s)
		if err != nil {
			f.Fatal(err)
		}
		templates = append(templates, t)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !possible(name) {
			return
		}
		for _, tp := range templates {
			u, err := url.Parse(tp.url(name).String())
			if err != nil {
				t.Fatalf("the URL of %q: %v", name, err)
			}
			if back, ok := tp.name(u); !ok || back != name || u.Host != "w.example" || !strings.HasPrefix(u.ResolveReference(&url.URL{}).Path, "/wiki/") && tp.key == "" {
				t.Errorf("%q makes %s, which leads back to %q, %t", name, u, back, ok)
			}
		}
	})
}

// FuzzBody: whatever a URL shows, it becomes UTF-8 without comments, or an error that says what it is.
func FuzzBody(f *testing.F) {
	for _, s := range []string{
		"<p>x", "<!-- c --><h1>a</h1>", "<!DOCTYPE html><title>t</title><main>x</main>", "</div>\xff", "<svg><title>x</title></svg>",
		"<table><tr><p>x", "<template><p>x<!-- c --></template>", "<a href='/Page?action=edit'>", "<div class='dokuwiki notFound'>", "<plaintext>x",
	} {
		f.Add([]byte(s), "text/html; charset=utf-8", true)
		f.Add([]byte(s), "text/html; charset=euc-kr", false)
	}
	sel, err := cascadia.Compile("main")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, contentType string, selected bool) {
		w := &Wiki{kind: presets[MoinMoin]}
		if selected {
			w = &Wiki{kind: presets[DokuWiki], sel: sel}
		}
		p := &wiki.Page{State: wiki.State{Name: "Page"}}
		switch err := w.body(p, b, contentType); {
		case err != nil:
			if !errors.Is(err, render.ErrUnavailable) && !errors.Is(err, render.ErrNotFound) {
				t.Errorf("%q: %v", b, err)
			}
		case !utf8.Valid(p.Body) || !utf8.ValidString(p.Title) || p.Title == "":
			t.Errorf("%q makes the title %q and the body %q", b, p.Title, p.Body)
		}
	})
}
