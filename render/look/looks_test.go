// Tests of the directory of layouts.

package look

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pagemap/mapping"
)

// directory is a directory of layouts with a clock that stands still.
type directory struct {
	t   *testing.T
	dir string
	log bytes.Buffer
	mu  sync.Mutex // protects now
	now time.Time
	*Looks
}

func newDirectory(t *testing.T, files ...string) *directory {
	t.Helper()
	d := &directory{t: t, dir: t.TempDir(), now: time.Now()}
	for _, name := range files {
		d.write(name, name+"<!--pagemap:body-->")
	}
	looks, err := Open(d.dir, slog.New(slog.NewTextHandler(&d.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	looks.now = func() time.Time {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.now
	}
	d.Looks = looks
	return d
}

func (d *directory) write(name, text string) {
	d.t.Helper()
	name = filepath.Join(d.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

func (d *directory) pass(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

// drawn is what the layout for a path draws around "".
func (d *directory) drawn(p mapping.Path) string {
	d.t.Helper()
	l, _ := d.For(p)
	out, err := l.Draw(Content{})
	if err != nil {
		d.t.Fatal(err)
	}
	if bytes.HasPrefix(out, []byte("<!DOCTYPE")) {
		return "plain"
	}
	return string(out)
}

func TestFor(t *testing.T) {
	d := newDirectory(t, "layout.html", "layout.html.ko.euc-kr", "docs/layout.html", "docs/mod/layout.html.ko.euc-kr", "a b/layout.html",
		"other.html", "docs/layout.html~", "layout.htm", "empty/x")
	tests := []struct {
		path mapping.Path
		want string
	}{
		{"/", "layout.html"}, {"/a.html", "layout.html"}, {"/empty/a.html", "layout.html"}, {"/none/deep/a", "layout.html"},
		{"/docs", "layout.html"}, {"/docs/", "docs/layout.html"}, {"/docs/a.html", "docs/layout.html"}, {"/docs/mod/a.html", "docs/layout.html"},
		{"/docsx/a.html", "layout.html"}, {"/a.html.ko.euc-kr", "layout.html.ko.euc-kr"}, {"/a.htm.ko.euc-kr", "layout.html.ko.euc-kr"},
		{"/a.html.ja.utf8", "layout.html"}, {"/docs/a.html.ko.euc-kr", "docs/layout.html"}, {"/docs/mod/a.html.ko.euc-kr", "docs/mod/layout.html.ko.euc-kr"},
		{"/docs/mod/deep/x.html.ko.euc-kr", "docs/mod/layout.html.ko.euc-kr"}, {"/a%20b/c", "a b/layout.html"}, {"/x%2Fy/z", "layout.html"},
	}
	for _, tt := range tests {
		if got := d.drawn(tt.path); got != tt.want {
			t.Errorf("%s is drawn in %q, want %q", tt.path, got, tt.want)
		}
	}
	none, err := Open("", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if l, modified := none.For("/a"); l.Charset() != "utf-8" || !modified.IsZero() {
		t.Errorf("without a directory: %s, modified %v", l.Charset(), modified)
	}
	if _, err := Open(filepath.Join(d.dir, "missing"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a directory that is not there was opened")
	}
	if got := newDirectory(t).drawn("/a"); got != "plain" {
		t.Errorf("of an empty directory %q is drawn", got)
	}
}

func TestChanges(t *testing.T) {
	d := newDirectory(t, "layout.html")
	file := filepath.Join(d.dir, "layout.html")
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	steps := []struct {
		name   string
		change func()
		want   string // a second later
		log    string // what is logged meanwhile
	}{
		{name: "nothing", change: func() {}, want: "layout.html"},
		{name: "written in place", change: func() { d.write("layout.html", "two<!--pagemap:body-->") }, want: "two"},
		{name: "same size and time", change: func() {
			info, _ := os.Stat(file)
			d.write("layout.html", "six<!--pagemap:body-->")
			_ = os.Chtimes(file, time.Time{}, info.ModTime())
		}, want: "six"},
		{name: "renamed over", change: func() {
			d.write("new", "three<!--pagemap:body-->")
			_ = os.Rename(filepath.Join(d.dir, "new"), file)
		}, want: "three"},
		{name: "an older one", change: func() { _ = os.Chtimes(file, old, old) }, want: "three"},
		{name: "broken", change: func() { d.write("layout.html", "broken\n <!--pagemap:bdy-->") }, want: "three", log: "layout.html:2:2: there is no mark"},
		{name: "still broken", change: func() {}, want: "three"},
		{name: "no file to read", change: func() {
			_ = os.Remove(file)
			_ = os.Mkdir(file, 0o755)
		}, want: "plain"},
		{name: "good again", change: func() {
			_ = os.Remove(file)
			d.write("layout.html", "four<!--pagemap:body-->")
		}, want: "four"},
		{name: "a nearer one", change: func() { d.write("docs/layout.html", "five<!--pagemap:body-->") }, want: "five"},
		{name: "broken from the start", change: func() {
			_ = os.RemoveAll(filepath.Join(d.dir, "docs"))
			d.write("docs/deep/layout.html", "x")
		}, want: "four", log: "another one stands in"},
		{name: "all gone", change: func() {
			_ = os.RemoveAll(filepath.Join(d.dir, "docs"))
			_ = os.Remove(file)
		}, want: "plain"},
		{name: "no directory", change: func() {
			d.write("layout.html", "six<!--pagemap:body-->")
			d.pass(time.Second)
			_, _ = d.For("/")
			_ = os.Rename(d.dir, d.dir+"-away")
		}, want: "six", log: "what was read before stays"},
		{name: "the directory is back", change: func() {
			_ = os.Rename(d.dir+"-away", d.dir)
			d.write("layout.html", "seven<!--pagemap:body-->")
		}, want: "seven"},
	}
	for _, s := range steps {
		d.log.Reset()
		s.change()
		d.pass(time.Second)
		if got := d.drawn("/docs/deep/a.html"); got != s.want {
			t.Errorf("%s: drawn in %q, want %q", s.name, got, s.want)
		}
		if log := d.log.String(); s.log == "" && log != "" || !strings.Contains(log, s.log) {
			t.Errorf("%s: logged %q, want %q", s.name, log, s.log)
		}
	}
}

// The directory is looked at twice a second at most, and a layout's time is the one of the file that is drawn.
func TestLooksAtMost(t *testing.T) {
	d := newDirectory(t, "layout.html")
	file := filepath.Join(d.dir, "layout.html")
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	d.pass(time.Second)
	first, modified := d.For("/a")
	if !modified.Equal(old) {
		t.Errorf("modified %v, want %v", modified, old)
	}
	d.write("layout.html", "two<!--pagemap:body-->")
	d.pass(lookAfter - time.Millisecond)
	if l, _ := d.For("/a"); l != first {
		t.Error("the directory was looked at again too early")
	}
	d.pass(time.Millisecond)
	if l, modified := d.For("/a"); l == first || modified.Equal(old) {
		t.Errorf("after %v the layout is the old one, modified %v", lookAfter, modified)
	}
	d.write("layout.html", "broken")
	d.pass(time.Second)
	_, before := d.For("/a")
	if info, err := os.Stat(file); err != nil || before.After(info.ModTime()) {
		t.Errorf("the last good layout has the time %v", before)
	}
	if n, err := d.Check(); n != 1 || !errors.Is(err, ErrLayout) {
		t.Errorf("%d layouts checked, %v", n, err)
	}
	if allocs := testing.AllocsPerRun(100, func() { d.For("/docs/deep/a.html") }); allocs > 8 {
		t.Errorf("finding a layout allocates %v times", allocs)
	}
}

func TestLooksConcurrently(t *testing.T) {
	d := newDirectory(t, "layout.html", "docs/layout.html")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 50 {
				if i == 0 {
					d.write("docs/layout.html", "x<!--pagemap:body-->")
					d.pass(400 * time.Millisecond)
				}
				if l, _ := d.For("/docs/a"); l == nil {
					t.Error("no layout")
				}
			}
		})
	}
	wg.Wait()
}

func TestTooManyFiles(t *testing.T) {
	d := newDirectory(t, "layout.html")
	if err := os.MkdirAll(filepath.Join(d.dir, "m"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range maxEntries {
		name := filepath.Join(d.dir, "m", strings.Repeat("x", i%100)+time.Duration(i).String())
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(d.dir, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "is this a directory of layouts?") {
		t.Errorf("a tree of pages as a directory of layouts: %v", err)
	}
}
