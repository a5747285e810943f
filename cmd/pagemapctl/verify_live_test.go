package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pagemap/cmd/internal/config"
	"pagemap/cmd/internal/serving"
	"pagemap/fcgi/explain"
	"pagemap/mapping"
	"pagemap/mapping/verify"
)

// serve answers as the site does, over HTTP.
func (s *verified) serve(wrap func(http.Handler) http.Handler) *httptest.Server {
	s.t.Helper()
	settings, err := config.Parse(nil, func(name string) string { return s.env[name] })
	if err != nil {
		s.t.Fatal(err)
	}
	a := &app{streams: streams{err: os.Stderr}, settings: settings}
	table, err := a.table(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	h, err := serving.New(serving.Options{
		Settings: settings, Logger: slog.New(slog.DiscardHandler), Pages: explain.Undrawn{}, Data: true, Table: func() *mapping.Table { return table },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { h.Close() })
	var handler http.Handler = h
	if wrap != nil {
		handler = wrap(h)
	}
	server := httptest.NewServer(handler)
	s.t.Cleanup(server.Close)
	return server
}

// TestVerifyLive verifies real servers: one that is the same, and some with
// regressions that only a server can have.
func TestVerifyLive(t *testing.T) {
	s := newVerified(t)
	answer := func(path string, answer http.HandlerFunc) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == path {
					answer(w, r)
				} else {
					h.ServeHTTP(w, r)
				}
			})
		}
	}
	for _, test := range []struct {
		name string
		wrap func(http.Handler) http.Handler
		want []string
	}{
		{name: "nothing"},
		{"an error of the server", answer("/p/p01.html", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }), []string{"failed /p/p01.html"}},
		{"no answer", answer("/p/p02.html", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), []string{"failed /p/p02.html"}},
		{"a login", answer("/p/p04.html", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }), []string{"refused /p/p04.html"}},
		{"a chain", func(h http.Handler) http.Handler {
			first := answer("/p/p05.html", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusMovedPermanently) })
			return first(answer("/x", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/docs/a.html", http.StatusMovedPermanently)
			})(h))
		}, []string{"chain /p/p05.html"}},
		{"a loop", answer("/p/p06.html", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/p/p06.html", http.StatusFound) }), []string{"loop /p/p06.html"}},
		{"another type", answer("/p/p07.html", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, "<h1>Page 7</h1>")
		}), []string{"type /p/p07.html"}},
		{"half a page", answer("/p/p08.html", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<h1>Page")
		}), []string{"content /p/p08.html"}},
		{"another host as its own", answer("/p/p09.html", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://www.example.org/docs/b.html", http.StatusMovedPermanently)
		}), []string{"elsewhere /p/p09.html"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := s.serve(test.wrap)
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			if got := s.worse("--against", server.URL, "--rate", "0"); !slices.Equal(got, test.want) {
				t.Errorf("worse %q, want %q", got, test.want)
			}
		})
	}
}

// TestVerifyCrawl: a crawl finds what is linked, is refused where nobody allowed
// it, and is a baseline.
func TestVerifyCrawl(t *testing.T) {
	s := newVerified(t)
	s.file("index.html", `<base href="/docs/"><link rel=stylesheet href=/style.css><a href="a.html#x">A</a><a href="../p/p01.html?x=1&amp;y">1</a>
<img srcset="/files/small.gif 1x, /files/tool.zip 2x"><a href="https://other.example/no">out</a><a href="mailto:x@example.org">mail</a><a href=/old.html>old</a><a href="/not there">404</a>
<a href="https://www.example.org/p/p02.html">own</a><meta http-equiv=refresh content="5; URL='/q/'"><a href="//other.example/no">no</a><a href="/%zz">bad</a>`)
	s.file("style.css", `@import "more.css"; body { background: url( 'notes.txt' ) }`)
	s.file("more.css", ``)
	s.file("docs/a.html", `<a href="b.html">B</a><a href="a.html">A</a>`)
	server := s.serve(nil)
	r := s.run(3, "verify", "--crawl", server.URL)
	contains(t, r.err, "not a public address")
	recorded := filepath.Join(filepath.Dir(s.mapping), "crawled.jsonl")
	s.run(0, "verify", "--crawl", server.URL, "--allow-host", "127.0.0.1", "--baseline", recorded, "--rate", "0")
	v := verify.NewInventory(verify.Options{})
	if err := v.ReadFile(t.Context(), recorded, nil); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range v.All() {
		got = append(got, fmt.Sprint(e.Target, " ", e.Status))
	}
	slices.Sort(got)
	want := []string{
		"/ 200", "/%zz 400", "/data/files/tool.zip 200", "/docs/a.html 200", "/docs/b.html 200", "/files/small.gif 200", "/files/tool.zip 302", "/more.css 200", "/not%20there 404",
		"/notes.txt 200", "/old.html 301", "/p/p01.html?x=1&y 200", "/p/p02.html 200", "/q/ 200", "/style.css 200",
	}
	if !slices.Equal(got, want) {
		t.Errorf("crawled\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	contains(t, s.run(2, "verify", "--crawl", server.URL, "--allow-host", "127.0.0.1", "--baseline", recorded).err, "is there already", "verify "+recorded)
	contains(t, s.run(0, "verify", recorded).out, "baseline of 15 records, 15 new URLs", "15 URLs (17 hits) as before")
	s.remove("docs/b.html")
	contains(t, s.run(1, "verify", "--crawl", server.URL, "--allow-host", "127.0.0.1", "--rate", "0", recorded).out, "WORSE lost", "/docs/b.html")
	contains(t, s.run(0, "verify", "--crawl", server.URL, "--allow-host", "127.0.0.1", "--rate", "0", "--max-urls", "3").out, "beyond the limit", "3 URLs")
}
