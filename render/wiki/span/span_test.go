package span

import (
	"bytes"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
)

func markdown() goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(extension.GFM, extension.DefinitionList, extension.Footnote, Extension),
		goldmark.WithParserOptions(parser.WithAttribute()))
}

func TestSpan(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"place", "a []{#b}c", `<p>a <span id="b"></span>c</p>`},
		{"place with any id", `[]{id="a(\"b)"}c`, `<p><span id="a(&quot;b)"></span>c</p>`},
		{"above and below", `2[10]{.sup} H[2]{.sub}O`, `<p>2<sup>10</sup> H<sub>2</sub>O</p>`},
		{"escapes count", `x[\]&lt;\*]{.sup}`, `<p>x<sup>]&lt;*</sup></p>`},
		{"language", `[le mot]{lang="fr"}`, `<p><span lang="fr">le mot</span></p>`},
		{"no other attributes", `[a]{onclick="x" style="y" #i}`, `<p><span id="i">a</span></p>`},
		{"image", `![a](b.png){width=80 height="60"}`, `<p><img src="b.png" alt="a" width="80" height="60"></p>`},
		{"image in link", `[![a](b.png){width=80}](c)`, `<p><a href="c"><img src="b.png" alt="a" width="80"></a></p>`},
		{"image and text in braces", `![a](b.png) {width=80}`, `<p><img src="b.png" alt="a"> {width=80}</p>`},
		{"twice", `![a](b.png){width=80}{width=81}`, `<p><img src="b.png" alt="a" width="80">{width=81}</p>`},
		{"link is no span", `[a](b){.c}`, `<p><a href="b">a</a>{.c}</p>`},
		{"text in brackets", `[a] {b} [c]{d} [e`, `<p>[a] {b} [c]{d} [e</p>`},
		{"escaped", `\[a]{.sup} [a\]{.sup}`, `<p>[a]{.sup} [a]{.sup}</p>`},
		{"in a heading", "# []{#a}b {#c}", `<h1 id="c"><span id="a"></span>b</h1>`},
		{"in a cell", "|a|\n|-|\n|[]{#b}c|", "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td><span id=\"b\"></span>c</td>\n</tr>\n</tbody>\n</table>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := markdown().Convert([]byte(tt.in), &out); err != nil {
				t.Fatal(err)
			}
			if got := string(bytes.TrimSpace(out.Bytes())); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func FuzzSpan(f *testing.F) {
	f.Add([]byte("a []{#b} [c]{.sup} ![d](e){width=1}\n"))
	f.Add([]byte("[[[]{}]]{#a\n![](){"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if err := markdown().Convert(in, new(bytes.Buffer)); err != nil {
			t.Fatal(err)
		}
	})
}
