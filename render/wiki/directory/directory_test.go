// The directory as a wiki: the conformance test, and what is its own.

package directory

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pagemap/render"
	"pagemap/render/wiki"
	"pagemap/render/wiki/wikitest"
)

// open opens a wiki in an empty directory.
func open(t *testing.T) (*Wiki, string) {
	t.Helper()
	dir := t.TempDir()
	w, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w, dir
}

// put writes a file as an editor does that writes a new one and renames it.
func put(t *testing.T, dir, file, text string) {
	t.Helper()
	to := filepath.Join(dir, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	from := filepath.Join(dir, ".editing")
	if err := os.WriteFile(from, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// worlds are conformance worlds whose pages have one ending.
func worlds(ext, before, after string) func(*testing.T) wikitest.World {
	return func(t *testing.T) wikitest.World {
		w, dir := open(t)
		return wikitest.World{
			Wiki: w,
			Put:  func(name, text string) { put(t, dir, name+ext, before+text+after) },
			Delete: func(name string) {
				os.Remove(filepath.Join(dir, name+markdownExt))
				os.Remove(filepath.Join(dir, name+htmlExt))
			},
			Link: func(from, to string) string {
				up := strings.Repeat("../", strings.Count(from, "/"))
				return up + (&url.URL{Path: to}).EscapedPath() + ext
			},
			Attach: func(image []byte) string {
				put(t, dir, "img/dot.png", string(image))
				return "img/dot.png"
			},
		}
	}
}

func TestConformance(t *testing.T) {
	t.Run("Markdown", func(t *testing.T) { wikitest.Run(t, worlds(markdownExt, "", "\n")) })
	t.Run("HTML", func(t *testing.T) {
		wikitest.Run(t, func(t *testing.T) wikitest.World {
			world := worlds(htmlExt, "<p>", "</p>\n")(t)
			edit := world.Put
			world.Put = func(name, text string) {
				edit(name, text)
				os.Remove(filepath.Join(world.Wiki.(*Wiki).root.Name(), name+markdownExt)) // a Writer's
			}
			return world
		})
	})
}

func TestOpen(t *testing.T) {
	w, dir := open(t)
	for file, text := range map[string]string{
		"Front.md":       "---\nauthor: x\ntitle: \"From: the front\"\n---\n# Heading\n\nText.\n",
		"Heading.md":     "Before.\n\n## Second\n\n# The *first* `one` &amp; only {#top .big}\n\n# Another\n",
		"Bare.md":        "Only text.\n",
		"Rule.md":        "---\n\nNo front matter.\n",
		"docs/Page.html": "<p>x</p><h1>A <b>title</b>\n&lt;here&gt;</h1>",
		"docs/Bare.html": "<p>x</p>",
		"Both.md":        "the Markdown",
		"Both.html":      "the HTML",
		"GFM.md":         "| a | b |\n|---|---|\n| 1 | 2 |\n\n~~gone~~ https://example.org\n\n- [x] done\n\nTerm\n: What it is\n\nNote[^1].\n\n[^1]: The note.\n\n# Über uns\n\n# Über uns\n\n<div class=\"box\">raw</div>\n",
		"data.csv":       "a,b\n",
		"unknown.zzz":    "?",
	} {
		put(t, dir, file, text)
	}
	for _, test := range []struct {
		name, title, mediaType string
		own                    string   // "": as asked
		body                   []string // all in the body
		without                string   // not in it
	}{
		{name: "Front", title: "From: the front", body: []string{`<h1 id="heading">Heading</h1>`, "<p>Text.</p>"}, without: "author"},
		{name: "Heading", title: "The first one & only", body: []string{`<h1 id="top" class="big">`}},
		{name: "Bare", title: "Bare", body: []string{"<p>Only text.</p>"}},
		{name: "Bare/", own: "Bare", title: "Bare"},
		{name: "Rule", title: "Rule", body: []string{"<hr>", "No front matter"}},
		{name: "docs/Page", title: "A title <here>", body: []string{"<p>x</p><h1>"}},
		{name: "docs/Bare", title: "Bare"},
		{name: "Both", title: "Both", body: []string{"the Markdown"}},
		{name: "GFM", title: "Über uns", body: []string{
			"<table>", "<del>gone</del>", `<a href="https://example.org">`, "checkbox", "<dt>Term</dt>", "<dd>What it is", "footnote",
			`<h1 id="über-uns">`, `<h1 id="über-uns-1">`, `<div class="box">raw</div>`,
		}},
		{name: "data.csv", title: "data.csv", mediaType: "text/csv", body: []string{"a,b\n"}},
		{name: "unknown.zzz", title: "unknown.zzz", mediaType: "application/octet-stream", body: []string{"?"}},
	} {
		page, err := w.Open(t.Context(), test.name)
		if err != nil {
			t.Errorf("Open(%q): %v", test.name, err)
			continue
		}
		if test.own == "" {
			test.own = test.name
		}
		if page.Title != test.title || page.Type != test.mediaType || page.Name != test.own {
			t.Errorf("Open(%q): title %q, type %q, name %q", test.name, page.Title, page.Type, page.Name)
		}
		for _, part := range test.body {
			if !strings.Contains(string(page.Body), part) {
				t.Errorf("Open(%q) is %q, want %q in it", test.name, page.Body, part)
			}
		}
		if test.without != "" && strings.Contains(string(page.Body), test.without) {
			t.Errorf("Open(%q) is %q, want no %q", test.name, page.Body, test.without)
		}
	}
}

func TestNeverServed(t *testing.T) {
	w, dir := open(t)
	outside := filepath.Join(t.TempDir(), "outside.md")
	if err := os.WriteFile(outside, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	put(t, dir, ".git/config.md", "secret")
	put(t, dir, "docs/.draft.md", "secret")
	put(t, dir, "Real.md", "text")
	put(t, dir, "Folder.md/inner.txt", "text")
	for link, to := range map[string]string{"Out.md": outside, "Up.md": "../outside.md", "In.md": "Real.md", "Git.md": ".git/config.md", "hidden": ".git"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "Fifo.md"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"Out", "Up", "In", "Git", "Out.md", "hidden/config", ".git/config", "docs/.draft", "Fifo", "Folder", "Real.md", "docs", "Real/x", "/Real", "docs//x", "real",
		strings.Repeat("x", 300), strings.Repeat("x/", 3000) + "x",
	} {
		if page, err := w.Open(t.Context(), name); !errors.Is(err, render.ErrNotFound) {
			t.Errorf("Open(%.40q): %v, %v; want ErrNotFound", name, page, err)
		}
	}
	for name, err := range w.List(t.Context()) {
		if err != nil || name != "Real" {
			t.Errorf("List has %q, %v", name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "Large.md"), make([]byte, MaxSize+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Open(t.Context(), "Large"); !errors.Is(err, render.ErrTooLarge) {
		t.Errorf("a page above the limit: %v, want ErrTooLarge", err)
	}
	for _, name := range []string{"hidden/new", "Real.md/new", ".git/new"} {
		if _, err := w.Write(t.Context(), name, []byte("x"), "", ""); err == nil {
			t.Errorf("a page was written as %q", name)
		}
	}
}

// TestSettled: the hash of an old file is remembered, and forgotten when the file is written to.
func TestSettled(t *testing.T) {
	w, dir := open(t)
	file := filepath.Join(dir, "Old.md")
	put(t, dir, "Old.md", "one")
	old := time.Now().Add(-time.Hour)
	first, err := w.Stat(t.Context(), "Old")
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{"two", "six", "ten"} { // in place, of one length and one time
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, old, old); err != nil {
			t.Fatal(err)
		}
		state, err := w.Stat(t.Context(), "Old")
		if err != nil || state.Revision == first.Revision {
			t.Errorf("edit %d: Stat says %+v, %v; before it %+v", i, state, err, first)
		}
		first = state
	}
}

// TestWriteOverHTML: a page that was HTML is Markdown afterwards.
func TestWriteOverHTML(t *testing.T) {
	w, dir := open(t)
	put(t, dir, "Page.html", "<p>old</p>")
	text, revision, err := w.Source(t.Context(), "Page")
	if err != nil || string(text) != "<p>old</p>" {
		t.Fatalf("Source: %q, %v", text, err)
	}
	if _, err := w.Write(t.Context(), "Page", []byte("*new*\n"), "", revision); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "Page.md" {
		t.Errorf("the directory holds %v, %v; want Page.md alone", left, err)
	}
	if _, err := w.Write(t.Context(), "Large", make([]byte, MaxSize+1), "", ""); err == nil {
		t.Error("a page above the limit was written")
	}
}

func TestTarget(t *testing.T) {
	w, _ := open(t)
	for _, test := range []struct {
		from, ref string
		want      wiki.Target
	}{
		{"docs/Install", "Use.md#start", wiki.Target{Name: "docs/Use", Fragment: "start"}},
		{"docs/Install", "Use", wiki.Target{Name: "docs/Use"}},
		{"docs/Install", "../About.html", wiki.Target{Name: "About"}},
		{"docs/Install", "../img/a%20b.png", wiki.Target{Name: "img/a b.png"}},
		{"docs/Install", "#here", wiki.Target{Name: "docs/Install", Fragment: "here"}},
		{"docs/Install", "./", wiki.Target{Name: "docs"}},
		{"docs/Install", "../../etc/passwd", wiki.Target{}},
		{"docs/Install", "../.git/config", wiki.Target{}},
		{"docs/Install", "/site/page.html?x=1#y", wiki.Target{URL: "/site/page.html?x=1#y"}},
		{"docs/Install", "//cdn.example/x", wiki.Target{URL: "//cdn.example/x"}},
		{"docs/Install", "javascript:alert(1)", wiki.Target{URL: "javascript:alert(1)"}},
	} {
		ref, err := url.Parse(test.ref)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Target(test.from, ref); got != test.want {
			t.Errorf("Target(%q, %q) = %+v, want %+v", test.from, test.ref, got, test.want)
		}
	}
}

func FuzzFind(f *testing.F) {
	for _, seed := range []string{"Page", "../x", "docs/.git", "a\x00", "Page/", "\xff", strings.Repeat("a/", 50)} {
		f.Add(seed)
	}
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Page.md"), []byte("text"), 0o644); err != nil {
		f.Fatal(err)
	}
	w, err := Open(dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string) {
		page, err := w.Open(t.Context(), name)
		if err == nil && (page.Name != "Page" || strings.TrimRight(name, "/") != "Page") {
			t.Errorf("Open(%q) is the page %q", name, page.Name)
		}
		if err != nil && !errors.Is(err, render.ErrNotFound) {
			t.Errorf("Open(%q): %v", name, err)
		}
	})
}

func FuzzMarkdown(f *testing.F) {
	for _, seed := range []string{"# a\n", "---\ntitle: x\n---\n", "a[^1]\n\n[^1]: b", "Term\n: x\n", "# x {#y}\n", "|a|\n|-|\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		if _, _, err := drawMarkdown(source); err != nil {
			t.Errorf("%q: %v", source, err)
		}
	})
}

// TestLargeAttachment: it is opened, not read, and each state of it has a revision of its own.
func TestLargeAttachment(t *testing.T) {
	w, dir := open(t)
	file := filepath.Join(dir, "photo.jpg")
	content := bytes.Repeat([]byte("0123456789"), 300_000)
	old := time.Now().Add(-time.Hour)
	write := func() {
		t.Helper()
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, old, old); err != nil {
			t.Fatal(err)
		}
	}
	write()
	if _, err := w.Open(t.Context(), "photo.jpg"); !errors.Is(err, render.ErrTooLarge) {
		t.Errorf("Open: %v, want ErrTooLarge", err)
	}
	page, f, err := w.OpenAttachment(t.Context(), "photo.jpg")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, content) || page.Type != "image/jpeg" || page.Name != "photo.jpg" {
		t.Errorf("%d bytes of %q, %v", len(got), page.Type, err)
	}
	stat := func() string {
		t.Helper()
		s, err := w.Stat(t.Context(), "photo.jpg")
		if err != nil {
			t.Fatal(err)
		}
		return s.Revision
	}
	if now := stat(); now == stat() {
		t.Error("a file that was just written to has one revision")
	}
	time.Sleep(settleTime + 50*time.Millisecond)
	first := stat()
	if first != stat() {
		t.Error("a file that stays as it is has two revisions")
	}
	content[5] = 'x'
	write()
	if stat() == first {
		t.Error("another content has the same revision")
	}
	put(t, dir, "Large.md", strings.Repeat("x", 1<<20))
	if _, _, err := w.OpenAttachment(t.Context(), "Large"); !errors.Is(err, render.ErrTooLarge) {
		t.Errorf("a page as attachment: %v", err)
	}
	if _, _, err := w.OpenAttachment(t.Context(), "none.jpg"); !errors.Is(err, render.ErrNotFound) {
		t.Errorf("nothing as attachment: %v", err)
	}
}
