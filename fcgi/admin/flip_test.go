package admin

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pagemap/render/wiki/compare"
	"pagemap/render/wiki/convert"
)

// texts compares the files of a directory with the pages of a wiki that are given to it.
type texts struct {
	dir   string
	pages map[string]string
}

func (c texts) Compare(_ context.Context, p Pair) (*Comparison, error) {
	old, err := os.ReadFile(filepath.Join(c.dir, p.File))
	if err != nil {
		return nil, err
	}
	fresh, ok := c.pages[p.Name]
	if strings.HasPrefix(p.Name, "down") {
		return nil, errors.New("the wiki <b>does not answer</b>")
	}
	if !ok {
		fresh = string(old)
	}
	r, err := compare.Fragments(string(old), fresh, convert.Place{Path: p.Path})
	return &Comparison{r, !ok}, err
}

func (c texts) SideBySide(ctx context.Context, p Pair) ([]byte, error) {
	if _, err := c.Compare(ctx, p); err != nil {
		return nil, err
	}
	return []byte("<p>" + p.File + " " + p.Name), nil
}

func TestFlip(t *testing.T) {
	files := map[string]string{"about.html": `<p>Old words <a href="/x">kept</a> <img src=i.png>`, "docs/index.html": "docs"}
	w := newWorld(t, files, "/r 301 /about.html", "/w 200 wiki:about")
	w.get("flip?path=/about.html").says("no wiki is set up here")
	if a := w.ask("maria", "GET", "compare?path=/about.html", nil); a.status != 404 {
		t.Errorf("compare without a wiki: %d", a.status)
	}
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w.admin.o.Compare = texts{dir, map[string]string{"about": "<p>New words kept, <a href=/y>really</a>"}}
	for _, tt := range []struct {
		name, query string
		status      int
		says        []string
	}{
		{"to the wiki", "path=/about.html", 200, []string{"66.7 % of 3 words", "Words lost", "Old", "Links lost", "/x", "Images lost", "wiki:about"}},
		{"to a page that is not there", "path=/about.html&source=wiki:Other", 200, []string{"100.0 %", "The wiki has no page of this name yet", "wiki:Other"}},
		{"a directory's index", "path=/docs/", 200, []string{"file:/docs/index.html", "wiki:docs/index"}},
		{"back to a file", "path=/w&source=file:/about.html", 200, []string{"50.0 % of 4 words", "Words lost", "New", "really", "Links lost", "/y"}},
		{"a wiki that is down", "path=/about.html&source=wiki:down", 200, []string{"The content is not compared: the wiki <b>does not answer</b>"}},
		{"to another kind of source", "path=/about.html&source=file:/x", 422, []string{"begins with wiki:"}},
		{"a redirect", "path=/r", 404, []string{"no other source"}},
		{"no row", "path=/none", 404, nil},
		{"no path", "path=", 400, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := w.ask("nora", "GET", "flip?"+tt.query, nil)
			if a.status != tt.status {
				t.Errorf("%d: %s", a.status, a.text())
			}
			a.t = t
			a.says(tt.says...)
		})
	}
	side := w.get("compare?" + url.Values{"path": {"/about.html"}, "source": {"wiki:Other"}}.Encode())
	if side.header.Get("Content-Security-Policy") != sidePolicy || !strings.Contains(side.body, "/about.html Other") {
		t.Errorf("%q: %s", side.header.Get("Content-Security-Policy"), side.body)
	}
	w.post("page", w.get("flip?path=/about.html").form("flip", "save"))
	if got := w.row("/about.html"); got != "OK wiki:about admin" {
		t.Errorf("flipped: %q", got)
	}
}

// The front page counts as the command line does: pages alone, and what has become of them.
func TestProgress(t *testing.T) {
	w := newWorld(t, map[string]string{"docs/a.html": "a", "docs/b.html": "b", "docs/i.png": "i"}, "/docs/b.html 200 wiki:B", "/gone 410")
	w.get("").says("All 1 wiki 1 gone 1 file and 1 other file", "/docs/ 1 wiki 1 file and 1 other file")
}
