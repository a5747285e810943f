// Draw: content, put into a layout.

package look

import (
	"html"
	"net/url"
	"strings"
	"time"

	"pagemap/mapping"
)

// Content is what a page puts into a layout. Every field may be zero; nothing is drawn for it then.
type Content struct {
	Path        mapping.Path // the page's own
	Title       string       // plain text
	Body        []byte       // an HTML fragment in UTF-8, which closes what it opens and nothing else
	Head        string       // HTML for the end of the head
	Modified    time.Time    // when the content was last changed
	EditURL     string       // where the content can be edited; other schemes than http and https are not drawn
	Breadcrumbs []Crumb      // the pages above this one, the topmost first
}

// Crumb is a page above another one.
type Crumb struct {
	Title string // plain text
	URL   string // as EditURL; "" for none
}

// Draw puts content into the layout. The result is in the layout's charset.
func (l *Layout) Draw(c Content) ([]byte, error) {
	out := make([]byte, 0, l.size+len(c.Body)+len(c.Body)/8+1024)
	for _, p := range l.parts {
		out = append(out, p.bytes...)
		if p.mark == nil {
			break
		}
		text, err := encode(l.encoding, p.mark.draw(&c))
		if err != nil {
			return nil, err
		}
		out = append(out, text...)
	}
	return out, nil
}

// draw is what a mark puts in, in UTF-8.
func (m *mark) draw(c *Content) []byte {
	switch m.name {
	case markBody:
		return c.Body
	case markHead:
		return []byte(c.Head)
	case markPath:
		return m.escape(string(c.Path))
	case markTitle:
		return m.escape(c.Title)
	case markModified:
		if !c.Modified.IsZero() {
			return m.escape(c.Modified.UTC().Format(m.attributes["format"]))
		}
	case markEdit:
		switch {
		case !safe(c.EditURL):
		case m.context == inAttribute:
			return m.escape(c.EditURL)
		default:
			return []byte(link(c.EditURL, m.attributes["text"]))
		}
	case markBreadcrumbs:
		var links []string
		for _, crumb := range c.Breadcrumbs {
			links = append(links, link(crumb.URL, crumb.Title))
		}
		if links != nil {
			links = append(links, html.EscapeString(c.Title))
		}
		return []byte(strings.Join(links, html.EscapeString(m.attributes["separator"])))
	}
	return nil
}

// escape writes plain text for the mark's context. Comments know no references: there it is
// enough that the text cannot end them.
func (m *mark) escape(text string) []byte {
	text = html.EscapeString(text)
	if m.context == inComment {
		text = strings.ReplaceAll(text, "-", "&#45;")
	}
	return []byte(text)
}

// link is a link in HTML, or the text alone where the URL is not to be drawn.
func link(to, text string) string {
	text = html.EscapeString(text)
	if !safe(to) {
		return text
	}
	return `<a href="` + html.EscapeString(to) + `">` + text + "</a>"
}

// safe reports whether a URL is one, and may be drawn.
func safe(to string) bool {
	u, err := url.Parse(to)
	return err == nil && to != "" && (u.Scheme == "" || u.Scheme == "http" || u.Scheme == "https")
}
