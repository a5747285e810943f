// Page: an old page, decoded and parsed, whose elements know their bytes.

package look

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
)

// Page is an old page. It is immutable.
type Page struct {
	decoded
	raw   []byte
	root  *html.Node
	spots []spot
	spans map[*html.Node]span
}

// Region is the content of one element of a page.
type Region struct {
	Start, End int    // in the page's bytes
	HTML       string // the content in UTF-8
}

// ReadPage reads a page of the given Content-Type, "" for none. The bytes must not change afterwards. It is an
// ErrCharset if the page's charset is not known.
func ReadPage(page []byte, contentType string) (*Page, error) {
	d, err := decode(page, determine(page, contentType))
	if err != nil {
		return nil, err
	}
	p := &Page{decoded: d, raw: page}
	if err := p.parse(); err != nil {
		return nil, err
	}
	return p, nil
}

// Charset is the page's, as a Content-Type names it.
func (p *Page) Charset() string { return p.charset }

// Root is the page's tree, which must not be changed.
func (p *Page) Root() *html.Node { return p.root }

// Title is the text of the page's <title>, blanks collapsed; "" where it has none.
func (p *Page) Title() string {
	if n := p.title(); n != nil {
		return strings.Join(strings.Fields(textOf(n)), " ")
	}
	return ""
}

func (p *Page) title() *html.Node { return p.element("title") }

// element is the first HTML element of a name, or nil.
func (p *Page) element(name string) *html.Node {
	for n := range p.root.Descendants() {
		if n.Type == html.ElementNode && n.Data == name && n.Namespace == "" {
			return n
		}
	}
	return nil
}

// Region returns the content of the one element that a CSS selector matches. It is an ErrSelector, an
// ErrRegion that lists what matches, or ErrBroken.
func (p *Page) Region(selector string) (Region, error) {
	_, start, end, err := p.region(selector)
	if err != nil {
		return Region{}, err
	}
	return Region{p.after(start), p.at(end), strings.ToValidUTF8(p.text[start:end], "\uFFFD")}, nil
}

// region returns the one element that a selector matches, and where in the text its content stands.
func (p *Page) region(selector string) (n *html.Node, start, end int, err error) {
	if n, err = p.match(selector); err != nil {
		return nil, 0, 0, err
	}
	if start, end, err = p.content(n); err != nil {
		return nil, 0, 0, fmt.Errorf("%w: %s: %w", ErrBroken, selector, err)
	}
	return n, start, end, nil
}

// match returns the one element that a selector matches.
func (p *Page) match(selector string) (*html.Node, error) {
	group, err := cascadia.ParseGroup(selector)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrSelector, selector, err)
	}
	found := cascadia.QueryAll(p.root, group)
	if len(found) == 1 {
		return found[0], nil
	}
	what := "matches nothing"
	if len(found) > 1 {
		what = fmt.Sprintf("matches %d elements", len(found))
	} else {
		found = cascadia.QueryAll(p.root, withID)
		if len(found) > 0 {
			what += "; these elements have an id"
		}
	}
	const most = 8
	for i, n := range found {
		if i == most {
			what += fmt.Sprintf("\n  and %d more", len(found)-most)
			break
		}
		what += "\n  " + p.describe(n)
	}
	return nil, fmt.Errorf("%w: %s %s", ErrRegion, selector, what)
}

var withID = cascadia.MustCompile("body [id]")

// describe names an element and its line.
func (p *Page) describe(n *html.Node) string {
	s, ok := p.spans[n]
	if !ok {
		return "<" + n.Data + ">, which no tag opens"
	}
	tag := p.spots[s.opening]
	line, _ := p.place(tag.start)
	return fmt.Sprintf("line %d: %s", line, clip(p.text[tag.start:tag.end]))
}

// maxShown is how much of a page's text a message shows, in bytes.
const maxShown = 120

// clip is a text on one line, cut where it is too long.
func clip(text string) string {
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "\uFFFD")
	if len(text) <= maxShown {
		return text
	}
	cut := maxShown
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// textOf is all text in a node.
func textOf(n *html.Node) string {
	var text strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			text.WriteString(d.Data)
		}
	}
	return text.String()
}
