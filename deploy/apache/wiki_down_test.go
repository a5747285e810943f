// A wiki of its own server that stops and comes back while readers ask, and how soon edits show.

package apache_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"pagemap/deploy/apache/apachetest"
	"pagemap/fcgi/site/sitetest"
	"pagemap/render/wiki/mediawikitest"
)

// edited are within which an edit has to show.
const (
	editedHere = time.Second     // in a directory
	editedFar  = 2 * time.Second // in MediaWiki
)

// shows waits until both workers have shown a text, and returns how long after a moment the last answer without it was
// asked for.
func (s *wikiSite) shows(t *testing.T, target, text string, since time.Time) time.Duration {
	t.Helper()
	late := time.Duration(0)
	for good := 0; good < 20; { // in a row: Apache's connections lead to both workers
		asked := time.Now()
		if r := get(t, s.Addr, "GET", target); r.StatusCode == 200 && strings.Contains(r.body, text) {
			good++
			continue
		}
		good = 0
		if late = asked.Sub(since); late > 20*time.Second {
			t.Fatalf("%s does not show %q", target, text)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return late
}

// replace has all responders replaced, and waits until that is done.
func (s *wikiSite) replace(t *testing.T) {
	t.Helper()
	old := s.daemon.workers(t)
	if err := s.daemon.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "other responders", func() bool {
		now := s.daemon.workers(t)
		return len(now) == 2 && !slices.ContainsFunc(now, func(pid int) bool { return slices.Contains(old, pid) })
	})
}

// TestWikiDirectoryEdit: what is written into a wiki's directory is read within a second.
func TestWikiDirectoryEdit(t *testing.T) {
	world := &sitetest.World{Dir: apachetest.Dir(t)}
	world.Pages = append(world.Pages, wikiRow("/about.html", "About"), wikiRow("/later.html", "Later"))
	s := upWiki(t, world, nil)
	file := filepath.Join(s.wiki, "About.md")
	write(t, file, "# About\n\nedition 0\n")
	s.shows(t, "/about.html", "edition 0", time.Now())
	if r := get(t, s.Addr, "GET", "/later.html"); r.StatusCode != 404 {
		t.Errorf("a page that the wiki has not got: status %d", r.StatusCode)
	}
	var took []time.Duration
	for i := range 5 {
		text := fmt.Sprintf("edition %d", i+1)
		since := time.Now()
		write(t, file, "# About\n\n"+text+"\n")
		took = append(took, s.shows(t, "/about.html", text, since))
	}
	since := time.Now()
	write(t, filepath.Join(s.wiki, "Later.html"), "<p>new</p>")
	took = append(took, s.shows(t, "/later.html", "<p>new</p>", since))
	since = time.Now()
	write(t, filepath.Join(s.looks, "layout.html"), "<title>x</title><p>A new look.</p><div><!--pagemap:body--></div>")
	took = append(took, s.shows(t, "/about.html", "A new look.", since))
	t.Logf("old answers until %v after edits, a new page and a layout", took)
	if slices.Max(took) > editedHere {
		t.Errorf("an edit showed after %s, want %s", slices.Max(took), editedHere)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	eventually(t, editedHere, "a deleted page to be gone", func() bool { return get(t, s.Addr, "GET", "/about.html").StatusCode == 404 })
}

// TestWikiDown: MediaWiki stops under load. Nobody who reads pages that were seen before notices, not even
// from responders that were started since.
func TestWikiDown(t *testing.T) {
	const pages, readers = 50, 3
	mw := mediawikitest.Start(t, mediawikitest.Options{})
	dir := t.TempDir()
	world := &sitetest.World{Dir: apachetest.Dir(t)}
	args := []string{"--overwrite"}
	var targets []string
	for i := range pages {
		name := fmt.Sprintf("Page %02d", i)
		file := filepath.Join(dir, name+".txt")
		write(t, file, fmt.Sprintf("The text of page %d, and [[Page %02d|another one]].\n", i, (i+1)%pages))
		args = append(args, file)
		targets = append(targets, fmt.Sprintf("/wiki/%02d.html", i))
		world.Pages = append(world.Pages, wikiRow(targets[i], name))
	}
	world.Pages = append(world.Pages, wikiRow("/unseen.html", "Unseen"))
	mw.Maintain("importTextFiles.php", args...)
	mw.Write("Unseen", "Nobody has seen this.")
	s := upWiki(t, world, map[string]string{"wiki": "mediawiki+" + mw.API()})

	see := func(good func(i int, r reply) error) {
		t.Helper()
		var g errgroup.Group
		g.SetLimit(4)
		for i, target := range targets {
			g.Go(func() error { return good(i, get(t, s.Addr, "GET", target)) })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	whole := func(i int, r reply) error {
		text, link := fmt.Sprintf("The text of page %d, and ", i), fmt.Sprintf("href=%q", targets[(i+1)%pages])
		if r.StatusCode != 200 || !strings.Contains(r.body, text) || !strings.Contains(r.body, link) {
			return fmt.Errorf("%s: %d %v\n%.2000s", targets[i], r.StatusCode, r.Header, r.body)
		}
		return nil
	}
	stale := func(i int, r reply) error {
		if !strings.Contains(r.Header.Get("Cache-Status"), "detail=stale") {
			return fmt.Errorf("%s: %v, want it to be marked as stale", targets[i], r.Header)
		}
		return whole(i, r)
	}
	see(whole)

	want := make([]int, pages)
	for i := range want {
		want[i] = 200
	}
	l := startLoadOf(s.stack, readers, targets, want)
	before := l.requests.Load()
	eventually(t, 30*time.Second, "the readers to go on", func() bool { return l.requests.Load() > before+10*pages })
	mw.Stop()
	stopped := time.Now()
	// marked counts the answers of a few, of all responders, that are marked as stale.
	const few = 4
	marked := func() (n int) {
		for range few {
			if strings.Contains(get(t, s.Addr, "GET", targets[0]).Header.Get("Cache-Status"), "detail=stale") {
				n++
			}
		}
		return n
	}
	eventually(t, 20*time.Second, "pages to be marked", func() bool { return marked() == few })
	t.Logf("stale %s after MediaWiki was stopped", time.Since(stopped).Round(time.Millisecond))

	unseen := func() {
		t.Helper()
		for range 4 {
			begun := time.Now()
			r := get(t, s.Addr, "GET", "/unseen.html")
			if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || strings.Contains(r.body, mw.URL()) {
				t.Errorf("a page that nobody has seen: %d %v\n%s", r.StatusCode, r.Header, r.body)
			}
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("a page that nobody has seen took %s", took)
			}
		}
	}
	unseen()

	// One responder ends, and another one takes its place; then all are replaced.
	old := s.daemon.workers(t)[0]
	if err := syscall.Kill(old, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "another responder", func() bool {
		now := s.daemon.workers(t)
		return len(now) == 2 && !slices.Contains(now, old)
	})
	s.replace(t)
	unseen()
	see(stale)

	mw.Start()
	started := time.Now()
	eventually(t, 20*time.Second, "marks to go", func() bool { return marked() == 0 })
	t.Logf("fresh %s after MediaWiki was started", time.Since(started).Round(time.Millisecond))
	failed, requests := l.stop()
	t.Logf("%d requests, %d failures", requests, len(failed))
	if len(failed) > 0 {
		t.Errorf("%d of %d requests failed, first %v, %s after the wiki was stopped", len(failed), requests, failed[0].err, failed[0].begun.Sub(stopped))
	}

	var took []time.Duration
	for i := range 5 {
		text := fmt.Sprintf("Edition %d.", i+1)
		mw.Write("Page 00", text)
		took = append(took, s.shows(t, targets[0], text, time.Now()))
	}
	t.Logf("old answers until %v after edits", took)
	slices.Sort(took) // on a busy machine MediaWiki itself takes its time now and then
	if median := took[len(took)/2]; median > editedFar {
		t.Errorf("edits show after %s, want %s", median, editedFar)
	}
	if r := get(t, s.Addr, "GET", "/unseen.html"); r.StatusCode != 200 {
		t.Errorf("a page that nobody has seen, now: status %d", r.StatusCode)
	}
}
