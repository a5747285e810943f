// Links and images: where they lead on the site.

package wiki

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"pagemap/mapping"
)

// schemes are those of links. Images have http and https, and data for small rasters.
var schemes = []string{"http", "https", "mailto", "tel", "ftp", "news", "irc", "ircs", "xmpp", "geo", "doi", "urn"}

// maxData is the size in bytes of the longest data URL of an image.
const maxData = 32 << 10

var rasterData = regexp.MustCompile(`^data:image/(png|gif|jpeg|webp|avif);base64,[A-Za-z0-9+/=]+$`)

// links tells where references in one page's body lead.
type links struct {
	wiki  Wiki
	spell func(string) string
	table *mapping.Table
	hosts mapping.Hosts
	text  bool // links to pages that no row leads to become text

	name string       // of the page
	path mapping.Path // its own; "": none
}

// rewrite gives each link and image of a region its place on the site. Links that lead nowhere
// become spans, images from nowhere their text.
func (l *links) rewrite(r *region) {
	var remove []*html.Node
	for n := range r.root.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.DataAtom == atom.A:
			l.link(n)
		case n.DataAtom == atom.Img:
			if !l.image(n) {
				remove = append(remove, n)
			}
		}
	}
	for _, n := range remove {
		if alt := attribute(n, "alt"); alt != "" {
			n.Parent.InsertBefore(&html.Node{Type: html.TextNode, Data: alt}, n)
		}
		n.Parent.RemoveChild(n)
	}
}

// link rewrites the href of a link.
func (l *links) link(n *html.Node) {
	i := slices.IndexFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "href" })
	if i < 0 {
		return
	}
	if to := l.follow(n.Attr[i].Val, schemes); to != "" {
		n.Attr[i].Val = to
		return
	}
	n.Attr = slices.Delete(n.Attr, i, i+1)
	rename(n, atom.Span)
	if has(n, "id") { // a span has no name
		n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "name" })
	} else if i := slices.IndexFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "name" }); i >= 0 {
		n.Attr[i].Key = "id"
	}
}

// image rewrites the src of an image, and reports whether it has one.
func (l *links) image(n *html.Node) bool {
	for i, a := range n.Attr {
		if a.Key != "src" {
			continue
		}
		src := strings.TrimSpace(a.Val)
		if len(src) <= maxData && rasterData.MatchString(src) {
			n.Attr[i].Val = src
			return true
		}
		n.Attr[i].Val = l.follow(src, []string{"http", "https"})
		return n.Attr[i].Val != ""
	}
	return false
}

// follow returns the URL for readers of a reference, "" where there is none. A path is one of
// the site, and of other URLs the scheme is one of those given.
func (l *links) follow(text string, schemes []string) string {
	ref, err := url.Parse(strings.TrimFunc(text, func(r rune) bool { return r <= ' ' }))
	if err != nil {
		return ""
	}
	if ref.Scheme == "" && ref.Host == "" && ref.Path == "" && ref.RawQuery == "" {
		if ref.Fragment == "" {
			return ""
		}
		return ref.String() // a place in this page
	}
	target := l.wiki.Target(l.name, ref)
	if target.Name != "" {
		path := l.table.WikiPath(target.Name, l.spell)
		if l.path != "" && l.spell(target.Name) == l.spell(l.name) {
			path = string(l.path)
		}
		if path != "" {
			return path + (&url.URL{Fragment: target.Fragment}).String()
		}
		if l.text {
			return ""
		}
	}
	return l.public(target.URL, schemes)
}

// public is a URL as readers get it: on the site's own hosts a path, "" where it may not be shown.
func (l *links) public(text string, schemes []string) string {
	u, err := url.Parse(text)
	if err != nil || u.User != nil {
		return ""
	}
	if u.Scheme == "" && u.Host != "" {
		u.Scheme = "https"
	}
	switch {
	case u.Scheme == "":
		if !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") {
			return ""
		}
		return u.String()
	case !slices.Contains(schemes, u.Scheme):
		return ""
	case u.Scheme == "http" || u.Scheme == "https":
		if u.Host == "" {
			return ""
		}
		return l.hosts.SitePath(u.String())
	}
	return u.String()
}
