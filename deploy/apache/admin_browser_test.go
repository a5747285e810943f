// The admin page in a real browser: the site that the tests look after, and those who sit before it.

package apache_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"pagemap/deploy/apache/browsertest"
	"pagemap/mapping"
	"pagemap/mapping/populate"
	"pagemap/mapping/postgres"
	"pagemap/mapping/traffic"
	"pagemap/mapping/tree"
)

// page is a row as "PATH STATUS SOURCE", its tags and its note.
type page struct{ row, tags, note string }

// of is the row.
func (p page) of(t *testing.T, origin mapping.Origin) mapping.Page {
	t.Helper()
	out := mapping.Page{Row: mapping.Row{Origin: origin}, Note: p.note}
	if n, err := fmt.Sscan(p.row, &out.Pattern, &out.Status, &out.Source); n < 2 {
		t.Fatalf("%q: %v", p.row, err)
	}
	if p.tags != "" {
		out.Tags = strings.Split(p.tags, ",")
	}
	out, err := mapping.Hosts{host}.Clean(out)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// set is a change-set.
type set struct {
	author string
	origin mapping.Origin
	note   string
	pages  []page
}

// oldSite are the files of a small site that has stood for twenty years, and what its wiki has by now.
func oldSite() map[string]string {
	files := map[string]string{"tree/favicon.ico": "", "wiki/Docs/Install.md": "# Installing\n\nUnpack it, and run `make install`.\n"}
	for name, title := range map[string]string{
		"index": "The Example Project", "about": "About us", "contact": "How to reach us", "download": "Downloads",
		"docs/index": "Documentation", "docs/install": "Installing", "docs/configure": "Configuring", "docs/faq": "Questions and answers", "docs/tuning": "Tuning", "docs/history": "History",
		"news/index": "News", "news/2004-03": "March 2004", "news/2004-11": "November 2004", "news/2005-06": "June 2005", "news/2006-01": "January 2006",
		"projects/index": "Projects", "projects/alpha": "Alpha", "projects/beta": "Beta", "projects/gamma": "Gamma",
	} {
		files["tree/"+name+".html"] = "<!DOCTYPE html><html lang=\"en\"><title>" + title + "</title><div id=\"content\"><h1>" + title + "</h1>\n<p>Unpack it, and run <tt>make install</tt> as <a href=\"/about.html\">we</a> do.</p></div>\n"
	}
	return files
}

// history is what has been done to its table.
var history = []set{
	{"ivo", mapping.OriginImport, "redirects of the old server's .htaccess", []page{
		{row: "/doc/* 301 /docs/*"}, {row: "/index.php 301 /"}, {row: "/cgi-bin/download.pl 302 https://mirror.example.net/pub/"}, {row: "/manual.html 301 /docs/"},
		{row: "/news/2003.html 410", note: "lost in the disk crash of 2004"}, {row: "/people/maria/ 301 https://maria.example.org/"}, {row: "/links.html 301 /projects/omega.html", tags: "links"},
	}},
	{"maria", mapping.OriginAdmin, "the installation guide lives in the wiki now", []page{{row: "/docs/install.html 200 wiki:Docs/Install", tags: "docs,wiki", note: "keep in step with INSTALL of the release"}}},
	{"ivo", mapping.OriginCLI, "alpha was given up", []page{{row: "/projects/alpha.html 410 /projects/", tags: "retired"}, {row: "/projects/alpha.tar.gz 410", tags: "retired"}}},
	{"maria", mapping.OriginAdmin, "", []page{{row: "/faq.html 301 /docs/faq.html"}, {row: "/FAQ.html 301 /docs/faq.html", tags: "docs"}, {row: "/contact.html 200 file:/contact.html", tags: "checked"}}},
}

// upOldSite brings that site up, with readers, who also ask for what is not there.
func upOldSite(t *testing.T, o adminOptions) *adminSite {
	t.Helper()
	o.way = "basic"
	files := oldSite()
	for name, text := range o.files {
		files[name] = text
	}
	o.files = files
	s := upAdmin(t, o)
	old, err := tree.Open(s.tree, tree.Options{IndexNames: []string{"index.html"}})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	rows, _, err := populate.Rows(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	db := s.open(t)
	if _, err := db.AddFiles(t.Context(), postgres.ChangeSet{Author: "ivo", Origin: mapping.OriginPopulate, Note: "the old tree"}, rows); err != nil {
		t.Fatal(err)
	}
	s.write(t, history...)
	s.count(t, func(c *traffic.Tally) {
		for day := range 30 {
			at := time.Now().AddDate(0, 0, -day)
			for i, path := range []string{"/", "/docs/", "/docs/install.html", "/docs/faq.html", "/download.html", "/news/", "/manual.html", "/about.html", "/projects/beta.html"} {
				c.Hit(path, int64((900-37*((day*day+3*i)%11))/(i+1)), at)
			}
		}
		for _, m := range []struct {
			path, from string
			n          int
		}{
			{"/docs/instal.html", "https://forum.example.com/t/812", 41}, {"/docs/tunning.html", "http://" + host + "/docs/", 17}, {"/Download.html", "https://lists.example.net/", 12},
			{"/news/2004-3.html", "", 9}, {"/projects/delta.html", "http://" + host + "/projects/", 6}, {"/old/board.asp", "https://search.example.com/", 5},
			{"/old/guestbook.asp", "", 4}, {"/old/counter.asp", "", 3}, {"/pictures/team.jpg", "https://maria.example.org/", 2},
		} {
			for range m.n {
				c.Miss(mapping.Path(m.path), m.from, time.Now())
			}
		}
	})
	err = db.KeepFindings(t.Context(), []string{"dead", "twins", "loop", "hidden"}, []postgres.Finding{
		{Kind: "dead", Path: "/links.html", Detail: "leads to /projects/omega.html, where nothing answers", Command: "pagemapctl page rm /links.html"},
		{Kind: "twins", Path: "/FAQ.html", Detail: "differs from /faq.html in upper and lower case alone", Command: "pagemapctl page rm /FAQ.html"},
		{Kind: "hidden", Path: "/projects/alpha.html", Detail: "hides the file /projects/alpha.html", Command: "pagemapctl page rm /projects/alpha.html"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// open opens the site's database.
func (s *adminSite) open(t *testing.T) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(postgres.Options{DSN: s.dsn, Hosts: mapping.Hosts{host}, IndexNames: []string{"index.html"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// write writes change-sets, and returns the number of the last.
func (s *adminSite) write(t *testing.T, sets ...set) (id int64) {
	t.Helper()
	db := s.open(t)
	for _, c := range sets {
		var edits []postgres.Edit
		for _, p := range c.pages {
			row := p.of(t, c.origin)
			edits = append(edits, postgres.Edit{Pattern: row.Pattern, Page: &row})
		}
		result, err := db.Write(t.Context(), postgres.ChangeSet{Author: c.author, Origin: c.origin, Note: c.note}, edits)
		if err != nil {
			t.Fatal(err)
		}
		id = result.ChangeSet
	}
	return id
}

// count adds hits and misses.
func (s *adminSite) count(t *testing.T, add func(*traffic.Tally)) {
	t.Helper()
	store, err := postgres.NewTraffic(s.open(t), postgres.TrafficOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	tally := traffic.Tally{Hosts: mapping.Hosts{host}}
	add(&tally)
	if err := store.AddTraffic(t.Context(), tally.Batch()); err != nil {
		t.Fatal(err)
	}
}

// row is a row as the database has it, "" where there is none.
func (s *adminSite) row(t *testing.T, pattern string) string {
	t.Helper()
	p, err := s.open(t).Page(t.Context(), pattern)
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(fmt.Sprint(p.Status, " ", p.Source, " ", strings.Join(p.Tags, "+"))), " ")
}

// seat is a user before a browser.
type seat struct {
	*browsertest.Tab
	t    *testing.T
	s    *adminSite
	view browsertest.View
}

// sit signs a user in.
func (s *adminSite) sit(t *testing.T, b *browsertest.Browser, user string, v browsertest.View) *seat {
	t.Helper()
	c := &seat{b.Tab(t, v), t, s, v}
	c.Open(strings.Replace(s.URL, "://", "://"+user+":pass-"+user+"@", 1) + "/pagemap-admin/static/admin.css")
	return c
}

// at opens a page of the admin page.
func (c *seat) at(path string) {
	c.t.Helper()
	if status := c.Open(c.s.URL + "/pagemap-admin/" + path); status != 200 {
		c.t.Fatalf("%s: %d: %s", path, status, c.Text("main"))
	}
}

// fill types texts into fields: selector, text, and so on. What they held goes; an option of a select is chosen.
func (c *seat) fill(fields ...string) {
	c.t.Helper()
	for i := 0; i+1 < len(fields); i += 2 {
		field := chromedp.CSS(fields[i])
		if browsertest.Get(c.Tab, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q).tagName", fields[i]))) == "SELECT" {
			c.Do(chromedp.SetValue(field, fields[i+1]))
			continue
		}
		browsertest.Get(c.Tab, chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelector(%q).select()", fields[i])))
		text := fields[i+1]
		if text == "" {
			text = kb.Backspace
		}
		c.Do(chromedp.SendKeys(field, text))
	}
}

// press presses a button or follows a link, and waits for the page it leads to.
func (c *seat) press(selector string, status int) {
	c.t.Helper()
	if got := c.Go(chromedp.Click(chromedp.CSS(selector))); got != status {
		c.t.Fatalf("%s: %d, want %d: %s", selector, got, status, c.Text("main"))
	}
}

// await waits until an element is there, whichever page comes meanwhile.
func (c *seat) await(selector string) {
	c.t.Helper()
	eventually(c.t, apacheWait, selector, func() bool { return c.has(selector) })
}

// has reports whether an element is there.
func (c *seat) has(selector string) bool {
	c.t.Helper()
	return browsertest.Get(c.Tab, chromedp.Evaluate[bool](fmt.Sprintf("document.querySelector(%q) !== null", selector)))
}

// texts are the visible texts of all elements that match.
func (c *seat) texts(selector string) []string {
	c.t.Helper()
	return browsertest.Get(c.Tab, chromedp.Evaluate[[]string](fmt.Sprintf("[...document.querySelectorAll(%q)].map(e => e.innerText.trim())", selector)))
}

// says fails unless an element's visible text has every part.
func (c *seat) says(selector string, parts ...string) {
	c.t.Helper()
	text := strings.Join(strings.Fields(c.Text(selector)), " ")
	for _, p := range parts {
		if !strings.Contains(text, p) {
			c.t.Errorf("%s does not say %q: %s", selector, p, text)
		}
	}
}

// sound fails if anything went wrong on the pages since the last call, but for answers that were asked
// for, and for scripts of the preview, which its sandbox stops.
func (c *seat) sound(but ...string) {
	c.t.Helper()
	for _, e := range c.Errors() {
		if !slices.ContainsFunc(but, func(text string) bool { return strings.Contains(e, text) }) {
			c.t.Error(e)
		}
	}
}
