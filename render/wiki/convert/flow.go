// The tree brought to what Markdown can say: blocks in blocks, and text in lines.

package convert

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// reflow rewrites a region's tree to the elements that Markdown has.
func reflow(root *html.Node) {
	rename(root)
	unwrapAround(root)
	codeBlocks(root)
	lists(root)
	tables(root)
	lines(root)
	codes(root)
}

// renamed are elements that mean the same as another, to Markdown.
var renamed = map[atom.Atom]atom.Atom{
	atom.B: atom.Strong, atom.I: atom.Em, atom.Cite: atom.Em, atom.Dfn: atom.Em, atom.Var: atom.Em, atom.Tt: atom.Code,
	atom.Samp: atom.Code, atom.Kbd: atom.Code, atom.S: atom.Del, atom.Strike: atom.Del, atom.Menu: atom.Ul, atom.Dir: atom.Ul,
	atom.Listing: atom.Pre, atom.Xmp: atom.Pre, atom.Plaintext: atom.Pre, atom.Figcaption: atom.P, atom.Legend: atom.P, atom.Summary: atom.P,
	atom.Address: atom.P, atom.Option: atom.P,
}

// plain are the inline elements that are left as they are; all others are their content.
var plain = map[atom.Atom]bool{
	atom.A: true, atom.Img: true, atom.Br: true, atom.Code: true, atom.Strong: true, atom.Em: true, atom.Del: true, atom.Sup: true, atom.Sub: true,
}

// rename brings synonyms to one name, and unwraps the inline elements that Markdown knows nothing of.
func rename(n *html.Node) {
	for c := range each(n) {
		if c.Type != html.ElementNode {
			continue
		}
		rename(c)
		if to, ok := renamed[c.DataAtom]; ok {
			c.DataAtom, c.Data = to, to.String()
		}
		_, id := attr(c, "id")
		switch {
		case c.DataAtom == atom.Q:
			n.InsertBefore(textNode("“"), c)
			n.InsertBefore(textNode("”"), c.NextSibling)
			unwrap(c)
		case c.DataAtom == atom.A && !hasAttr(c, "href"):
			unwrap(c)
		case !blocks[c.DataAtom] && !plain[c.DataAtom] && !id:
			unwrap(c)
		}
	}
	joinTexts(n)
}

// unwrapAround puts inline elements that hold blocks into these; only links are worth it.
func unwrapAround(n *html.Node) {
	for c := range each(n) {
		unwrapAround(c)
		if blocks[c.DataAtom] || !plain[c.DataAtom] || !holdsBlock(c) {
			continue
		}
		if c.DataAtom == atom.A {
			wrapRuns(c, c)
		}
		unwrap(c)
	}
}

// wrapRuns puts every run of text and inline elements below n, which holds blocks, into a copy of the link.
func wrapRuns(n, link *html.Node) {
	var open *html.Node
	for c := range each(n) {
		if c.Type == html.ElementNode && (blocks[c.DataAtom] || holdsBlock(c)) {
			open = nil
			wrapRuns(c, link)
			continue
		}
		if open == nil && !visible(c) {
			continue
		}
		if open == nil {
			open = element(atom.A, slices.Clone(link.Attr)...)
			n.InsertBefore(open, c)
		}
		n.RemoveChild(c)
		open.AppendChild(c)
	}
}

func holdsBlock(n *html.Node) bool {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && blocks[d.DataAtom] {
			return true
		}
	}
	return false
}

// lists makes lists hold items alone, and items stand in lists. A list of definitions without a term is for
// indenting: it becomes its content.
func lists(n *html.Node) {
	var open *html.Node // the list made for items outside of one
	for c := range each(n) {
		lists(c)
		switch {
		case n.DataAtom != atom.Ul && n.DataAtom != atom.Ol && c.DataAtom == atom.Li:
			if open == nil {
				open = element(atom.Ul)
				n.InsertBefore(open, c)
			}
			n.RemoveChild(c)
			open.AppendChild(c)
			continue
		case c.DataAtom == atom.Ul, c.DataAtom == atom.Ol:
			items(c, atom.Li)
		case c.DataAtom == atom.Dl:
			definitions(c)
		case (c.DataAtom == atom.Dt || c.DataAtom == atom.Dd) && n.DataAtom != atom.Dl:
			c.DataAtom, c.Data = atom.Div, "div"
		}
		if visible(c) {
			open = nil
		}
	}
}

// items puts what is no item of a list into the item before it.
func items(list *html.Node, kind atom.Atom) {
	var last *html.Node
	for c := range each(list) {
		switch {
		case c.DataAtom == kind:
			last = c
			if !visible(c) && !anchored(c) {
				list.RemoveChild(c)
			}
		case !visible(c) && !anchored(c) && !hasAttr(c, "id"):
			list.RemoveChild(c)
		default:
			if last == nil || last.Parent == nil {
				last = element(kind)
				list.InsertBefore(last, c)
			}
			list.RemoveChild(c)
			last.AppendChild(c)
		}
	}
}

// definitions brings a list of definitions to terms and descriptions, with at least one of each.
func definitions(list *html.Node) {
	for c := range each(list) { // <dl><div><dt>
		if c.DataAtom == atom.Div && (child(c, atom.Dt) != nil || child(c, atom.Dd) != nil) {
			unwrap(c)
		}
	}
	terms := false
	for c := range each(list) {
		terms = terms || c.DataAtom == atom.Dt
		last := c.PrevSibling
		switch {
		case !visible(c) && !anchored(c) && !hasAttr(c, "id"):
			list.RemoveChild(c)
		case !terms:
			list.RemoveChild(c)
			if c.DataAtom == atom.Dd {
				c.DataAtom, c.Data = atom.Div, "div"
			}
			list.Parent.InsertBefore(c, list)
		case c.DataAtom != atom.Dt && c.DataAtom != atom.Dd:
			list.RemoveChild(c)
			if last.DataAtom == atom.Dt {
				next := element(atom.Dd)
				list.InsertBefore(next, last.NextSibling)
				last = next
			}
			last.AppendChild(c)
		}
	}
	if child(list, atom.Dd) == nil { // terms alone
		for c := range each(list) {
			c.DataAtom, c.Data = atom.Div, "div"
		}
		unwrap(list)
	}
}

// lines makes the content of headings, terms and cells, which are a line each, inline.
func lines(n *html.Node) {
	for c := range each(n) {
		lines(c)
		if heading(c) || c.DataAtom == atom.Dt || c.DataAtom == atom.Td || c.DataAtom == atom.Th {
			flatten(c)
		}
	}
}

// flatten unwraps the blocks below n, which stand apart by a space then.
func flatten(n *html.Node) {
	for c := range each(n) {
		flatten(c)
		switch {
		case c.DataAtom == atom.Br || c.DataAtom == atom.Hr:
			n.InsertBefore(textNode(" "), c)
			n.RemoveChild(c)
		case c.DataAtom == atom.Pre:
			c.DataAtom, c.Data = atom.Code, "code"
			fallthrough
		case blocks[c.DataAtom]:
			n.InsertBefore(textNode(" "), c)
			n.InsertBefore(textNode(" "), c.NextSibling)
			if c.DataAtom != atom.Code {
				unwrap(c)
			}
		}
	}
	joinTexts(n)
}

// codeBlocks makes blocks of code of paragraphs that are nothing but code in several lines.
func codeBlocks(n *html.Node) {
	for c := range each(n) {
		if !blocks[c.DataAtom] || c.DataAtom == atom.Pre {
			continue
		}
		codeBlocks(c)
		code := child(c, atom.Code)
		if code == nil || heading(c) || c.DataAtom == atom.Dt || holdsBlock(c) {
			continue
		}
		several := false
		for d := range c.Descendants() {
			if d.Type == html.TextNode && d.Parent == c && strings.TrimSpace(d.Data) != "" || d.DataAtom == atom.A || d.DataAtom == atom.Img ||
				d.Parent == c && d.Type == html.ElementNode && d != code && d.DataAtom != atom.Span {
				several = false
				break
			}
			several = several || d.DataAtom == atom.Br
		}
		if !several {
			continue
		}
		pre := element(atom.Pre)
		c.InsertBefore(pre, code)
		pre.AppendChild(textNode(strings.ReplaceAll(codeText(code), "\u00A0", " ")))
		c.RemoveChild(code)
		if c.DataAtom == atom.P {
			unwrap(c)
		}
	}
}

// codeText is the text of code, in the lines that its line breaks make.
func codeText(code *html.Node) string {
	var b strings.Builder
	for d := range code.Descendants() {
		switch {
		case d.DataAtom == atom.Br:
			b.WriteByte('\n')
		case d.Type == html.TextNode:
			text := strings.Join(strings.FieldsFunc(d.Data, space), " ")
			if b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") && strings.IndexFunc(d.Data, space) == 0 {
				text = " " + text
			}
			if text != "" && strings.LastIndexFunc(d.Data, space) == len(d.Data)-1 {
				text += " "
			}
			b.WriteString(text)
		}
	}
	return b.String()
}

// space reports whether c is white space of HTML's, of which runs are one space.
func space(c rune) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }

// codes makes code hold text alone: what it holds of links and images stands between pieces of code. Pieces side by side
// become one. What else is marked within code is not.
func codes(n *html.Node) {
	for c := range each(n) {
		if c.DataAtom == atom.Code && n.DataAtom != atom.Pre {
			split(c)
			continue
		}
		if c.DataAtom != atom.Pre {
			codes(c)
		}
	}
	joinCodes(n)
}

// split replaces a code element by pieces of code and what cannot stand in it.
func split(code *html.Node) {
	var piece *html.Node
	parent := code.Parent
	add := func(text string, into, before *html.Node) {
		if piece == nil || piece.Parent != into {
			piece = element(atom.Code)
			piece.AppendChild(textNode(""))
			into.InsertBefore(piece, before)
		}
		piece.FirstChild.Data += text
	}
	var walk func(n, into, before *html.Node)
	walk = func(n, into, before *html.Node) {
		for c := range each(n) {
			_, id := attr(c, "id")
			switch {
			case c.Type == html.TextNode:
				add(c.Data, into, before)
			case c.DataAtom == atom.Br:
				n.RemoveChild(c)
				into.InsertBefore(c, before)
				piece = nil
			case c.DataAtom == atom.A:
				link := element(atom.A, c.Attr...)
				into.InsertBefore(link, before)
				piece = nil
				walk(c, link, nil)
				piece = nil
			case c.DataAtom == atom.Img || id:
				n.RemoveChild(c)
				into.InsertBefore(c, before)
				piece = nil
			default:
				walk(c, into, before)
			}
		}
	}
	walk(code, parent, code)
	parent.RemoveChild(code)
}

// joinCodes makes one of pieces of code side by side, and text of those that hold nothing but white space.
func joinCodes(n *html.Node) {
	if n.DataAtom == atom.Pre {
		return
	}
	for c := range each(n) {
		if c.DataAtom != atom.Code || c.FirstChild == nil {
			continue
		}
		if next := c.NextSibling; next != nil && next.DataAtom == atom.Code && next.FirstChild != nil {
			next.FirstChild.Data = c.FirstChild.Data + next.FirstChild.Data
			n.RemoveChild(c)
			continue
		}
		text := strings.Join(strings.FieldsFunc(c.FirstChild.Data, space), " ")
		if text == "" {
			unwrap(c)
			continue
		}
		if strings.IndexFunc(c.FirstChild.Data, space) == 0 {
			n.InsertBefore(textNode(" "), c)
		}
		if strings.LastIndexFunc(c.FirstChild.Data, space) == len(c.FirstChild.Data)-1 {
			n.InsertBefore(textNode(" "), c.NextSibling)
		}
		c.FirstChild.Data = text
	}
	joinTexts(n)
}

// unwrap replaces n by its content.
func unwrap(n *html.Node) {
	for c := range each(n) {
		n.RemoveChild(c)
		n.Parent.InsertBefore(c, n)
	}
	n.Parent.RemoveChild(n)
}

// joinTexts makes one of texts side by side.
func joinTexts(n *html.Node) {
	for c := range each(n) {
		if next := c.NextSibling; c.Type == html.TextNode && next != nil && next.Type == html.TextNode {
			next.Data = c.Data + next.Data
			n.RemoveChild(c)
		}
	}
}

func textNode(s string) *html.Node { return &html.Node{Type: html.TextNode, Data: s} }

func hasAttr(n *html.Node, key string) bool {
	_, ok := attr(n, key)
	return ok
}
