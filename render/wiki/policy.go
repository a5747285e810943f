// The sanitiser: what of a wiki's HTML is drawn.

package wiki

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"pagemap/render"
)

// policy keeps what the package comment lists. What becomes of URLs is for links.
var policy = newPolicy()

func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowNoAttrs().OnElements(
		"p", "div", "span", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "a", "blockquote", "pre", "address", "center",
		"em", "strong", "b", "i", "u", "s", "strike", "del", "ins", "mark", "small", "big", "sub", "sup", "font",
		"code", "kbd", "samp", "var", "tt", "abbr", "acronym", "cite", "dfn", "q", "time", "bdi", "bdo", "ruby", "rb", "rt", "rp", "wbr",
		"ul", "ol", "li", "dl", "dt", "dd", "menu",
		"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td",
		"figure", "figcaption", "details", "summary", "section", "article", "aside", "header", "footer", "nav", "hgroup",
	)
	p.AllowAttrs("class", "title").Globally()
	p.AllowAttrs("id").Matching(regexp.MustCompile(`^[^\s]{1,200}$`)).Globally()
	p.AllowAttrs("lang").Matching(regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)).Globally()
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`(?i)^(ltr|rtl|auto)$`)).Globally()
	p.AllowAttrs("role").Matching(regexp.MustCompile(`^[a-z -]{1,60}$`)).Globally()
	p.AllowAttrs("aria-label", "aria-labelledby", "aria-describedby", "aria-hidden").Globally()
	word := regexp.MustCompile(`(?i)^[a-z]{1,20}$`)
	number := regexp.MustCompile(`^-?[0-9]{1,5}$`)
	length := regexp.MustCompile(`^[0-9]{1,5}(\.[0-9]{1,3})?(%|px)?$`)
	color := regexp.MustCompile(`(?i)^(#?[0-9a-f]{3,8}|[a-z]{1,30})$`)
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("name").Matching(regexp.MustCompile(`^[^\s]{1,200}$`)).OnElements("a")
	p.AllowAttrs("src").OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("loading", "decoding").Matching(word).OnElements("img")
	p.AllowAttrs("hspace", "vspace").Matching(number).OnElements("img")
	p.AllowAttrs("align", "valign", "clear", "frame", "rules").Matching(word).
		OnElements("p", "div", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "img", "table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td")
	p.AllowAttrs("width", "height", "border", "cellpadding", "cellspacing", "size").Matching(length).
		OnElements("img", "table", "colgroup", "col", "tr", "th", "td", "hr", "pre")
	p.AllowAttrs("bgcolor", "color").Matching(color).OnElements("table", "tr", "th", "td", "font", "hr")
	p.AllowAttrs("face").Matching(regexp.MustCompile(`^[A-Za-z0-9 ,'-]{1,100}$`)).OnElements("font")
	p.AllowAttrs("size").Matching(regexp.MustCompile(`^[+-]?[0-9]$`)).OnElements("font")
	p.AllowAttrs("nowrap", "noshade", "compact", "reversed", "open").OnElements("th", "td", "hr", "ul", "ol", "dl", "menu", "details")
	p.AllowAttrs("colspan", "rowspan", "span").Matching(regexp.MustCompile(`^[0-9]{1,4}$`)).OnElements("th", "td", "col", "colgroup")
	p.AllowAttrs("scope", "headers", "abbr", "summary").OnElements("table", "th", "td")
	p.AllowAttrs("start", "value").Matching(number).OnElements("ol", "li")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`(?i)^(1|a|i|disc|circle|square)$`)).OnElements("ol", "ul", "li")
	p.AllowAttrs("datetime").Matching(regexp.MustCompile(`^[0-9A-Za-z:.+ -]{1,40}$`)).OnElements("time", "del", "ins")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^checkbox$`)).OnElements("input") // of task lists
	p.AllowAttrs("checked", "disabled").OnElements("input")
	p.AllowURLSchemes(append([]string{"data"}, schemes...)...)
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.SkipElementsContent("svg", "math", "template", "title", "textarea", "select", "button", "audio", "video", "canvas", "datalist")
	return p
}

// region is a page's body, sanitised, as a tree whose root is not drawn.
type region struct{ root *html.Node }

// sanitise parses a body of at most maxBody bytes.
func sanitise(body []byte) (*region, error) {
	root := &html.Node{Type: html.ElementNode, DataAtom: atom.Div, Data: "div"}
	nodes, err := html.ParseFragment(policy.SanitizeReader(bytes.NewReader(bytes.ToValidUTF8(body, []byte("\uFFFD")))), root)
	if err != nil {
		return nil, fmt.Errorf("wiki: body of a page: %w: %w", render.ErrUnavailable, err)
	}
	for _, n := range nodes {
		root.AppendChild(n)
	}
	return &region{root}, nil
}

// html serialises the region: what it opens it closes, and nothing else.
func (r *region) html() ([]byte, error) {
	var b bytes.Buffer
	for n := r.root.FirstChild; n != nil; n = n.NextSibling {
		if err := html.Render(&b, n); err != nil {
			return nil, fmt.Errorf("wiki: body of a page: %w: %w", render.ErrUnavailable, err)
		}
	}
	return b.Bytes(), nil
}

// confine takes out what would act on the page around the region, or ask for input: ids that the layout has itself, parts of
// lists without their list, which close an item around them, and all that can be filled in.
func (r *region) confine(taken map[string]bool) {
	var remove []*html.Node
	for n := range r.root.Descendants() {
		if n.Type == html.CommentNode || n.Type == html.DoctypeNode {
			remove = append(remove, n)
		}
		if n.Type != html.ElementNode {
			continue
		}
		kept := n.Attr[:0]
		for _, a := range n.Attr {
			if (a.Key == "id" || a.Key == "name") && taken[a.Val] {
				continue
			}
			kept = append(kept, a)
		}
		n.Attr = kept
		switch n.DataAtom {
		case atom.Li:
			r.within(n, atom.Ul, atom.Ol, atom.Menu)
		case atom.Dt, atom.Dd:
			r.within(n, atom.Dl)
		case atom.Input:
			if attribute(n, "type") != "checkbox" {
				remove = append(remove, n)
			} else if !has(n, "disabled") {
				n.Attr = append(n.Attr, html.Attribute{Key: "disabled"})
			}
		}
	}
	for _, n := range remove {
		n.Parent.RemoveChild(n)
	}
}

// within makes n a div unless it is in one of these elements.
func (r *region) within(n *html.Node, lists ...atom.Atom) {
	for up := n.Parent; up != nil; up = up.Parent {
		for _, list := range lists {
			if up.DataAtom == list {
				return
			}
		}
	}
	rename(n, atom.Div)
}

func rename(n *html.Node, to atom.Atom) { n.DataAtom, n.Data = to, to.String() }

func has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

// attribute is the value of an attribute, or "".
func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// windowName is a name that a script asks the window for.
var windowName = regexp.MustCompile(`\b(?:window|self|globalThis)\s*\.\s*([\w$]+)`)

// idsOf are the ids and names of a page's elements, and the names that its own scripts ask the window for, where they would
// find an element with that id.
func idsOf(page []byte) map[string]bool {
	ids := map[string]bool{}
	script := false
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return ids
		case html.TextToken:
			if script {
				for _, found := range windowName.FindAllSubmatch(z.Text(), -1) {
					ids[string(found[1])] = true
				}
			}
		case html.EndTagToken:
			script = false
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			script = token.DataAtom == atom.Script
			for _, a := range token.Attr {
				if a.Key == "id" || a.Key == "name" {
					ids[strings.Clone(a.Val)] = true
				}
			}
		}
	}
}
