// What one does to many rows on the admin page: bulk changes, imports, 404s, and taking changes back; and its front page.

package apache_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"pagemap/deploy/apache/browsertest"
	"pagemap/mapping"
	"pagemap/mapping/traffic"
)

// planned waits for the plan that was asked for, and reads its counts.
func (c *seat) planned(state string) map[string]string {
	c.t.Helper()
	c.await("#state[data-state=" + state + "]")
	counts := map[string]string{}
	for _, text := range c.texts("#counts div") {
		if f := strings.Fields(text); len(f) > 1 {
			counts[strings.Join(f[:len(f)-1], " ")] = f[len(f)-1]
		}
	}
	return counts
}

func passBulk(t *testing.T, _ *browsertest.Browser, c *seat, base string) {
	var many set
	many.author, many.origin = "otto", mapping.OriginCLI
	for i := range 55 {
		many.pages = append(many.pages, page{row: fmt.Sprintf("%sbulk/%02d.html 301 https://old.example/%d", base, i, i)})
	}
	c.s.write(t, many, set{"otto", mapping.OriginCLI, "", []page{{row: base + "moved/00.html 410"}}})
	for _, tt := range []struct {
		name, op string
		fields   []string
		counts   map[string]string
		row      string // of 07.html, then
		words    string // of the differences
	}{
		{name: "tag", op: "tag", fields: []string{"#b-tag", "sorted"}, counts: map[string]string{"changed": "55", "added": "0"}, row: "301 https://old.example/7 sorted", words: "sorted"},
		{name: "targets", op: "target", fields: []string{"#b-from-target", "https://old.example/", "#b-to-target", "https://new.example/"}, counts: map[string]string{"changed": "55"}, row: "301 https://new.example/7 sorted", words: "https://new.example/"},
		{name: "status and target", op: "answer", fields: []string{"#b-status", "200", "#b-source", "file:/about.html"}, counts: map[string]string{"changed": "55"}, row: "200 file:/about.html sorted", words: "file:/about.html"},
		{name: "gone", op: "gone", counts: map[string]string{"changed": "55"}, row: "410 sorted", words: "410"},
		{name: "without the tag", op: "untag", fields: []string{"#b-untag", "sorted"}, counts: map[string]string{"changed": "55"}, row: "410"},
	} {
		c.at(under(base + "bulk/"))
		c.press("#bulk", 200)
		c.says("#count", "55 rows", "under "+base+"bulk/")
		if c.view.NoScript || len(tt.fields) == 0 || tt.op == "answer" {
			c.Do(chromedp.Click(chromedp.CSS("#bulk input[value=" + tt.op + "]")))
		}
		c.fill(append(tt.fields, "#b-why", "in bulk")...)
		before := c.s.row(t, base+"bulk/07.html")
		c.press("#bulk button.main", 200)
		counts := c.planned("planned")
		for name, n := range tt.counts {
			if counts[name] != n {
				t.Errorf("%s: %v", tt.name, counts)
			}
		}
		c.says("#h-differences ~ *", tt.words, base+"bulk/00.html")
		if got := c.s.row(t, base+"bulk/07.html"); got != before {
			t.Errorf("%s: written before it was agreed to: %q", tt.name, got)
		}
		c.press("#apply button", 200)
		c.planned("applied")
		if got := c.s.row(t, base+"bulk/07.html"); got != tt.row {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.row)
		}
	}
	c.press("#applied", 200)
	c.says("main", "maria", "in bulk", "55 changed")

	// A prefix moves; a row in the way is asked about.
	c.s.write(t, set{"otto", mapping.OriginCLI, "", []page{{row: base + "bulk/00.html 200 file:/about.html"}, {row: base + "bulk/01.html 200 file:/about.html"}}})
	c.at("bulk?status=200&under=" + base + "bulk/")
	c.Do(chromedp.Click(chromedp.CSS("#bulk input[value=move]")))
	c.fill("#b-from", base+"bulk/", "#b-to", base+"moved/")
	c.press("#bulk button.main", 200)
	if counts := c.planned("planned"); counts["added"] != "1" || counts["in the way"] != "1" {
		t.Errorf("move: %v", counts)
	}
	c.says("#h-conflicts ~ *", base+"moved/00.html")
	c.fill("#p-conflict", "replace")
	c.press("#again button", 200)
	c.planned("planned")
	c.press("#apply button", 200)
	c.planned("applied")
	if a, b := c.s.row(t, base+"moved/00.html"), c.s.row(t, base+"bulk/00.html"); a != "200 file:/about.html" || b != "301 "+base+"moved/00.html" {
		t.Errorf("moved: %q, %q", a, b)
	}
}

func passImport(t *testing.T, _ *browsertest.Browser, c *seat, base string) {
	name := filepath.Join(t.TempDir(), "list.csv")
	write(t, name, "path,status,source\n"+base+"in-1.html,301,/about.html\n"+base+"in-2.html,301,javascript:alert(1)\n"+base+"in-3.html,410,\n"+base+"in-4.html,999,/\n")
	c.at("import")
	c.Do(chromedp.SetUploadFiles(chromedp.CSS("#i-file"), []string{name}))
	c.fill("#i-why", "from a file")
	c.press("#import button.main", 200)
	if counts := c.planned("planned"); counts["added"] != "2" {
		t.Errorf("plan: %v", counts)
	}
	c.says("#lines", "3", "javascript:alert(1)", "5", "999")
	if c.has("#apply") || c.s.row(t, base+"in-1.html") != "" {
		t.Error("applied with refused lines")
	}
	c.Do(chromedp.Click(chromedp.CSS("#again input[name=skip-bad]")))
	c.press("#again button", 200)
	c.planned("planned")
	c.press("#apply button", 200)
	c.planned("applied")
	if a, b := c.s.row(t, base+"in-1.html"), c.s.row(t, base+"in-2.html"); a != "301 /about.html" || b != "" {
		t.Errorf("imported: %q, %q", a, b)
	}
	// Typed lines.
	c.at("import")
	c.fill("#i-text", "path,status,source\n"+base+"in-5.html,302,/docs/\n", "#i-format", "csv")
	c.press("#import button.main", 200)
	c.planned("planned")
	c.press("#apply button", 200)
	c.planned("applied")
	if got := c.s.row(t, base+"in-5.html"); got != "302 /docs/" {
		t.Errorf("typed: %q", got)
	}
}

func passAsk(t *testing.T, _ *browsertest.Browser, c *seat, base string) {
	c.s.write(t, set{"otto", mapping.OriginCLI, "", []page{{row: base + "handbook.html 200 file:/about.html"}}})
	c.at("ask")
	c.fill("#a-url", "http://"+host+base+"handbok.html?x=1")
	c.press("#ask button", 200)
	c.says("#answer", "404", "Was this meant?")
	near := "#near form input[value='" + base + "handbook.html']"
	if c.view.NoScript {
		eventually(t, apacheWait, "a near miss", func() bool {
			c.press("#ask button", 200)
			return c.has(near)
		})
	}
	c.await(near) // the script loads the page again
	c.press("#near li:has(a[href*=handbook]) button", 200)
	if got := c.s.row(t, base+"handbok.html"); got != "301 "+base+"handbook.html" {
		t.Errorf("mapped: %q", got)
	}
	eventually(t, apacheWait, "both responders", func() bool { // which take turns
		c.at("ask?url=" + base + "handbok.html")
		return strings.Contains(c.Text("#answer"), "301")
	})
	c.says("main", base+"handbook.html", "Change-set", "maria")
	c.at("ask?url=" + base + "handbook.html")
	c.says("#answer", "200", "file:/about.html")
	c.at("ask?url=" + base + "nothing/at/all")
	c.press("#map", 200)
	if got := browsertest.Get(c.Tab, chromedp.Value(chromedp.CSS("#e-path"))); got != base+"nothing/at/all" {
		t.Errorf("a row of %q", got)
	}
}

func passMisses(t *testing.T, _ *browsertest.Browser, c *seat, base string) {
	dir := base + "missed/"
	c.s.count(t, func(n *traffic.Tally) {
		for i, name := range []string{"a", "b", "c", "d", "e", "f"} {
			for range 9 - i {
				n.Miss(mapping.Path(dir+name+".html"), "https://forum.example.com/t/1", time.Now())
			}
		}
	})
	c.at("misses?under=" + dir)
	c.says("#misses tbody tr:first-child", dir+"a.html", "9", "forum.example.com")
	row := func(name string) string { return fmt.Sprintf("#misses tr[data-near='%s%s.html'] ", dir, name) }
	c.fill(row("a")+"input.target", "/about.html")
	c.press(row("a")+"button[name=map]", 200)
	if got := c.s.row(t, dir+"a.html"); got != "301 /about.html" {
		t.Errorf("mapped: %q", got)
	}
	c.press(row("b")+"button[name=gone]", 200)
	if got := c.s.row(t, dir+"b.html"); got != "410" {
		t.Errorf("gone: %q", got)
	}
	c.press(row("c")+"button[name=ignore]", 200)
	c.Do(chromedp.Click(chromedp.CSS(row("d")+"input[type=checkbox]")), chromedp.Click(chromedp.CSS(row("e")+"input[type=checkbox]")))
	c.press("#settle button[name=all][value=gone]", 200)
	c.says(".done", "2 paths")
	if d, e := c.s.row(t, dir+"d.html"), c.s.row(t, dir+"e.html"); d != "410" || e != "410" {
		t.Errorf("many: %q, %q", d, e)
	}
	eventually(t, apacheWait, "both responders", func() bool {
		c.at("misses?under=" + dir)
		return len(c.texts("#misses tbody tr")) == 1
	})
	if c.view.NoScript {
		c.Do(chromedp.Click(chromedp.CSS(row("f") + "input[type=checkbox]")))
	} else {
		c.Do(chromedp.Click(chromedp.CSS("#all")))
	}
	c.press("#settle button[name=all][value=ignore]", 200)
	c.at("ignored")
	c.says("#ignored", dir+"c.html", dir+"f.html", "maria")
	c.Do(chromedp.Click(chromedp.CSS("#ignored input[value='" + dir + "c.html']")))
	c.press("#ignored button", 200)
	if strings.Contains(c.Text("#ignored"), dir+"c.html") {
		t.Error("ignored still")
	}
}

func passChanges(t *testing.T, _ *browsertest.Browser, c *seat, base string) {
	a, b := base+"changed-a.html", base+"changed-b.html"
	id := c.s.write(t, set{"lena", mapping.OriginCLI, "a rash one", []page{{row: a + " 410"}, {row: b + " 410"}}})
	c.s.write(t, set{"otto", mapping.OriginCLI, "", []page{{row: b + " 301 /about.html"}}})
	c.at("changes")
	c.fill("#c-path", a)
	c.press("#filter button", 200)
	c.says("#sets", "lena", "a rash one", "cli")
	c.press(fmt.Sprintf("#sets a[href$='/%d']", id), 200)
	c.says("main", a, b, "410", "2 rows added")
	c.fill("#r-why", "too rash")
	c.press("#revert button", 200)
	if counts := c.planned("planned"); counts["removed"] != "1" || counts["in the way"] != "1" {
		t.Errorf("revert: %v", counts)
	}
	c.says("#h-conflicts ~ *", b, "/about.html")
	c.fill("#p-conflict", "replace")
	c.press("#again button", 200)
	if counts := c.planned("planned"); counts["removed"] != "2" {
		t.Errorf("with the conflict: %v", counts)
	}
	c.press("#apply button", 200)
	c.planned("applied")
	if got := c.s.row(t, a) + c.s.row(t, b); got != "" {
		t.Errorf("taken back: %q", got)
	}
}

func passFront(t *testing.T, c *seat) {
	eventually(t, apacheWait, "shares and reports", func() bool {
		c.at("")
		return c.has(".progress tbody tr:nth-child(3)") && len(c.texts("#responders tbody tr")) == 2 && c.has("#responders td:nth-child(2)")
	})
	c.says(".progress", "All", "/docs/", "file", "wiki", "redirect", "gone")
	c.says("#h-traffic ~ *", "hits a day")
	c.says("#h-sets ~ *", "maria")
	if !c.has("svg.bar rect") || !c.has("svg.plot rect") {
		t.Error("no plots")
	}
	if got := c.texts(".cards strong"); len(got) != 3 || slices.Contains(got, "0") {
		t.Errorf("needs a decision: %q", got)
	}
	// Times in the reader's zone, with the exact instant.
	if got := browsertest.Get(c.Tab, chromedp.AttributeValue(chromedp.CSS("main time"), "title")); !strings.Contains(got.Value, "UTC)") {
		t.Errorf("time: %q", got.Value)
	}
	c.press(".progress a[href*=docs]", 200)
	c.says("#count", "under /docs/")
	c.sound()
}
