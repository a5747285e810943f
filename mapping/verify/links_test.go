package verify

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func linksOf(page, at string) []string {
	u, _ := url.Parse(at)
	u.Opaque, u.Path = u.EscapedPath(), ""
	var found []string
	_ = Links(strings.NewReader(page), u, func(to *url.URL) {
		text := to.Scheme + "://" + to.Host + to.Opaque
		if to.RawQuery != "" {
			text += "?" + to.RawQuery
		}
		found = append(found, text)
	})
	return found
}

func TestLinks(t *testing.T) {
	const at = "http://h.example/a/b.html"
	for _, test := range []struct {
		name, page string
		want       []string
	}{
		{"relative", `<a href=c.html>`, []string{"http://h.example/a/c.html"}},
		{"up", `<a href="../c.html#x">`, []string{"http://h.example/c.html"}},
		{"above the root", `<a href="../../../c">`, []string{"http://h.example/c"}},
		{"a directory", `<a href=".."><a href="."><a href="./c">`, []string{"http://h.example/", "http://h.example/a/", "http://h.example/a/c"}},
		{"escaped dots", `<a href="%2E%2e/c">`, []string{"http://h.example/c"}},
		{"a doubled slash stays", `<a href="c//d">`, []string{"http://h.example/a/c//d"}},
		{"a colon in a later segment", `<a href="c/d:e">`, []string{"http://h.example/a/c/d:e"}},
		{"of the root", `<img src='/i.png'>`, []string{"http://h.example/i.png"}},
		{"query", `<a href="?x=1&amp;y=a b">`, []string{"http://h.example/a/b.html?x=1&y=a%20b"}},
		{"itself", `<a href="#top">`, []string{"http://h.example/a/b.html"}},
		{"another host", `<a href="HTTPS://I.example/x">`, []string{"https://i.example/x"}},
		{"a host alone", `<a href="//i.example">`, []string{"http://i.example/"}},
		{"case of a path on another host", `<a href="//I.example/X?Y">`, []string{"http://i.example/X?Y"}},
		{"other schemes", `<a href="mailto:x@y"><a href="javascript:void(0)"><a href="ftp://h.example/x"><a href="http:x">`, nil},
		{"a user name", `<a href="http://u@h.example/">`, nil},
		{"base", `<base href="/x/"><base href="/y/"><a href=c>`, []string{"http://h.example/x/c"}},
		{"blanks and bytes", "<a href=' c d\u00e9\n.html '>", []string{"http://h.example/a/c%20d%C3%A9.html"}},
		{"bad escapes stay", `<a href="/%zz%41">`, []string{"http://h.example/%zz%41"}},
		{"backslashes", `<a href="\c\d">`, []string{"http://h.example/c/d"}},
		{"srcset", `<img srcset="a.png 1x, b.png 2x">`, []string{"http://h.example/a/a.png", "http://h.example/a/b.png"}},
		{"refresh", `<META HTTP-EQUIV=Refresh CONTENT="0; URL=c.html">`, []string{"http://h.example/a/c.html"}},
		{"styles", `<style>@import "c.css"; b { background: url(d.png) }</style><p style="background:url('e.png')">`, []string{"http://h.example/a/c.css", "http://h.example/a/d.png", "http://h.example/a/e.png"}},
		{"no link", `<p href=x><a name=y><form action=/z>`, nil},
	} {
		if got := linksOf(test.page, at); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func FuzzLinks(f *testing.F) {
	f.Add(`<base href=//h><a href="../x?y#z"><img srcset="a 1x,b">`)
	f.Add("<base href=//0\x100 srcset=0>")
	f.Add(`<meta http-equiv=refresh content="0;url=x"><style>@import 'x'</style>`)
	f.Fuzz(func(t *testing.T, page string) {
		for _, link := range linksOf(page, "http://h.example/a/b.html?x") {
			if !strings.HasPrefix(link, "http://") && !strings.HasPrefix(link, "https://") || strings.ContainsFunc(link[7:], func(c rune) bool { return c <= ' ' || c == '#' }) {
				t.Fatalf("%q", link)
			}
		}
	})
}
