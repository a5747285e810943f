// Emphasis, where Markdown can say it.

package convert

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// emphases moves the white space at the ends of emphasis out of it, and unwraps that which Markdown's delimiters could not
// say where it stands (CommonMark, 6.2): the outer one first, as it decides what stands beside the inner.
func emphases(root *html.Node) {
	trim(root)
	decide(root)
}

func emphasized(n *html.Node) bool {
	return n.DataAtom == atom.Strong || n.DataAtom == atom.Em || n.DataAtom == atom.Del
}

// trim moves white space, the inner one first.
func trim(n *html.Node) {
	for c := range each(n) {
		trim(c)
		if !emphasized(c) {
			continue
		}
		if first := c.FirstChild; first != nil && first.Type == html.TextNode && strings.HasPrefix(first.Data, " ") {
			n.InsertBefore(textNode(" "), c)
			first.Data = strings.TrimLeft(first.Data, " ")
		}
		if last := c.LastChild; last != nil && last.Type == html.TextNode && strings.HasSuffix(last.Data, " ") {
			n.InsertBefore(textNode(" "), c.NextSibling)
			last.Data = strings.TrimRight(last.Data, " ")
		}
	}
}

// decide unwraps what cannot be said.
func decide(n *html.Node) {
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		if emphasized(c) && !sayable(c) {
			if c.FirstChild != nil {
				next = c.FirstChild
			}
			unwrap(c)
		} else {
			decide(c)
		}
		c = next
	}
}

// sayable reports whether delimiters around n's content would be read as such; those of em it chooses.
func sayable(n *html.Node) bool {
	for d := range n.Descendants() {
		if d.DataAtom == atom.Br {
			return false
		}
	}
	for p := n.Parent; p != nil; p = p.Parent {
		if p.DataAtom == n.DataAtom {
			return false
		}
	}
	before, after := neighbour(n, false), neighbour(n, true)
	first, last := edge(n, false), edge(n, true)
	opens := !unicode.IsSpace(first) && (!punctuation(first) || unicode.IsSpace(before) || punctuation(before))
	closes := !unicode.IsSpace(last) && (!punctuation(last) || unicode.IsSpace(after) || punctuation(after))
	if !opens || !closes || !visible(n) || before == beside || after == beside {
		return false
	}
	if n.DataAtom == atom.Em && !word(before) && !word(after) && before != within && after != within {
		setAttr(n, "delimiter", "_")
	}
	return true
}

// What neighbour returns in the place of a character: both are punctuation.
const (
	beside = '*' // other emphasis, without a character between: the delimiters would be read as one run
	within = '/' // the delimiter of the emphasis that n begins or ends
)

// neighbour is the character that is written beside n: ' ' at the ends of a line.
func neighbour(n *html.Node, after bool) rune {
	for {
		next := n.PrevSibling
		if after {
			next = n.NextSibling
		}
		if next != nil {
			if emphasized(next) && visible(next) {
				return beside
			}
			if c := edgeOf(next, !after); c != 0 {
				return c
			}
			n = next
			continue
		}
		if n = n.Parent; n == nil || blocks[n.DataAtom] {
			return ' '
		}
		switch n.DataAtom {
		case atom.A:
			return '['
		case atom.Strong, atom.Em, atom.Del:
			return within
		}
	}
}

// edge is the first character that is written of n's content, or the last.
func edge(n *html.Node, last bool) rune {
	c := n.FirstChild
	if last {
		c = n.LastChild
	}
	for c != nil {
		if r := edgeOf(c, last); r != 0 {
			return r
		}
		if last {
			c = c.PrevSibling
		} else {
			c = c.NextSibling
		}
	}
	return ' '
}

// edgeOf is the first or last character that is written of n; 0 where nothing is.
func edgeOf(n *html.Node, last bool) rune {
	if n.Type == html.TextNode {
		r, size := utf8.DecodeRuneInString(n.Data)
		if last {
			r, size = utf8.DecodeLastRuneInString(n.Data)
		}
		if size == 0 {
			return 0
		}
		return r
	}
	switch n.DataAtom {
	case atom.Br:
		return ' '
	case atom.Code, atom.A, atom.Img, atom.Span, atom.Sup, atom.Sub:
		return '['
	case atom.Del:
		return '~'
	}
	if blocks[n.DataAtom] {
		return ' '
	}
	return edge(n, last)
}

func punctuation(c rune) bool { return unicode.IsPunct(c) || unicode.IsSymbol(c) }
