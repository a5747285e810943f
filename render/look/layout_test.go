// Tests of layouts: what is refused and where, and what is drawn.

package look

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/text/encoding/htmlindex"
)

func TestParseErrors(t *testing.T) {
	const head = "<!DOCTYPE html>\n<title>t</title>\n"
	tests := []struct{ name, layout, want string }{
		{name: "no body", layout: head + "<p>x", want: `l.html:3:5: the file has no mark for the content: write <!--pagemap:body--> where it belongs`},
		{name: "two bodies", layout: head + "<!--pagemap:body-->\n <!--pagemap:body-->", want: `l.html:4:2: a second mark "body": the first one is in line 3`},
		{name: "unknown mark", layout: head + "한글<!--pagemap:bodi--><!--pagemap:body-->", want: `l.html:3:3: there is no mark "bodi": it is one of body, breadcrumbs, edit, head, modified, path, title`},
		{name: "no name", layout: head + "<!--pagemap:-->", want: `l.html:3:1: there is no mark ""`},
		{name: "unknown attribute", layout: head + `<!--pagemap:body selct="x"-->`, want: `l.html:3:1: the mark "body" has no attribute "selct": it has charset, select`},
		{name: "attribute where none is", layout: head + `<!--pagemap:title a="x"--><!--pagemap:body-->`, want: `the mark "title" has no attribute "a": it has none`},
		{name: "unreadable", layout: head + `<!--pagemap:body select=x-->`, want: `l.html:3:1: this mark cannot be read`},
		{name: "unfinished mark", layout: head + `<!--pagemap:body`, want: `l.html:3:1: this mark cannot be read`},
		{name: "selector", layout: head + `<!--pagemap:body select="p["-->`, want: `l.html:3:1: select="p[": `},
		{name: "body in title", layout: "<title><!--pagemap:body--></title>", want: `l.html:1:8: the mark "body" cannot stand in <title> or <textarea>`},
		{name: "body in attribute", layout: `<p title="<!--pagemap:body-->">`, want: `l.html:1:11: the mark "body" cannot stand in an attribute`},
		{name: "body in comment", layout: `<p><!-- <!--pagemap:body--> -->`, want: `l.html:1:9: the mark "body" cannot stand in a comment`},
		{name: "script", layout: "<script>var t = '<!--pagemap:title-->'</script><!--pagemap:body-->", want: `cannot stand in <script>`},
		{name: "style", layout: "<style><!--pagemap:title--></style><!--pagemap:body-->", want: `cannot stand in <style>`},
		{name: "event handler", layout: `<p onclick="<!--pagemap:title-->"></p><!--pagemap:body-->`, want: `cannot stand in the attribute onclick`},
		{name: "style attribute", layout: `<p style="<!--pagemap:title-->"></p><!--pagemap:body-->`, want: `cannot stand in the attribute style`},
		{name: "title as URL", layout: `<a href="<!--pagemap:title-->"></a><!--pagemap:body-->`, want: `cannot stand in the attribute href, which is a URL`},
		{name: "no quotes", layout: `<p title=<!--pagemap:title-->></p><!--pagemap:body-->`, want: `cannot stand in a value without quotes`},
		{name: "in a tag", layout: `<p <!--pagemap:title-->></p><!--pagemap:body-->`, want: `cannot stand in a tag, but in the quoted value of an attribute`},
		{name: "as a tag's name", layout: `<x<!--pagemap:title-->></p><!--pagemap:body-->`, want: `cannot stand in a tag`},
		{name: "end tag", layout: `<p></p <!--pagemap:title-->><!--pagemap:body-->`, want: `cannot stand in an end tag`},
		{name: "doctype", layout: `<!DOCTYPE <!--pagemap:title-->><!--pagemap:body-->`, want: `cannot stand in the doctype`},
		{name: "declaration", layout: `<?php <!--pagemap:title--> ?><!--pagemap:body-->`, want: `cannot stand in a declaration`},
		{name: "unfinished tag", layout: `<!--pagemap:body--><p title="<!--pagemap:title-->`, want: `that the file does not end`},
		{name: "paragraph", layout: `<p>x<!--pagemap:body--></p>`, want: `l.html:1:5: the content cannot stand here`},
		{name: "table", layout: `<table><!--pagemap:body--></table>`, want: `the content cannot stand here`},
		{name: "list in a paragraph", layout: `<p><b><!--pagemap:body--></b></p>`, want: `the content cannot stand here`},
		{name: "svg", layout: `<svg><!--pagemap:body--></svg>`, want: `the content cannot stand here`},
		{name: "UTF-16", layout: "\xff\xfe<\x00p\x00", want: `iconv -f utf-16le -t utf-8`},
		{name: "ISO-2022-JP", layout: "<meta charset=iso-2022-jp><!--pagemap:body-->", want: `l.html:1:1: look: unusable charset: a layout cannot be in iso-2022-jp`},
		{name: "unknown charset", layout: `<!--pagemap:body charset="klingon"-->`, want: `"klingon" is not known`},
		{name: "too large", layout: strings.Repeat("x", MaxLayout+1), want: `at most 524288 are read`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("l.html", []byte(tt.layout))
			if !errors.Is(err, ErrLayout) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if all := Errors(err); len(all) == 0 || all[0].File != "l.html" || all[0].Line < 1 || all[0].Column < 1 {
				t.Errorf("errors %+v", all)
			}
		})
	}
	_, err := Parse("l", []byte("<!--pagemap:x-->\n<!--pagemap:y-->"))
	if all := Errors(err); len(all) != 2 || all[0].Line != 1 || all[1].Line != 2 {
		t.Errorf("errors of two marks: %+v", all)
	}
}

func TestDraw(t *testing.T) {
	full := Content{
		Title: `A "B" & <C> --> 한`, Body: []byte("<p>Hé 한</p>"), Head: `<link rel="canonical" href="/a">`,
		Modified: time.Date(2024, 3, 5, 23, 0, 0, 0, time.FixedZone("", -5*3600)), EditURL: "/edit?a&b",
		Breadcrumbs: []Crumb{{"Top & all", "/"}, {"None", ""}, {"Evil", "javascript:alert(1)"}},
	}
	const title = `A &#34;B&#34; &amp; &lt;C&gt; --&gt; 한`
	tests := []struct {
		name, layout string
		content      Content
		want         string
	}{
		{name: "body", layout: "a<!--pagemap:body-->b", content: full, want: "a<p>Hé 한</p>b"},
		{name: "blanks", layout: "a<!-- pagemap:body\n select=\"a &gt; b\" -->b", content: full, want: "a<p>Hé 한</p>b"},
		{name: "title everywhere", layout: `<title><!--pagemap:title--> - S</title><p title='x <!--pagemap:title-->'><!-- <!--pagemap:title--> --></p><h1><!--pagemap:title--></h1><!--pagemap:body-->`,
			content: full,
			want: "<title>" + title + " - S</title><p title='x " + title + "'><!-- " + strings.ReplaceAll(title, "-", "&#45;") + " --></p><h1>" + title +
				"</h1><p>Hé 한</p>"},
		{name: "head", layout: "<head><!--pagemap:head--></head><!--pagemap:body-->", content: full, want: `<head><link rel="canonical" href="/a"></head><p>Hé 한</p>`},
		{name: "modified", layout: `<!--pagemap:body-->|<!--pagemap:modified-->|<!--pagemap:modified format="Jan 2, 2006"-->`, content: full, want: "<p>Hé 한</p>|2024-03-06|Mar 6, 2024"},
		{name: "edit", layout: `<!--pagemap:body--><!--pagemap:edit--><!--pagemap:edit text="&lt;Go&gt;"--><a href="<!--pagemap:edit-->">x</a>`, content: full,
			want: `<p>Hé 한</p><a href="/edit?a&amp;b">Edit this page</a><a href="/edit?a&amp;b">&lt;Go&gt;</a><a href="/edit?a&amp;b">x</a>`},
		{name: "path", layout: `<link rel=canonical href="https://a.example<!--pagemap:path-->"><!-- <!--pagemap:path--> --><!--pagemap:body-->`, content: Content{Path: "/a-&%20b"},
			want: `<link rel=canonical href="https://a.example/a-&amp;%20b"><!-- /a&#45;&amp;%20b -->`},
		{name: "breadcrumbs", layout: `<!--pagemap:breadcrumbs--><!--pagemap:body-->`, content: full,
			want: `<a href="/">Top &amp; all</a> &gt; None &gt; Evil &gt; ` + title + `<p>Hé 한</p>`},
		{name: "separator", layout: `<!--pagemap:breadcrumbs separator=" / "--><!--pagemap:body-->`, content: Content{Title: "t", Breadcrumbs: full.Breadcrumbs[:1]}, want: `<a href="/">Top &amp; all</a> / t`},
		{name: "nothing", layout: `[<!--pagemap:title--><!--pagemap:body--><!--pagemap:head--><!--pagemap:modified--><!--pagemap:edit--><!--pagemap:breadcrumbs-->]`, want: "[]"},
		{name: "bad URL", layout: `<a href="<!--pagemap:edit-->"><!--pagemap:body--></a>`, content: Content{EditURL: "javascript:x"}, want: `<a href=""></a>`},
		{name: "invalid UTF-8", layout: `<!--pagemap:title--><!--pagemap:body-->`, content: Content{Title: "\xff", Body: []byte("a\xffb")}, want: "\uFFFDa\uFFFDb"},
		{name: "byte order mark", layout: "\uFEFF<p></p><!--pagemap:body-->", content: full, want: "\uFEFF<p></p><p>Hé 한</p>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Parse("l", []byte(tt.layout))
			if err != nil {
				t.Fatal(err)
			}
			got, err := l.Draw(tt.content)
			if err != nil || string(got) != tt.want {
				t.Errorf("drawn %q, %v\nwant  %q", got, err, tt.want)
			}
		})
	}
}

// A layout's bytes stay, in any charset; content is in its charset, or in references.
func TestDrawCharsets(t *testing.T) {
	tests := []struct{ charset, own, text, want string }{
		{charset: "utf-8", own: "é한", text: "한 é ☃", want: "한 é ☃"},
		{charset: "windows-1252", own: "é€", text: "é 한", want: "é &#54620;"},
		{charset: "euc-kr", own: "한국어", text: "한 é ☃", want: "한 &#233; &#9731;"},
		{charset: "shift_jis", own: "表ソ", text: "表 é", want: "表 &#233;"},
		{charset: "big5", own: "功許", text: "功 😀", want: "功 &#128512;"},
		{charset: "gb18030", own: "中", text: "中 é☃", want: "中 é☃"},
	}
	for _, tt := range tests {
		t.Run(tt.charset, func(t *testing.T) {
			enc, err := htmlindex.Get(tt.charset)
			if err != nil {
				t.Fatal(err)
			}
			in := func(text string) string {
				out, err := enc.NewEncoder().String(text)
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			for _, declare := range []struct{ name, meta, mark string }{
				{name: "in a meta", meta: `<meta charset="` + tt.charset + `">`},
				{name: "in the mark", meta: `<meta charset="utf-8">`, mark: ` select="a > b" charset="` + tt.charset + `"`},
			} {
				l, err := Parse("l", []byte(declare.meta+in("<title>"+tt.own+"<!--pagemap:title--></title>")+"<!--pagemap:body"+declare.mark+"-->"+in(tt.own)))
				if err != nil {
					t.Fatal(err)
				}
				got, err := l.Draw(Content{Title: tt.text, Body: []byte("<p>" + tt.text)})
				want := declare.meta + in("<title>"+tt.own+tt.want+"</title><p>"+tt.want+tt.own)
				if err != nil || string(got) != want {
					t.Errorf("%s: drawn %q, %v\nwant %q", declare.name, got, err, want)
				}
				if l.Charset() != tt.charset {
					t.Errorf("%s: charset %s", declare.name, l.Charset())
				}
			}
		})
	}
}

func TestLayoutID(t *testing.T) {
	id := func(text string) string {
		l, err := Parse("x", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return l.ID()
	}
	a := id("<!--pagemap:body-->")
	if a != id("<!--pagemap:body-->") || len(a) != 22 {
		t.Errorf("the ID %q of one layout differs", a)
	}
	if a == id("<!--pagemap:body--> ") {
		t.Error("two layouts have one ID")
	}
}

// The plain layout is one document that says what an accessible page has to.
func TestPlain(t *testing.T) {
	l, err := Parse("plain", plainHTML)
	if err != nil {
		t.Fatal(err)
	}
	out, err := l.Draw(Content{Title: "T & U", Body: []byte("<h1>T</h1>")})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<!DOCTYPE html>", "<title>T &amp; U</title>", "<main>\n<h1>T</h1>\n</main>", "light dark", "width=device-width"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the plain layout lacks %q", want)
		}
	}
	root, err := html.Parse(strings.NewReader(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	var again strings.Builder
	if err := html.Render(&again, root); err != nil {
		t.Fatal(err)
	}
	// A parser neither adds, moves nor drops a tag.
	count := func(text string) int { return strings.Count(text, "<") }
	if count(again.String()) != count(string(out)) {
		t.Errorf("a parser makes another page of it:\n%s", again.String())
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("<!DOCTYPE html><title><!--pagemap:title--></title><p title='<!--pagemap:title-->'><!-- <!--pagemap:title--> --></p><!--pagemap:body select=\"#c\"-->"), "T--><script>")
	f.Add([]byte("<meta charset=euc-kr>\xc7\xd1<!--pagemap:body charset=\"euc-kr\"--><a href=\"<!--pagemap:edit-->\"></a>"), "한☃")
	f.Add(plainHTML, "\xff")
	f.Fuzz(func(t *testing.T, file []byte, text string) {
		l, err := Parse("l", file)
		if err != nil {
			for _, e := range Errors(err) {
				if e.Line < 1 || e.Column < 1 {
					t.Errorf("error at %d:%d", e.Line, e.Column)
				}
			}
			return
		}
		rest := file
		for _, p := range l.parts { // what is not a mark stays, in its order
			at := strings.Index(string(rest), string(p.bytes))
			if at < 0 {
				t.Fatalf("%q is not in the layout", p.bytes)
			}
			rest = rest[at+len(p.bytes):]
		}
		const probe = "<div id=pagemap-probe></div>"
		out, err := l.Draw(Content{Title: text, EditURL: text, Modified: time.Unix(0, 0), Body: []byte(probe), Breadcrumbs: []Crumb{{text, text}}})
		if err != nil {
			t.Fatal(err)
		}
		d, err := decode(out, l.Charset())
		if err != nil {
			t.Fatal(err)
		}
		// No text gets out of its place: the content is an element still.
		root, err := html.Parse(strings.NewReader(strings.TrimPrefix(d.text, bom)))
		if err != nil {
			return // deeper than a parser goes
		}
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && idOf(n) == "pagemap-probe" {
				return
			}
		}
		t.Errorf("the content is lost in %q", d.text)
	})
}
