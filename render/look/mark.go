// Marks: the places of a layout where something is put in.

package look

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// context is what surrounds a mark.
type context uint8

const (
	inText      context = 1 << iota
	inTitle             // and in <textarea>: text with references, without tags
	inAttribute         // a quoted value
	inComment
)

// markKind is what is known of the marks of one name.
type markKind struct {
	contexts   context
	attributes map[string]string // and their defaults
	once       bool
}

const (
	markBody        = "body"
	markTitle       = "title"
	markHead        = "head"
	markModified    = "modified"
	markEdit        = "edit"
	markBreadcrumbs = "breadcrumbs"
	markPath        = "path"
)

var markKinds = map[string]markKind{
	markBody:        {inText, map[string]string{"select": "", "charset": ""}, true},
	markTitle:       {inText | inTitle | inAttribute | inComment, nil, false},
	markHead:        {inText, nil, true},
	markModified:    {inText | inTitle | inAttribute | inComment, map[string]string{"format": "2006-01-02"}, false},
	markEdit:        {inText | inAttribute, map[string]string{"text": "Edit this page"}, false},
	markPath:        {inText | inTitle | inAttribute | inComment, nil, false},
	markBreadcrumbs: {inText, map[string]string{"separator": " > "}, false},
}

// mark is a mark of a layout.
type mark struct {
	name       string
	attributes map[string]string // with defaults; nil where the kind has none
	context    context
	start, end int // in the layout's text
}

const markOpening = "pagemap:"

var (
	markStart     = regexp.MustCompile(`<!--[ \t\r\n]*` + markOpening)
	markWhole     = regexp.MustCompile(`^<!--\s*pagemap:([^\s"<>]*?)((?:\s+[^\s"'<>=]+="[^"]*")*)\s*-->`)
	markAttribute = regexp.MustCompile(`([^\s"'<>=]+)="([^"]*)"`)
)

// scan finds the marks of a layout's text. Their contexts are not known yet.
func (p *parser) scan() {
	text := p.text
	for from := 0; ; {
		found := markStart.FindStringIndex(text[from:])
		if found == nil {
			return
		}
		start := from + found[0]
		from += found[1]
		whole := markWhole.FindStringSubmatch(text[start:])
		if whole == nil {
			p.fail(start, `this mark cannot be read: write <!--pagemap:NAME-->, or <!--pagemap:NAME attribute="value"-->`)
			continue
		}
		from = start + len(whole[0])
		m := mark{name: whole[1], start: start, end: from}
		kind, known := markKinds[m.name]
		if !known {
			p.fail(start, "there is no mark %q: it is one of %s", m.name, strings.Join(sorted(markKinds), ", "))
			continue
		}
		m.attributes = maps.Clone(kind.attributes)
		for _, a := range markAttribute.FindAllStringSubmatch(whole[2], -1) {
			if _, known := kind.attributes[a[1]]; !known {
				p.fail(start, "the mark %q has no attribute %q%s", m.name, a[1], knownAttributes(kind))
				continue
			}
			m.attributes[a[1]] = html.UnescapeString(a[2])
		}
		if kind.once {
			if i := slices.IndexFunc(p.marks, func(o mark) bool { return o.name == m.name }); i >= 0 {
				line, _ := p.place(p.marks[i].start)
				p.fail(start, "a second mark %q: the first one is in line %d", m.name, line)
				continue
			}
		}
		p.marks = append(p.marks, m)
	}
}

func knownAttributes(kind markKind) string {
	if len(kind.attributes) == 0 {
		return ": it has none"
	}
	return ": it has " + strings.Join(sorted(kind.attributes), ", ")
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// unused is a word that a text does not hold, made longer until that is so.
func unused(word, text string) string {
	for strings.Contains(text, word) {
		word += "x"
	}
	return word
}

// contexts finds the context of every mark. The marks are words for that, as a mark inside
// a comment or a value would end it.
func (p *parser) contexts() {
	word := unused("pagemap-mark", strings.ToLower(p.text))
	name := func(i int) string { return fmt.Sprintf("%s-%d-", word, i) }
	var text strings.Builder
	from := 0
	for i, m := range p.marks {
		text.WriteString(p.text[from:m.start])
		text.WriteString(name(i))
		from = m.end
	}
	text.WriteString(p.text[from:])
	p.worded, p.word = text.String(), name

	z := html.NewTokenizer(strings.NewReader(strings.TrimPrefix(p.worded, bom)))
	next, raw := 0, "" // the first mark that is not found yet, the raw text element that the tokenizer is in
	for tt := html.DoctypeToken; tt != html.ErrorToken && next < len(p.marks); {
		tt = z.Next()
		token := string(z.Raw())
		for ; next < len(p.marks); next++ {
			at := strings.Index(token, name(next))
			if at < 0 {
				break
			}
			m := &p.marks[next]
			var refused string
			m.context, refused = contextOf(tt, token, at, raw, m.name)
			if refused == "" && m.context&markKinds[m.name].contexts == 0 {
				refused = m.context.String()
			}
			if refused != "" {
				p.fail(m.start, "the mark %q cannot stand in %s", m.name, refused)
			}
		}
		switch tt {
		case html.StartTagToken, html.SelfClosingTagToken:
			raw = ""
			if tag, _ := z.TagName(); rawText[string(tag)] {
				raw = string(tag)
			}
		case html.EndTagToken:
			raw = ""
		}
	}
	for ; next < len(p.marks); next++ {
		p.fail(p.marks[next].start, "the mark %q stands in a tag or comment that the file does not end", p.marks[next].name)
	}
}

// contextOf is the context of the mark named at an offset of a token, or where it is that no such mark may be.
func contextOf(tt html.TokenType, token string, at int, raw, name string) (c context, refused string) {
	switch tt {
	case html.TextToken:
		switch raw {
		case "":
			return inText, ""
		case "title", "textarea":
			return inTitle, ""
		}
		return 0, "<" + raw + ">"
	case html.CommentToken:
		if strings.HasPrefix(token, "<!--") {
			return inComment, ""
		}
		return 0, "a declaration"
	case html.StartTagToken, html.SelfClosingTagToken:
		for _, a := range attributes(token) {
			switch {
			case at < a.start || at >= a.end:
			case a.quote == 0:
				return 0, "a value without quotes"
			case strings.HasPrefix(a.name, "on") || a.name == "style" || a.name == "srcdoc":
				return 0, "the attribute " + a.name
			case urls[a.name] && name != markEdit && name != markPath, a.name == "srcset":
				return 0, "the attribute " + a.name + ", which is a URL"
			default:
				return inAttribute, ""
			}
		}
		return 0, "a tag, but in the quoted value of an attribute"
	case html.EndTagToken:
		return 0, "an end tag"
	case html.DoctypeToken:
		return 0, "the doctype"
	}
	return 0, "a tag that the file does not end"
}

func (c context) String() string {
	switch c {
	case inText:
		return "text"
	case inTitle:
		return "<title> or <textarea>"
	case inAttribute:
		return "an attribute"
	}
	return "a comment"
}
