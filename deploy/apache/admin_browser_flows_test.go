// What one does on the admin page, in a real browser, with JavaScript and without; here to one row.

package apache_test

import (
	"bytes"
	"fmt"
	"image/png"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"pagemap/deploy/apache/browsertest"
	"pagemap/mapping"
	"pagemap/mapping/postgres"
)

// Each flow has a directory of its own, which base names.
var adminFlows = []struct {
	name string
	pass func(t *testing.T, b *browsertest.Browser, c *seat, base string)
}{
	{"pages", passPages}, {"one page", passOnePage}, {"two browsers", passConflict}, {"bulk", passBulk}, {"import", passImport},
	{"ask", passAsk}, {"404s", passMisses}, {"changes", passChanges},
}

func TestAdminBrowser(t *testing.T) {
	b := browsertest.Start(t)
	// Green, and red where its script runs.
	framed := "<title>framed</title><body bgcolor=lime><div id=content><h1>framed</h1></div><script>document.body.bgColor = 'red'</script>"
	s := upOldSite(t, adminOptions{files: map[string]string{"tree/with/framed.html": framed, "tree/without/framed.html": framed}})
	for _, way := range []struct {
		name string
		view browsertest.View
	}{{"with", browsertest.View{}}, {"without", browsertest.View{NoScript: true}}} {
		for _, f := range adminFlows {
			t.Run(f.name+" "+way.name+" JavaScript", func(t *testing.T) {
				c := s.sit(t, b, "maria", way.view)
				f.pass(t, b, c, "/"+way.name+"/")
				c.sound("status of 409", "Blocked script execution")
			})
		}
	}
	t.Run("front page", func(t *testing.T) { passFront(t, s.sit(t, b, "maria", browsertest.View{})) })
	t.Run("a reader", func(t *testing.T) {
		c := s.sit(t, b, "nora", browsertest.View{})
		for _, path := range []string{"", "pages", "page?path=/about.html", "misses", "changes/2", "ask?url=/docs/instal.html"} {
			c.at(path)
			if c.has("main form[method=post] button") || c.has("a[href$='/import']") {
				t.Errorf("%s offers a change", path)
			}
		}
		c.sound()
	})
}

// under shortens an address.
func under(path string) string { return "pages?under=" + path }

func passPages(t *testing.T, _ *browsertest.Browser, c *seat, base string) {
	var many set
	many.author, many.origin = "otto", mapping.OriginCLI
	for i := range 60 {
		many.pages = append(many.pages, page{row: fmt.Sprintf("%slist/%02d.html 301 /target-%d.html", base, i, i%7), tags: "listed"})
	}
	c.s.write(t, many, set{"lena", mapping.OriginCLI, "", []page{{row: base + "list/last.html 410"}}})
	if err := c.s.open(t).KeepFindings(t.Context(), []string{"vanished"}, []postgres.Finding{{Kind: "vanished", Path: base + "list/07.html", Detail: "x", Command: "y"}}); err != nil {
		t.Fatal(err)
	}
	rows := func() []string { return c.texts("#rows tbody th") }
	for _, tt := range []struct {
		name   string
		fields []string // selector and text
		tick   string
		want   int
	}{
		{name: "under", want: 50},
		{name: "status", fields: []string{"#f-status", "410"}, want: 1},
		{name: "text in target", fields: []string{"#f-q", "target-6", "#f-in", "source"}, want: 8},
		{name: "regular expression", fields: []string{"#f-q", `/0[0-4]\.html$`, "#f-how", "matches"}, want: 5},
		{name: "tag", fields: []string{"#f-tag", "listed", "#f-status", "410"}, want: 0},
		{name: "who", fields: []string{"#f-by", "lena"}, want: 1},
		{name: "flag", fields: []string{"#f-found", "vanished"}, want: 1},
		{name: "young", fields: []string{"#f-found", "young", "#f-q", "0.html", "#f-in", "path"}, want: 6},
		{name: "undecided", tick: "undecided", want: 0},
		{name: "never hit", tick: "never", want: 50},
	} {
		c.at("pages")
		c.fill(append([]string{"#f-under", base + "list/"}, tt.fields...)...)
		if tt.tick != "" {
			c.Do(chromedp.Click(chromedp.CSS("#filter input[name=" + tt.tick + "]")))
		}
		c.press("#filter button", 200)
		if got := rows(); len(got) != tt.want {
			t.Errorf("%s: %d rows, want %d: %s", tt.name, len(got), tt.want, c.Text("#count"))
		}
	}
	c.at(under(base + "list/"))
	first := rows()
	c.press("#next", 200)
	if got := rows(); len(got) != 11 || slices.Contains(first, got[0]) {
		t.Errorf("second screen: %q", got)
	}
	c.press("#back", 200)
	if !slices.Equal(rows(), first) {
		t.Errorf("back: %q", rows())
	}
	c.says("#rows tr:nth-child(8) .fault", "file missing")
	c.press("#rows thead th:nth-child(8) a", 200) // by change
	if got := rows(); got[0] != base+"list/last.html" {
		t.Errorf("changed last: %q", got[0])
	}
	// What is shown can be had as a file.
	c.at(under(base+"list/") + "&status=410")
	c.fill("#x-format", "csv")
	name, text := c.Download(chromedp.Click(chromedp.CSS("#export button")))
	if lines := strings.Split(strings.TrimSpace(string(text)), "\n"); name != "pagemap.csv" || len(lines) != 2 || !strings.HasPrefix(lines[1], base+"list/last.html,410,") {
		t.Errorf("the export is %s: %q", name, text)
	}
	c.fill("#jump-q", "http://"+host+base+"list/07.html?utm=1#top")
	c.press(".jump button", 200)
	c.says("h1", base+"list/07.html")
}

func passOnePage(t *testing.T, b *browsertest.Browser, c *seat, base string) {
	path := base + "edited.html"
	c.at("page")
	c.fill("#e-path", path, "#e-status", "301", "#e-source", "/nowhere.html")
	if c.view.NoScript {
		c.press("#check", 200)
	} else {
		c.await("#verdict .fault") // while typing
	}
	c.says("#verdict", "target missing", "/nowhere.html")
	c.fill("#e-source", "javascript:alert(1)")
	c.press("#save", 422)
	c.says("#problem", "javascript:alert(1)")
	c.fill("#e-source", "/about.html", "#e-tags", "one, two", "#e-note", "a note", "#e-why", "for the test")
	c.press("#save", 200)
	c.says(".done", "Saved as change-set")
	c.says("#h-now ~ .answer", "301", "/about.html")
	if got := c.s.row(t, path); got != "301 /about.html one+two" {
		t.Errorf("saved: %q", got)
	}
	c.at("page?path=/about.html")
	c.says("main", path) // redirects here

	// History.
	c.at("page?path=" + path)
	c.fill("#e-status", "410", "#e-source", "", "#e-tags", "")
	c.press("#save", 200)
	if got := c.s.row(t, path); got != "410" {
		t.Errorf("changed: %q", got)
	}
	c.says("#history", "for the test", "maria", "present")
	c.press("#history tr:last-child button", 200)
	if got := c.s.row(t, path); got != "301 /about.html one+two" {
		t.Errorf("restored: %q", got)
	}
	c.press("#remove", 200)
	if got := c.s.row(t, path); got != "" {
		t.Errorf("removed: %q", got)
	}
	c.press("#history button", 200)
	if got := c.s.row(t, path); got != "301 /about.html one+two" {
		t.Errorf("restored after removal: %q", got)
	}
	c.sound("status of 422")

	// The preview, and the flip to the wiki and back.
	framed := base + "framed.html"
	c.at("page?path=" + framed)
	c.fill("#e-status", "200", "#e-source", "file:"+framed)
	c.press("#save", 200)
	if red, green := c.colour("#preview"); green < 200 || red > 50 {
		t.Errorf("the preview shows red %d, green %d", red, green)
	}
	c.press("#flip button[formaction]", 200)
	c.says("main", "to the wiki", "of 1 word would stay")
	c.fill("#flip-source", "wiki:About")
	c.press("#flip button[value=save]", 200)
	if got := c.s.row(t, framed); got != "200 wiki:About" {
		t.Errorf("flipped: %q", got)
	}
	c.press("#flip button[value=save]", 200)
	if got := c.s.row(t, framed); got != "200 file:"+framed {
		t.Errorf("flipped back: %q", got)
	}
}

// colour is what the middle of an element shows.
func (c *seat) colour(selector string) (red, green uint32) {
	c.t.Helper()
	at := browsertest.Get(c.Tab, chromedp.Evaluate[struct{ X, Y float64 }](fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		e.scrollIntoView({block: "center"});
		const r = e.getBoundingClientRect();
		return {x: r.left + r.width / 2, y: r.top + r.height / 2};
	})()`, selector)))
	picture, err := png.Decode(bytes.NewReader(c.Visible()))
	if err != nil {
		c.t.Fatal(err)
	}
	red, green, _, _ = picture.At(int(at.X), int(at.Y)).RGBA()
	return red >> 8, green >> 8
}

func passConflict(t *testing.T, b *browsertest.Browser, c *seat, base string) {
	path := base + "both.html"
	c.s.write(t, set{"otto", mapping.OriginCLI, "", []page{{row: path + " 301 /about.html"}}})
	other := c.s.sit(t, b, "ivo", c.view)
	c.at("page?path=" + path)
	other.at("page?path=" + path)
	other.fill("#e-source", "/docs/", "#e-why", "ivo was first")
	other.press("#save", 200)
	c.fill("#e-source", "/news/", "#e-note", "typed by maria", "#e-tags", "mine")
	c.press("#save", 409)
	c.says("main", "Changed meanwhile", "ivo has changed", "ivo was first")
	c.says("#theirs", "/docs/")
	c.says("#mine", "/news/", "typed by maria", "mine")
	if got := c.s.row(t, path); got != "301 /docs/" {
		t.Errorf("lost update: %q", got)
	}
	c.press("#overwrite button[value=check]", 200) // go on editing: what was typed is there
	if got := browsertest.Get(c.Tab, chromedp.Value(chromedp.CSS("#e-note"))); got != "typed by maria" {
		t.Errorf("typed before: %q", got)
	}
	c.press("#save", 200)
	if got := c.s.row(t, path); got != "301 /news/ mine" {
		t.Errorf("saved over it: %q", got)
	}
	// The other way round, and over it at once.
	other.at("page?path=" + path)
	c.fill("#e-source", "/download.html")
	c.press("#save", 200)
	other.press("#remove", 409)
	other.says("#mine", "No row")
	other.press("#overwrite button[value=remove]", 200)
	if got := c.s.row(t, path); got != "" {
		t.Errorf("removed over it: %q", got)
	}
	other.sound("status of 409")
}
