// The rows of the World.

package sitetest

import (
	"slices"
	"testing"
	"time"

	"pagemap/mapping"
)

// Times of the World's rows, where a table keeps them.
var (
	longAgo  = Now.Add(-30 * 24 * time.Hour).UnixMicro() // Fri, 30 Jan 2026 12:00:00 GMT
	recently = Now.Add(-time.Hour).UnixMicro()           // Sun, 01 Mar 2026 11:00:00 GMT
)

// row is a page made by hand long ago.
func row(pattern string, status uint16, source string) mapping.Page {
	return mapping.Page{Row: mapping.Row{
		Pattern: pattern, Status: status, Source: source, Origin: mapping.OriginCLI, Changed: longAgo,
	}}
}

func with(p mapping.Page, change func(*mapping.Page)) mapping.Page {
	change(&p)
	return p
}

func newly(p mapping.Page) mapping.Page {
	return with(p, func(p *mapping.Page) { p.Changed = recently })
}

func crawled(p mapping.Page) mapping.Page {
	return with(p, func(p *mapping.Page) { p.Origin = mapping.OriginPopulate })
}

func dropping(p mapping.Page) mapping.Page {
	return with(p, func(p *mapping.Page) { p.DropQuery = true })
}

var pages = slices.Concat([]mapping.Page{
	// Redirects.
	row("/moved", 301, "/about.html"),
	newly(row("/moved-new", 301, "/about.html")),
	row("/temporary", 302, "/about.html"),
	row("/external", 301, "https://new.example/x?y=1#frag"),
	row("/own", 301, "https://WWW.example.org/about.html"),
	row("/fragment", 301, "/about.html#part two"),
	row("/latin", 301, "/caf\xe9.html"),
	row("/markup", 301, "https://new.example/?a=1&b='2'\"<c>"),
	row("/replaced.html", 301, "/about.html"),

	// Chains.
	row("/c1", 301, "/c2"), row("/c2", 301, "/c3"), row("/c3", 301, "/about.html"),
	row("/mixed1", 301, "/mixed2"), row("/mixed2", 302, "/about.html"),
	row("/young1", 301, "/young2"), newly(row("/young2", 301, "/about.html")),
	row("/to-gone", 301, "/gone"), row("/to-missing", 301, "/hidden.html"),
	row("/to-dir", 301, "/docs"), row("/to-external", 301, "/external"),
	row("/to-nothing", 301, "/no-such-page"),

	// Gone, hidden.
	row("/gone", 410, ""), row("/gone-see", 410, "/about.html"),
	row("/gone-markup", 410, "https://new.example/?a=1&b='2'\"<c>"),
	row("/hidden.html", 404, ""),

	// Prefix rows.
	row("/old/*", 301, "/docs/*"), row("/old/deep/*", 410, ""), row("/old/exact", 200, "file:/about.html"),
	row("/dropped/*", 301, "/about.html"), row("/mirror/*", 200, "file:/docs/*"),
	row("/away/*", 302, "https://new.example/base/*"),
	row("/shadow/*", 301, "/about.html"), crawled(row("/shadow/page.html", 200, "file:/shadow/page.html")),

	// Query rows.
	row("/q", 200, "file:/about.html"), row("/q?id=1", 301, "/docs/"), row("/q?id=1&x=2", 301, "/docs/guide.html"),
	row("/q?name=a b", 410, ""), row("/q?dup=1&dup=1", 410, ""),
	row("/query-only?page=2", 301, "/docs/guide.html"),
	row("/merge", 301, "/about.html?keep=1#sec"), dropping(row("/drop", 301, "/about.html")),
	row("/merge-matched?id=1", 301, "/about.html?new=1"),

	// Pages.
	row("/alias", 200, "file:/about.html"), row("/alias-space", 200, "file:/a%20b%25.html"),
	row("/alias-data", 200, "file:/files/doc.pdf"), row("/alias-literal%2A", 200, "file:/star%2A.html"),
	newly(row("/flipped", 200, "file:/docs/guide.html")),
	row("/wiki", 200, "wiki:Main Page"), row("/vanished", 200, "file:/no/such.html"),
	crawled(row("/vanished.html", 200, "file:/vanished.html")),
	row("/file-private", 200, "file:/private/secret.html"),
	crawled(row("/docs/guide.html", 200, "file:/docs/guide.html")),
	crawled(row("/docs/", 200, "file:/docs/index.html")),
	row("/slash-row/", 200, "file:/about.html"), row("/Folded-Row", 200, "file:/about.html"),

	// One row of a pair of twins.
	row("/twin/index.html", 301, "/about.html"), row("/twin2/", 410, ""),
}, deep(10, "/ten"))

// deep is a chain of so many redirects that begins at name and ends at a page.
func deep(hops int, name string) []mapping.Page {
	var all []mapping.Page
	at := name
	for i := 1; i < hops; i++ {
		next := name + "-" + string(rune('a'+i))
		all = append(all, row(at, 301, next))
		at = next
	}
	return append(all, row(at, 301, "/about.html"))
}

// loops redirect in circles or in too many hops, which every writer refuses.
var loops = slices.Concat([]mapping.Page{
	row("/loop1", 301, "/loop2"), row("/loop2", 301, "/loop1"),
	row("/self", 301, "/self?x=1"),
}, deep(11, "/eleven"))

func clean(t testing.TB, all []mapping.Page) []mapping.Page {
	t.Helper()
	out := make([]mapping.Page, len(all))
	for i, p := range all {
		var err error
		if out[i], err = Hosts.Clean(p); err != nil {
			t.Fatal(err)
		}
	}
	return out
}
