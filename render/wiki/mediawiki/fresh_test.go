package mediawiki_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"

	"pagemap/render"
	"pagemap/render/wiki"
	"pagemap/render/wiki/mediawiki"
	"pagemap/render/wiki/mediawikitest"
)

// poller follows a wiki's changes.
type poller struct {
	t     *testing.T
	w     wiki.Wiki
	point string
}

func follow(t *testing.T, w wiki.Wiki) *poller {
	t.Helper()
	p := &poller{t: t, w: w}
	p.poll()
	return p
}

// poll returns the names told since the poll before.
func (p *poller) poll() []string {
	p.t.Helper()
	names, next, err := p.w.Changes(p.t.Context(), p.point)
	if err != nil {
		p.t.Fatal(err)
	}
	p.point = next
	return names
}

// want polls once, and checks that all these names are told.
func (p *poller) want(what string, names ...string) {
	p.t.Helper()
	got := p.poll()
	for _, name := range names {
		if !slices.Contains(got, name) {
			p.t.Errorf("the poll after %s tells %q, want %q in it", what, got, name)
		}
	}
}

// picture is a PNG of a colour.
func picture(t *testing.T, c color.Color) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 300, 200))
	for x := range 300 {
		m.Set(x, 100, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestFresh: whatever changes the body of a page is told by the next poll, and changes its revision.
func TestFresh(t *testing.T) {
	s, w := open(t, mediawikitest.Options{})
	s.Upload("Plan.png", picture(t, color.White))
	s.Write("Template:Inner", "first")
	s.Write("Template:Box", "box: {{Inner}}")
	s.Write("Page", "{{Box}} [[File:Plan.png|thumb|120px]] [[Not yet]]")
	s.Write("Apart", "nothing of it")
	p := follow(t, w)
	for _, tt := range []struct {
		name  string
		do    func()
		told  []string
		same  bool // the page stays what it is
		shows string
	}{
		{"an edit of the page", func() { s.Write("Page", "now {{Box}} [[File:Plan.png|thumb|120px]] [[Not yet]]") }, []string{"Page"}, false, "now"},
		{"an edit of its template", func() { s.Write("Template:Box", "BOX: {{Inner}}") }, []string{"Page", "Template:Box"}, false, "BOX"},
		{"an edit of its template's template", func() { s.Write("Template:Inner", "second") }, []string{"Page"}, false, "second"},
		{"another edit of that", func() { s.Write("Template:Inner", "third") }, []string{"Page"}, false, "third"},
		{"a new version of its picture", func() { s.Upload("Plan.png", picture(t, color.Black)) }, []string{"Page", "File:Plan.png", "Media:Plan.png"}, true, "Plan"},
		{"a new page that it links to", func() { s.Write("Not yet", "now it is") }, []string{"Page", "Not yet"}, false, `href="/wiki/Not_yet"`},
		{"the end of a page that it links to", func() { s.Delete("Not yet") }, []string{"Page", "Not yet"}, false, "redlink"},
		{"a move", func() { s.Move("Page", "Place") }, []string{"Page", "Place"}, true, "third"},
		{"the end of its picture", func() { s.Delete("File:Plan.png") }, []string{"Place", "Media:Plan.png"}, false, "Upload"},
	} {
		before := revision(t, w, "Page")
		// MediaWiki itself does not see a template change in the second in which it last drew the page.
		time.Sleep(1100 * time.Millisecond)
		tt.do()
		p.want(tt.name, tt.told...)
		after := revision(t, w, "Page")
		if after == before && !tt.same {
			t.Errorf("%s: the revision is still %s", tt.name, before)
		}
		if body := content(t, w, "Page"); !strings.Contains(body, tt.shows) {
			t.Errorf("%s: the page is %q, want %q in it", tt.name, body, tt.shows)
		}
	}
	if page, err := w.Open(t.Context(), "Page"); err != nil || page.Name != "Place" {
		t.Errorf("the old name leads to %+v, %v; want the page Place", page, err)
	}
	s.Delete("Place")
	p.want("the deletion", "Place")
	for _, name := range []string{"Place", "Page"} {
		if _, err := w.Stat(t.Context(), name); !errors.Is(err, render.ErrNotFound) {
			t.Errorf("Stat(%q) after the deletion: %v, want ErrNotFound", name, err)
		}
	}
	if names := p.poll(); slices.Contains(names, "Apart") {
		t.Errorf("a page that nothing bears upon is told: %q", names)
	}
}

// TestLateJobs: pages that a job touches long after the edit are told when it has run.
func TestLateJobs(t *testing.T) {
	s, w := open(t, mediawikitest.Options{Settings: "$wgJobRunRate = 0;\n"})
	s.Write("Template:Box", "first")
	s.Write("Page", "{{Box}}")
	s.Maintain("runJobs.php")
	before := revision(t, w, "Page")
	p := follow(t, w)
	// MediaWiki's job leaves pages alone that were touched in the second of the edit.
	time.Sleep(1100 * time.Millisecond)
	s.Write("Template:Box", "second")
	begin := time.Now()
	p.want("the edit of the template", "Template:Box")
	if now := revision(t, w, "Page"); now != before {
		t.Fatal("the page changed before the job: this test is of no use")
	}
	time.Sleep(3 * time.Second)
	p.poll()
	s.Maintain("runJobs.php")
	late := time.Since(begin)
	for !slices.Contains(p.poll(), "Page") {
		if time.Since(begin) > 2*late+5*time.Second {
			t.Fatalf("the page is not told %v after the edit, the job came after %v", time.Since(begin), late)
		}
		time.Sleep(200 * time.Millisecond)
	}
	if body := content(t, w, "Page"); revision(t, w, "Page") == before || !strings.Contains(body, "second") {
		t.Errorf("the page is %q of revision %s", body, revision(t, w, "Page"))
	}
}

// TestOutage: a wiki that is down is unavailable, and comes back.
func TestOutage(t *testing.T) {
	s, w := open(t, mediawikitest.Options{})
	s.Write("Page", "the text")
	p := follow(t, w)
	before, err := w.Stat(t.Context(), "Page")
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if _, err := w.Open(t.Context(), "Page"); !errors.Is(err, render.ErrUnavailable) || errors.Is(err, render.ErrNotFound) {
		t.Errorf("Open: %v, want ErrUnavailable", err)
	}
	if _, err := w.Stat(t.Context(), "Page"); !errors.Is(err, render.ErrUnavailable) {
		t.Errorf("Stat: %v, want ErrUnavailable", err)
	}
	if _, _, err := w.Changes(t.Context(), p.point); !errors.Is(err, render.ErrUnavailable) {
		t.Errorf("Changes: %v, want ErrUnavailable", err)
	}
	if _, err := w.Write(t.Context(), "Page", []byte("x"), "", ""); !errors.Is(err, render.ErrUnavailable) {
		t.Errorf("Write: %v, want ErrUnavailable", err)
	}
	s.Start()
	if state, err := w.Stat(t.Context(), "Page"); err != nil || state != before {
		t.Errorf("Stat after the outage: %+v, %v; want %+v", state, err, before)
	}
	s.Write("Page", "another text")
	p.want("the outage", "Page")

	quick := connect(t, s, mediawiki.Options{Timeout: 300 * time.Millisecond})
	s.Freeze()
	defer s.Thaw()
	begin := time.Now()
	if _, err := quick.Stat(t.Context(), "Page"); !errors.Is(err, render.ErrUnavailable) || time.Since(begin) > 5*time.Second {
		t.Errorf("Stat of a frozen wiki: %v after %v", err, time.Since(begin))
	}
}

// TestUsers: who may read and write what.
func TestUsers(t *testing.T) {
	s, w := open(t, mediawikitest.Options{Settings: "$wgGroupPermissions['*']['read'] = false;\n"})
	s.Write("Page", "private")
	if body := content(t, w, "Page"); !strings.Contains(body, "private") {
		t.Errorf("the user reads %q", body)
	}
	for name, o := range map[string]mediawiki.Options{
		"nobody":         {},
		"wrong password": {User: mediawikitest.User, Password: "wrong"},
	} {
		other := connect(t, s, o)
		for range 2 {
			if _, err := other.Open(t.Context(), "Page"); !errors.Is(err, render.ErrUnavailable) {
				t.Errorf("%s: Open: %v, want ErrUnavailable", name, err)
			}
		}
		if _, err := other.Write(t.Context(), "Page", []byte("x"), "", ""); !errors.Is(err, render.ErrUnavailable) || errors.Is(err, wiki.ErrConflict) {
			t.Errorf("%s: Write: %v, want ErrUnavailable", name, err)
		}
	}
	// Sessions end, and are begun again.
	s.Maintain("invalidateUserSessions.php", "--user", "Admin")
	if body := content(t, w, "Page"); !strings.Contains(body, "private") {
		t.Errorf("with a new session the user reads %q", body)
	}
	s.Maintain("invalidateUserSessions.php", "--user", "Admin")
	if _, err := w.Write(t.Context(), "Second", []byte("text"), "note", ""); err != nil {
		t.Errorf("Write with a new session: %v", err)
	}
}

// TestReadOnly: a wiki that takes no edits for a while is read as ever.
func TestReadOnly(t *testing.T) {
	s, w := open(t, mediawikitest.Options{})
	s.Write("Page", "the text")
	_, number, err := w.Source(t.Context(), "Page")
	if err != nil {
		t.Fatal(err)
	}
	s.Lock()
	if body := content(t, w, "Page"); !strings.Contains(body, "the text") {
		t.Errorf("the page is %q", body)
	}
	if _, err := w.Write(t.Context(), "Page", []byte("another"), "", number); !errors.Is(err, render.ErrUnavailable) || errors.Is(err, wiki.ErrConflict) {
		t.Errorf("Write: %v, want ErrUnavailable", err)
	}
}
