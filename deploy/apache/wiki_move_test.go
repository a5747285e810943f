// Real pages move to a wiki and back, behind Apache and before readers.

package apache_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pagemap/deploy/apache/apachetest"
	"pagemap/deploy/apache/browsertest"
	"pagemap/fcgi/site/sitetest"
	"pagemap/mapping/verify"
)

const (
	manual  = "/usr/share/doc/apache2-doc/manual" // of Debian's package apache2-doc
	content = "#page-content"                     // what its pages hold between their header and footer
)

// languages are those of the manual that the tests use.
var languages = []string{"en", "ja", "ko"}

// manualTree copies Apache's manual, and what its pages are drawn with.
func manualTree(t *testing.T) *sitetest.World {
	t.Helper()
	w := &sitetest.World{Dir: apachetest.Dir(t)}
	for _, language := range languages {
		err := filepath.WalkDir(filepath.Join(manual, language), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(name) // a page that nobody has translated is a symbolic link
			if err == nil {
				write(t, filepath.Join(w.Dir, strings.TrimPrefix(name, manual)), string(text))
			}
			return err
		})
		if err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%v (Debian: apt-get install apache2-doc)", err)
			}
			t.Skipf("%v (Debian: apt-get install apache2-doc)", err)
		}
	}
	for _, dir := range []string{"images", "style"} {
		if err := os.CopyFS(filepath.Join(w.Dir, dir), os.DirFS(filepath.Join(manual, dir))); err != nil {
			t.Fatal(err)
		}
	}
	var home strings.Builder // a crawl finds all pages from here
	for _, p := range htmlFiles(t, w.Dir) {
		fmt.Fprintf(&home, "<a href=%q>%s</a>\n", p, p)
	}
	write(t, filepath.Join(w.Dir, "index.html"), home.String())
	return w
}

// htmlFiles are the paths of the HTML files below a directory.
func htmlFiles(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".html") {
			paths = append(paths, strings.TrimPrefix(name, dir))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

var layoutMark = regexp.MustCompile(`<!--pagemap:[^>]*-->`)

// layout is the bytes of a layout's file, outside of its marks.
func layout(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return layoutMark.Split(string(text), -1)
}

// drawnIn checks that a page is the parts of a layout, with something between them.
func drawnIn(page string, parts []string) error {
	rest, ok := strings.CutPrefix(page, parts[0])
	if !ok {
		return fmt.Errorf("it does not begin as the layout: %.200q", page)
	}
	last := parts[len(parts)-1]
	if rest, ok = strings.CutSuffix(rest, last); !ok {
		return fmt.Errorf("it does not end as the layout: %q", page[max(0, len(page)-200):])
	}
	for _, part := range parts[1 : len(parts)-1] {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return fmt.Errorf("it has not got the layout's %.200q", part)
		}
	}
	return nil
}

// steadyAnswer is an answer without what says when it was given, and without Last-Modified: that is never earlier than
// the last change of the page's row, or a cache that asks by date would keep the page from before that.
func steadyAnswer(r reply) string {
	var b strings.Builder
	for _, name := range []string{"Content-Type", "Content-Language", "Content-Length", "Etag", "Cache-Control", "Location", "Vary", "Link"} {
		fmt.Fprintf(&b, "%s: %q\n", name, r.Header[name])
	}
	return fmt.Sprintf("%d\n%s\n%s", r.StatusCode, b.String(), r.body)
}

// linksOf are the targets on the site that a page leads to.
func linksOf(t *testing.T, at, page string) map[string]bool {
	t.Helper()
	targets := map[string]bool{}
	err := verify.Links(strings.NewReader(page), &url.URL{Scheme: "http", Host: host, Opaque: at}, func(u *url.URL) {
		if u.Host != host {
			return
		}
		target := u.Opaque
		if u.RawQuery != "" {
			target += "?" + u.RawQuery
		}
		targets[target] = true
	})
	if err != nil {
		t.Fatalf("links of %s: %v", at, err)
	}
	return targets
}

// follow returns the status that a target leads to in the end.
func (s *wikiSite) follow(t *testing.T, target string) int {
	t.Helper()
	for range 5 {
		r := get(t, s.Addr, "GET", target)
		if r.StatusCode/100 != 3 {
			return r.StatusCode
		}
		u, err := url.Parse(r.Header.Get("Location"))
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		target = u.RequestURI()
	}
	return 0
}

func count(set map[string]bool) (n int) {
	for _, in := range set {
		if in {
			n++
		}
	}
	return n
}

// every says how many of the manual's pages are moved: each one of so many.
const every = 5

// pictured is how many pairs of pictures are compared.
const pictured = 10

// TestWikiMove moves pages, looks at them as readers, crawlers and browsers do, and moves them back.
func TestWikiMove(t *testing.T) {
	world := manualTree(t)
	s := upWiki(t, world, nil)
	s.run(t, 0, "populate")
	whole := slices.DeleteFunc(htmlFiles(t, world.Dir), func(p string) bool {
		b, err := os.ReadFile(filepath.Join(world.Dir, p))
		return err != nil || !bytes.Contains(b, []byte(`id="page-content"`))
	})
	var pages, samples []string
	for i, p := range whole {
		if path.Base(p) == "index.html" {
			p = strings.TrimSuffix(p, "index.html")
		}
		if i%every == 0 {
			pages = append(pages, p)
		}
	}
	for i := range pictured {
		samples = append(samples, pages[i*len(pages)/pictured])
	}

	// Before: what readers get, what they see, and a record of it.
	before := map[string]string{}
	old := map[string]string{}
	for _, p := range pages {
		r := get(t, s.Addr, "GET", p)
		if r.StatusCode != 200 {
			t.Fatalf("%s: status %d", p, r.StatusCode)
		}
		before[p], old[p] = steadyAnswer(r), r.body
	}
	broken := map[string]bool{}
	for _, p := range pages {
		for to := range linksOf(t, p, old[p]) {
			if _, known := broken[to]; !known {
				broken[to] = s.follow(t, to) != 200
			}
		}
	}
	browser := browsertest.Start(t)
	tab := browser.Tab(t, browsertest.View{})
	seen := map[string][]byte{}
	for _, p := range samples {
		seen[p] = picture(t, tab, s.URL+p)
	}
	if share, _ := difference(t, seen[samples[0]], seen[samples[pictured-1]]); share == 0 {
		t.Errorf("pictures of pages in two languages are the same: they show nothing")
	}
	record := filepath.Join(s.dir, "before.jsonl")
	s.run(t, 0, "verify", "--crawl", s.URL, "--allow-host", "127.0.0.1", "--rate", "0", "--baseline", record)

	t.Logf("%d pages and %d links, %d of them broken, as other languages are not here", len(pages), len(broken), count(broken))

	// The looks of the old pages: one of its own for each directory of a language, and one for all of another.
	looks := map[string][]string{}
	lookLinks := map[string]map[string]bool{} // links of the page that a look is made of
	for _, p := range pages {
		dir := path.Dir(p + "x")
		if !strings.HasPrefix(dir, "/en") {
			dir = dir[:3]
		}
		if looks[dir] != nil {
			continue
		}
		file := filepath.Join(s.looks, dir, "layout.html")
		write(t, file, "") // makes the directory
		args := []string{"look", "derive", "--from", p, "--content", content, "--out", file, "--force"}
		if dir[:3] != "/en" {
			args = append(args, "--absolute")
		}
		s.run(t, 0, args...)
		looks[dir], lookLinks[dir] = layout(t, file), linksOf(t, p, old[p])
		if dir[:3] != "/en" {
			continue
		}
		// Nothing of these pages' heads is left out, so all is the old page's, byte for byte.
		if err := drawnIn(old[p], looks[dir]); err != nil {
			t.Errorf("the layout made of %s is not what it looks like: %v", p, err)
		}
	}
	lookOf := func(p string) string { // the directory of it
		dir := path.Dir(p + "x")
		for looks[dir] == nil {
			dir = path.Dir(dir)
		}
		return dir
	}

	begun := time.Now()
	var report struct {
		Moved int      `json:"moved"`
		Mean  *float64 `json:"mean"`
		P5    *float64 `json:"p5"`
	}
	if err := json.Unmarshal([]byte(s.run(t, 0, append([]string{"move", "--json"}, pages...)...)), &report); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d pages moved in %s, words kept: mean %.4f, 5th percentile %.4f", report.Moved, len(pages), time.Since(begun).Round(time.Second), *report.Mean, *report.P5)
	if report.Moved != len(pages) {
		t.Errorf("%d of %d pages moved", report.Moved, len(pages))
	}

	// After: each page answers, in the old look, and leads where it led.
	begun = time.Now()
	links := 0
	for _, p := range pages {
		var r reply
		eventually(t, 10*time.Second, p+" to be the wiki's", func() bool {
			r = get(t, s.Addr, "GET", p)
			return strings.Contains(r.body, `<link rel="canonical" href="http://`+host+p+`">`)
		})
		if r.StatusCode != 200 {
			t.Errorf("%s: status %d once it was moved", p, r.StatusCode)
		}
		if err := drawnIn(r.body, looks[lookOf(p)]); err != nil {
			t.Errorf("%s, moved: %v", p, err)
		}
		had := linksOf(t, p, old[p])
		for to := range linksOf(t, p, r.body) {
			links++
			if _, known := broken[to]; !known {
				broken[to] = s.follow(t, to) != 200
			}
			if broken[to] && !had[to] && !lookLinks[lookOf(p)][to] {
				t.Errorf("%s, moved, leads to %s, which answers %d", p, to, s.follow(t, to))
			}
		}
	}
	t.Logf("%d links of moved pages followed in %s", links, time.Since(begun).Round(time.Second))
	for _, p := range samples {
		now := picture(t, tab, s.URL+p)
		share, what := difference(t, seen[p], now)
		t.Logf("%.3f %% of pixels differ: %s %s", 100*share, p, what)
		if share >= 0.02 {
			keep(t, p, seen[p], now)
			t.Errorf("%s looks different once it was moved: %.2f %% of pixels, %s", p, 100*share, what)
		}
	}
	s.run(t, 0, "verify", record, "--against", s.URL, "--rate", "0", "--accept", "content")

	// Back: every answer is the one from before.
	s.run(t, 0, append([]string{"move", "--back"}, pages...)...)
	for _, p := range pages {
		var now string
		deadline := time.Now().Add(10 * time.Second)
		for now = ""; now != before[p] && time.Now().Before(deadline); {
			now = steadyAnswer(get(t, s.Addr, "GET", p))
		}
		if now != before[p] {
			t.Errorf("%s is not as it was, once it was moved back:\n%.800s\nbefore\n%.800s", p, now, before[p])
		}
	}
	s.run(t, 0, "verify", record, "--against", s.URL, "--rate", "0")
}
