// Pages as they are drawn, and what their revisions name.

package wiki_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pagemap/render"
	"pagemap/render/wiki"
)

func TestRender(t *testing.T) {
	s := newSite(t, nil)
	s.rows("/about.html", "wiki:About", "/docs/*", "wiki:docs/*", "/guide/", "wiki:docs/guide")
	s.put("docs/guide/Use & care.md", "# Use *it*\n\nText.\n")
	doc := s.draw(render.Page{Path: "/docs/guide/Use%20&%20care", Ref: "docs/guide/Use & care"})
	body := string(doc.Body)
	for _, want := range []string{
		"<title>Use it - Old site</title>", `<link rel="canonical" href="https://www.example.org/docs/guide/Use%20&amp;%20care">`,
		`<div id="content"><h1 id="use-it">Use <em>it</em></h1>` + "\n<p>Text.</p>\n</div>",
		`<a href="/docs">docs</a>`, `<a href="/guide/">guide</a>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page is\n%s\nwant %q in it", body, want)
		}
	}
	if doc.Type != "text/html; charset=utf-8" || doc.ETag == "" || doc.Volatile || doc.Gzip == nil {
		t.Errorf("type %q, ETag %q, volatile %t", doc.Type, doc.ETag, doc.Volatile)
	}
}

// TestRevision: the revision that Stat tells is the one that Render draws, and moves with each input.
func TestRevision(t *testing.T) {
	s := newSite(t, nil)
	s.put("About.md", "one")
	s.put("Other.md", "other")
	last := s.stat(about)
	seen := map[string]string{last.ID: "at first"}
	check := func(what string, moved bool) {
		t.Helper()
		rev := s.stat(about)
		if doc := s.draw(about); doc.Revision != rev.ID || !doc.Modified.Equal(rev.Modified) {
			t.Errorf("%s: drawn %s of %v, looked at %s of %v", what, doc.Revision, doc.Modified, rev.ID, rev.Modified)
		}
		if before, ok := seen[rev.ID]; moved && ok {
			t.Errorf("%s: the revision is that of %s", what, before)
		} else if !moved && rev.ID != last.ID {
			t.Errorf("%s: the revision moved", what)
		}
		if rev.Volatile || rev.Stale || rev.Size >= 0 || rev.Ref != "About" {
			t.Errorf("%s: %+v", what, rev)
		}
		seen[rev.ID], last = what, rev
	}
	check("nothing happened", false)
	s.put("Other.md", "changed")
	check("another page was changed", false)
	s.put("About.md", "two")
	check("the page was changed", true)
	s.layout(strings.ReplaceAll(layoutFile, "Old site", "New site"))
	check("the layout was changed", true)
	s.rows("/about.html", "wiki:About", "/other.html", "wiki:Other")
	check("a row was added", true)
	s.rows("/about.html", "wiki:About", "/other.html", "wiki:Other", "/file.html", "file:/file.html")
	check("a file's row was added", false)
	if other := s.stat(render.Page{Path: "/about2.html", Ref: "About"}); other.ID == last.ID {
		t.Error("two paths have one revision")
	}
	text := newSite(t, func(o *site, w *wiki.Options) { w.Text = true })
	text.put("About.md", "two")
	plain := newSite(t, nil)
	plain.put("About.md", "two")
	if text.stat(about).ID == plain.stat(about).ID {
		t.Error("with other links the revision is the same")
	}
}

func TestModified(t *testing.T) {
	s := newSite(t, nil)
	s.put("About.md", "one")
	page := s.stat(about).Modified
	s.rows("/about.html", "wiki:About")
	if rev := s.stat(about); !rev.Modified.Equal(page) {
		t.Errorf("modified at %v, want the page's %v", rev.Modified, page)
	}
	later := time.Now().Add(time.Hour).Truncate(time.Second)
	table := s.table.Load()
	row, _ := table.Get("/about.html")
	row.Changed = later.UnixMicro()
	s.rowsOf(row)
	if rev := s.stat(about); !rev.Modified.Equal(later) {
		t.Errorf("modified at %v, want the row's %v", rev.Modified, later)
	}
}

func TestErrors(t *testing.T) {
	s := newSite(t, nil)
	s.put("Large.html", "<p>"+strings.Repeat("x", render.MaxKept)+"</p>")
	s.put("Deep.html", strings.Repeat("<div>", 10_000))
	s.put("page.xhtml", "<html/>")
	s.put("evil.svg", "<svg onload='alert(1)'/>")
	s.put("evil.js", "alert(1)")
	s.put("evil.css", "*{}")
	s.put("data.csv", "a,b")
	for _, test := range []struct {
		name string
		err  error
	}{
		{"Nowhere", render.ErrNotFound},
		{"Large", render.ErrTooLarge},
		{"Deep", render.ErrUnavailable},
		{"page.xhtml", render.ErrNotFound},
		{"evil.svg", render.ErrNotFound},
		{"evil.js", render.ErrNotFound},
		{"evil.css", render.ErrNotFound},
		{"data.csv", nil},
	} {
		doc, err := s.Render(t.Context(), render.Page{Path: "/x", Ref: test.name})
		if !errors.Is(err, test.err) || err == nil && doc == nil {
			t.Errorf("Render(%s): %v, want %v", test.name, err, test.err)
		}
	}
	doc := s.draw(render.Page{Path: "/x", Ref: "data.csv"})
	if doc.Type != "text/csv" || string(doc.Body) != "a,b" {
		t.Errorf("the attachment is %q of type %s", doc.Body, doc.Type)
	}
	s.wiki.shut.Store(true)
	if _, err := s.Stat(t.Context(), about); !errors.Is(err, render.ErrUnavailable) {
		t.Errorf("with the wiki shut: %v", err)
	}
	if _, err := wiki.NewSource(wiki.Options{}); err == nil {
		t.Error("a source of nothing was made")
	}
}

func TestLinks(t *testing.T) {
	for _, test := range []struct {
		name, ref, want string // want "": text
	}{
		{name: "mapped", ref: "About", want: "/about.html"},
		{name: "mapped with fragment", ref: "About.md#Part%20two", want: "/about.html#Part%20two"},
		{name: "below a prefix", ref: "docs/a%20b", want: "/docs/a%20b"},
		{name: "the page itself", ref: "Here#x", want: "/here#x"},
		{name: "a place in the page", ref: "#x", want: "#x"},
		{name: "unmapped", ref: "Nowhere"},
		{name: "site path", ref: "/old/page.html?a=1&b=2#c", want: "/old/page.html?a=1&b=2#c"},
		{name: "own host", ref: "https://www.example.org/old.html", want: "/old.html"},
		{name: "own host, other scheme", ref: "http://WWW.example.org/old.html", want: "/old.html"},
		{name: "own host without scheme", ref: "//www.example.org/old.html", want: "/old.html"},
		{name: "elsewhere", ref: "https://elsewhere.example/?a=1", want: "https://elsewhere.example/?a=1"},
		{name: "elsewhere without scheme", ref: "//elsewhere.example/x", want: "https://elsewhere.example/x"},
		{name: "mail", ref: "mailto:a@b.example", want: "mailto:a@b.example"},
		{name: "script", ref: "javascript:alert(1)"},
		{name: "script, hidden", ref: "java&#10;script:alert(1)"},
		{name: "script, spaced", ref: " &#1;javascript:alert(1)"},
		{name: "vbscript", ref: "VBScript:x"},
		{name: "data", ref: "data:text/html,<script>alert(1)</script>"},
		{name: "file", ref: "file:///etc/passwd"},
		{name: "blob", ref: "blob:https://www.example.org/x"},
		{name: "two slashes in disguise", ref: `/\evil.example/x`, want: "/%5Cevil.example/x"},
		{name: "user", ref: "https://me:pw@elsewhere.example/"},
		{name: "empty", ref: ""},
		{name: "broken", ref: "%zz"},
		{name: "up and out", ref: "../../x"},
	} {
		s := newSite(t, nil)
		s.put("Here.html", `<p>a <a class="c" href="`+test.ref+`">link</a> b</p>`)
		s.put("About.md", "x")
		doc := s.draw(render.Page{Path: "/here", Ref: "Here"})
		want := `<p>a <a class="c" href="` + strings.ReplaceAll(test.want, "&", "&amp;") + `">link</a> b</p>`
		if test.want == "" {
			want = `<p>a <span class="c">link</span> b</p>`
		}
		if alternative := `<p>a <a class="c">link</a> b</p>`; !strings.Contains(string(doc.Body), want) &&
			(test.want != "" || !strings.Contains(string(doc.Body), alternative)) {
			t.Errorf("%s: %q became\n%s\nwant %s", test.name, test.ref, doc.Body, want)
		}
	}
}

func TestImages(t *testing.T) {
	const dot = "data:image/png;base64,iVBORw0KGgo="
	for _, test := range []struct{ name, src, want string }{ // want "": its text
		{"mapped", "media/a%20b.png", "/media/a%20b.png"},
		{"unmapped", "img/x.png", ""},
		{"of the site", "/img/x.png", "/img/x.png"},
		{"elsewhere", "https://elsewhere.example/x.png", "https://elsewhere.example/x.png"},
		{"data", dot, dot},
		{"vector data", "data:image/svg+xml;base64,PHN2Zy8+", ""},
		{"other data", "data:text/html;base64,PHN2Zy8+", ""},
		{"large data", "data:image/png;base64," + strings.Repeat("A", 40<<10), ""},
		{"script", "javascript:alert(1)", ""},
		{"mail", "mailto:a@b.example", ""},
	} {
		s := newSite(t, nil)
		s.put("Here.html", `<p>a <img src="`+test.src+`" alt="the &lt;text&gt;" onerror="alert(1)"> b</p>`)
		doc := s.draw(render.Page{Path: "/here", Ref: "Here"})
		want := `<p>a <img src="` + test.want + `" alt="the &lt;text&gt;"/> b</p>`
		if test.want == "" {
			want = `<p>a the &lt;text&gt; b</p>`
		}
		if !strings.Contains(string(doc.Body), want) {
			t.Errorf("%s: %.80q became\n%.1200s\nwant %s", test.name, test.src, doc.Body, want)
		}
	}
}
