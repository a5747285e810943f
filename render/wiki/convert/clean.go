// The tree of a region: parsed, freed of what no reader sees, its references resolved.

package convert

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// dropped are elements of which readers see nothing, or that no wiki page can have.
var dropped = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Template: true, atom.Noscript: true, atom.Head: true, atom.Title: true,
	atom.Link: true, atom.Meta: true, atom.Base: true, atom.Input: true, atom.Svg: true, atom.Canvas: true, atom.Wbr: true,
	atom.Col: true, atom.Colgroup: true, atom.Source: true, atom.Track: true, atom.Param: true, atom.Datalist: true,
}

// embedded are elements that show another document: they become links to it.
var embedded = map[atom.Atom]string{
	atom.Iframe: "src", atom.Embed: "src", atom.Video: "src", atom.Audio: "src", atom.Object: "data", atom.Frame: "src",
}

// blocks are the elements that begin a line of their own.
var blocks = map[atom.Atom]bool{
	atom.Address: true, atom.Article: true, atom.Aside: true, atom.Blockquote: true, atom.Body: true, atom.Center: true, atom.Dd: true,
	atom.Details: true, atom.Dialog: true, atom.Dir: true, atom.Div: true, atom.Dl: true, atom.Dt: true, atom.Fieldset: true,
	atom.Figcaption: true, atom.Figure: true, atom.Footer: true, atom.Form: true, atom.H1: true, atom.H2: true, atom.H3: true,
	atom.H4: true, atom.H5: true, atom.H6: true, atom.Header: true, atom.Hgroup: true, atom.Hr: true, atom.Legend: true, atom.Li: true,
	atom.Main: true, atom.Menu: true, atom.Nav: true, atom.Ol: true, atom.Option: true, atom.P: true, atom.Pre: true, atom.Search: true,
	atom.Section: true, atom.Summary: true, atom.Table: true, atom.Caption: true, atom.Tbody: true, atom.Td: true, atom.Tfoot: true,
	atom.Th: true, atom.Thead: true, atom.Tr: true, atom.Ul: true, atom.Plaintext: true, atom.Listing: true, atom.Xmp: true,
}

// structural are elements whose ids are for style sheets. They are kept only where the page itself links to them.
var structural = map[atom.Atom]bool{
	atom.Article: true, atom.Aside: true, atom.Body: true, atom.Center: true, atom.Div: true, atom.Dl: true, atom.Footer: true,
	atom.Form: true, atom.Header: true, atom.Main: true, atom.Nav: true, atom.Ol: true, atom.Section: true, atom.Table: true,
	atom.Tbody: true, atom.Thead: true, atom.Ul: true, atom.Button: true, atom.Label: true, atom.Select: true,
}

// region is the tree of a region of a page.
type region struct {
	root    *html.Node // a div
	place   Place
	linked  map[string]bool // ids that links of the region lead to
	seen    map[string]bool // ids that are placed
	pending []string        // ids that wait for a place
}

// parse reads the region of a page that stands at place.
func parse(text string, place Place) (*region, error) {
	root := element(atom.Div)
	nodes, err := html.ParseFragment(strings.NewReader(strings.ToValidUTF8(text, "\uFFFD")), element(atom.Div))
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		root.AppendChild(n)
	}
	r := &region{root: root, place: place, linked: map[string]bool{}, seen: map[string]bool{}}
	r.drop(root)
	r.references(root)
	r.ids(root)
	if len(r.pending) > 0 {
		p := element(atom.P)
		r.anchors(p, nil)
		root.AppendChild(p)
	}
	return r, nil
}

// drop removes what readers do not see.
func (r *region) drop(n *html.Node) {
	for c := range each(n) {
		switch {
		case c.Type == html.CommentNode, c.Type == html.DoctypeNode, c.Type == html.ElementNode && (dropped[c.DataAtom] || hidden(c)):
			n.RemoveChild(c)
		case c.Type == html.TextNode:
			c.Data = strings.Map(printable, c.Data)
		default:
			r.drop(c)
		}
	}
	for c := range each(n) { // what a comment stood between
		if next := c.NextSibling; c.Type == html.TextNode && next != nil && next.Type == html.TextNode {
			next.Data = c.Data + next.Data
			n.RemoveChild(c)
		}
	}
}

// printable makes spaces of control characters, and of the one private character that the Markdown library uses itself.
func printable(c rune) rune {
	if c < ' ' && c != '\n' && c != '\t' && c != '\r' && c != '\f' || c == 0x7F || c == '\uF002' {
		return ' '
	}
	return c
}

// hidden reports whether an element itself says that it is not shown.
func hidden(n *html.Node) bool {
	if _, ok := attr(n, "hidden"); ok {
		return true
	}
	style, _ := attr(n, "style")
	style = strings.ToLower(strings.Join(strings.Fields(style), ""))
	return strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden")
}

// references resolves the targets of links and images. What shows another document becomes a link to it, and so does each
// area of a map. Links that run a script become their text.
func (r *region) references(n *html.Node) {
	for c := range each(n) {
		if c.Type != html.ElementNode {
			continue
		}
		if key, ok := embedded[c.DataAtom]; ok {
			r.embed(c, key)
			continue
		}
		r.references(c)
		switch c.DataAtom {
		case atom.A:
			if href, ok := attr(c, "href"); ok {
				if href = r.resolve(href); href == "" {
					removeAttr(c, "href")
				} else {
					setAttr(c, "href", href)
				}
			}
		case atom.Img:
			src, _ := attr(c, "src")
			if strings.TrimSpace(src) != "" {
				src = r.resolve(src)
			}
			if strings.TrimSpace(src) == "" || strings.HasPrefix(src, "#") {
				n.RemoveChild(c)
			} else {
				setAttr(c, "src", src)
			}
		case atom.Map:
			r.areas(c)
		}
	}
}

// resolve is the target of a reference: one within the page stays one; "" is what may not be followed.
func (r *region) resolve(ref string) string {
	ref = tidy(ref)
	switch scheme, _, _ := strings.Cut(strings.ToLower(ref), ":"); scheme {
	case "javascript", "vbscript":
		return ""
	}
	target := r.place.Resolve(ref)
	if before, fragment, ok := strings.Cut(target, "#"); ok && before == string(r.place.Path) {
		r.linked[fragment] = true
		if id, err := url.PathUnescape(fragment); err == nil {
			r.linked[id] = true
		}
		if strings.HasPrefix(ref, "#") {
			return "#" + fragment
		}
	}
	return target
}

// embed replaces an element that shows another document by a link.
func (r *region) embed(n *html.Node, key string) {
	src, _ := attr(n, key)
	if src == "" { // <video><source src=...>
		for d := range n.Descendants() {
			if d.DataAtom == atom.Source && src == "" {
				src, _ = attr(d, "src")
			}
		}
	}
	if src = r.resolve(src); src != "" && src != string(r.place.Path) {
		text, _ := attr(n, "title")
		if text == "" {
			before, _, _ := strings.Cut(src, "?")
			text = path.Base(before)
		}
		a := element(atom.A, html.Attribute{Key: "href", Val: src})
		a.AppendChild(&html.Node{Type: html.TextNode, Data: text})
		n.Parent.InsertBefore(a, n)
	}
	n.Parent.RemoveChild(n)
}

// areas makes links of a map's areas.
func (r *region) areas(m *html.Node) {
	for c := range each(m) {
		if c.DataAtom != atom.Area {
			continue
		}
		href, _ := attr(c, "href")
		href = r.resolve(href)
		text, _ := attr(c, "alt")
		if title, _ := attr(c, "title"); text == "" {
			text = title
		}
		if text == "" {
			text = path.Base(href)
		}
		if _, ok := attr(c, "href"); ok && href != "" {
			a := element(atom.A, html.Attribute{Key: "href", Val: href})
			a.AppendChild(&html.Node{Type: html.TextNode, Data: text})
			m.InsertBefore(a, c)
			m.InsertBefore(&html.Node{Type: html.TextNode, Data: " "}, c)
		}
		m.RemoveChild(c)
	}
}

// ids takes the ids from their elements and puts them where every syntax can hold them: a heading keeps its first one;
// all others become empty spans before the next text or image.
func (r *region) ids(n *html.Node) {
	for c := range each(n) {
		switch {
		case c.Type == html.TextNode:
			if strings.TrimSpace(c.Data) != "" {
				r.anchors(n, c)
			}
			continue
		case c.Type != html.ElementNode:
			continue
		}
		r.take(c)
		switch {
		case heading(c) && visible(c):
			for d := range c.Descendants() {
				r.take(d)
			}
			if len(r.pending) > 0 {
				setAttr(c, "id", r.pending[0])
				r.pending = r.pending[1:]
			}
			r.anchors(c, c.FirstChild)
		case c.DataAtom == atom.Pre:
			for d := range c.Descendants() {
				r.take(d)
			}
			if len(r.pending) > 0 {
				p := element(atom.P)
				r.anchors(p, nil)
				n.InsertBefore(p, c)
			}
		case c.DataAtom == atom.Img:
			r.anchors(n, c)
		default:
			r.ids(c)
		}
	}
}

// take makes the id of n, or the name of an anchor, pending.
func (r *region) take(n *html.Node) {
	id, _ := attr(n, "id")
	removeAttr(n, "id")
	names := []string{id}
	if n.DataAtom == atom.A {
		name, _ := attr(n, "name")
		names = append(names, name)
	}
	for _, id := range names {
		if id == "" || strings.ContainsAny(id, " \t\r\n\f") || r.seen[id] || structural[n.DataAtom] && !r.linked[id] {
			continue
		}
		r.seen[id] = true
		r.pending = append(r.pending, id)
	}
}

// anchors puts the pending ids into parent before a node; nil: at its end.
func (r *region) anchors(parent, before *html.Node) {
	for _, id := range r.pending {
		parent.InsertBefore(element(atom.Span, html.Attribute{Key: "id", Val: id}), before)
	}
	r.pending = r.pending[:0]
}

func heading(n *html.Node) bool {
	switch n.DataAtom {
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return n.Type == html.ElementNode
	}
	return false
}

// visible reports whether n holds text or an image.
func visible(n *html.Node) bool {
	if n.Type == html.TextNode {
		return strings.TrimSpace(n.Data) != ""
	}
	for d := range n.Descendants() {
		if d.Type == html.TextNode && strings.TrimSpace(d.Data) != "" || d.DataAtom == atom.Img {
			return true
		}
	}
	return n.DataAtom == atom.Img
}

// each yields the children of n, which may be removed or replaced meanwhile.
func each(n *html.Node) func(func(*html.Node) bool) {
	return slices.Values(slices.Collect(n.ChildNodes()))
}

func element(a atom.Atom, attrs ...html.Attribute) *html.Node {
	return &html.Node{Type: html.ElementNode, DataAtom: a, Data: a.String(), Attr: attrs}
}

func attr(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val, true
		}
	}
	return "", false
}

func setAttr(n *html.Node, key, val string) {
	removeAttr(n, key)
	n.Attr = append(n.Attr, html.Attribute{Key: key, Val: val})
}

func removeAttr(n *html.Node, key string) {
	n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key && a.Namespace == "" })
}
