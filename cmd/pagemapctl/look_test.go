package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lookSite is a tree of pages in one look, and a directory for layouts.
func lookSite(t *testing.T) *site {
	files := map[string]string{"stub.html": "<p>Moved.", "notes.txt": "x"}
	for _, name := range []string{"about", "docs/index", "docs/install", "docs/upgrade", "docs/remove"} {
		root := strings.Repeat("../", strings.Count(name, "/"))
		text := "How to " + filepath.Base(name) + " it. "
		files[name+".html"] = fmt.Sprintf("<!DOCTYPE html>\n<head><title>%s - The Site</title>\n<link rel=canonical href=/%s.html>\n<link rel=stylesheet href=%sstyle.css></head>\n"+
			"<ul><li>The menu of all that there is<li class=%s>And of what is <a href=/>here</a></ul>\n<div id=content><h1>%s</h1>%s</div>\n<p>Written by hand</p>\n",
			name, name, root, filepath.Base(name), name, strings.Repeat("<p>"+text+"</p>", 20))
	}
	s := offline(t, files)
	s.env["PAGEMAP_LOOKS"] = filepath.Join(t.TempDir(), "looks")
	return s
}

func (s *site) layout(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.env["PAGEMAP_LOOKS"], name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func TestLookDerive(t *testing.T) {
	s := lookSite(t)
	r := s.run(0, "look", "derive", "--from", "/docs/install.html")
	contains(t, r.out, "proposed: #content (line 6) has 100 % of what differs", "layout.html: written, of /docs/install.html in utf-8, content #content",
		"taken out, as it speaks of /docs/install.html alone:\n  line 3: <link rel=canonical href=/docs/install.html>",
		"1 tags have relative URLs, which are right for pages in /docs/ alone", "line 4: <link rel=stylesheet href=../style.css>",
		"not of all of the 2 pages compared", "line 5: <li class=install> (2 lack it)")
	contains(t, s.layout("layout.html"), "<title><!--pagemap:title--> - The Site</title>\n\n<link rel=stylesheet href=../style.css><!--pagemap:head--></head>",
		`<div id=content><!--pagemap:body select="#content"--></div>`+"\n<p>Written by hand</p>\n")

	contains(t, s.run(0, "look", "derive", "--from", "/docs/install.html", "--content", "#content").out, "is already that of /docs/install.html")
	r = s.run(exitFailed, "look", "derive", "--from", "/docs/install.html", "--content", "#content", "--absolute")
	contains(t, r.err, "layout.html is there and differs: --force writes over it")
	contains(t, s.layout("layout.html"), "href=../style.css")
	s.run(0, "look", "derive", "--from", "/docs/install.html", "--content", "#content", "--absolute", "--force", "--keep")
	contains(t, s.layout("layout.html"), "href=/style.css", "rel=canonical")

	out := filepath.Join(s.env["PAGEMAP_LOOKS"], "docs", "layout.html")
	s.run(0, "look", "derive", "--from", "/docs/", "--content", "#content", "--out", out) // the index
	contains(t, s.layout("docs/layout.html"), "<li class=index>")
	contains(t, s.run(0, "look", "check").out, "2 layouts, 0 broken")

	r = s.run(0, "look", "derive", "--from", "/about.html,/docs/install.html,/docs/upgrade.html", "--compare", "0", "--out", "-", "--json")
	if !strings.HasPrefix(r.out, "<!DOCTYPE html>\n<head><title><!--pagemap:title-->") {
		t.Errorf("on standard output: %s", r.out)
	}
	var report deriveReport
	if err := json.Unmarshal([]byte(r.err), &report); err != nil {
		t.Fatal(err)
	}
	if report.Selector != "#content" || len(report.Compared) != 2 || len(report.Removed) != 1 || len(report.Proposals) == 0 {
		t.Errorf("report %+v", report)
	}
}

func TestLookDeriveErrors(t *testing.T) {
	s := lookSite(t)
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{name: "no page", code: exitUsage, want: "which page?"},
		{name: "no such page", args: []string{"--from", "/missing.html"}, code: exitFailed, want: "/missing.html"},
		{name: "bad path", args: []string{"--from", "about.html"}, code: exitUsage, want: "--from about.html"},
		{name: "selector", args: []string{"--from", "/about.html", "--content", "p["}, code: exitFailed, want: "bad selector"},
		{name: "no match", args: []string{"--from", "/about.html", "--content", "#text"}, code: exitFailed, want: "line 6: <div id=content>"},
		{name: "several", args: []string{"--from", "/about.html", "--content", "p"}, code: exitFailed, want: "matches 21 elements"},
		{name: "nothing to compare", args: []string{"--from", "/about.html", "--compare", "0"}, code: exitFailed, want: "name the content with --content"},
		{name: "not clear", args: []string{"--from", "/stub.html,/about.html", "--compare", "0"}, code: exitFound, want: "it is not clear"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			contains(t, s.run(tt.code, append([]string{"look", "derive"}, tt.args...)...).err, tt.want)
		})
	}
	if _, err := os.Stat(s.env["PAGEMAP_LOOKS"]); err == nil {
		t.Error("something was written")
	}
	delete(s.env, "PAGEMAP_LOOKS")
	contains(t, s.run(exitUsage, "look", "derive", "--from", "/about.html").err, "where to?")
	contains(t, s.run(exitUsage, "look", "check").err, "which layouts?")
}

func TestLookCheck(t *testing.T) {
	s := lookSite(t)
	dir := s.env["PAGEMAP_LOOKS"]
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"layout.html": "<!--pagemap:body-->", "layout.html.ko.euc-kr": "<p>\n<!--pagemap:bdy--><!--pagemap:x-->"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	contains(t, s.run(exitFound, "look", "check").out, "layout.html.ko.euc-kr:2:1: there is no mark \"bdy\"", "layout.html.ko.euc-kr:2:19: ", "2 layouts, 1 broken")
	var report lookCheckJSON
	if err := json.Unmarshal([]byte(s.run(exitFound, "look", "check", dir, "--json").out), &report); err != nil {
		t.Fatal(err)
	}
	if report.Layouts != 2 || len(report.Errors) != 2 || report.Errors[1].Column != 19 {
		t.Errorf("report %+v", report)
	}
	contains(t, s.run(exitFailed, "look", "check", dir+"-missing").err, "no such file")
}
