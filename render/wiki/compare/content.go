// Content: what readers find in a page.

package compare

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/text/unicode/norm"

	"pagemap/render/wiki/convert"
)

// Content is what readers find in a page, all in the order of the page.
type Content struct {
	Words    []string
	Links    []string // targets, resolved, of links that show something; each once
	Images   []string // sources, resolved; each once
	Headings []string // their words, with a space between
	IDs      []string // that links may lead to; each once
}

// Read reads the HTML of a page's content, which stands at place.
func Read(fragment string, place convert.Place) (*Content, error) {
	root, err := parse(fragment)
	if err != nil {
		return nil, err
	}
	c := &Content{}
	for _, w := range words(root) {
		c.Words = append(c.Words, w.text)
	}
	sets := [3]map[string]bool{{}, {}, {}}
	once := func(set int, list *[]string, s string) {
		if !sets[set][s] {
			sets[set][s] = true
			*list = append(*list, s)
		}
	}
	for n := range shown(root) {
		if n.Type != html.ElementNode {
			continue
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "id" && a.Val != "", a.Key == "name" && n.DataAtom == atom.A && a.Val != "":
				once(2, &c.IDs, a.Val)
			case a.Key == "href" && (n.DataAtom == atom.Area || n.DataAtom == atom.A && shows(n)):
				if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
					once(0, &c.Links, target(place, a.Val))
				}
			case a.Key == "src" && n.DataAtom == atom.Img:
				once(1, &c.Images, target(place, a.Val))
			}
		}
		if len(n.Data) == 2 && n.Data[0] == 'h' && '1' <= n.Data[1] && n.Data[1] <= '6' {
			var text []string
			for _, w := range words(n) {
				text = append(text, w.text)
			}
			if text != nil {
				c.Headings = append(c.Headings, strings.Join(text, " "))
			}
		}
	}
	return c, nil
}

// target is what a reference leads to, with what follows the path in one spelling: an escape of a character that may as well
// stand as it is, is that character.
func target(place convert.Place, ref string) string {
	ref = place.Resolve(ref)
	i := strings.IndexAny(ref, "?#")
	if i < 0 {
		return ref
	}
	var b strings.Builder
	for b.WriteString(ref[:i]); i < len(ref); i++ {
		if ref[i] == '%' && i+2 < len(ref) {
			if v, err := strconv.ParseUint(ref[i+1:i+3], 16, 8); err == nil && v > ' ' && v < 0x7F && !strings.ContainsRune("%#&=+", rune(v)) {
				b.WriteByte(byte(v))
				i += 2
				continue
			}
		}
		b.WriteByte(ref[i])
	}
	return b.String()
}

// parse is the tree of a fragment, below an element.
func parse(fragment string) (*html.Node, error) {
	root := &html.Node{Type: html.ElementNode, DataAtom: atom.Div, Data: "div"}
	nodes, err := html.ParseFragment(strings.NewReader(fragment), &html.Node{Type: html.ElementNode, DataAtom: atom.Div, Data: "div"})
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		root.AppendChild(n)
	}
	return root, nil
}

// unseen are elements of which readers see nothing.
var unseen = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Template: true, atom.Noscript: true, atom.Head: true, atom.Title: true, atom.Svg: true,
	atom.Iframe: true, atom.Object: true, atom.Video: true, atom.Audio: true, atom.Canvas: true, atom.Noframes: true, atom.Datalist: true,
}

// hidden reports whether readers see nothing of n.
func hidden(n *html.Node) bool {
	if n.Type == html.CommentNode || n.Type == html.DoctypeNode || unseen[n.DataAtom] {
		return true
	}
	for _, a := range n.Attr {
		style := ""
		if a.Key == "style" {
			style = strings.ToLower(strings.Join(strings.Fields(a.Val), ""))
		}
		if a.Key == "hidden" || strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden") {
			return true
		}
	}
	return false
}

// shown yields root and the nodes below it that readers see.
func shown(root *html.Node) func(func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		var walk func(*html.Node) bool
		walk = func(n *html.Node) bool {
			if hidden(n) {
				return true
			}
			if !yield(n) {
				return false
			}
			for c := range n.ChildNodes() {
				if !walk(c) {
					return false
				}
			}
			return true
		}
		walk(root)
	}
}

// shows reports whether n shows a text or an image.
func shows(n *html.Node) bool {
	for d := range shown(n) {
		if d.DataAtom == atom.Img || d.Type == html.TextNode && strings.TrimSpace(d.Data) != "" {
			return true
		}
	}
	return false
}

// word is a run of letters and digits, and where it stands.
type word struct {
	text  string
	parts []part
}

// part is a piece of a text node: a word may begin in one element and end in another.
type part struct {
	node       *html.Node
	start, end int // bytes
}

// inline are the elements that do not end a word.
var inline = map[atom.Atom]bool{
	atom.A: true, atom.Abbr: true, atom.Acronym: true, atom.B: true, atom.Bdi: true, atom.Bdo: true, atom.Big: true, atom.Cite: true,
	atom.Code: true, atom.Data: true, atom.Del: true, atom.Dfn: true, atom.Em: true, atom.Font: true, atom.I: true, atom.Ins: true,
	atom.Kbd: true, atom.Mark: true, atom.Q: true, atom.Rb: true, atom.Ruby: true, atom.S: true, atom.Samp: true, atom.Small: true,
	atom.Span: true, atom.Strike: true, atom.Strong: true, atom.Sub: true, atom.Sup: true, atom.Time: true, atom.Tt: true, atom.U: true,
	atom.Var: true, atom.Wbr: true, atom.Nobr: true, atom.Label: true,
}

// words are the words that readers see below root, in their order.
func words(root *html.Node) (all []word) {
	var open word
	end := func() {
		if open.parts != nil {
			open.text = norm.NFC.String(open.text)
			all = append(all, open)
			open = word{}
		}
	}
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch {
		case hidden(n):
			return
		case n.Type == html.TextNode:
			readWords(n, &open, end)
			return
		}
		if !inline[n.DataAtom] {
			end()
		}
		for c := range n.ChildNodes() {
			walk(c)
		}
		if !inline[n.DataAtom] {
			end()
		}
	}
	walk(root)
	end()
	return all
}

// readWords reads the words of a text into open, and calls end where one ends.
func readWords(n *html.Node, open *word, end func()) {
	for i, c := range n.Data {
		size := len(string(c))
		switch {
		case c == '\u00AD': // a soft hyphen is not seen, and ends no word
		case unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo) && unicode.IsLetter(c):
			end()
			*open = word{string(c), []part{{n, i, i + size}}}
			end()
		case unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.IsMark(c) && open.parts != nil:
			open.text += string(c)
			if last := len(open.parts) - 1; last >= 0 && open.parts[last].node == n && open.parts[last].end == i {
				open.parts[last].end = i + size
			} else {
				open.parts = append(open.parts, part{n, i, i + size})
			}
		default:
			end()
		}
	}
}
