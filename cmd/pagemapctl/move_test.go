package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// oldSite has pages in a look of their own, in several charsets.
var oldSite = map[string]string{
	"index.html":            `<html><head><title>Home - Site</title></head><body><div id=nav><a href=/>Top</a></div><div id=content><h1>Home</h1><p>Welcome to <a href="docs/a.html">A</a>.</p></div></body></html>`,
	"about.html":            `<html><head><title>About - Site</title></head><body><div id=nav><a href=/>Top</a></div><div id=content><h1>About</h1><p>Caf` + "\xe9" + ` and <b>more</b> words. <img src=i.png></p></div></body></html>`,
	"docs/a.html":           `<html><head><title>Doc A - Site</title></head><body><div id=nav></div><div id=content><p>No heading, <a href="../about.html#x">about</a>.</p></div></body></html>`,
	"docs/b.html.ko.euc-kr": "<html><head><title>B - Site</title></head><body><div id=content><h1>\xb0\xa1\xb3\xaa\xb4\xd9</h1></div></body></html>",
	"docs/b.html.en":        "<html><head><title>B - Site</title></head><body><div id=content><h1>B in English</h1></div></body></html>",
	"docs/odd.html":         "<html><body><p>no such part</p></body></html>",
	"docs/i.png":            "PNG",
}

// movable is a site with a wiki of files and a layout.
func movable(t *testing.T) (s *site, wikiDir string) {
	s = newSite(t, oldSite)
	wikiDir, looks := t.TempDir(), t.TempDir()
	s.env["PAGEMAP_WIKI"], s.env["PAGEMAP_LOOKS"] = wikiDir, looks
	layout := `<html><head><meta charset=utf-8><title><!--pagemap:title--> - Site</title></head><body><div id=nav><a href=/>Top</a></div><div id=content><!--pagemap:body select="#content"--></div></body></html>`
	if err := os.WriteFile(filepath.Join(looks, "layout.html"), []byte(layout), 0o644); err != nil {
		t.Fatal(err)
	}
	s.run(0, "migrate")
	s.run(0, "populate")
	return s, wikiDir
}

func file(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestMove(t *testing.T) {
	s, wiki := movable(t)
	contains(t, s.run(0, "move", "/about.html", "--to", "wiki:About", "--dry-run").out, "/about.html -> wiki:About  100.0 % of 5 words kept", "1 would be moved")
	if left, _ := os.ReadDir(wiki); len(left) > 0 {
		t.Errorf("a dry run wrote %v", left)
	}
	contains(t, s.run(0, "move", "https://www.example.org/about.html", "--to", "wiki:About", "-m", "the first").out, "1 moved, 0 already, 0 refused", "change-set")
	if got, want := file(t, wiki, "About.md"), "# About\n\nCafé and **more** words. ![](/i.png)\n"; got != want {
		t.Errorf("the wiki has\n%s\nwant\n%s", got, want)
	}
	contains(t, s.run(0, "page", "get", "/about.html").out, "wiki:About", "origin   cli")
	contains(t, s.run(0, "log", "--json").out, "the first")
	contains(t, s.run(0, "move", "/about.html").out, "already", "0 moved, 1 already")

	// The rest, at once: what has no such part is refused, and the others move.
	r := s.run(1, "move", "--match", "/*")
	contains(t, r.out, "REFUSED /docs/odd.html: ", "#content", "4 moved, 0 already, 1 refused", "words kept: mean 1.0000")
	if got, want := file(t, wiki, "docs/a.md"), "---\ntitle: \"Doc A\"\n---\n\nNo heading, [about](/about.html#x).\n"; got != want {
		t.Errorf("the wiki has\n%s\nwant\n%s", got, want)
	}
	if got, want := file(t, wiki, "docs/b.ko.euc-kr.md"), "---\ntitle: \"B\"\n---\n\n# 가나다\n"; got != want {
		t.Errorf("the wiki has\n%s\nwant\n%s", got, want)
	}
	contains(t, s.run(0, "page", "list").out, "/\twiki:index", "/docs/a.html\twiki:docs/a", "/docs/b.html.en\twiki:docs/b.en", "/docs/odd.html\tfile:/docs/odd.html")
	contains(t, s.run(0, "progress").out, "wiki             5 pages   83.3 %", "6 pages in all, and 1 other files")
	contains(t, s.run(0, "progress", "--json", "--depth", "2").out, `"path": "/docs/"`)

	// Back, and forth again over what the wiki has by then.
	contains(t, s.run(0, "move", "--back", "/docs/a.html").out, "/docs/a.html -> file:/docs/a.html", "1 moved back")
	if err := os.WriteFile(filepath.Join(wiki, "docs/a.md"), []byte("No heading, about.\n\nEdited.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	contains(t, s.run(1, "move", "/docs/a.html").out, "has a page \"docs/a\" with other text", "--as-is")
	contains(t, s.run(0, "move", "/docs/a.html", "--as-is").out, "100.0 % of 3 words kept", "lost links: /about.html#x")
	contains(t, s.run(0, "move", "--back", "--match", "/*").out, "5 moved back")
	if err := os.WriteFile(filepath.Join(wiki, "docs/a.md"), []byte("Other words.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	contains(t, s.run(1, "move", "/docs/a.html", "--as-is").out, "it would keep 0.0 % of its words", "lost words: No, heading, about")
	contains(t, s.run(0, "page", "get", "/docs/a.html").out, "file:/docs/a.html")
	contains(t, s.run(0, "move", "/docs/a.html", "--force").out, "100.0 % of 3 words kept")
	contains(t, s.run(0, "move", "--back", "/docs/a.html").out, "1 moved back")

	var report moveReport
	if err := json.Unmarshal([]byte(s.run(1, "move", "--match", "/docs/*", "--json").out), &report); err != nil || report.Moved != 3 || report.Refused != 1 || report.Mean == nil || report.Pages[0].Path != "/docs/a.html" {
		t.Errorf("report %+v, %v", report, err)
	}
}

func TestMoveRefuses(t *testing.T) {
	s, wiki := movable(t)
	for _, tt := range []struct {
		name string
		code int
		args string
		want string
	}{
		{"no page", 1, "/nope.html", "answers 404"},
		{"no HTML", 1, "/docs/i.png", "no page of HTML"},
		{"a query", 1, "/about.html?x=1", "has a query"},
		{"no such element", 1, "/about.html --content .none", ".none matches nothing"},
		{"nothing", 2, "", "which pages?"},
		{"both", 2, "/a --match /*", "not both"},
		{"one name for two", 2, "/a /b --to wiki:X", "--to names one page"},
		{"nothing below", 1, "--match /none/*", "no HTML files there"},
		{"never a wiki page", 1, "--back --match /*", "no wiki pages there"},
		{"threshold", 2, "/a --threshold 95", "--threshold 95"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := s.run(tt.code, append([]string{"move"}, strings.Fields(tt.args)...)...)
			contains(t, r.out+r.err, tt.want)
		})
	}
	if left, _ := os.ReadDir(wiki); len(left) > 0 {
		t.Errorf("what was refused was written: %v", left)
	}
	s.env["PAGEMAP_LOOKS"] = ""
	contains(t, s.run(1, "move", "/about.html").out, "look derive --from /about.html", "--content")
	s.env["PAGEMAP_WIKI"] = ""
	contains(t, s.run(2, "move", "/about.html").err, "which wiki?")
	off := offline(t, oldSite)
	contains(t, off.run(2, "move", "/about.html").err, "--print", "--database")
	contains(t, off.run(0, "move", "/about.html", "--print", "--content", "#content").out, "# About\n")
	contains(t, off.run(0, "move", "/about.html", "--print", "--content", "#content", "--syntax", "wikitext").out, "= About =", "https://www.example.org/i.png")
	contains(t, off.run(0, "progress").out, "6 pages in all, and 1 other files", "no requests are counted")
}

// TestMoveBackAdded: a file without a row gets one, and loses it.
func TestMoveBackAdded(t *testing.T) {
	s, _ := movable(t)
	if err := os.WriteFile(filepath.Join(s.tree, "new.html"), []byte(`<div id=content>New</div>`), 0o644); err != nil {
		t.Fatal(err)
	}
	contains(t, s.run(0, "move", "/new.html").out, "1 moved")
	contains(t, s.run(0, "page", "get", "/new.html").out, "wiki:new")
	contains(t, s.run(0, "move", "--back", "/new.html").out, "1 moved back")
	s.run(1, "page", "get", "/new.html")
	s.run(0, "page", "set", "/made.html", "200", "wiki:new")
	contains(t, s.run(1, "move", "--back", "/made.html").out, "REFUSED", "not in the tree")
}
