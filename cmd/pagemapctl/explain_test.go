package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pagemap/cmd/internal/config"
	"pagemap/cmd/internal/serving"
	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
	"pagemap/mapping"
	"pagemap/render"
	"pagemap/render/cache"
	"pagemap/render/cache/memcachetest"
)

// way is a way in which a URL may be resolved.
type way struct {
	name   string
	url    func(i, variant int) string // of one of the bases
	rule   string                      // of a step that tells of it; "" for any
	status int
}

const bases = 40 // rows or files of each way

// ways are the ways of resolving. ?v= makes a URL another one without changing where it leads.
var ways = []way{
	{"a made row", func(i, v int) string { return fmt.Sprintf("/made/%d.html?v=%d", i, v) }, "exact", 200},
	{"a made row by its twin", func(i, v int) string { return fmt.Sprintf("/twin%d/index.html?v=%d", i, v) }, "index", 200},
	{"a redirect", func(i, v int) string { return fmt.Sprintf("/r301/%d?v=%d", i, v) }, "redirect", 301},
	{"a redirect to another host", func(i, v int) string { return fmt.Sprintf("/r302/%d?v=%d", i, v) }, "redirect", 302},
	{"gone", func(i, v int) string { return fmt.Sprintf("/gone/%d?v=%d", i, v) }, "exact", 410},
	{"a 404 row", func(i, v int) string { return fmt.Sprintf("/never/%d?v=%d", i, v) }, "exact", 404},
	{"a prefix row with a page", func(i, v int) string { return fmt.Sprintf("/pre/%d.html?v=%d", i, v) }, "prefix", 200},
	{"a prefix row that redirects", func(i, v int) string { return fmt.Sprintf("/moved/%d/%d?x", i, v) }, "redirect", 301},
	{"a query row", func(i, v int) string { return fmt.Sprintf("/ask?v=%d&id=%d", v, i) }, "redirect", 302},
	{"a crawled row", func(i, v int) string { return fmt.Sprintf("/t/%d.html?v=%d", i, v) }, "file", 200},
	{"a file without a row", func(i, v int) string { return fmt.Sprintf("/new/%d.html?v=%d", i, v) }, "file", 200},
	{"an index", func(i, v int) string { return fmt.Sprintf("/dir%d/index.html?v=%d", i, v) }, "index", 200},
	{"a slash too few", func(i, v int) string { return fmt.Sprintf("/dir%d?v=%d", i, v) }, "slash", 301},
	{"a slash too many", func(i, v int) string { return fmt.Sprintf("/t/%d.html/?v=%d", i, v) }, "slash", 301},
	{"another case", func(i, v int) string { return fmt.Sprintf("/T/%d.HTML?v=%d", i, v) }, "case", 301},
	{"ambiguous case", func(i, v int) string { return fmt.Sprintf("/AMB/%d?v=%d", i, v) }, "case", 404},
	{"slashes and dots", func(i, v int) string { return fmt.Sprintf("//t/x/.././%d.html?v=%d", i, v) }, "spelling", 301},
	{"percent escapes", func(i, v int) string { return fmt.Sprintf("/%%74/%d%%2ehtml?v=%d", i, v) }, "file", 200},
	{"MultiViews", func(i, v int) string { return fmt.Sprintf("/t/%d?v=%d", i, v) }, "multiviews", 200},
	{"a chain", func(i, v int) string { return fmt.Sprintf("/chain/%d?v=%d", i, v) }, "redirect", 302},
	{"a loop", func(i, v int) string { return fmt.Sprintf("/loop/%d?v=%d", i, v) }, "redirect", 404},
	{"a chain that is too deep", func(i, v int) string { return fmt.Sprintf("/deep/%d/0?v=%d", i, v) }, "redirect", 404},
	{"a data resource", func(i, v int) string { return fmt.Sprintf("/zip/%d.zip?v=%d", i, v) }, "file", 302},
	{"a vanished file", func(i, v int) string { return fmt.Sprintf("/lost/%d.html?v=%d", i, v) }, "file", 404},
	{"a restricted file", func(i, v int) string { return fmt.Sprintf("/secret/%d.html?v=%d", i, v) }, "none", 404},
	{"nothing", func(i, v int) string { return fmt.Sprintf("/nothing/%d/%d", i, v) }, "none", 404},
	{"a wiki's page", func(i, v int) string { return fmt.Sprintf("/wiki/%d?v=%d", i, v) }, "exact", 503},
	{"a bad path", func(i, v int) string { return fmt.Sprintf("/bad/%d/%%zz%d", i, v) }, "path", 400},
	{"a path that is too long", func(i, v int) string { return fmt.Sprintf("/%s/%d/%d", strings.Repeat("long", 600), i, v) }, "path", 414},
}

// everyWay is a site on which each of the ways leads somewhere.
func everyWay(t *testing.T) (*site, []mapping.Row) {
	t.Helper()
	files := map[string]string{"secret/.htaccess": "Require ip 10\n"}
	var rows []mapping.Row
	add := func(origin mapping.Origin, pattern string, status uint16, source string) {
		page, err := mapping.Hosts{"www.example.org"}.Clean(mapping.Page{Row: mapping.Row{Pattern: pattern, Status: status, Source: source, Origin: origin, Changed: int64(len(rows))}})
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, page.Row)
	}
	const made, crawled = mapping.OriginImport, mapping.OriginPopulate
	for i := range bases {
		for _, name := range []string{"t/%d.html", "new/%d.html", "dir%d/index.html", "twin%d/index.html", "zip/%d.zip", "secret/%d.html", "base/%d.html"} {
			files[fmt.Sprintf(name, i)] = fmt.Sprintf("<h1>%s %d</h1>", name, i)
		}
		page := fmt.Sprintf("/t/%d.html", i)
		add(crawled, page, 200, "file:"+page)
		add(crawled, fmt.Sprintf("/dir%d/", i), 200, fmt.Sprintf("file:/dir%d/index.html", i))
		add(crawled, fmt.Sprintf("/lost/%d.html", i), 200, fmt.Sprintf("file:/lost/%d.html", i))
		add(made, fmt.Sprintf("/made/%d.html", i), 200, "file:"+page)
		add(made, fmt.Sprintf("/twin%d/", i), 200, "file:"+page)
		add(made, fmt.Sprintf("/r301/%d", i), 301, page+"?own=1#part")
		add(made, fmt.Sprintf("/r302/%d", i), 302, fmt.Sprintf("https://other.example/%d", i))
		add(made, fmt.Sprintf("/gone/%d", i), 410, page)
		add(made, fmt.Sprintf("/never/%d", i), 404, "")
		add(made, fmt.Sprintf("/moved/%d/*", i), 301, fmt.Sprintf("/there/%d/*", i))
		add(made, fmt.Sprintf("/ask?id=%d", i), 302, page)
		add(made, fmt.Sprintf("/amb/%d", i), 200, "wiki:A")
		add(made, fmt.Sprintf("/Amb/%d", i), 200, "wiki:B")
		add(made, fmt.Sprintf("/chain/%d", i), 301, fmt.Sprintf("/r301/%d", i))
		add(made, fmt.Sprintf("/loop/%d", i), 301, fmt.Sprintf("/pool/%d", i))
		add(made, fmt.Sprintf("/pool/%d", i), 302, fmt.Sprintf("/loop/%d", i))
		add(made, fmt.Sprintf("/wiki/%d", i), 200, "wiki:Page")
		for hop := range mapping.MaxHops + 1 {
			add(made, fmt.Sprintf("/deep/%d/%d", i, hop), 301, fmt.Sprintf("/deep/%d/%d", i, hop+1))
		}
	}
	for i := range rows {
		if strings.HasPrefix(rows[i].Pattern, "/chain/") {
			rows[i].Status = 302
		}
	}
	add(made, "/pre/*", 200, "file:/base/*")
	s := offline(t, files)
	s.env["PAGEMAP_MULTIVIEWS"] = "true"
	return s, rows
}

// TestExplainAgrees asks for URLs over FastCGI, 5,000 in each way of resolving
// (with the race detector 300), and has them explained: the same status and
// Location, byte for byte, and a step that tells of the way.
func TestExplainAgrees(t *testing.T) {
	each := 5000
	if raceEnabled {
		each = 300
	}
	s, rows := everyWay(t)
	settings, err := config.Parse(nil, func(name string) string { return s.env[name] })
	if err != nil {
		t.Fatal(err)
	}
	table := mapping.NewTable(slices.Values(rows))
	pages, err := cache.New(cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pages.Close()
	quiet := slog.New(slog.DiscardHandler)
	h, err := serving.New(serving.Options{Settings: settings, Logger: quiet, Pages: pages, Table: func() *mapping.Table { return table }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	dir, err := os.MkdirTemp("", "pm")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	server := fcgi.NewServer(h, fcgi.Options{Logger: quiet, Prompt: h.Prompt})
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer func() {
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		<-served
	}()

	a := &app{streams: streams{err: os.Stderr}, settings: settings, getenv: func(name string) string { return s.env[name] }}
	x, err := a.explainer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer x.close()
	x.table = table // in place of the mapping file's; nothing is suggested

	const clients = 4
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			conn, err := fcgitest.Dial(l.Addr())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			for w := client; w < len(ways); w += clients {
				for n := range each {
					if err := agree(t, x, conn, &ways[w], ways[w].url(n%bases, n/bases)); err != nil {
						t.Errorf("%s: %v", ways[w].name, err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// agree compares what a URL answers over FastCGI with what is explained.
func agree(t *testing.T, x *explainer, conn *fcgitest.Conn, w *way, url string) error {
	res, err := conn.Do(fcgitest.Request{Method: "HEAD", Target: url})
	if err != nil {
		return err
	}
	e, err := x.Explain(t.Context(), url, maxSuggestions)
	if err != nil {
		return err
	}
	location := strings.Join(res.Header["Location"], "\n")
	switch {
	case res.Status != w.status:
		return fmt.Errorf("%s answers %d, want %d", url, res.Status, w.status)
	case e.Status != res.Status || strings.Join(e.Header["Location"], "\n") != location:
		return fmt.Errorf("%s answers %d %q, explained as %d %q", url, res.Status, location, e.Status, e.Header["Location"])
	case !slices.ContainsFunc(e.Steps, func(s mapping.Step) bool { return s.Rule == w.rule }):
		return fmt.Errorf("%s: no step %q in %+v", url, w.rule, e.Steps)
	}
	return nil
}

// TestExplainFacts: rows with their change-sets, hops, the file, memcached, and
// suggestions.
func TestExplainFacts(t *testing.T) {
	memcached := memcachetest.Start(t, memcachetest.Options{})
	s := newSite(t, files)
	s.env["PAGEMAP_MEMCACHED"] = memcached.Addr()
	s.run(0, "migrate")
	s.run(0, "populate", "-m", "first crawl")
	s.run(0, "page", "set", "/alt.html", "301", "/neu.html", "-m", "by mail", "--author", "otto", "--note", "kept")
	s.run(0, "page", "set", "/neu.html", "301", "/about.html")

	out := s.run(0, "explain", "//alt.html?x").out
	contains(t, out, "key       //alt.html   the query is no part of it", "/alt.html    runs of slashes become one", "row /alt.html: 301 /neu.html (cli)", "note kept",
		"by otto in change-set", "(cli): by mail", "chain of 2 redirects, answered as one: /alt.html -> /neu.html", "Location: /about.html?x")
	out = s.run(0, "explain", "/about.html").out
	contains(t, out, "row /about.html: 200 file:/about.html (populate)", "(populate): first crawl", "file /about.html", "14 bytes, modified", "page, text/html", "cache key ", "not in memcached")
	contains(t, s.run(0, "explain", "/files/tool.zip").out, "data resource, application/zip")
	contains(t, s.run(1, "explain", "/old/secret.html").out, "file /old/secret.html", "not served: restricted by .htaccess (/old/.htaccess line 1: Require ip 10)")
	contains(t, s.run(1, "explain", "/form.php").out, "not served: program source")
	contains(t, s.run(1, "explain", "/abuot.htm").out, "was this meant?", "/about.html (typing)")
	contains(t, s.run(1, "explain", "/%zz").out, "400 Bad Request", "bad escape")

	// As a responder of this site keeps a page.
	settings, err := config.Parse(nil, func(name string) string { return s.env[name] })
	if err != nil {
		t.Fatal(err)
	}
	pages, err := serving.Cache(settings, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer pages.Close()
	a := &app{streams: streams{err: os.Stderr}, settings: settings, getenv: func(name string) string { return s.env[name] }}
	x, err := a.explainer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer x.close()
	h, err := serving.New(serving.Options{Settings: settings, Pages: pages, Table: func() *mapping.Table { return x.table }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	old := time.Now().Add(-time.Hour) // one just written may still change, and is not kept
	if err := os.Chtimes(filepath.Join(s.tree, "about.html"), old, old); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, &http.Request{Method: "GET", RequestURI: "/about.html", Header: http.Header{"Accept-Encoding": {"gzip"}}})
	if w.Code != 200 {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	var told []explanation
	out = s.run(0, "explain", "--json", "/about.html").out
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || told[0].Cache == nil || told[0].Cache.Tier != "memcached" || told[0].Key != "/about.html" || len(told[0].Rows) != 1 || told[0].Rows[0].ChangeSet == nil {
		t.Errorf("%s", out)
	}
	contains(t, s.run(0, "explain", "/about.html").out, "kept in memcached")
	memcached.Kill()
	contains(t, s.run(0, "explain", "/about.html").out, "cache: looking for a page")
}

// TestExplainFiles: the state of files in a tree without a table.
func TestExplainFiles(t *testing.T) {
	s := offline(t, map[string]string{"a.html": "a", "big.gif": strings.Repeat("x", 300<<10), "large.html": strings.Repeat("x", render.MaxKept+1)})
	if err := os.Symlink("a.html", filepath.Join(s.tree, "link.html")); err != nil {
		t.Fatal(err)
	}
	contains(t, s.run(0, "explain", "/link.html").out, "behind a symlink: /a.html")
	contains(t, s.run(0, "explain", "/big.gif").out, "307200 bytes", "data resource, image/gif", "Location: /data/big.gif")
	if out := s.run(0, "explain", "/large.html").out; strings.Contains(out, "cache key") {
		t.Errorf("a page that is streamed has a key:\n%s", out)
	}
	contains(t, s.run(1, "explain", "/lnik.html").out, "/link.html (typing)")
}
