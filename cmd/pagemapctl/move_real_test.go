package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"pagemap/cmd/internal/config"
	"pagemap/cmd/internal/serving"
	"pagemap/fcgi/explain"
	"pagemap/mapping"
	"pagemap/render/wiki/mediawikitest"
)

// realTree copies pages of two packages of Debian's: of each directory at most so many, and what these look like.
func realTree(t *testing.T, perPart map[string]int) string {
	t.Helper()
	root := t.TempDir()
	for part, most := range perPart {
		from := filepath.Join("/usr/share/doc/apache2-doc/manual", part)
		if part == "cpp" {
			from = "/usr/share/cppreference/doc/html/en/cpp"
		}
		var pages []string
		err := filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(p, ".html") {
				pages = append(pages, p)
			}
			return err
		})
		if err != nil || len(pages) == 0 {
			if os.Getenv("CI") != "" {
				t.Fatalf("no pages below %s: install apache2-doc and cppreference-doc-en-html: %v", from, err)
			}
			t.Skipf("no pages below %s", from)
		}
		step := max(1, len(pages)/most)
		for i := 0; i < len(pages) && i/step < most; i += step {
			name, _ := filepath.Rel(from, pages[i])
			copyFile(t, pages[i], filepath.Join(root, part, name))
		}
	}
	for _, dir := range []string{"images", "style"} {
		if err := os.CopyFS(filepath.Join(root, dir), os.DirFS(filepath.Join("/usr/share/doc/apache2-doc/manual", dir))); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// answer is what a path was answered with.
type answer struct {
	status int
	body   string
}

// answers are those of all paths, as a responder gives them over the table as it is now.
func (s *site) answers(paths []string) map[string]answer {
	s.t.Helper()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	settings := config.Define(flags)
	getenv := func(k string) string { return s.env[k] }
	if err := settings.Load(getenv); err != nil {
		s.t.Fatal(err)
	}
	a := &app{streams: streams{nil, io.Discard, io.Discard}, getenv: getenv, settings: settings}
	table, err := a.table(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	h, err := serving.New(serving.Options{Settings: settings, Table: func() *mapping.Table { return table }, Pages: explain.Undrawn{}, Logger: a.log()})
	if err != nil {
		s.t.Fatal(err)
	}
	defer h.Close()
	all := map[string]answer{}
	for _, p := range paths {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, (&http.Request{Method: http.MethodGet, RequestURI: p, URL: &url.URL{Path: p}, Header: http.Header{}}).WithContext(s.t.Context()))
		all[p] = answer{w.Code, w.Body.String()}
	}
	return all
}

// rows are the paths of those with a source of this kind.
func (s *site) rows(kind string) (paths []string) {
	for line := range strings.Lines(s.run(0, "page", "list", "--status", "200").out) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(f[2], kind) {
			paths = append(paths, f[1])
		}
	}
	return paths
}

// TestMoveRealPages moves more than 500 real pages to a wiki of files, and back.
func TestMoveRealPages(t *testing.T) {
	per := map[string]int{"en": 250, "ko": 130, "ja": 130, "cpp": 40}
	if testing.Short() {
		per = map[string]int{"en": 10, "ko": 5, "ja": 5, "cpp": 5}
	}
	s := newSite(t, nil)
	s.tree = realTree(t, per)
	s.env["PAGEMAP_TREE"], s.env["PAGEMAP_WIKI"], s.env["PAGEMAP_LOOKS"] = s.tree, t.TempDir(), t.TempDir()
	s.run(0, "migrate")
	s.run(0, "populate")
	var pages []string
	for _, p := range s.rows("file:") {
		if strings.HasSuffix(p, ".html") || strings.HasSuffix(p, "/") {
			pages = append(pages, p)
		}
	}
	before := s.answers(pages)
	whole := slices.DeleteFunc(slices.Clone(pages), func(p string) bool { // that have the part which is moved
		name := filepath.Join(s.tree, filepath.FromSlash(p))
		if strings.HasSuffix(p, "/") {
			name = filepath.Join(name, "index.html")
		}
		return !strings.Contains(file(t, name), `id="page-content"`) && !strings.Contains(file(t, name), `id="mw-content-text"`)
	})
	if len(pages)-len(whole) > 10 {
		t.Fatalf("%d of %d pages have no content", len(pages)-len(whole), len(pages))
	}

	first := func(part string) string {
		i := slices.IndexFunc(pages, func(p string) bool { return strings.HasPrefix(p, "/"+part+"/") && strings.HasSuffix(p, ".html") })
		return pages[i]
	}
	if err := os.MkdirAll(filepath.Join(s.env["PAGEMAP_LOOKS"], "cpp"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.run(0, "look", "derive", "--from", first("en"), "--content", "#page-content", "--absolute")
	s.run(0, "look", "derive", "--from", first("cpp"), "--content", "#mw-content-text", "--absolute", "--out", filepath.Join(s.env["PAGEMAP_LOOKS"], "cpp", "layout.html"))
	code := 0
	if len(whole) < len(pages) {
		code = 1
	}
	r := s.run(code, "move", "--match", "/*", "--json", "-m", "all of it")
	var report moveReport
	if err := json.Unmarshal([]byte(r.out), &report); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d pages moved; words kept: mean %.4f, 5th percentile %.4f", report.Moved, *report.Mean, *report.P5)
	if report.Moved != len(whole) || *report.Mean < 0.98 || *report.P5 < 0.95 {
		t.Errorf("%d of %d pages moved, mean %.4f, 5th percentile %.4f", report.Moved, len(whole), *report.Mean, *report.P5)
	}
	report.Pages = slices.DeleteFunc(report.Pages, func(p movedPage) bool {
		if p.Result == nil && slices.Contains(whole, p.Path) {
			t.Errorf("%s: %s", p.Path, p.Reason)
		}
		return p.Result == nil
	})
	slices.SortFunc(report.Pages, func(a, b movedPage) int { return int(1e6 * (a.Score - b.Score)) })
	for _, p := range report.Pages[:min(10, len(report.Pages))] {
		t.Logf("%.4f %s: words lost %q, headings lost %q", p.Score, p.Path, p.WordsLost, p.HeadingsLost)
	}
	for _, p := range report.Pages {
		lost := slices.DeleteFunc(p.LinksLost, func(l string) bool { return !strings.HasPrefix(l, "/") })
		if len(lost)+len(p.ImagesLost) > 0 {
			t.Errorf("%s lost links %q, images %q", p.Path, lost, p.ImagesLost)
		}
	}
	if wiki := s.rows("wiki:"); len(wiki) != len(whole) {
		t.Errorf("%d rows are wiki pages, of %d", len(wiki), len(whole))
	}
	for p, now := range s.answers(whole) {
		if now.status != 200 || sha256.Sum256([]byte(now.body)) == sha256.Sum256([]byte(before[p].body)) {
			t.Errorf("%s answers %d after it was moved, or the file still", p, now.status)
		}
	}
	contains(t, s.run(0, "move", "--back", "--match", "/*").out, "moved back, 0 already, 0 refused")
	for p, now := range s.answers(pages) {
		if now != before[p] {
			t.Errorf("%s answers %d after it was moved back, %d bytes; before %d, %d bytes", p, now.status, len(now.body), before[p].status, len(before[p].body))
		}
	}
	again := s.run(code, "move", "--match", "/*") // what the wiki has already is the same
	contains(t, again.out, fmt.Sprintf("%d moved, 0 already, %d refused", len(whole), len(pages)-len(whole)), "change-set")
}

// TestMoveToMediaWiki moves real pages to a real MediaWiki, and back.
func TestMoveToMediaWiki(t *testing.T) {
	server := mediawikitest.Start(t, mediawikitest.Options{})
	most := 13
	if testing.Short() {
		most = 3
	}
	s := newSite(t, nil)
	s.tree = realTree(t, map[string]int{"en": most, "ko": most, "ja": most, "cpp": most})
	credentials := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(credentials, []byte(mediawikitest.User+":"+mediawikitest.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.env["PAGEMAP_TREE"], s.env["PAGEMAP_LOOKS"] = s.tree, t.TempDir()
	s.env["PAGEMAP_WIKI"], s.env["PAGEMAP_WIKI_CREDENTIALS_FILE"] = "mediawiki+"+server.API(), credentials
	s.run(0, "migrate")
	s.run(0, "populate")
	contains(t, s.run(0, "move", "--match", "/en/*", "--content", "#page-content", "--dry-run").out, "would be moved")
	for part, selector := range map[string]string{"en": "#page-content", "ko": "#page-content", "ja": "#page-content", "cpp": "#mw-content-text"} {
		var report moveReport
		r := s.run(0, "move", "--match", "/"+part+"/*", "--content", selector, "--json")
		if err := json.Unmarshal([]byte(r.out), &report); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d pages moved; words kept: mean %.4f, 5th percentile %.4f", part, report.Moved, *report.Mean, *report.P5)
		if report.Moved == 0 || *report.Mean < 0.98 || *report.P5 < 0.95 {
			t.Errorf("%s: %d moved, mean %.4f, 5th percentile %.4f", part, report.Moved, *report.Mean, *report.P5)
		}
		for _, p := range report.Pages {
			lost := slices.DeleteFunc(p.LinksLost, func(l string) bool { return !strings.HasPrefix(l, "/") })
			// MediaWiki shows no SVG of another site.
			p.ImagesLost = slices.DeleteFunc(p.ImagesLost, func(i string) bool { return strings.HasSuffix(i, ".svg") })
			if len(lost)+len(p.ImagesLost) > 0 {
				t.Errorf("%s lost links %q, images %q", p.Path, lost, p.ImagesLost)
			}
		}
	}
	wiki := s.rows("wiki:")
	for p, now := range s.answers(wiki) {
		if now.status != 200 {
			t.Errorf("%s answers %d", p, now.status)
		}
	}
	again := s.run(0, "move", "--back", "--match", "/*")
	contains(t, again.out, "moved back, 0 already, 0 refused")
	contains(t, s.run(0, "move", "--match", "/ko/*", "--content", "#page-content").out, "0 refused") // the wiki has them as they were written
}
