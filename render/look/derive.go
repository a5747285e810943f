// Derive: a layout, made from an old page.

package look

import (
	"cmp"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"

	"pagemap/mapping"
)

// DeriveOptions are the options of DeriveWith.
type DeriveOptions struct {
	Selector string       // of the content
	Base     mapping.Path // the page's own path: relative URLs become paths from the root; "": they stay
	Keep     bool         // leave in the head what speaks of this page alone
	Others   []*Page      // in the same look: what all their titles begin or end with stays in the title
}

// Derived is a layout that was made from a page.
type Derived struct {
	Layout   []byte
	Removed  []Passage // tags of the head that speak of the page alone
	Relative []Passage // tags with relative URLs that stay
}

// Passage is a tag or a text of a page.
type Passage struct {
	Line int    `json:"line"`
	Text string `json:"text"` // on one line, cut where it is too long
}

// Derive makes a layout of a page: see the package comment. It is an error of Page.Region; an ErrLayout where the
// content cannot stand in a layout, or the page is one; or an ErrCharset.
func Derive(p *Page, selector string) ([]byte, error) {
	d, err := DeriveWith(p, DeriveOptions{Selector: selector})
	if err != nil {
		return nil, err
	}
	return d.Layout, nil
}

// DeriveWith is Derive with options.
func DeriveWith(p *Page, o DeriveOptions) (*Derived, error) {
	if at := markStart.FindStringIndex(p.text); at != nil {
		line, _ := p.place(at[0])
		return nil, fmt.Errorf("%w: the page has a mark of a layout in line %d", ErrLayout, line)
	}
	n, start, end, err := p.region(o.Selector)
	if err != nil {
		return nil, err
	}
	d := deriver{page: p, start: start, end: end}
	d.title(heading(n), o.Others)
	d.head()
	d.tags(o)
	body := fmt.Sprintf(`<!--pagemap:body select="%s"-->`, html.EscapeString(o.Selector))
	d.derived.Layout = d.write(body)
	if determine(d.derived.Layout, "") != p.charset { // nothing in the layout tells it
		body = fmt.Sprintf(`<!--pagemap:body select="%s" charset="%s"-->`, html.EscapeString(o.Selector), p.charset)
		d.derived.Layout = d.write(body)
	}
	if _, err := Parse("layout", d.derived.Layout); err != nil {
		return nil, err
	}
	return &d.derived, nil
}

// deriver is a layout that is being made.
type deriver struct {
	page       *Page
	start, end int // the region, in the page's text
	edits      []edit
	derived    Derived
}

// edit puts a text in place of a part of the page's text.
type edit struct {
	start, end int
	with       string
}

func (d *deriver) edit(start, end int, with string) {
	d.edits = append(d.edits, edit{start, end, with})
}

// write is the page's bytes with all edits and the body.
func (d *deriver) write(body string) []byte {
	edits := append(slices.Clone(d.edits), edit{d.start, d.end, body})
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	var out []byte
	from := 0
	for _, e := range edits {
		out = append(out, d.page.raw[from:d.page.at(e.start)]...)
		out = append(out, e.with...)
		from = d.page.at(e.end)
	}
	return append(out, d.page.raw[from:]...)
}

// outside reports whether a part of the page's text is no part of the region.
func (d *deriver) outside(start, end int) bool { return end <= d.start || start >= d.end }

// head puts the head mark where the head ends.
func (d *deriver) head() {
	const mark = "<!--pagemap:" + markHead + "-->"
	for _, s := range d.page.spots {
		tag := d.page.text[s.start:s.end]
		if s.start >= d.start {
			return
		}
		if name := tagName(tag); name == "/head" || name == "body" {
			d.edit(s.start, s.start, mark)
			return
		}
	}
}

// tags takes out the tags outside of the region that speak of the page alone, and looks after relative URLs.
func (d *deriver) tags(o DeriveOptions) {
	p := d.page
	based := false // URLs are relative to what a <base> says
	for _, s := range p.spots {
		tag := p.text[s.start:s.end]
		name := tagName(tag)
		if name == "" || name[0] == '/' || !d.outside(s.start, s.end) {
			continue
		}
		all := attributes(tag)
		if speaksOfPage(name, tag, all) && !o.Keep {
			d.edit(s.start, s.end, "")
			d.derived.Removed = append(d.derived.Removed, p.passage(s.start, s.end))
			continue
		}
		if based {
			continue
		}
		relative := false
		for _, a := range all {
			to, ok := relativeURL(tag[a.start:a.end])
			if !ok || !urls[a.name] {
				continue
			}
			if o.Base == "" {
				relative = true
				continue
			}
			base := url.URL{Path: "/"}
			if u, err := url.Parse(string(o.Base)); err == nil {
				base = *u
			}
			d.edit(s.start+a.start, s.start+a.end, html.EscapeString(base.ResolveReference(to).String()))
		}
		if relative {
			d.derived.Relative = append(d.derived.Relative, p.passage(s.start, s.end))
		}
		based = name == "base" && slices.ContainsFunc(all, func(a attribute) bool { return a.name == "href" })
	}
}

// relativeURL returns the URL of an attribute's value if it leads elsewhere from another directory.
func relativeURL(value string) (*url.URL, bool) {
	u, err := url.Parse(strings.TrimSpace(html.UnescapeString(value)))
	if err != nil || u.Scheme != "" || u.Host != "" || u.Path == "" || u.Path[0] == '/' {
		return nil, false
	}
	return u, true
}

// speaksOfPage reports whether a tag of the head says something of one page alone.
func speaksOfPage(name, tag string, all []attribute) bool {
	value := func(name string) string {
		for _, a := range all {
			if a.name == name {
				return strings.ToLower(strings.TrimSpace(html.UnescapeString(tag[a.start:a.end])))
			}
		}
		return ""
	}
	switch name {
	case "link":
		for _, rel := range strings.Fields(value("rel")) {
			switch rel {
			case "canonical", "prev", "next":
				return true
			case "alternate":
				if value("hreflang") != "" {
					return true
				}
			}
		}
	case "meta":
		switch value("name") {
		case "description", "keywords":
			return true
		}
		switch value("property") {
		case "og:title", "og:description", "og:url":
			return true
		}
	}
	return false
}

// passage is a part of the page's text.
func (p *Page) passage(start, end int) Passage {
	line, _ := p.place(start)
	return Passage{line, clip(p.text[start:end])}
}
