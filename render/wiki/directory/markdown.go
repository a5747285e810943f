// Markdown as HTML, and the titles of pages.

package directory

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	dom "golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"pagemap/render/wiki/span"
)

// converter is Markdown as the package comment has it.
var converter = goldmark.New(
	goldmark.WithExtensions(extension.GFM, extension.DefinitionList, extension.Footnote, span.Extension),
	goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithHeadingAttribute()),
	goldmark.WithRendererOptions(html.WithUnsafe()),
)

// drawMarkdown returns a page's title, which may be "", and its HTML.
func drawMarkdown(source []byte) (title string, body []byte, err error) {
	title, source = frontMatter(source)
	doc := converter.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(&headingIDs{}))))
	if title == "" {
		title = firstHeading(doc, source)
	}
	var out bytes.Buffer
	if err := converter.Renderer().Render(&out, source, doc); err != nil {
		return "", nil, err
	}
	return title, out.Bytes(), nil
}

// frontMatter cuts off the lines between two of "---" at the top of a page, and returns their title.
func frontMatter(source []byte) (title string, rest []byte) {
	first, rest, ok := bytes.Cut(bytes.TrimPrefix(source, []byte("\ufeff")), []byte("\n"))
	if !ok || string(bytes.TrimRight(first, " \r")) != "---" {
		return "", source
	}
	for {
		line, more, ok := bytes.Cut(rest, []byte("\n"))
		name, value, _ := strings.Cut(strings.TrimSpace(string(line)), ":")
		switch {
		case name == "---":
			return title, more
		case !ok:
			return "", source // it has no end: a rule, then text
		case name == "title":
			title = unquote(strings.TrimSpace(value))
		}
		rest = more
	}
}

// unquote takes the quotes of a YAML scalar away.
func unquote(s string) string {
	if n := len(s); n > 1 && s[0] == '\'' && s[n-1] == '\'' {
		return strings.ReplaceAll(s[1:n-1], "''", "'")
	}
	if u, err := strconv.Unquote(s); err == nil && s[0] == '"' {
		return u
	}
	return s
}

// firstHeading is the text of the first heading of the first level.
func firstHeading(doc ast.Node, source []byte) string {
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level == 1 {
			var b strings.Builder
			_ = ast.Walk(h, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function has no error
				switch n := n.(type) {
				case *ast.Text:
					if entering {
						b.Write(n.Segment.Value(source))
						if n.SoftLineBreak() || n.HardLineBreak() {
							b.WriteByte(' ')
						}
					}
				case *ast.String:
					if entering {
						b.Write(n.Value)
					}
				}
				return ast.WalkContinue, nil
			})
			return plain(dom.UnescapeString(b.String()))
		}
	}
	return ""
}

// plain is text in one line.
func plain(s string) string { return strings.Join(strings.Fields(s), " ") }

// titleOfHTML is the text of a fragment's first h1, or "".
func titleOfHTML(fragment []byte) string {
	z := dom.NewTokenizer(bytes.NewReader(fragment))
	var b strings.Builder
	for in := false; ; {
		switch z.Next() {
		case dom.ErrorToken:
			return ""
		case dom.TextToken:
			if in {
				b.Write(z.Text())
			}
		case dom.StartTagToken:
			if name, _ := z.TagName(); atom.Lookup(name) == atom.H1 {
				in = true
			}
		case dom.EndTagToken:
			if name, _ := z.TagName(); in && atom.Lookup(name) == atom.H1 {
				return plain(b.String())
			}
		}
	}
}

// headingIDs gives headings without an id one of their words. It implements parser.IDs.
type headingIDs struct {
	taken map[string]bool
}

// Generate implements parser.IDs.
func (ids *headingIDs) Generate(value []byte, _ ast.NodeKind) []byte {
	words := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case unicode.IsSpace(r):
			return '-'
		}
		return -1
	}, strings.TrimSpace(string(value)))
	if words == "" {
		words = "section"
	}
	id := words
	for n := 1; ids.taken[id]; n++ {
		id = words + "-" + strconv.Itoa(n)
	}
	ids.Put([]byte(id))
	return []byte(id)
}

// Put implements parser.IDs.
func (ids *headingIDs) Put(value []byte) {
	if ids.taken == nil {
		ids.taken = map[string]bool{}
	}
	ids.taken[string(value)] = true
}
