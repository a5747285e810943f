// Proposals: where pages of the same look have their content.

package look

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Proposal is a selector of what may be the content.
type Proposal struct {
	Selector string  `json:"selector"`
	Content  float64 `json:"content"` // share of the text in which pages differ that is in the region, 0 to 1
	Look     float64 `json:"look"`    // share of the text that all pages have that is outside of it, 0 to 1
	Line     int     `json:"line"`    // of the element in the first page
}

// Score rates a proposal from 0 to 1. Content outside of the region would stay in the layout, which is worse than some look in
// the content: it counts four times.
func (p Proposal) Score() float64 {
	if p.Content == 0 || p.Look == 0 {
		return 0
	}
	return 5 * p.Look * p.Content / (4*p.Look + p.Content)
}

// Clear reports whether a proposal may be taken without somebody looking at it. Texts that recur in contents count as
// look, so that a part of the look may seem to be inside.
func (p Proposal) Clear() bool { return p.Content >= 0.95 && p.Look >= 0.2 }

// Propose compares at least two pages and returns where in the first one and those like it the content may be, the
// best first. Text that most of them have is the look; what is left are differences. It is ErrSimilar where the first page has none
// of its own, and empty where no element has most of them and leaves out some of the look. Of
// elements that are equally good it returns the innermost.
func Propose(pages []*Page) ([]Proposal, error) {
	if len(pages) < 2 {
		return nil, fmt.Errorf("%w: it takes two pages", ErrSimilar)
	}
	in := map[string]int{} // by text: pages that have it
	for _, p := range pages {
		for text := range p.texts() {
			in[text]++
		}
	}
	shares := make([]map[*html.Node]share, len(pages))
	for i, p := range pages {
		shares[i] = map[*html.Node]share{}
		sum(p.root, shares[i], func(text string) bool { return 2*in[text] <= len(pages) })
	}
	if shares[0][pages[0].root].own == 0 {
		return nil, fmt.Errorf("%w: all text of the first page is in most of the others", ErrSimilar)
	}
	var all []Proposal
	// An element that holds most of what differs is in another that does: there is one way down.
	for n := pages[0].element("body"); n != nil; n = heaviest(n, shares[0]) {
		if 2*shares[0][n].own < shares[0][pages[0].root].own {
			break
		}
		for _, selector := range selectors(n) {
			if proposal, ok := propose(selector, pages, shares); ok {
				all = append(all, proposal)
				break
			}
		}
	}
	slices.Reverse(all) // of equal ones, the smallest first
	slices.SortStableFunc(all, func(a, b Proposal) int { return cmp.Compare(b.Score(), a.Score()) })
	return slices.CompactFunc(all, func(a, b Proposal) bool { return a.Content == b.Content && a.Look == b.Look }), nil
}

// share is how much text of a node is its page's own, and how much is common to most, in bytes.
type share struct{ own, common int }

// texts are the texts of a page's body that can be seen.
func (p *Page) texts() map[string]bool {
	all := map[string]bool{}
	if body := p.element("body"); body != nil {
		for n := range body.Descendants() {
			if text := seen(n); text != "" {
				all[text] = true
			}
		}
	}
	return all
}

// seen is the text of a text node with blanks collapsed, "" where it is not seen.
func seen(n *html.Node) string {
	if n.Type != html.TextNode || rawText[n.Parent.Data] {
		return ""
	}
	return strings.Join(strings.Fields(n.Data), " ")
}

// sum fills in the shares of a node and those below it.
func sum(n *html.Node, shares map[*html.Node]share, own func(text string) bool) share {
	var s share
	for child := range n.ChildNodes() {
		if text := seen(child); text == "" {
			below := sum(child, shares, own)
			s.own, s.common = s.own+below.own, s.common+below.common
		} else if own(text) {
			s.own += len(text)
		} else {
			s.common += len(text)
		}
	}
	shares[n] = s
	return s
}

// heaviest is the child element with the most text of its own.
func heaviest(n *html.Node, shares map[*html.Node]share) *html.Node {
	var best *html.Node
	for child := range n.ChildNodes() {
		if child.Type == html.ElementNode && (best == nil || shares[child].own > shares[best].own) {
			best = child
		}
	}
	return best
}

// propose rates a selector. It is worth nothing in pages where it matches no whole region.
func propose(selector string, pages []*Page, shares []map[*html.Node]share) (Proposal, bool) {
	proposal := Proposal{Selector: selector}
	for i, p := range pages {
		n, start, _, err := p.region(selector)
		if err != nil {
			continue
		}
		if i == 0 {
			proposal.Line, _ = p.place(start)
		}
		all, inside := shares[i][p.root], shares[i][n]
		proposal.Content += ratio(inside.own, all.own)
		proposal.Look += ratio(all.common-inside.common, all.common)
	}
	proposal.Content /= float64(len(pages))
	proposal.Look /= float64(len(pages))
	return proposal, proposal.Line > 0 && proposal.Score() > 0
}

// ratio is n of all, 1 of nothing.
func ratio(n, all int) float64 {
	if all == 0 {
		return 1
	}
	return float64(n) / float64(all)
}

var plainName = regexp.MustCompile(`^-?[_a-zA-Z][-_a-zA-Z0-9]*$`)

// selectors are those that may match an element alone, the simplest first.
func selectors(n *html.Node) []string {
	var all []string
	attr := map[string]string{}
	for _, a := range n.Attr {
		attr[a.Key] = a.Val
	}
	if plainName.MatchString(attr["id"]) {
		all = append(all, "#"+attr["id"])
	}
	if role := attr["role"]; plainName.MatchString(role) {
		all = append(all, `[role="`+role+`"]`)
	}
	if n.Data == "main" || n.Data == "article" || n.Data == "body" {
		all = append(all, n.Data)
	}
	classes := strings.Fields(attr["class"])
	for _, class := range classes {
		if plainName.MatchString(class) {
			all = append(all, n.Data+"."+class)
		}
	}
	return append(all, byPlace(n))
}

// byPlace is the selector of an element by its place below <body>, or below the next element with an id.
func byPlace(n *html.Node) string {
	var steps []string
	for ; n != nil && n.Type == html.ElementNode; n = n.Parent {
		if id := idOf(n); len(steps) > 0 && plainName.MatchString(id) {
			steps = append(steps, "#"+id)
			break
		}
		if n.Data == "body" {
			steps = append(steps, "body")
			break
		}
		nth := 1
		for s := n.PrevSibling; s != nil; s = s.PrevSibling {
			if s.Type == html.ElementNode && s.Data == n.Data {
				nth++
			}
		}
		steps = append(steps, fmt.Sprintf("%s:nth-of-type(%d)", n.Data, nth))
	}
	slices.Reverse(steps)
	return strings.Join(steps, " > ")
}

func idOf(n *html.Node) string {
	for _, a := range n.Attr {
		if a.Key == "id" {
			return a.Val
		}
	}
	return ""
}
