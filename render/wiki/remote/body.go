// The body and title in what a URL shows.

package remote

import (
	"bytes"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"

	"pagemap/render"
	"pagemap/render/wiki"
)

// document is how a whole document begins.
var document = regexp.MustCompile(`(?i)^(\x{FEFF}|\s|<!--(?s:.*?)-->|<\?xml[^>]*>)*<(!doctype|html|head)[\s>]`)

// body puts title and body of HTML into a page.
func (w *Wiki) body(p *wiki.Page, b []byte, contentType string) error {
	text, err := decode(b, contentType)
	if err != nil {
		return err
	}
	doc, err := html.Parse(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%w: %w", err, render.ErrUnavailable)
	}
	if w.kind.missing != nil && w.kind.missing(doc, p.Name) {
		return fmt.Errorf("the wiki says that it is missing: %w", render.ErrNotFound)
	}
	var inner *html.Node
	switch {
	case w.sel != nil:
		if inner = cascadia.Query(doc, w.sel); inner == nil {
			return fmt.Errorf("nothing in it matches the selector: %w", render.ErrUnavailable)
		}
	case document.Match(text):
		if w.kind.empty != nil && w.kind.empty(doc) {
			return errEmpty
		}
		return fmt.Errorf("a whole document, not a page's bare body: %w", render.ErrUnavailable)
	default:
		inner = &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
		nodes, err := html.ParseFragment(bytes.NewReader(text), inner)
		if err != nil {
			return fmt.Errorf("%w: %w", err, render.ErrUnavailable)
		}
		for _, n := range nodes {
			inner.AppendChild(n)
		}
	}
	for _, n := range slices.Collect(inner.Descendants()) {
		if n.Type == html.CommentNode {
			n.Parent.RemoveChild(n)
		}
	}
	var out bytes.Buffer
	for n := range inner.ChildNodes() {
		if err := html.Render(&out, n); err != nil {
			return fmt.Errorf("%w: %w", err, render.ErrUnavailable)
		}
	}
	p.Body = out.Bytes()
	for _, n := range []*html.Node{element(inner, atom.H1), element(doc, atom.Title)} {
		if n != nil && p.Title == "" {
			p.Title = strings.Join(strings.Fields(words(n)), " ")
		}
	}
	if p.Title == "" {
		p.Title = strings.ReplaceAll(path.Base(p.Name), "_", " ")
	}
	return nil
}

// decode turns HTML into UTF-8.
func decode(b []byte, contentType string) ([]byte, error) {
	e, name, certain := charset.DetermineEncoding(b, contentType)
	if name == "utf-8" || !certain && utf8.Valid(b) {
		return bytes.ToValidUTF8(b, []byte("\uFFFD")), nil
	}
	text, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return nil, fmt.Errorf("charset %s: %w: %w", name, err, render.ErrUnavailable)
	}
	return text, nil
}

// element is the first of a kind below a node, or nil.
func element(n *html.Node, a atom.Atom) *html.Node {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.DataAtom == a && d.Namespace == "" {
			return d
		}
	}
	return nil
}

// words is the text below a node.
func words(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// hasClasses reports that an element has both classes.
func hasClasses(doc *html.Node, one, two string) bool {
	for n := range doc.Descendants() {
		if classes := strings.Fields(attribute(n, "class")); slices.Contains(classes, one) && slices.Contains(classes, two) {
			return true
		}
	}
	return false
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// unescaped is a path as names are written.
func unescaped(p string) string {
	if s, err := url.PathUnescape(p); err == nil {
		return s
	}
	return p
}
