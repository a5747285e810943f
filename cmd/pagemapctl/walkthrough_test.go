package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWalkthrough goes README's way from nothing to a verified switch: a tree, an
// .htaccess of 500 lines, and a log of what readers asked for.
func TestWalkthrough(t *testing.T) {
	const n = 480
	tree := map[string]string{"index.html": "<h1>Home</h1>"}
	htaccess := "# Redirects of ten years\nOptions -Indexes\nRewriteEngine On\nErrorDocument 404 /404.html\n"
	log := ""
	hit := func(target string, status int) {
		log += fmt.Sprintf(`192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET %s HTTP/1.1" %d 1 "-" "curl"`+"\n", target, status)
	}
	for i := range n {
		page := fmt.Sprintf("/docs/page%d.html", i)
		tree[page[1:]] = fmt.Sprintf("<h1>Page %d</h1>", i)
		hit(page, 200)
		switch i % 4 {
		case 0:
			htaccess += fmt.Sprintf("Redirect 301 /old/page%d.html %s\n", i, page)
			hit(fmt.Sprintf("/old/page%d.html", i), 301)
		case 1:
			htaccess += fmt.Sprintf("RewriteRule ^alt/page%d\\.html$ %s [R=301,L]\n", i, page)
			hit(fmt.Sprintf("/alt/page%d.html", i), 301)
		case 2:
			htaccess += fmt.Sprintf("Redirect gone /gone/page%d.html\n", i)
			hit(fmt.Sprintf("/gone/page%d.html", i), 410)
		case 3:
			htaccess += fmt.Sprintf("RedirectPermanent /moved%d https://other.example/%d\n", i, i)
			hit(fmt.Sprintf("/moved%d/x", i), 301)
		}
	}
	htaccess += strings.Repeat("# one more\n", 500-strings.Count(htaccess, "\n"))
	s := newSite(t, tree)
	dir := t.TempDir()
	rules, logFile := filepath.Join(dir, ".htaccess"), filepath.Join(dir, "access.log")
	for name, text := range map[string]string{rules: htaccess, logFile: log} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	s.run(0, "migrate")
	s.run(0, "populate", "-m", "the old tree")
	contains(t, s.run(1, "verify", logFile).out, "WORSE lost", "360 URLs (360 hits) worse")           // before the redirects
	contains(t, s.run(1, "import", rules, "--skip-bad", "-m", "the old redirects").out, "change-set") // the directives that are none
	contains(t, s.run(0, "check").out, "0 findings")
	contains(t, s.run(0, "verify", logFile).out, "0 URLs (0 hits) worse")

	old := filepath.Join(dir, "old.jsonl") // as the old server would answer: this one, before the pages move
	s.run(0, "verify", logFile, "--baseline", old)
	s.run(0, "page", "set", "/docs/page7.html", "301", "/docs/page8.html", "-m", "merged")
	s.run(0, "page", "set", "/old/page0.html", "302", "/docs/page0.html", "-m", "a slip")
	contains(t, s.run(1, "verify", old, logFile).out, "WORSE elsewhere", "/docs/page7.html", "WORSE temporary", "/old/page0.html", "2 URLs")
	contains(t, s.run(0, "verify", old, "--accept", "elsewhere,temporary").out, "2 URLs (2 hits) worse, and accepted")
}
