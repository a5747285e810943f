// The title of a layout: which part of <title> is the page's own.

package look

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	nethtml "golang.org/x/net/html"
)

// title puts the title mark in place of the page's own part of <title>: the region's heading, or what
// is left of the beginning and end that other pages' titles have, too.
func (d *deriver) title(heading string, others []*Page) {
	start, end, ok := d.page.titleText()
	if !ok || !d.outside(start, end) {
		return
	}
	text := d.page.text[start:end]
	from, to := 0, len(text)
	if at, length := find(text, heading); length > 0 {
		from, to = at, at+length
	} else if len(others) > 0 {
		prefix, suffix := len(text), len(text)
		for _, o := range others {
			start, end, _ := o.titleText()
			prefix = min(prefix, commonPrefix(text, o.text[start:end]))
			suffix = min(suffix, commonSuffix(text, o.text[start:end]))
		}
		prefix, suffix = wholePrefix(text[:prefix]), wholeSuffix(text[len(text)-suffix:])
		if strings.TrimSpace(text[:prefix]+text[len(text)-suffix:]) != "" && prefix+suffix < len(text) {
			from, to = prefix, len(text)-suffix
		}
	}
	d.edit(start+from, start+to, "<!--pagemap:"+markTitle+"-->")
}

// titleText is where the text of the page's <title> stands.
func (p *Page) titleText() (start, end int, ok bool) {
	n := p.title()
	if n == nil {
		return 0, 0, false
	}
	start, end, err := p.content(n)
	return start, end, err == nil
}

// heading is the text of the first heading in a node, without the sign that links to it.
func heading(n *nethtml.Node) string {
	for d := range n.Descendants() {
		if d.Type == nethtml.ElementNode && len(d.Data) == 2 && d.Data[0] == 'h' && '1' <= d.Data[1] && d.Data[1] <= '6' {
			return strings.TrimRight(strings.Join(strings.Fields(textOf(d)), " "), " ¶#§")
		}
	}
	return ""
}

// find finds plain text in HTML, where it stands once.
func find(in, text string) (at, length int) {
	few := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	for _, form := range []string{few, html.EscapeString(text), text} {
		if form != "" && strings.Count(in, form) == 1 {
			return strings.Index(in, form), len(form)
		}
	}
	return 0, 0
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	return n
}

func commonSuffix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	for n > 0 && !utf8.RuneStart(a[len(a)-n]) {
		n--
	}
	return n
}

// wholePrefix is how much of a prefix reaches to the blank behind a sign, as in "The Site: ".
func wholePrefix(text string) int {
	for i := len(text); i > 0; i-- {
		if before, ok := strings.CutSuffix(text[:i], " "); ok && before != "" {
			if r, _ := utf8.DecodeLastRuneInString(before); separates(r) {
				return i
			}
		}
	}
	return 0
}

// wholeSuffix is how much of a suffix begins with a blank before a sign, as in " - The Site".
func wholeSuffix(text string) int {
	for i := range text {
		if after, ok := strings.CutPrefix(text[i:], " "); ok && after != "" {
			if r, _ := utf8.DecodeRuneInString(html.UnescapeString(after)); separates(r) {
				return len(text) - i
			}
		}
	}
	return 0
}

func separates(r rune) bool {
	return (unicode.IsPunct(r) || unicode.IsSymbol(r)) && !strings.ContainsRune(`("'[`, r)
}
