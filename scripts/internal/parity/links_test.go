package main

import (
	"slices"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	tests := []struct {
		name, base, ref string
		want            string // "" leaves the site
	}{
		{"sibling", "/a/b.html", "c.html", "/a/c.html"},
		{"of a directory", "/a/", "c.html", "/a/c.html"},
		{"parent", "/a/b/c.html", "../d.html", "/a/d.html"},
		{"above the root", "/a.html", "../../d.html", "/d.html"},
		{"absolute", "/a/b.html", "/c", "/c"},
		{"empty", "/a/b.html?x", "", "/a/b.html?x"},
		{"fragment alone", "/a/b.html?x", "#top", "/a/b.html?x"},
		{"query alone", "/a/b.html?x", "?y", "/a/b.html?y"},
		{"query and fragment", "/a/b.html", "c?x=1#f", "/a/c?x=1"},
		{"dot", "/a/b.html", ".", "/a/"},
		{"dot slash", "/a/b.html", "./c", "/a/c"},
		{"escaped dots", "/a/b.html", "%2E%2e/c", "/c"},
		{"two dots at the end", "/a/b/c", "..", "/a/"},
		{"doubled slash stays", "/a/b.html", "c//d", "/a/c//d"},
		{"space", "/", "a b.html", "/a%20b.html"},
		{"white space around", "/", "\n a.html\t", "/a.html"},
		{"line break within", "/", "a\n.html", "/a.html"},
		{"backslash", "/a/", `b\c.html`, "/a/b/c.html"},
		{"beyond ASCII", "/", "caf\xc3\xa9", "/caf%C3%A9"},
		{"escape stays", "/", "a%20b%zz", "/a%20b%zz"},
		{"operator", "/", "operator<.html", "/operator%3C.html"},
		{"colon in a later segment", "/", "a/b:c", "/a/b:c"},
		{"another host", "/", "//example.org/a", ""},
		{"http", "/", "http://example.org/a", ""},
		{"mail", "/", "mailto:a@example.org", ""},
		{"script", "/", "javascript:void(0)", ""},
		{"scheme with backslashes", "/", `\\example.org\a`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, internal := resolve(tt.base, tt.ref)
			if got != tt.want || internal != (tt.want != "") {
				t.Errorf("resolve(%q, %q) = %q, %v, want %q", tt.base, tt.ref, got, internal, tt.want)
			}
		})
	}
}

func TestLinks(t *testing.T) {
	tests := []struct {
		name, page string
		want       []string
	}{
		{"elements", `<A HREF="a.html">x</a><img src=b.png><link href='c.css'><script src="d.js"></script><td background=e.gif>`,
			[]string{"/s/a.html", "/s/b.png", "/s/c.css", "/s/d.js", "/s/e.gif"}},
		{"character reference", `<a href="a?b=1&amp;c=2">`, []string{"/s/a?b=1&c=2"}},
		{"refresh", `<meta http-equiv=Refresh content="0; URL='x.html'">`, []string{"/s/x.html"}},
		{"base", `<base href="/t/"><a href="a.html">`, []string{"/t/a.html"}},
		{"base elsewhere", `<a href="a.html"><base href="http://example.org/"><a href="b.html">`, []string{"/s/a.html"}},
		{"in a comment or script", `<!-- <a href="a"> --><script>"<a href='b'>"</script>`, nil},
		{"no attribute", `<a name="x"><img alt="y">`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			if err := links(strings.NewReader(tt.page), "/s/page.html", func(to string) { got = append(got, to) }); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("links = %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzResolve(f *testing.F) {
	for _, ref := range []string{"a", "../a", "//h", "?q", "#f", "a%2e/..", `\a`, "a:b", ""} {
		f.Add(ref)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		target, internal := resolve("/a/b.html", ref)
		if !internal {
			return
		}
		if target[0] != '/' || strings.ContainsAny(target, " #\"<>\t\r\n") {
			t.Fatalf("resolve(%q) = %q cannot be a request's target", ref, target)
		}
		if path, _, _ := strings.Cut(target, "?"); removeDots(path) != path {
			t.Fatalf("resolve(%q) = %q has dot segments", ref, target)
		}
	})
}
