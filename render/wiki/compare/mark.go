// Marks: what only one of two pages has, marked where it stands.

package compare

import (
	"bytes"
	"maps"
	"slices"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"pagemap/render/wiki/convert"
)

// Classes of what Mark marks.
const (
	Lost  = "pagemap-lost"  // of the old page's words, links and images
	Added = "pagemap-added" // of the new page's
)

// Mark returns the HTML of both pages' contents with what only one of them has in elements <mark> of the class Lost or Added;
// links and images have the class themselves. Scripts are taken out.
func Mark(old, fresh string, place convert.Place) (markedOld, markedFresh string, err error) {
	a, err := parse(old)
	if err != nil {
		return "", "", err
	}
	b, err := parse(fresh)
	if err != nil {
		return "", "", err
	}
	wordsA, wordsB := words(a), words(b)
	onlyA, onlyB := diff(texts(wordsA), texts(wordsB))
	freshPlace := convert.Place{Path: place.Path, Hosts: place.Hosts}
	inA, inB := targets(a, place), targets(b, freshPlace)
	markTargets(a, place, inB, Lost)
	markTargets(b, freshPlace, inA, Added)
	markWords(wordsA, onlyA, Lost)
	markWords(wordsB, onlyB, Added)
	return write(a), write(b), nil
}

func texts(all []word) []string {
	out := make([]string, len(all))
	for i, w := range all {
		out[i] = w.text
	}
	return out
}

// reference is the target of a link, or of an image; ok is false of other nodes.
func reference(n *html.Node, place convert.Place) (s string, ok bool) {
	key := map[atom.Atom]string{atom.A: "href", atom.Img: "src"}[n.DataAtom]
	for _, a := range n.Attr {
		if key != "" && a.Key == key {
			return n.Data + " " + target(place, a.Val), true
		}
	}
	return "", false
}

// targets are those of the links and images below root.
func targets(root *html.Node, place convert.Place) map[string]bool {
	all := map[string]bool{}
	for n := range root.Descendants() {
		if s, ok := reference(n, place); ok {
			all[s] = true
		}
	}
	return all
}

func markTargets(root *html.Node, place convert.Place, other map[string]bool, class string) {
	for n := range shown(root) {
		if s, ok := reference(n, place); ok && !other[s] && (n.DataAtom == atom.Img || shows(n)) {
			n.Attr = append(slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "class" }), html.Attribute{Key: "class", Val: class})
		}
	}
}

// markWords wraps the words that are marked; those side by side in one text share a mark.
func markWords(all []word, marked []bool, class string) {
	spans := map[*html.Node][][2]int{}
	for i, w := range all {
		if !marked[i] {
			continue
		}
		for _, p := range w.parts {
			list := spans[p.node]
			if last := len(list) - 1; last >= 0 && i > 0 && marked[i-1] {
				list[last][1] = p.end
			} else {
				list = append(list, [2]int{p.start, p.end})
			}
			spans[p.node] = list
		}
	}
	for n := range maps.Keys(spans) {
		at := 0
		for _, s := range spans[n] {
			insert(n, n.Data[at:s[0]])
			mark := &html.Node{Type: html.ElementNode, DataAtom: atom.Mark, Data: "mark", Attr: []html.Attribute{{Key: "class", Val: class}}}
			mark.AppendChild(&html.Node{Type: html.TextNode, Data: n.Data[s[0]:s[1]]})
			n.Parent.InsertBefore(mark, n)
			at = s[1]
		}
		n.Data = n.Data[at:]
	}
}

func insert(before *html.Node, text string) {
	if text != "" {
		before.Parent.InsertBefore(&html.Node{Type: html.TextNode, Data: text}, before)
	}
}

// write serialises what is below root, without scripts.
func write(root *html.Node) string {
	var b bytes.Buffer
	for _, n := range slices.Collect(root.Descendants()) {
		if n.DataAtom == atom.Script && n.Parent != nil {
			n.Parent.RemoveChild(n)
		}
	}
	for n := range root.ChildNodes() {
		_ = html.Render(&b, n) // a buffer takes all; what cannot be rendered is no tree of the parser's
	}
	return b.String()
}
