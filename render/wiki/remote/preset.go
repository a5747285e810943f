// What is known of some wikis.

package remote

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"pagemap/render/wiki/mediawiki"
)

// Kind is a kind of wiki that a preset knows.
type Kind string

// The kinds.
const (
	MediaWiki Kind = "mediawiki"
	MoinMoin  Kind = "moinmoin"
	DokuWiki  Kind = "dokuwiki"
	Gollum    Kind = "gollum"
)

// preset is what is known of a kind of wiki. Templates are relative to the wiki's base, or to its host.
type preset struct {
	page     string
	edit     string
	links    []string // of links to pages, besides page without its other parameters
	sel      string
	spell    func(string) string
	possible func(string) bool // as spelled
	colons   bool              // its URLs have colons for the slashes of names
	create   string            // in the path of where a missing page leads
	missing  func(doc *html.Node, name string) bool
	empty    func(doc *html.Node) bool // a page that is there, but without text
}

var presets = map[Kind]preset{
	MediaWiki: {
		page:     "index.php?title={page}&action=render",
		edit:     "index.php?title={page}&action=edit",
		links:    []string{"index.php/{page}", "/wiki/{page}", "index.php?title={page}&action=edit&redlink=1"},
		spell:    titled,
		possible: func(name string) bool { _, err := mediawiki.Title(name); return err == nil },
	},
	MoinMoin: {
		page:    "{page}?action=content",
		edit:    "{page}?action=edit",
		missing: offers,
	},
	DokuWiki: {
		page:     "doku.php?id={page}&do=export_xhtmlbody",
		edit:     "doku.php?id={page}&do=edit",
		links:    []string{"doku.php/{page}", "{page}"},
		spell:    lowered,
		possible: func(name string) bool { return id.MatchString(name) && !strings.HasPrefix(name, "lib/") },
		colons:   true,
		missing:  func(doc *html.Node, _ string) bool { return hasClasses(doc, "dokuwiki", "notFound") },
		empty:    func(doc *html.Node) bool { return hasClasses(doc, "dokuwiki", "mode_show") },
	},
	Gollum: {
		page:     "{page}",
		edit:     "gollum/edit/{page}",
		sel:      ".markdown-body",
		create:   "/create/",
		possible: func(name string) bool { return !strings.HasPrefix(name, "gollum/") },
	},
}

// titled spells a name as a MediaWiki does that does not tell the case of first letters apart.
func titled(name string) string {
	t, err := mediawiki.Title(name)
	if err != nil {
		return name
	}
	r, size := utf8.DecodeRuneInString(t)
	return string(unicode.ToUpper(r)) + t[size:]
}

// lowered spells a name as a DokuWiki does, with slashes between the namespaces.
func lowered(name string) string {
	return blanks.ReplaceAllLiteralString(strings.ReplaceAll(strings.ToLower(name), ":", "/"), "_")
}

var (
	blanks = regexp.MustCompile(`[ _]+`)
	// id is what DokuWiki leaves as it is.
	id = regexp.MustCompile(`^[\pL\pN\pM]([\pL\pN\pM._-]*[\pL\pN\pM])?(/[\pL\pN\pM]([\pL\pN\pM._-]*[\pL\pN\pM])?)*$`)
)

// offers reports that MoinMoin has no such page: there is nothing, or an offer to edit it.
func offers(doc *html.Node, name string) bool {
	empty := true
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.TextNode && strings.TrimSpace(n.Data) != "", n.Type == html.ElementNode && n.Data == "img":
			empty = false
		case n.Type == html.ElementNode && n.Data == "a":
			path, query, ok := strings.Cut(attribute(n, "href"), "?")
			if ok && strings.HasPrefix(query, "action=edit") && strings.HasSuffix(unescaped(path), "/"+name) {
				return true
			}
		}
	}
	return empty
}
