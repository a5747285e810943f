// Locating: where in a page's text its elements stand.
//
// The page is parsed with a comment before every tag and text, and a number in every start tag. Comments
// change nothing of how a page is parsed, and one stands in every element that is open there. So
// an element ends at the last comment that it holds: what comes next has closed it. Where the parser moves things, an element
// holds comments that are not next to each other.

package look

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// spot is a tag or a text.
type spot struct {
	start, end int // in the page's text
	content    int // of a raw text element's start tag: where its content ends; else 0
	visible    int // of a text: its bytes that can be seen
}

// span is the spots of an element.
type span struct {
	opening     int // its start tag; -1 for none
	first, last int // in the element, the last one closes it; both 0 where there is none
	count       int // how many there are
}

// visible counts the bytes of a text that can be seen. Parsers drop NUL or replace it.
func visible(text string) int {
	n := 0
	for _, r := range text {
		switch r {
		case ' ', '\t', '\n', '\r', '\f', 0, '\uFFFD':
		default:
			n++
		}
	}
	return n
}

// parse fills in root, spots and spans.
func (p *Page) parse() error {
	key := unused("pagemap-at", strings.ToLower(p.text))
	root, err := html.Parse(strings.NewReader(p.numbered(key)))
	if err != nil {
		return fmt.Errorf("look: %w", err)
	}
	p.root, p.spans = root, map[*html.Node]span{}
	p.locate(root, key)
	return nil
}

// locate takes the numbers out of a node and what is below it, and returns the node's span.
func (p *Page) locate(n *html.Node, key string) span {
	s := span{opening: -1}
	if i := slices.IndexFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key }); i >= 0 {
		s.opening, _ = strconv.Atoi(n.Attr[i].Val)
		n.Attr = slices.Delete(n.Attr, i, i+1)
	}
	for child := n.FirstChild; child != nil; {
		next := child.NextSibling
		if child.Type == html.CommentNode && strings.HasPrefix(child.Data, key) {
			i, _ := strconv.Atoi(child.Data[len(key):])
			s.add(i, i, 1)
			n.RemoveChild(child)
		} else if in := p.locate(child, key); in.count > 0 {
			s.add(in.first, in.last, in.count)
		}
		child = next
	}
	if s.opening >= 0 {
		p.spans[n] = s
	}
	return s
}

func (s *span) add(first, last, count int) {
	if s.count == 0 || first < s.first {
		s.first = first
	}
	s.last, s.count = max(s.last, last), s.count+count
}

// numbered is the page's text with numbers, and fills in spots.
func (p *Page) numbered(key string) string {
	var out strings.Builder
	out.Grow(2 * len(p.text))
	at := len(p.text) - len(strings.TrimPrefix(p.text, bom))
	z := html.NewTokenizer(strings.NewReader(p.text[at:]))
	raw := -1    // the start tag of the raw text element that the tokenizer is in
	foreign := 0 // open <svg> and <math>, in which no element is raw text
	number := func(end, visible int) {
		fmt.Fprintf(&out, "<!--%s%d-->", key, len(p.spots))
		p.spots = append(p.spots, spot{start: at, end: end, visible: visible})
	}
	for {
		tt := z.Next()
		end := at + len(z.Raw())
		token := p.text[at:end]
		switch tt {
		case html.ErrorToken:
			if raw >= 0 {
				p.spots[raw].content = len(p.text)
			} else {
				number(end, 0)
			}
			out.WriteString(token)
			return out.String()
		case html.TextToken:
			if raw < 0 {
				number(end, visible(string(z.Text())))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			tag, _ := z.TagName()
			name, head := string(tag), nameEnd(token, 1)
			number(end, 0)
			fmt.Fprintf(&out, `%s %s="%d"`, token[:head], key, len(p.spots)-1)
			token = token[head:]
			switch {
			case rawText[name] && foreign > 0:
				z.NextIsNotRawText()
			case rawText[name]:
				raw = len(p.spots) - 1
			case (name == "svg" || name == "math") && tt == html.StartTagToken:
				foreign++
			}
			z.AllowCDATA(foreign > 0)
		case html.EndTagToken:
			tag, _ := z.TagName()
			if raw >= 0 {
				p.spots[raw].content, raw = at, -1
			} else {
				number(end, 0)
			}
			if name := string(tag); (name == "svg" || name == "math") && foreign > 0 {
				foreign--
			}
			z.AllowCDATA(foreign > 0)
		}
		out.WriteString(token)
		at = end
	}
}

var (
	errNoTag  = errors.New("no tag opens it")
	errVoid   = errors.New("it has no content")
	errMoved  = errors.New("the parser moves some of it elsewhere, or something else into it: look for tags that are not closed, or text in a table outside of its cells")
	errFollow = errors.New("what follows would become a part of it")
)

// content is where in the text the content of an element begins and ends.
func (p *Page) content(n *html.Node) (start, end int, err error) {
	s, ok := p.spans[n]
	if !ok {
		return 0, 0, errNoTag
	}
	if n.Namespace != "" || void[n.Data] {
		return 0, 0, errVoid
	}
	opening := p.spots[s.opening]
	start = opening.end
	if opening.content > 0 {
		return start, opening.content, nil
	}
	if s.count == 0 || s.first != s.opening+1 || s.last-s.first+1 != s.count {
		return 0, 0, errMoved
	}
	seen := 0
	for _, spot := range p.spots[s.first:s.last] {
		seen += spot.visible
	}
	for d := range n.Descendants() {
		if d.Type == html.TextNode && (!rawText[d.Parent.Data] || d.Parent.Namespace != "") {
			seen -= visible(d.Data)
		}
	}
	if seen != 0 {
		return 0, 0, errMoved
	}
	end = p.spots[s.last].start
	return start, end, p.holds(n, start, end)
}

// holds checks that a comment in place of a region is all that its element has.
func (p *Page) holds(n *html.Node, start, end int) error {
	key := unused("pagemap-here", strings.ToLower(p.text))
	root, err := html.Parse(strings.NewReader(strings.TrimPrefix(p.text[:start], bom) + "<!--" + key + "-->" + p.text[end:]))
	if err != nil {
		return err
	}
	for c := range root.Descendants() {
		if c.Type != html.CommentNode || c.Data != key {
			continue
		}
		if c.Parent.Data != n.Data {
			break
		}
		for child := range c.Parent.ChildNodes() {
			if child != c && (child.Type != html.TextNode || visible(child.Data) > 0) {
				return errFollow
			}
		}
		return nil
	}
	return errMoved
}
