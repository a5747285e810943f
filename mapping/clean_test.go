package mapping

import (
	"errors"
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	for _, test := range []struct {
		name    string
		row     Row
		pattern string // of the clean row
		source  string
		field   string // of the error, "" for none
	}{
		{name: "file", row: Row{Pattern: "/a", Status: 200, Source: "file:/a b%25.html"}, pattern: "/a", source: "file:/a%20b%25.html"},
		{name: "file in a prefix row", row: Row{Pattern: "/a/*", Status: 200, Source: "file:/old/*"}, pattern: "/a/*", source: "file:/old/*"},
		{name: "all files", row: Row{Pattern: "/a/*", Status: 200, Source: "file:/*"}, pattern: "/a/*", source: "file:/*"},
		{name: "wiki", row: Row{Pattern: "/a", Status: 200, Source: " wiki: Über uns "}, pattern: "/a", source: "wiki:Über uns"},
		{name: "wiki in a prefix row", row: Row{Pattern: "/a/*", Status: 200, Source: "wiki:A/*"}, pattern: "/a/*", source: "wiki:A/*"},
		{name: "site path", row: Row{Pattern: "/a", Status: 301, Source: "/b//c/../d é?x= y#z ä"}, pattern: "/a", source: "/b/d%20%C3%A9?x=%20y#z%20%C3%A4"},
		{name: "URL", row: Row{Pattern: "/a", Status: 302, Source: "HTTPS://New.Example:443/X y?q=ü"}, pattern: "/a", source: "https://new.example/X%20y?q=%C3%BC"},
		{name: "URL without a path", row: Row{Pattern: "/a", Status: 302, Source: "http://new.example:8080?q"}, pattern: "/a", source: "http://new.example:8080/?q"},
		{name: "IPv6", row: Row{Pattern: "/a", Status: 302, Source: "http://[::1]:80/"}, pattern: "/a", source: "http://[::1]/"},
		{name: "own host", row: Row{Pattern: "/a", Status: 301, Source: "http://WWW.example.org:80//b%2e?x#y"}, pattern: "/a", source: "/b.?x#y"},
		{name: "own host with a port", row: Row{Pattern: "/a", Status: 301, Source: "https://example.org:8080"}, pattern: "/a", source: "/"},
		{name: "another port is another host", row: Row{Pattern: "/a", Status: 301, Source: "http://example.org/"}, pattern: "/a", source: "http://example.org/"},
		{name: "pasted path", row: Row{Pattern: " https://www.example.org/x%79?b&a ", Status: 404}, pattern: "/xy?a=&b="},
		{name: "pasted host alone", row: Row{Pattern: "https://www.example.org", Status: 404}, pattern: "/"},
		{name: "pasted prefix", row: Row{Pattern: "https://www.example.org/d/*", Status: 410}, pattern: "/d/*"},
		{name: "suggestion", row: Row{Pattern: "/a", Status: 410, Source: "https://h.example/ "}, pattern: "/a", source: "https://h.example/"},
		{name: "prefix to prefix", row: Row{Pattern: "/docs/*", Status: 301, Source: "/docs2//*"}, pattern: "/docs/*", source: "/docs2/*"},
		{name: "prefix to all", row: Row{Pattern: "/docs/*", Status: 301, Source: "/*"}, pattern: "/docs/*", source: "/*"},
		{name: "prefix to a fixed URL", row: Row{Pattern: "/*", Status: 301, Source: "https://h.example/x"}, pattern: "/*", source: "https://h.example/x"},
		{name: "dropped query", row: Row{Pattern: "/a", Status: 301, Source: "/b", DropQuery: true}, pattern: "/a", source: "/b"},
		{name: "a slash after dots is one", row: Row{Pattern: "/a", Status: 301, Source: "/.//h.example"}, pattern: "/a", source: "/h.example"},

		{name: "foreign path", row: Row{Pattern: "https://h.example/a", Status: 404}, field: "path"},
		{name: "path with a fragment", row: Row{Pattern: "/a#b", Status: 404}, field: "path"},
		{name: "relative path", row: Row{Pattern: "a", Status: 404}, field: "path"},
		{name: "path with a star", row: Row{Pattern: "/a*", Status: 404}, field: "path"},
		{name: "no path", row: Row{Status: 404}, field: "path"},
		{name: "status", row: Row{Pattern: "/a", Status: 307, Source: "/b"}, field: "status"},
		{name: "origin", row: Row{Pattern: "/a", Status: 404, Origin: 9}, field: "origin"},
		{name: "drop without a redirect", row: Row{Pattern: "/a", Status: 404, DropQuery: true}, field: "drop query"},
		{name: "200 without a source", row: Row{Pattern: "/a", Status: 200}, field: "source"},
		{name: "200 of a URL", row: Row{Pattern: "/a", Status: 200, Source: "https://h.example/"}, field: "source"},
		{name: "wiki without a name", row: Row{Pattern: "/a", Status: 200, Source: "wiki: "}, field: "source"},
		{name: "wiki name of two lines", row: Row{Pattern: "/a", Status: 200, Source: "wiki:A\nB"}, field: "source"},
		{name: "wiki name in Latin-1", row: Row{Pattern: "/a", Status: 200, Source: "wiki:\xdcber"}, field: "source"},
		{name: "wiki rest without a prefix row", row: Row{Pattern: "/a", Status: 200, Source: "wiki:A/*"}, field: "source"},
		{name: "file with an escaped slash", row: Row{Pattern: "/a", Status: 200, Source: "file:/a%2Fb"}, field: "source"},
		{name: "file with dots", row: Row{Pattern: "/a", Status: 200, Source: "file:/a/../b"}, field: "source"},
		{name: "file above the root", row: Row{Pattern: "/a", Status: 200, Source: "file:/../b"}, field: "source"},
		{name: "file with a query", row: Row{Pattern: "/a", Status: 200, Source: "file:/a?b"}, field: "source"},
		{name: "file without a slash", row: Row{Pattern: "/a", Status: 200, Source: "file:a"}, field: "source"},
		{name: "directory", row: Row{Pattern: "/a/", Status: 200, Source: "file:/a/"}, field: "source"},
		{name: "denied file", row: Row{Pattern: "/a", Status: 200, Source: "file:/x/.git/config"}, field: "source"},
		{name: "file rest without a prefix row", row: Row{Pattern: "/a", Status: 200, Source: "file:/b/*"}, field: "source"},
		{name: "redirect without a target", row: Row{Pattern: "/a", Status: 301}, field: "source"},
		{name: "redirect to a file", row: Row{Pattern: "/a", Status: 301, Source: "file:/a"}, field: "source"},
		{name: "redirect to a host", row: Row{Pattern: "/a", Status: 301, Source: "//h.example/"}, field: "source"},
		{name: "backslash", row: Row{Pattern: "/a", Status: 301, Source: `/\h.example`}, field: "source"},
		{name: "line break", row: Row{Pattern: "/a", Status: 301, Source: "/b\r\nX: y"}, field: "source"},
		{name: "scheme", row: Row{Pattern: "/a", Status: 301, Source: "javascript:alert(1)"}, field: "source"},
		{name: "relative target", row: Row{Pattern: "/a", Status: 301, Source: "b"}, field: "source"},
		{name: "user", row: Row{Pattern: "/a", Status: 301, Source: "https://www.example.org@h.example/"}, field: "source"},
		{name: "no host", row: Row{Pattern: "/a", Status: 301, Source: "https:///b"}, field: "source"},
		{name: "no host but a port", row: Row{Pattern: "/a", Status: 301, Source: "https://:80/b"}, field: "source"},
		{name: "host of other letters", row: Row{Pattern: "/a", Status: 301, Source: "https://bücher.example/"}, field: "source"},
		{name: "bad port", row: Row{Pattern: "/a", Status: 301, Source: "https://h.example:x/"}, field: "source"},
		{name: "bad escape", row: Row{Pattern: "/a", Status: 301, Source: "https://h.example/%zz"}, field: "source"},
		{name: "bad escape on the site", row: Row{Pattern: "/a", Status: 301, Source: "/%zz"}, field: "source"},
		{name: "above the root", row: Row{Pattern: "/a", Status: 301, Source: "/../b"}, field: "source"},
		{name: "rest without a prefix row", row: Row{Pattern: "/a", Status: 301, Source: "https://h.example/*"}, field: "source"},
		{name: "rest with a query", row: Row{Pattern: "/a/*", Status: 301, Source: "/b/*?x"}, field: "source"},
		{name: "under its own prefix row", row: Row{Pattern: "/docs/*", Status: 301, Source: "/docs/new/*"}, field: "source"},
		{name: "its own prefix", row: Row{Pattern: "/docs/*", Status: 302, Source: "https://www.example.org/docs?x"}, field: "source"},
		{name: "under the prefix of all", row: Row{Pattern: "/*", Status: 302, Source: "/a"}, field: "source"},
		{name: "too long", row: Row{Pattern: "/a", Status: 302, Source: "https://h.example/" + strings.Repeat("ü", MaxSourceLen/6)}, field: "source"},
		{name: "404 with a source", row: Row{Pattern: "/a", Status: 404, Source: "/b"}, field: "source"},
		{name: "410 of a wiki page", row: Row{Pattern: "/a", Status: 410, Source: "wiki:B"}, field: "source"},
		{name: "410 with a rest", row: Row{Pattern: "/a/*", Status: 410, Source: "/b/*"}, field: "source"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := testHosts.Clean(Page{Row: test.row, Note: "note"})
			if test.field != "" {
				var bad *RowError
				if !errors.As(err, &bad) || !errors.Is(err, ErrBadRow) || bad.Field != test.field {
					t.Fatalf("%+v, error %v, want one of the field %q", p, err, test.field)
				}
				return
			}
			if err != nil || p.Pattern != test.pattern || p.Source != test.source || p.Note != "note" {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

func TestRowErrorNamesTheWayOut(t *testing.T) {
	_, err := testHosts.Clean(Page{Row: Row{Pattern: "/a", Status: 301, Source: "//h"}})
	want := `mapping: source "//h": starts with "//", which names a host: write "https://..." or exactly one "/"`
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestSitePath(t *testing.T) {
	for url, want := range map[string]string{
		"https://www.example.org/a?b#c": "/a?b#c",
		"HTTP://WWW.EXAMPLE.ORG":        "/",
		"https://h.example/a":           "https://h.example/a",
		"/a":                            "/a",
		"www.example.org/a":             "www.example.org/a",
	} {
		if got := testHosts.SitePath(url); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
}

func TestSourcesAndOrigins(t *testing.T) {
	for _, text := range []string{"", "file:/a%20b", "wiki:A b", "http://h/", "https://h/x?y#z", "/a"} {
		if s, err := ParseSource(text); err != nil || s.String() != text {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
	}
	for _, text := range []string{"file:", "file:a", "wiki:", "HTTP://h/", "//h", `/\h`, "a", "mailto:a@b"} {
		if s, err := ParseSource(text); !errors.Is(err, ErrBadRow) {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
	}
	for o := OriginAuto; o <= OriginCLI; o++ {
		if got, err := ParseOrigin(o.String()); err != nil || got != o || o.Tree() != (o == OriginAuto || o == OriginPopulate) {
			t.Errorf("%d: %s, %v", o, got, err)
		}
	}
	if _, err := ParseOrigin("robot"); !errors.Is(err, ErrBadRow) {
		t.Errorf("robot: %v", err)
	}
}
