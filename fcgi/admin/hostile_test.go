package admin

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/traffic"
)

// What would run as script, or change the page, if it were not shown as text.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`, `</textarea><script>alert(1)</script>`,
	`</title></style><svg onload=alert(1)>`, `{{.Body}}${alert(1)}`, `<!--<script>`, `]]><script>alert(1)</script>`, `&lt;script&gt;alert(1)&lt;/script&gt;`,
	"\u202e\u2066right to left", "line\nbreak\ttab", `\";alert(1)//`, `<a href="javascript:alert(1)">x</a>`, `<iframe srcdoc="<script>alert(1)</script>">`, `<base href=//evil.example>`,
	`<meta http-equiv=refresh content=0;url=//evil.example>`, `<form action=//evil.example>`, `<link rel=stylesheet href=//evil.example>`, strings.Repeat("long", 500),
}

// allowed are the elements and attributes that the templates make.
var forbidden = map[string]bool{"base": true, "object": true, "embed": true, "style": true, "img": true, "link": false, "iframe": false}

// sound fails if a page has an element or an attribute that could only come from
// its content.
func (a *answer) sound(what string) {
	a.t.Helper()
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			if forbidden[n.Data] {
				a.t.Errorf("%s: <%s>", what, n.Data)
			}
			attr := map[string]string{}
			for _, at := range n.Attr {
				attr[at.Key] = at.Val
				value := strings.ToLower(strings.TrimSpace(at.Val))
				switch {
				case strings.HasPrefix(at.Key, "on"), at.Key == "style", at.Key == "srcdoc":
					a.t.Errorf("%s: <%s %s=%q>", what, n.Data, at.Key, at.Val)
				case (at.Key == "href" || at.Key == "src" || at.Key == "action" || at.Key == "formaction") && !strings.HasPrefix(at.Val, "/") && value != "#main",
					strings.HasPrefix(value, "//") && (at.Key == "href" || at.Key == "src" || at.Key == "action"):
					a.t.Errorf("%s: <%s %s=%q>", what, n.Data, at.Key, at.Val)
				}
			}
			switch n.Data {
			case "script":
				if !strings.HasPrefix(attr["src"], DefaultPath+"static/admin.js") || n.FirstChild != nil {
					a.t.Errorf("%s: a script of another source: %v", what, attr)
				}
			case "meta":
				if attr["http-equiv"] != "" {
					a.t.Errorf("%s: <meta http-equiv=%s>", what, attr["http-equiv"])
				}
			case "iframe":
				if sandbox, ok := attr["sandbox"]; !ok || sandbox != "" {
					a.t.Errorf("%s: a frame that is not sandboxed: %v", what, attr)
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(a.doc)
	harmless(a.t.(*testing.T), what, a)
}

// Hostile content in every field is shown as text, everywhere.
func TestHostile(t *testing.T) {
	w := newWorld(t, map[string]string{"index.html": "home"})
	var edits []postgres.Edit
	var findings []postgres.Finding
	var lines strings.Builder
	lines.WriteString("path,status,source,tags,note\n")
	for i, h := range hostile {
		for j, p := range []mapping.Page{
			{Row: mapping.Row{Pattern: fmt.Sprintf("/h%d-%s", i, url.PathEscape(h[:min(len(h), 300)])), Status: 301, Source: "/", Origin: mapping.OriginCLI}, Tags: []string{plainTag(h)}, Note: h},
			{Row: mapping.Row{Pattern: fmt.Sprintf("/w%d", i), Status: 200, Source: "wiki:" + plainTag(h), Origin: mapping.OriginCLI}, Note: h},
			{Row: mapping.Row{Pattern: fmt.Sprintf("/t%d", i), Status: 302, Source: "https://x.example/?" + url.QueryEscape(h) + "#" + plainTag(h), Origin: mapping.OriginCLI}},
		} {
			clean, err := hosts.Clean(p)
			if err != nil {
				if j == 0 {
					t.Logf("%q: %v", h, err)
				}
				continue
			}
			edits = append(edits, postgres.Edit{Pattern: clean.Pattern, Page: &clean})
		}
		findings = append(findings, postgres.Finding{Kind: "dead", Path: fmt.Sprintf("/w%d", i), Detail: h, Command: h}, postgres.Finding{Kind: "dead", Path: h, Detail: h, Command: h})
		fmt.Fprintf(&lines, "%s,301,%s,%s,%s\n", csv(h), csv(h), csv(h), csv(h))
	}
	if len(edits) < 2*len(hostile) {
		t.Fatalf("only %d rows", len(edits))
	}
	for _, h := range hostile {
		cs := postgres.ChangeSet{Author: h, Origin: mapping.OriginCLI, Note: h}
		result, err := w.db.Write(t.Context(), cs, edits[:1])
		if err != nil {
			t.Fatal(err)
		}
		edits = edits[1:]
		w.o.Await(t.Context(), result.LastChange)
	}
	result, err := w.db.Write(t.Context(), postgres.ChangeSet{Author: hostile[0], Origin: mapping.OriginCLI, Note: hostile[1]}, edits)
	if err != nil {
		t.Fatal(err)
	}
	w.o.Await(t.Context(), result.LastChange)
	if err := w.db.KeepFindings(t.Context(), []string{"dead"}, findings); err != nil {
		t.Fatal(err)
	}
	w.add(func(c *traffic.Tally) {
		for _, h := range hostile {
			if p, err := mapping.ParsePath("/m" + url.PathEscape(h)); err == nil {
				c.Miss(p, "https://"+h+"/x", time.Now())
				c.Miss(p, h, time.Now())
			}
		}
	})
	if err := w.db.Report(t.Context(), postgres.Report{Name: hostile[0], Requests: 1}); err != nil {
		t.Fatal(err)
	}

	look := func(path string) *answer {
		t.Helper()
		a := w.ask("maria", "GET", path, nil)
		if a.status >= 500 {
			t.Errorf("GET %s: %d %s", path, a.status, a.text())
		}
		a.sound("GET " + path)
		return a
	}
	for _, path := range []string{"", "pages", "pages?order=changed", "pages?found=dead", "misses", "changes", "findings", "ignored", "import"} {
		look(path)
	}
	if a := look("pages"); !strings.Contains(a.body, "&lt;script&gt;") {
		t.Error("the hostile rows are not shown")
	}
	for i, h := range hostile {
		q := url.QueryEscape(h)
		for _, path := range []string{
			"pages?q=" + q, "pages?tag=" + q + "&by=" + q, "pages?under=" + q, "pages?how=matches&q=" + q, "pages?since=" + q, "pages?found=" + q, "pages?past=" + q, "pages?order=changed&at=" + q,
			"page?path=" + q, "page?path=/x&source=" + q + "&status=" + q, fmt.Sprint("page?path=/w", i), fmt.Sprint("page?path=/t", i),
			"page/check?path=" + q + "&source=" + q + "&tags=" + q, "ask?url=" + q, "ask?url=/" + q, "misses?under=" + q, "misses?past=" + q + "&hits=" + q, "near?path=" + q,
			"changes?author=" + q + "&path=" + q + "&since=" + q, "changes/" + url.PathEscape(strings.ReplaceAll(h, "/", "")), fmt.Sprint("changes/", i+2), "findings?kind=" + q + "&past=" + q,
			"bulk?q=" + q, "export?format=" + q, "plans/" + url.PathEscape(strings.ReplaceAll(h, "/", "")), "static/" + url.PathEscape(strings.ReplaceAll(h, "/", "")), url.PathEscape(strings.ReplaceAll(h, "/", "")),
		} {
			look(path)
		}
		for _, p := range []struct {
			path string
			form url.Values
		}{
			{"page", url.Values{"path": {"/p"}, "status": {"301"}, "source": {h}, "tags": {h}, "note": {h}, "why": {h}, "seen": {h}, "do": {"save"}}},
			{"page", url.Values{"path": {h}, "status": {h}, "source": {h}, "tags": {h}, "note": {h}, "why": {h}, "do": {h}}},
			{"page", url.Values{"path": {"/w1"}, "status": {"410"}, "source": {""}, "tags": {h}, "note": {h}, "why": {h}, "seen": {"1"}, "do": {"save"}}}, // a conflict
			{"plans", url.Values{"op": {"target"}, "from-target": {h}, "to-target": {h + "x"}, "why": {h}, "filter": {"q=" + q}}},
			{"plans", url.Values{"op": {"tag"}, "tag": {h}, "why": {h}, "filter": {"under=/w" + fmt.Sprint(i)}}},
			{"import", url.Values{"text": {h}, "format": {"htaccess"}, "why": {h}}},
			{"misses", url.Values{"ignore": {h}, "under": {h}}}, {"misses", url.Values{"map": {"/" + h}, "to /" + h: {h}}},
			{"ignored", url.Values{"pattern": {h}}}, {"changes/2/revert", url.Values{"why": {h}}},
		} {
			a := w.ask("maria", "POST", p.path, p.form)
			if a.status >= 500 {
				t.Errorf("POST %s %q: %d", p.path, h, a.status)
			}
			a.sound("POST " + p.path)
			if to := a.header.Get("Location"); to != "" {
				if !strings.HasPrefix(to, DefaultPath) {
					t.Errorf("POST %s leads to %s", p.path, to)
				}
				look(strings.TrimPrefix(to, DefaultPath))
			}
		}
	}
	a := w.upload(hostile[0]+".csv", lines.String(), url.Values{"format": {"csv"}, "why": {hostile[1]}})
	a.sound("import")
	a.says("<script>alert(1)</script>") // as text
	if a := w.ask("maria", "POST", "page", url.Values{"path": {"/x"}, "note": {"a\x00b"}}); a.status != 400 {
		t.Errorf("NUL: %d", a.status)
	}
	if a := w.ask("maria", "POST", "page", url.Values{"path": {"/bad-utf8"}, "seen": {"0"}, "status": {"410"}, "note": {"a\xffb"}, "do": {"save"}}); a.status != 303 {
		t.Errorf("bad UTF-8: %d", a.status)
	}
}

// plainTag is a text that a tag can be.
func plainTag(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == ',' {
			return -1
		}
		return r
	}, s))
}

func csv(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
