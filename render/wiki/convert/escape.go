// Text as Markdown: every character that means something is escaped where it would.

package convert

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// written is the kind of element that stands for text that is Markdown already.
const written = "pagemap-markdown"

// where tells in what a text stands.
type where struct {
	start         bool // at the start of a line
	link          bool // in the text of a link, in which nothing is linked by itself
	cell, heading bool
}

// escapeTexts replaces the texts below n, which have their white space collapsed, by Markdown, and tells whether what
// comes next starts a line.
func escapeTexts(n *html.Node, at where) (start bool) {
	for c := range each(n) {
		switch {
		case c.Type == html.TextNode:
			if c.Data == "" {
				continue
			}
			w := &html.Node{Type: html.ElementNode, Data: written}
			w.AppendChild(textNode(escape(c.Data, at, beforeLink(c))))
			n.InsertBefore(w, c)
			n.RemoveChild(c)
			at.start = at.start && strings.TrimSpace(c.Data) == ""
		case c.DataAtom == atom.Pre:
			at.start = true
		case c.DataAtom == atom.Code, c.DataAtom == atom.Img:
			at.start = false
		case c.DataAtom == atom.Br:
			at.start = true
		case blocks[c.DataAtom]:
			in := at
			in.start = true
			in.cell = at.cell || c.DataAtom == atom.Td || c.DataAtom == atom.Th
			in.heading = at.heading || heading(c)
			escapeTexts(c, in)
			at.start = true
		default:
			in := at
			in.link = at.link || c.DataAtom == atom.A
			in.start = at.start && c.DataAtom != atom.A
			at.start = escapeTexts(c, in) && c.DataAtom != atom.A
		}
	}
	return at.start
}

// beforeLink reports whether a link follows a text at once: a "!" before it would make it an image.
func beforeLink(n *html.Node) bool {
	next := n.NextSibling
	for next == nil && n.Parent != nil && !blocks[n.Parent.DataAtom] {
		n = n.Parent
		next = n.NextSibling
	}
	return next != nil && next.Type == html.ElementNode && !blocks[next.DataAtom]
}

// escape writes a text.
func escape(s string, at where, beforeLink bool) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/16)
	body := strings.TrimLeft(s, " ")
	b.WriteString(s[:len(s)-len(body)])
	s = body
	if at.start {
		n := lineStart(s)
		b.WriteString(s[:n])
		if n < len(s) && (n > 0 || strings.IndexByte("#>-+=:", s[0]) >= 0) {
			b.WriteByte('\\')
			b.WriteByte(s[n])
			s = s[n+1:]
		}
	}
	last := ' '
	for i, c := range s {
		rest := s[i+utf8.RuneLen(c):]
		next, _ := utf8.DecodeRuneInString(rest)
		must := false
		switch c {
		case '\\', '`', '*', '[', ']', '~':
			must = true
		case '_':
			must = !word(last) || !word(next)
		case '<':
			must = rest != "" && (unicode.IsLetter(next) || strings.ContainsRune("/!?", next))
		case '|':
			must = at.cell
		case '{':
			must = at.heading || i == 0
		case '#':
			must = at.heading && strings.Trim(rest, "# ") == ""
		case '!':
			must = rest == "" && beforeLink
		case ':': // http://, which would become a link
			must = !at.link && strings.HasPrefix(rest, "//") && word(last)
		case '.':
			must = !at.link && strings.HasSuffix(s[:i], "www")
		case '@':
			must = !at.link && (word(last) || strings.ContainsRune(".-_+", last)) && word(next)
		case '&':
			if rest != "" && (next == '#' || unicode.IsLetter(next)) {
				b.WriteString("&amp;")
				last = c
				continue
			}
		}
		if must {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
		last = c
	}
	return b.String()
}

// lineStart is the length of the number that s begins with, where "." or ")" behind it would make a list of it.
func lineStart(s string) int {
	n := len(s) - len(strings.TrimLeft(s, "0123456789"))
	if n > 0 && n < 10 && n < len(s) && (s[n] == '.' || s[n] == ')') {
		return n
	}
	return 0
}

func word(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }

// codeSpan writes a text as a span of code.
func codeSpan(s string, cell bool) string {
	s = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(s)
	longest, run := 0, 0
	for i := range len(s) {
		if run++; s[i] != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	if cell {
		s = strings.ReplaceAll(s, "|", `\|`)
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.HasPrefix(s, " ") && strings.HasSuffix(s, " ") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// destination writes the target of a link or image.
var destination = strings.NewReplacer("(", `\(`, ")", `\)`, "*", `\*`, "\\", "%5C", "|", "%7C", "`", "%60", " ", "%20", "<", "%3C", ">", "%3E",
	`"`, "%22", "&", "&amp;").Replace

// title writes the title of a link or image, with the space before it.
func title(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return ""
	}
	return ` "` + strings.NewReplacer(`"`, `\"`, `\`, `\\`, "&", "&amp;", "|", `\|`, "<", `\<`).Replace(s) + `"`
}

// attributes writes an id for a heading or span, or the size of an image.
func attributes(n *html.Node, keys ...string) string {
	var b strings.Builder
	for _, key := range keys {
		v, _ := attr(n, key)
		if v == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		if key == "id" && strings.IndexFunc(v, func(c rune) bool { return !word(c) && c != '-' && c != '_' || c > unicode.MaxASCII }) < 0 {
			b.WriteString("#" + v)
			continue
		}
		b.WriteString(key + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ", "|", `\|`).Replace(v) + `"`)
	}
	if b.Len() == 0 {
		return ""
	}
	return "{" + b.String() + "}"
}
