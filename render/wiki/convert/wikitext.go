// Wikitext: the region in MediaWiki's language.

package convert

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Wikitext is the region of a page as wikitext. Links to the site and its images begin with site, such as
// https://www.example.org, as wikitext has no other way to name a page outside of the wiki. MediaWiki shows such images only
// where $wgAllowExternalImages says so, and no SVG: it makes links of those. It ends with a newline; of a
// region without content it is empty.
func Wikitext(text string, place Place, site string) ([]byte, error) {
	r, err := parse(text, place)
	if err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	rename(r.root)
	unwrapAround(r.root)
	codeBlocks(r.root)
	lists(r.root)
	w := wikitext{site: strings.TrimSuffix(site, "/"), path: string(place.Path)}
	out := strings.TrimSpace(w.blocks(r.root))
	if out == "" {
		return nil, nil
	}
	return []byte(out + "\n"), nil
}

type wikitext struct{ site, path string }

// blocks writes what n holds, its blocks apart by an empty line.
func (w *wikitext) blocks(n *html.Node) string {
	var parts []string
	var run []*html.Node // text and inline elements since the last block
	flush := func() {
		if text := w.line(run, where{start: true}); text != "" {
			parts = append(parts, text)
		}
		run = nil
	}
	for c := range n.ChildNodes() {
		if c.Type == html.ElementNode && blocks[c.DataAtom] {
			flush()
			if text := strings.Trim(w.block(c), "\n"); text != "" {
				parts = append(parts, text)
			}
		} else {
			run = append(run, c)
		}
	}
	flush()
	return strings.Join(parts, "\n\n")
}

// block writes a block.
func (w *wikitext) block(n *html.Node) string {
	switch n.DataAtom {
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return w.heading(n)
	case atom.Pre:
		return w.pre(n)
	case atom.Hr:
		return "----"
	case atom.Blockquote, atom.Center:
		return "<" + n.Data + ">\n" + w.blocks(n) + "\n</" + n.Data + ">"
	case atom.Ul, atom.Ol:
		if simple(n) {
			return w.list(n, "")
		}
		attrs := ""
		if start, ok := attr(n, "start"); ok {
			attrs = ` start="` + html.EscapeString(start) + `"`
		}
		return w.tagged(n, attrs)
	case atom.Dl:
		if simple(n) {
			return w.definitions(n)
		}
		return w.tagged(n, "")
	case atom.Table:
		return w.table(n)
	}
	return w.blocks(n)
}

func (w *wikitext) heading(n *html.Node) string {
	text := w.line(slices.Collect(n.ChildNodes()), where{heading: true})
	if text == "" {
		return ""
	}
	if id, ok := attr(n, "id"); ok {
		text = place(id) + text
	}
	sign := strings.Repeat("=", int(n.Data[1]-'0'))
	return sign + " " + text + " " + sign
}

// place is where links to an id lead.
func place(id string) string { return `<span id="` + wikiEntities(html.EscapeString(id)) + `"></span>` }

// pre writes code, which no markup counts in, and below it the links and images that were in it.
func (w *wikitext) pre(n *html.Node) string {
	out := ""
	if code := codeLines(n); len(code) > 0 {
		// The parser takes the first line's end away.
		out = "<pre>\n" + strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(strings.Join(code, "\n")) + "\n</pre>"
	}
	var extras []string
	for d := range n.Descendants() {
		if d.DataAtom == atom.A && hasAttr(d, "href") && visible(d) || d.DataAtom == atom.Img {
			extras = append(extras, w.line([]*html.Node{d}, where{}))
		}
	}
	slices.Sort(extras)
	if extras = slices.Compact(extras); len(extras) > 0 {
		out += "\n\n" + strings.Join(extras, " ")
	}
	return out
}

// simple reports whether the items of a list are a line each, but for lists of the same kind at their ends.
func simple(list *html.Node) bool {
	if hasAttr(list, "start") {
		return false
	}
	for item := range list.ChildNodes() {
		nested := false
		for c := range item.ChildNodes() {
			switch {
			case c.DataAtom == atom.Ul || c.DataAtom == atom.Ol:
				if nested = list.DataAtom != atom.Dl && simple(c); !nested {
					return false
				}
			case c.Type == html.ElementNode && (blocks[c.DataAtom] || holdsBlock(c)):
				if c.DataAtom != atom.P || holdsBlock(c) || c.PrevSibling != nil && visible(c.PrevSibling) {
					return false
				}
			case nested && visible(c), c.DataAtom == atom.Br:
				return false
			}
		}
	}
	return true
}

// list writes a simple list, each line of which begins with the signs of all lists around it.
func (w *wikitext) list(n *html.Node, signs string) string {
	if signs += "*"; n.DataAtom == atom.Ol {
		signs = signs[:len(signs)-1] + "#"
	}
	var lines []string
	for item := range n.ChildNodes() {
		var run []*html.Node
		var nested []string
		for c := range item.ChildNodes() {
			if c.DataAtom == atom.Ul || c.DataAtom == atom.Ol {
				nested = append(nested, w.list(c, signs))
			} else {
				run = append(run, c)
			}
		}
		if text := w.line(run, where{start: true}); text != "" {
			lines = append(lines, signs+" "+text)
		}
		lines = append(lines, nested...)
	}
	return strings.Join(lines, "\n")
}

func (w *wikitext) definitions(n *html.Node) string {
	var lines []string
	for c := range n.ChildNodes() {
		text := w.line(slices.Collect(c.ChildNodes()), where{start: true})
		if sign := ": "; text != "" {
			if c.DataAtom == atom.Dt {
				sign, text = "; ", strings.ReplaceAll(text, ": ", "&#58; ")
			}
			lines = append(lines, sign+text)
		}
	}
	return strings.Join(lines, "\n")
}

// tagged writes a list in the tags that wikitext takes from HTML.
func (w *wikitext) tagged(n *html.Node, attrs string) string {
	var b strings.Builder
	b.WriteString("<" + n.Data + attrs + ">\n")
	for c := range n.ChildNodes() {
		if c.Type == html.ElementNode {
			b.WriteString("<" + c.Data + ">" + w.held(c) + "</" + c.Data + ">\n")
		}
	}
	return b.String() + "</" + n.Data + ">"
}

// held is the content of an item or cell: a line, or blocks that begin on the next one.
func (w *wikitext) held(n *html.Node) string {
	for c := range n.ChildNodes() {
		if c.Type == html.ElementNode && (blocks[c.DataAtom] || holdsBlock(c)) {
			return "\n" + w.blocks(n) + "\n"
		}
	}
	return w.line(slices.Collect(n.ChildNodes()), where{start: true})
}

// table writes a table; cells keep what they span.
func (w *wikitext) table(n *html.Node) string {
	var b strings.Builder
	b.WriteString(`{| class="wikitable"`)
	if caption := child(n, atom.Caption); caption != nil {
		b.WriteString("\n|+ " + w.line(slices.Collect(caption.ChildNodes()), where{cell: true}))
	}
	empty := true
	for tr := range tableRows(n) {
		b.WriteString("\n|-")
		for c := range tr.ChildNodes() {
			sign := "|"
			switch c.DataAtom {
			case atom.Th:
				sign = "!"
			case atom.Td:
			default:
				continue
			}
			empty = false
			b.WriteString("\n" + sign)
			attrs := ""
			for _, key := range []string{"colspan", "rowspan"} {
				if v := spanOf(c, key); v > 1 {
					attrs += fmt.Sprintf(` %s="%d"`, key, v)
				}
			}
			if attrs != "" {
				b.WriteString(attrs + " |")
			}
			if text := w.held(c); text != "" {
				b.WriteString(" " + text)
			}
		}
	}
	if empty {
		return ""
	}
	return b.String() + "\n|}"
}
