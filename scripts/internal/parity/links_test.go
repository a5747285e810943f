package main

import (
	"slices"
	"strings"
	"testing"
)

func TestLinks(t *testing.T) {
	tests := []struct {
		name, page string
		want       []string
	}{
		{"elements", `<A HREF="a.html">x</a><img src=b.png><link href='c.css'><script src="d.js"></script><td background=e.gif>`,
			[]string{"/s/a.html", "/s/b.png", "/s/c.css", "/s/d.js", "/s/e.gif"}},
		{"character reference", `<a href="a?b=1&amp;c=2">`, []string{"/s/a?b=1&c=2"}},
		{"fragment alone", `<a href="#top">`, []string{"/s/page.html?x"}},
		{"of the root", `<a href="/c">`, []string{"/c"}},
		{"other hosts and schemes", `<a href="//example.org/a"><a href="https://example.org/"><a href="\\example.org\a"><a href="mailto:a@example.org">`, nil},
		{"base", `<base href="/t/"><a href="a.html">`, []string{"/t/a.html"}},
		{"base elsewhere", `<base href="http://example.org/"><a href="b.html">`, nil},
		{"in a comment or script", `<!-- <a href="a"> --><script>"<a href='b'>"</script>`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			if err := links(strings.NewReader(tt.page), "/s/page.html?x", func(to string) { got = append(got, to) }); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("links = %q, want %q", got, tt.want)
			}
		})
	}
}
