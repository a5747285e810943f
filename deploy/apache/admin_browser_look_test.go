// How the admin page looks: for everybody, on every screen, by keyboard alone; and its pictures.

package apache_test

import (
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"pagemap/deploy/apache/browsertest"
)

// What scripts/screenshots asks for.
var pictures = flag.String("pictures", "", "`DIR` to write pictures of every admin page to")

// look is a page of the admin page. reach leads there from path, nil: path is enough.
type look struct {
	name, path string
	reach      func(c *seat)
}

// view is a View and its name.
type view struct {
	name string
	browsertest.View
}

// adminLooks are all pages.
func adminLooks(t *testing.T, s *adminSite) []look {
	user := client(t)
	plan := func(path string, form url.Values) string {
		t.Helper()
		res, text := s.request(t, user, "maria", "POST", "/pagemap-admin/"+path, form, "Origin", s.URL)
		if res.StatusCode != 303 {
			t.Fatalf("%s: %d %s", path, res.StatusCode, text)
		}
		return strings.TrimPrefix(res.Header.Get("Location"), "/pagemap-admin/")
	}
	planned := func(c *seat) { c.planned("planned") }
	lines := "path,status,source\n/people/otto/,301,https://otto.example.org/\n/old/board.asp,410,\n/faq.html,301,/docs/\n/old/x.html,301,javascript:alert(1)\n/old/y.html,999,/\n"
	return []look{
		{name: "front", reach: func(c *seat) {
			eventually(t, apacheWait, "shares and reports", func() bool {
				c.at("")
				return c.has(".progress td:nth-child(3) rect") && len(c.texts("#responders tbody tr")) == 2
			})
		}},
		{name: "pages", path: "pages"},
		{name: "pages-none", path: "pages?q=nothing-like-this"},
		{name: "page", path: "page?path=/docs/install.html"},
		{name: "page-new", path: "page?path=/docs/new.html&source=/faq.html&status=301"},
		{name: "page-refused", path: "page?path=/FAQ.html", reach: func(c *seat) { c.fill("#e-source", "/FAQ.html"); c.press("#save", 422) }},
		{name: "conflict", path: "page?path=/links.html", reach: func(c *seat) {
			c.Do(chromedp.SetValue(chromedp.CSS("#edit input[name=seen]"), "1"))
			c.fill("#e-source", "/projects/", "#e-note", "omega is no more")
			c.press("#save", 409)
		}},
		{name: "flip", path: "flip?path=/docs/install.html"},
		{name: "bulk", path: "bulk?under=/docs/"},
		{name: "plan", path: plan("plans", url.Values{"filter": {"under=/docs/"}, "op": {"move"}, "from": {"/docs/"}, "to": {"/handbook/"}, "why": {"one handbook"}}), reach: planned},
		{name: "import", path: "import"},
		{name: "import-plan", path: plan("import", url.Values{"format": {"csv"}, "text": {lines}, "why": {"what people asked for"}}), reach: planned},
		{name: "ask", path: "ask?url=/docs/instal.html"},
		{name: "ask-page", path: "ask?url=/manual.html"},
		{name: "misses", path: "misses"},
		{name: "ignored", path: "ignored"},
		{name: "changes", path: "changes"},
		{name: "change", path: "changes/2"},
		{name: "findings", path: "findings?kind=dead"},
		{name: "error", path: "changes/99999", reach: func(*seat) {}},
	}
}

func TestAdminLook(t *testing.T) {
	b := browsertest.Start(t)
	s := upOldSite(t, adminOptions{})
	looks := adminLooks(t, s)
	views := []view{{"light-wide", browsertest.View{}}, {"dark-360", browsertest.View{Width: 360, Height: 740, Dark: true}}}
	if *pictures != "" { // colours do not depend on the width
		views = append(views, view{"dark-wide", browsertest.View{Dark: true}}, view{"light-360", browsertest.View{Width: 360, Height: 740}})
	}
	for _, v := range views {
		t.Run(v.name, func(t *testing.T) {
			c := s.sit(t, b, "maria", v.View)
			for _, l := range looks {
				c.Open(s.URL + "/pagemap-admin/" + l.path)
				if l.reach != nil {
					l.reach(c)
				}
				c.fit(l.name, v.View)
				if *pictures != "" {
					// A frame is not drawn before it has been in sight.
					c.Do(chromedp.Evaluate[chromedp.Void](`(async () => {
						document.querySelector("iframe")?.scrollIntoView();
						await new Promise(done => setTimeout(done, 200));
					})()`, chromedp.EvalAwaitPromise))
					if err := os.WriteFile(filepath.Join(*pictures, l.name+"-"+v.name+".png"), small(t, c.Screenshot()), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				for _, violation := range c.Accessibility() {
					t.Errorf("%s: %s", l.name, violation)
				}
			}
			c.sound("status of 4")
		})
	}
	t.Run("side by side", func(t *testing.T) {
		// No script runs in this one, not even axe-core, so it is looked at without its policy.
		c := b.Tab(t, browsertest.View{})
		_, text := s.request(t, client(t), "maria", "GET", "/pagemap-admin/compare?path=/docs/install.html", nil)
		c.Show(text)
		if n := browsertest.Get(c, chromedp.Evaluate[int](`document.querySelectorAll("iframe").length`)); n != 2 {
			t.Fatalf("%d frames: %s", n, text)
		}
		if *pictures != "" {
			if err := os.WriteFile(filepath.Join(*pictures, "compare-light-wide.png"), small(t, c.Screenshot()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, violation := range c.Accessibility() {
			t.Error(violation)
		}
	})
	t.Run("keyboard", func(t *testing.T) { tabThrough(t, s.sit(t, b, "maria", browsertest.View{})) })
}

// fit fails if a page is wider than its window, or if something on it cannot be reached by scrolling.
func (c *seat) fit(name string, v browsertest.View) {
	c.t.Helper()
	wide := browsertest.Get(c.Tab, chromedp.Evaluate[[]string](`(() => {
		const width = document.documentElement.clientWidth, found = [];
		if (document.documentElement.scrollWidth > innerWidth) found.push("the page is " + document.documentElement.scrollWidth + " px wide");
		for (const e of document.body.querySelectorAll("*")) {
			const r = e.getBoundingClientRect();
			if (r.width > 0 && r.right > width + 1 && !e.closest(".scroll, .away, .skip")) found.push(e.tagName + "." + e.className + " ends at " + r.right);
		}
		return found;
	})()`))
	if len(wide) > 0 {
		c.t.Errorf("%s, %d px: %q", name, v.Width, wide)
	}
}

// tabThrough goes through the list of rows by the Tab key: every link, button and field is reached, in the order of
// the page, and shows that it has the focus.
func tabThrough(t *testing.T, c *seat) {
	c.at("pages")
	all := browsertest.Get(c.Tab, chromedp.Evaluate[int](`(() => {
		let n = 0;
		for (const e of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, [tabindex='0']")) e.dataset.order = n++;
		return n;
	})()`))
	next := 0
	for range all + 10 { // a date has several stops
		c.Do(chromedp.KeyEvent(kb.Tab))
		at := browsertest.Get(c.Tab, chromedp.Evaluate[struct {
			Order int
			Shown bool
			HTML  string
		}](`(() => {
			const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
			return {order: Number(e.dataset.order ?? -1), html: e.outerHTML.slice(0, 100),
				shown: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 && r.bottom > 0 && r.top < innerHeight};
		})()`))
		switch {
		case at.Order == next-1: // a part of the same field
			continue
		case at.Order != next:
			t.Fatalf("stop %d is %d: %s", next, at.Order, at.HTML)
		case !at.Shown:
			t.Errorf("the focus cannot be seen: %s", at.HTML)
		}
		if next++; next == all {
			return
		}
	}
	t.Errorf("%d of %d were reached", next, all)
}
