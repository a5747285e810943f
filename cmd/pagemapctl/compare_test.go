package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// framed are the pages within the frames of a page.
func framed(t *testing.T, page string) (frames []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.DataAtom == atom.Iframe {
			if sandbox, ok := attr(n, "sandbox"); !ok || sandbox != "" {
				t.Errorf("a frame without a full sandbox: %q", n.Attr)
			}
			text, _ := attr(n, "srcdoc")
			frames = append(frames, text)
		}
		if n.DataAtom == atom.Script {
			t.Error("there is a script")
		}
	}
	if len(frames) != 2 {
		t.Fatalf("%d frames", len(frames))
	}
	return frames
}

func attr(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

func TestComparePage(t *testing.T) {
	s, wiki := movable(t)
	for name, text := range map[string]string{
		"about.css": `@import url("more.css"); h1 { background: url(i.png) } </style><script>`, "more.css": "p { color: red }", "i.png": "PNG",
		"about.html": `<html><head><title>About - Site</title><link rel=stylesheet href=about.css><meta http-equiv=refresh content="0;url=//evil.example/">
			<script>evil()</script></head><body onload="evil()"><div id=content><h1>About</h1><p>Old words, <a href="/docs/a.html" onclick=evil()>kept</a>
			<img src=i.png srcset="//evil.example/x"><img src="//evil.example/y"><iframe srcdoc="<script>evil()</script>"></iframe></div></body></html>`,
	} {
		if err := os.WriteFile(filepath.Join(s.tree, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "compared.html")
	contains(t, s.run(0, "compare", "/about.html", "-o", out).out, "100.0 % of 4 words kept")
	contains(t, file(t, out), "a draft: the wiki has no such page yet")
	if err := os.WriteFile(filepath.Join(wiki, "about.md"), []byte("# About\n\nFresh words, kept <script>evil()</script>\n\n<b onclick=evil()>x</b></div></body></iframe>\"'>\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	page := s.run(0, "compare", "/about.html").out
	contains(t, page, "75.0 %", "words lost", "/docs/a.html", "wiki:about")
	frames := framed(t, page)
	contains(t, frames[0], `<mark class="pagemap-lost">Old</mark>`, `class="pagemap-lost"`, "p { color: red }", "data:image/png;base64,", `<div id="content">`)
	contains(t, frames[1], `<mark class="pagemap-added">Fresh</mark>`, `<div id="nav">`)
	for i, f := range frames {
		if strings.Contains(f, "evil") && strings.Contains(f, "<script") || strings.Contains(f, "onclick") || strings.Contains(f, "onload") ||
			strings.Contains(f, "evil.example") || strings.Contains(f, "<iframe") || strings.Contains(f, "refresh") {
			t.Errorf("frame %d holds what runs or loads:\n%s", i, f)
		}
		contains(t, f, "default-src 'none'")
	}
	// Moved, the file is still what it is compared with.
	s.run(0, "move", "/about.html", "--as-is", "--force")
	contains(t, s.run(0, "compare", "/about.html").out, "75.0 %")
	contains(t, s.run(1, "compare", "/nope.html").err, "answers 404")
	contains(t, s.run(1, "compare", "/docs/odd.html").err, "#content matches nothing")
}
