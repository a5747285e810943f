// Lines of wikitext: text, escaped where it would mean something, and what stands within it.

package convert

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// line writes text and inline elements as one line of wikitext, on which blocks stand apart by a space.
func (w *wikitext) line(nodes []*html.Node, at where) string {
	var b strings.Builder
	for _, n := range nodes {
		at.cell = at.cell || inCell(n)
		b.WriteString(w.inline(n, at))
	}
	// White space as browsers show it; what stands within a tag has none of it in a row.
	text := strings.Join(strings.FieldsFunc(b.String(), space), " ")
	text = strings.ReplaceAll(text, " <br>", "<br>")
	text = strings.ReplaceAll(text, "<br> ", "<br>")
	if at.start {
		text = wikiStart(text)
	}
	return text
}

// kept are the inline elements that wikitext takes from HTML.
var kept = map[atom.Atom]bool{
	atom.Strong: true, atom.Em: true, atom.Del: true, atom.Code: true, atom.Sup: true, atom.Sub: true,
}

func (w *wikitext) inline(n *html.Node, at where) string {
	if n.Type == html.TextNode {
		return wikiText(n.Data, at)
	}
	in := at
	in.link = at.link || n.DataAtom == atom.A
	var b strings.Builder
	for c := range n.ChildNodes() {
		b.WriteString(w.inline(c, in))
	}
	text := b.String()
	switch {
	case n.DataAtom == atom.Br:
		return "<br>"
	case n.DataAtom == atom.Img:
		src, _ := attr(n, "src")
		return " " + w.url(src) + " "
	case n.DataAtom == atom.A:
		return w.link(n, text)
	case n.DataAtom == atom.Span:
		id, _ := attr(n, "id")
		return place(id) + text
	case strings.TrimSpace(text) == "":
		return text
	case plainEmphasis(n, text):
		sign := "''"
		if n.DataAtom == atom.Strong {
			sign = "'''"
		}
		inner := strings.TrimSpace(text)
		before, after, _ := strings.Cut(text, inner)
		return before + sign + inner + sign + after
	case kept[n.DataAtom]:
		return "<" + n.Data + ">" + text + "</" + n.Data + ">"
	case blocks[n.DataAtom]:
		return " " + text + " "
	}
	return text
}

// plainEmphasis reports whether apostrophes around text say what n says: none stand in it or beside it.
func plainEmphasis(n *html.Node, text string) bool {
	return (n.DataAtom == atom.Strong || n.DataAtom == atom.Em) && !strings.Contains(text, "'") && !strings.Contains(text, "<br>") &&
		neighbour(n, false) != '\'' && neighbour(n, true) != '\'' && neighbour(n, false) != beside && neighbour(n, true) != beside &&
		neighbour(n, false) != within && neighbour(n, true) != within
}

// link writes a link: one within the page, or by its URL.
func (w *wikitext) link(n *html.Node, text string) string {
	href, _ := attr(n, "href")
	inner := strings.TrimSpace(text)
	if inner == "" {
		return text
	}
	before, after, _ := strings.Cut(text, inner)
	if id, ok := strings.CutPrefix(href, "#"); ok && (id == "" || strings.Contains(inner, "://")) { // around an image, which has to be a URL
		href = w.path + href
	} else if ok {
		return before + "[[#" + wikiEscape(id) + "|" + strings.ReplaceAll(inner, "|", "&#124;") + "]]" + after
	}
	target := w.url(href)
	if !strings.Contains(target, "://") && !strings.HasPrefix(target, "mailto:") {
		return text // wikitext knows no such links
	}
	return before + "[" + target + " " + inner + "]" + after
}

// url is a target as wikitext reads one: absolute, and without what would end it.
func (w *wikitext) url(target string) string {
	if strings.HasPrefix(target, "/") {
		target = w.site + target
	}
	return wikiEscape(target)
}

var wikiEscape = strings.NewReplacer(" ", "%20", "[", "%5B", "]", "%5D", "{", "%7B", "}", "%7D", "|", "%7C", "<", "%3C", ">", "%3E", `"`, "%22",
	"'", "%27", "\n", "", "~~~", "%7E%7E%7E").Replace

// wikiEntities escapes signs that count within tags, too.
var wikiEntities = strings.NewReplacer("[[", "&#91;&#91;", "]]", "&#93;&#93;", "{{", "&#123;&#123;", "}}", "&#125;&#125;", "{|", "&#123;&#124;", "|", "&#124;",
	"''", "&#39;&#39;", "~~~", "&#126;&#126;&#126;", "__", "&#95;_", "-{", "-&#123;").Replace

// autolinked are the schemes of which MediaWiki makes links wherever they stand, and numbers of which it may.
var autolinked = regexp.MustCompile(`(?i)\b(bitcoin|ftp|ftps|geo|git|gopher|https?|ircs?|magnet|mailto|mms|news|nntp|redis|sftp|sips?|sms|ssh|svn|tel|telnet|urn|worldwind|xmpp):|\b(RFC|PMID|ISBN)\s`)

// wikiText writes a text.
func wikiText(s string, at where) string {
	s = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
	s = wikiEntities(s)
	s = autolinked.ReplaceAllStringFunc(s, func(m string) string {
		if scheme, ok := strings.CutSuffix(m, ":"); ok {
			return scheme + "&#58;"
		}
		return m[:len(m)-1] + "&#32;"
	})
	s = strings.NewReplacer("[//", "&#91;//", "{", "&#123;").Replace(s)
	if at.link {
		s = strings.ReplaceAll(s, "]", "&#93;")
	}
	if at.cell {
		s = strings.ReplaceAll(s, "!!", "&#33;!")
	}
	if at.heading {
		s = strings.ReplaceAll(s, "=", "&#61;")
	}
	return s
}

// wikiStart escapes what would mean something as the first character of a line.
func wikiStart(s string) string {
	if s == "" || strings.IndexByte("*#:;=-|!{_", s[0]) < 0 {
		return s
	}
	if strings.HasPrefix(s, "__") || s[0] != '_' {
		return "&#" + entityNumber(s[0]) + ";" + s[1:]
	}
	return s
}

func entityNumber(c byte) string {
	return string([]byte{'0' + c/100, '0' + c/10%10, '0' + c%10})
}
