package convert

import (
	"strings"
	"testing"

	"pagemap/mapping"
)

var here = Place{Path: "/docs/a.html", Hosts: mapping.Hosts{"www.example.org"}}

func TestResolve(t *testing.T) {
	for _, tt := range []struct{ name, ref, base, want string }{
		{"beside", "b.html", "", "/docs/b.html"},
		{"above", "../b.html?x=1#y", "", "/b.html?x=1#y"},
		{"above the root", "../../../b.html", "", "/b.html"},
		{"the page", "", "", "/docs/a.html"},
		{"within the page", "#x", "", "/docs/a.html#x"},
		{"own host", "HTTP://www.example.org/b%7ec", "", "/b~c"},
		{"own host, any scheme", "//www.example.org", "", "/"},
		{"other host", "//other.example/x", "", "https://other.example/x"},
		{"base", "b.html", "/old/", "/old/b.html"},
		{"base elsewhere", "b.html", "http://other.example/d/e", "http://other.example/d/b.html"},
		{"mail", "mailto:a@b.example", "", "mailto:a@b.example"},
		{"spaces and lines", " b\n c.html ", "", "/docs/b%20c.html"},
		{"bad escape", "100%.html", "", "/docs/100%25.html"},
		{"not ASCII", "ü.html", "", "/docs/%C3%BC.html"},
		{"latin 1", "%fc.html", "", "/docs/%FC.html"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := here
			p.Base = tt.base
			if got := p.Resolve(tt.ref); got != tt.want {
				t.Errorf("%q is %q, want %q", tt.ref, got, tt.want)
			}
		})
	}
}

func TestMarkdown(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", " <p> </p><!-- x -->", ""},
		{"headings", `<h1>A</h1><h2 id=b>B #</h2><h3 class=x><span id="c(1)">C</span> {x}</h3>`, "# A\n\n## B \\# {#b}\n\n### C \\{x} {id=\"c(1)\"}"},
		{"several ids", `<h2 id=a><span id=b>A</span></h2><p id=c>x <a name=d>y</a>`, "## []{#b}A {#a}\n\n[]{#c}x []{#d}y"},
		{"ids of containers", `<div id=a><ul id=b><li>x</ul><a href="#b">y</a></div>`, "- []{#b}x\n\n[y](#b)"},
		{"emphasis", `a <b>b</b>c <i>(d)</i>e <em>f </em>g <b>h</b><i>i</i> <strong><em>j</em></strong>k <s>l</s>`,
			"a **b**c (d)e _f_ g h*i* ***j***k ~~l~~"},
		{"markup in text", `*a* _b_ c_d [e](f) ![g] h~i~ <b>!</b><a href=j>k</a> &amp;lt; a&lt;b &lt;c> \ ` + "`l`",
			`\*a\* \_b\_ c_d \[e\](f) !\[g\] h\~i\~ **\!**[k](/docs/j) &amp;lt; a\<b \<c> \\ ` + "\\`l\\`"},
		{"starts of lines", `<p># a<p>1. b<br>- c<br>+d<p>> e<p>: f<p>2024 g<p>=`, "\\# a\n\n1\\. b  \n\\- c  \n\\+d\n\n\\> e\n\n\\: f\n\n2024 g\n\n\\="},
		{"no new links", `http://x.example/ www.x.example a@b.example <a href="http://x.example/">http://x.example/</a>`,
			`http\://x.example/ www\.x.example a\@b.example [http://x.example/](http://x.example/)`},
		{"links", `<a href="b c(d)_*.html" title="T &quot;">a]</a> <a href="javascript:x()">s</a> <a href="#x">in</a><a href=e></a>`,
			`[a\]](/docs/b%20c\(d\)_%2A.html "T \"") s [in](#x)`},
		{"a link around blocks", `<a href=b><h2>A</h2><p>B</a>`, "## [A](/docs/b)\n\n[B](/docs/b)"},
		{"images", `<img src=i.png width=8 height="9" alt="a [b]" title=t><img alt=none><img src="x|y.png">`,
			`![a \[b\]](/docs/i.png "t"){width="8" height="9"}![](/docs/x%7Cy.png)`},
		{"code", "<code>a  b</code> <code>`c`</code> <tt>d</tt><kbd>e</kbd> <code>f <a href=g>h</a> i</code>",
			"`a b` `` `c` `` `de` `f` [`h`](/docs/g) `i`"},
		{"blocks of code", "<pre class=\"x lang-go\">\n\n a *b*\n```\n</pre><div class=source-cpp><pre>c <a href=d>e</a></pre></div><p><code>f<br>&nbsp;g</code></p>",
			"````go\n a *b*\n```\n````\n\n```cpp\nc e\n```\n\n[`e`](/docs/d)\n\n```\nf\n g\n```"},
		{"lists", `<ul><li>a<ul><li>b</ul><li><p>c<p>d</ul><ol start=3><li>e<pre>f
g</pre></ol>`, "- a\n\n  - b\n- c\n\n  d\n\n3. e\n\n   ```\n   f\n   g\n   ```"},
		{"odd lists", `<li>a</li><ul>b<ul><li>c</ul></ul>`, "- a\n\n- b\n\n  - c"},
		{"definitions", `<dl><dt>a<dt id=i>b<dd>c<p>d</p><dd>e</dl><dl><dd>f</dl>`, "a\n[]{#i}b\n:   c\n\n    d\n:   e\n\nf"},
		{"quote", `<blockquote><p>a<p>b</blockquote>`, "> a\n>\n> b"},
		{"above and below", `2<sup>10</sup> H<sub>2</sub>O <sup><a href="#n">[1]</a></sup>`, "2[10]{.sup} H[2]{.sub}O [\\[1\\]](#n)"},
		{"table", `<table><tr><th>a<th>b|c<tr><td>d<br>e<td><code>f|g</code></table>`, "| a | b\\|c |\n| --- | --- |\n| d e | `f\\|g` |"},
		{"table without a head", `<table><tr><th>a<td>b<tr><th id=x>c<td colspan=2>d</table>`, "|  |  |\n| --- | --- |\n| **a** | b |\n| **[]{#x}c** | d |"},
		{"spans", `<table><tr><td rowspan=2>a<td>b<tr><td>c<tr><td colspan=2>d</table>`, "|  |  |\n| --- | --- |\n| a | b |\n|  | c |\n| d |  |"},
		{"rows of more than lines", `<table><tr><td>a<td>b<tr><td>c<td><ul><li>d</ul><tr><td>e<td>f</table>`,
			"|  |  |\n| --- | --- |\n| a | b |\n\nc\n:   - d\n\n|  |  |\n| --- | --- |\n| e | f |"},
		{"one column", `<table><tr><td>a<tr><td>b</table><table><tr><td><h2>c</h2><p>d</table>`, "- a\n- b\n\n## c\n\nd"},
		{"tables in tables", `<table><tr><td><table><tr><td>a<td>b</table><td>c</table>`, "|  |  |\n| --- | --- |\n| a | b |\n\nc"},
		{"what is not seen", `a<script>b</script><style>c</style><p hidden>d</p><i style="display: none">e</i><svg><text>f</text></svg>g`, "ag"},
		{"other documents", `<iframe src=b.html></iframe><map><area href=c alt=d></map>`, "[b.html](/docs/b.html)[d](/docs/c)"},
		{"whitespace and quotes", "a\n  b<wbr>c <q>d</q>\u00a0e", "a bc “d”\u00a0e"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Markdown(tt.in, here)
			if err != nil {
				t.Fatal(err)
			}
			if s := strings.TrimSuffix(string(got), "\n"); s != tt.want {
				t.Errorf("got\n%s\nwant\n%s", s, tt.want)
			}
		})
	}
}

func TestWikitext(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "<p></p>", ""},
		{"headings", `<h1>A</h1><h2 id=b>B = C</h2>`, "= A =\n\n== <span id=\"b\"></span>B &#61; C =="},
		{"emphasis", `<b>a</b> <i>b</i> <b>it's</b> <b><i>c</i></b>`, "'''a''' ''b'' <strong>it's</strong> '''<em>c</em>'''"},
		{"markup in text", `[[a]] {{b}} ''c'' ~~~~ __TOC__ &lt;ref> &amp;amp; http://x.example/ {| | |}`,
			"&#91;&#91;a&#93;&#93; &#123;&#123;b&#125;&#125; &#39;&#39;c&#39;&#39; &#126;&#126;&#126;~ &#95;_TOC&#95;_ &lt;ref&gt; &amp;amp; http&#58;//x.example/ &#123;&#124; &#124; &#124;}"},
		{"starts of lines", `<p>* a<p>=b=<p>; c<p> d<p>----`, "&#042; a\n\n&#061;b=\n\n&#059; c\n\nd\n\n&#045;---"},
		{"links", `<a href="b c.html">a]</a> <a href="#x">in</a> <a href="http://x.example/[y]">z</a> <a href="mailto:a@b">m</a>`,
			"[https://www.example.org/docs/b%20c.html a&#93;] [[#x|in]] [http://x.example/%5By%5D z] [mailto:a@b m]"},
		{"images", `a <img src=i.png> <a href="#t"><img src="/j.png"></a>`, "a https://www.example.org/docs/i.png [https://www.example.org/docs/a.html#t https://www.example.org/j.png]"},
		{"lists", `<ul><li>a<ol><li>b</ol><li>c</ul><ul><li><p>d<p>e</ul><dl><dt>f<dd>g: h</dl>`,
			"* a\n*# b\n* c\n\n<ul>\n<li>\nd\n\ne\n</li>\n</ul>\n\n; f\n: g: h"},
		{"code", "<code>a <a href=b>c</a></code><pre>d [[e]] &lt;f>\n g</pre>", "<code>a [https://www.example.org/docs/b c]</code>\n\n<pre>\nd [[e]] &lt;f&gt;\n g\n</pre>"},
		{"table", `<table><caption>T</caption><tr><th>a<th colspan=2>b!!c<tr><td>d|e<td><ul><li>f</ul></table>`,
			"{| class=\"wikitable\"\n|+ T\n|-\n! a\n! colspan=\"2\" | b&#33;!c\n|-\n| d&#124;e\n| \n* f\n\n|}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Wikitext(tt.in, here, "https://www.example.org/")
			if err != nil {
				t.Fatal(err)
			}
			if s := strings.TrimSuffix(string(got), "\n"); s != tt.want {
				t.Errorf("got\n%s\nwant\n%s", s, tt.want)
			}
		})
	}
}
