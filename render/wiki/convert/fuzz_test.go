package convert_test

import (
	"strings"
	"testing"

	"pagemap/render/wiki/compare"
	"pagemap/render/wiki/convert"
)

// FuzzMarkdown: whatever HTML comes in, what is drawn of its Markdown has no raw HTML, and of text without markup every word.
func FuzzMarkdown(f *testing.F) {
	for _, seed := range []string{
		"<h1 id=a>b</h1><ul><li>c<table><tr><td rowspan=300>d<td><pre>e</table></ul>", "*a* _b_ [c](d) `e` <b>f</b>g &amp;lt; # h",
		"<dl><dd>a<dt>b<dd>c<dl><dt>d</dl></dl>", "<a href=x><div><p>a</div></a><code><a href=y>b</a>c</code>", "1. a\n- b\n<p>: c<br>> d<p>|e|f|<p>~~~",
		"<table><td><table><th>a<td>b</table><ul><li>c</ul>", "<b><i>a</b>b</i> <em> c</em>d <s>e</s><b>f</b><i>g</i>", "[^1] [^1]: a\n\n{#b} c {.d}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if len(in) > 1<<12 {
			return
		}
		md, err := convert.Markdown(in, convert.Place{Path: "/a/b.html"})
		if err != nil {
			return
		}
		drawn, raw := draw(t, md)
		if raw > 0 {
			t.Errorf("raw HTML in\n%s", md)
		}
		if strings.ContainsAny(in, "<&\x00") || strings.ToValidUTF8(in, "") != in {
			return
		}
		r, err := compare.Fragments(in, drawn, convert.Place{Path: "/a/b.html"})
		if err != nil || len(r.WordsLost) > 0 {
			t.Errorf("%q lost %q, %v; as Markdown\n%s\ndrawn\n%s", in, r.WordsLost, err, md, drawn)
		}
	})
}

func FuzzWikitext(f *testing.F) {
	f.Add("<table><td>a|b<ul><li>c</ul></table>[[d]] {{e}} ''f'' <a href=g>h]</a>")
	f.Fuzz(func(t *testing.T, in string) {
		if len(in) > 1<<12 {
			return
		}
		text, err := convert.Wikitext(in, convert.Place{Path: "/a/b.html"}, "https://www.example.org")
		if err == nil && strings.Contains(string(text), "{{") {
			t.Errorf("a template in\n%s", text)
		}
	})
}
