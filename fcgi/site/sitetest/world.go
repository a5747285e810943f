// The World: the tree and the rows that the scripts speak of.

package sitetest

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pagemap/mapping"
)

// World is a legacy site: a tree and a page table.
type World struct {
	Dir   string         // root of the tree
	Pages []mapping.Page // clean; any table may hold them
	Loops []mapping.Page // clean, but they redirect in circles: only a table in memory can hold them
	Now   time.Time      // the present, where a clock is injected: no row is younger
}

// Hosts are the site's own, as the World's rows were cleaned for.
var Hosts = mapping.Hosts{"www.example.org", "example.org"}

// Times of the World. All files were changed at Modified, but for future.html.
var (
	Now      = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	Modified = time.Date(2006, 10, 17, 8, 30, 15, 0, time.UTC)
	Future   = time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)
)

// NewWorld makes the World in a directory of the test's own.
func NewWorld(t testing.TB) *World {
	t.Helper()
	dir, err := os.MkdirTemp("", "pm") // t.TempDir's parent is closed to Apache's user
	w := &World{Dir: dir, Now: Now}
	w.must(t, err)
	t.Cleanup(func() { w.must(t, os.RemoveAll(dir)) })
	w.Pages = clean(t, pages)
	w.Loops = clean(t, loops)
	for name, content := range files() {
		if err := w.Write(name, content); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range links {
		w.must(t, os.MkdirAll(filepath.Dir(w.path(name)), 0o755))
		w.must(t, os.Symlink(target, w.path(name)))
	}
	w.must(t, syscall.Mkfifo(w.path("fifo.html"), 0o644))
	w.must(t, os.Chtimes(w.path("future.html"), Future, Future))
	w.must(t, filepath.WalkDir(w.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o755) // whatever the umask: Apache reads it as another user
		}
		return err
	}))
	return w
}

func (w *World) must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *World) path(name string) string { return filepath.Join(w.Dir, filepath.FromSlash(name)) }

// Write puts a file into the tree, as changed at Modified.
func (w *World) Write(name, content string) error {
	path := w.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o644); err != nil {
		return err
	}
	return os.Chtimes(path, Modified, Modified)
}

// page is an HTML page of about so many bytes, different for each name.
func page(name string, size int) string {
	h := fnv.New64a()
	h.Write([]byte(name))
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	var b strings.Builder
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html><head><title>%s</title></head><body>\n<p>\n", name)
	for b.Len() < size-20 {
		b.WriteString(words[r.IntN(len(words))])
	}
	b.WriteString("\n</body></html>\n")
	return b.String()
}

var words = [...]string{"an ", "old ", "site ", "page ", "wiki ", "<b>moved</b> ", "slowly ", "by ", "one\n", "reader "}

// noise is exactly so many bytes that no compression makes smaller.
func noise(size int) string {
	r := rand.New(rand.NewPCG(uint64(size), 2))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

// exactly is an HTML page of exactly so many bytes.
func exactly(size int) string { return page(fmt.Sprint(size), size+100)[:size] }

// files are the World's files by name.
var files = sync.OnceValue(makeFiles)

func makeFiles() map[string]string {
	all := map[string]string{
		"small.txt":         "hello\n",
		"0123.txt":          "0123456789abcdefghij",
		"empty.html":        "",
		"style.css":         strings.Repeat("p { color: black; }\n", 100),
		"app.js":            strings.Repeat("let a = 1;\n", 100),
		"data.json":         `{"a": [1, 2, 3]}` + "\n",
		"feed.xml":          "<?xml version=\"1.0\"?>\n<a/>\n",
		"notype":            "what am I?\n",
		"img/small.png":     noise(1000),
		"img/large.png":     noise(300 << 10),
		"files/doc.pdf":     noise(2000),
		"files/tool.tar.gz": noise(3000),
		"files/0123.bin":    "0123456789abcdefghij",
		"big.html":          page("big", 1100<<10),

		".htaccess":                 "Options +Indexes\n",
		".git/config":               "[core]\n",
		".env":                      "secret\n",
		".well-known/security.txt":  "Contact: mailto:webmaster@example.org\n",
		"docs/.hidden.html":         "secret\n",
		"old.html~":                 "secret\n",
		"old.bak":                   "secret\n",
		"old.html.swp":              "secret\n",
		"prog.php":                  "<?php secret ?>\n",
		"prog.cgi":                  "#!/bin/sh\n# secret\n",
		"inc/db.inc":                "secret\n",
		"page.shtml":                "<!--#include secret -->\n",
		"private/.htaccess":         "Require all denied\n",
		"private/secret.html":       "secret\n",
		"private/sub/secret.pdf":    "secret\n",
		"data/in-tree.html":         page("data in the tree", 500),
		"lang/page.html.de":         page("deutsch", 500),
		"lang/page.html.ko.euc-kr":  page("korean", 500),
		"amb/README.txt":            "upper\n",
		"amb/readme.txt":            "lower\n",
		"two/index.html":            page("two, first", 600),
		"two/index.htm":             page("two, second", 600),
		"caf\xe9.html":              page("latin 1", 500),
		"caf\xc3\xa9.html":          page("utf-8", 500),
		"noindex/only.html":         page("only", 500),
		"a b%.html":                 page("space and percent", 500),
		"op/operator%.html":         page("operator", 500),
		"star*.html":                page("star", 500),
		"reserved!$&'()+,;=:@.html": page("reserved", 500),
		"que?ry.html":               page("question mark", 500),
		"back\\slash.html":          page("backslash", 500),
	}
	for _, name := range []string{
		"index.html", "about.html", "future.html", "hidden.html", "replaced.html", "CamelCase.html",
		"docs/index.html", "docs/guide.html", "docs/deep/page.html", "x.html", "x/index.html",
		"shadow/page.html", "shadow/free.html", "twin/index.html", "twin2/index.html", "flat/page.html",
	} {
		all[name] = page(name, 2000)
	}
	for _, n := range []int{1, 65534, 65535, 65536, 65537, 131070, 900 << 10} {
		all[fmt.Sprintf("size/%d.html", n)] = exactly(n)
	}
	return all
}

// links are the World's symlinks: name and target.
var links = map[string]string{
	"links/inside.html":  "../about.html",
	"links/inside.pdf":   "../files/doc.pdf",
	"links/absolute.txt": "/etc/passwd",
	"links/escape.txt":   "../../../../../../../../etc/passwd",
	"links/broken.html":  "nowhere.html",
	"links/loop.html":    "loop.html",
	"links/secret.html":  "../private/secret.html",
	"links/dir":          "../docs",
}
