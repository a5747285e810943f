// What the edge stores, for whom, and who may have it forget.

package apache_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pagemap/fcgi/site/sitetest"
)

func TestEdgeStores(t *testing.T) {
	s := upEdge(t, edgeOptions{})
	tests := []struct {
		name   string
		method string // "" is GET
		target string
		header []string
		then   string // the second request's target, where it is another one
		status int
		stored bool // the second request is answered by the cache
	}{
		{name: "a page", target: "/about.html", status: 200, stored: true},
		{name: "the root", target: "/", status: 200, stored: true},
		{name: "a directory", target: "/docs/", status: 200, stored: true},
		{name: "a page by row", target: "/alias", status: 200, stored: true},
		{name: "by prefix row", target: "/mirror/guide.html", status: 200, stored: true},
		{name: "style", target: "/style.css", status: 200, stored: true},
		{name: "a small image", target: "/img/small.png", status: 200, stored: true},
		{name: "an empty page", target: "/empty.html", status: 200, stored: true},
		{name: "64 KiB", target: "/size/65536.html", status: 200, stored: true},
		{name: "an escaped name", target: "/a%20b%25.html", status: 200, stored: true},
		{name: "with a query", target: "/docs/guide.html?x=1", then: "/docs/guide.html", status: 200, stored: true},
		{name: "with another query", target: "/docs/guide.html?y=2", status: 200, stored: true},
		{name: "with a cookie", target: "/x.html", header: []string{"Cookie: a=1"}, then: "/x.html", status: 200, stored: true},
		{name: "one version of HTTP back", target: "/op/operator%25.html", status: 200, stored: true},

		{name: "the other name of a directory", target: "/x/index.html", status: 200},
		{name: "another spelling", target: "/%63aps.html", status: 404},
		{name: "percent spelling", target: "/s%68adow/free.html", status: 301},
		{name: "percent spelling of a page", target: "/fl%61t/page.html", status: 200},
		{name: "two slashes", target: "//flat/page.html", status: 301},
		{name: "dot segment", target: "/flat/./page.html", status: 301},
		{name: "another case", target: "/Flat/Page.html", status: 301},
		{name: "without the slash", target: "/docs", status: 301},
		{name: "301", target: "/moved", status: 301},
		{name: "302", target: "/temporary", status: 302},
		{name: "302 to data", target: "/files/doc.pdf", status: 302},
		{name: "410", target: "/gone", status: 410},
		{name: "404", target: "/nothing", status: 404},
		{name: "400", target: "/%01", status: 400},
		{name: "a path with query rows", target: "/q", status: 200},
		{name: "that path with an unknown query", target: "/q?other=1", status: 200},
		{name: "a streamed page", target: "/big.html", status: 200},
		{name: "a page too large for the zone", target: "/size/921600.html", status: 200},
		{name: "HEAD", method: "HEAD", target: "/two/", status: 200},
		{name: "a range", target: "/0123.txt", header: []string{"Range: bytes=0-3"}, then: "/0123.txt", status: 206},
		{name: "Authorization", target: "/app.js", header: []string{"Authorization: Basic eDp5"}, then: "/app.js", status: 200},
		{name: "a user", target: "/feed.xml", header: []string{"X-Test-User: eve"}, then: "/feed.xml", status: 200},
		{name: "If-Match that fails", target: "/data.json", header: []string{`If-Match: "x"`}, then: "/data.json", status: 412},
		{name: "POST", method: "POST", target: "/small.txt", header: []string{"Content-Length: 0"}, status: 405},
		{name: "OPTIONS", method: "OPTIONS", target: "/notype", status: 204},
		{name: "data", target: "/data/small.txt", status: 200},
		{name: "data in another spelling", target: "/%64ata/small.txt", status: 200},
		{name: "data with two slashes", target: "//data/small.txt", status: 200},
		{name: "a page under data", target: "/data/about.html", status: 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			method := tt.method
			if method == "" {
				method = "GET"
			}
			first := get(t, s.Addr, method, tt.target, tt.header...)
			then := tt.then
			header := tt.header
			if then == "" {
				then = tt.target
			} else {
				header = nil
			}
			if tt.method == "HEAD" {
				method = "GET" // what HEAD brought must not be the page
			}
			second := get(t, s.Addr, method, then, header...)
			if first.StatusCode != tt.status {
				t.Errorf("status %d, want %d", first.StatusCode, tt.status)
			}
			if second.hit() != tt.stored {
				t.Errorf("from the cache: %v, want %v; Cache-Control %q", second.hit(), tt.stored, first.Header.Get("Cache-Control"))
			}
			if tt.stored && (second.body != first.body || second.Header.Get("ETag") != first.Header.Get("ETag") || second.Header.Get("Vary") != first.Header.Get("Vary")) {
				t.Errorf("the cache answers %v, the responder %v", second.Header, first.Header)
			}
			if method == "GET" && then == tt.target && second.StatusCode == 200 && second.body == "" && tt.target != "/empty.html" {
				t.Error("an empty page")
			}
		})
	}
}

// Whatever a reader sends first, the next one gets the page as it is.
func TestEdgeIsNotPoisoned(t *testing.T) {
	s := upEdge(t, edgeOptions{})
	want := s.ask(t, "/about.html", "gzip")
	tests := []struct{ name, request string }{
		{"X-Forwarded-Host", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nX-Forwarded-Host: evil.test\r\n"},
		{"X-Forwarded-Proto", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nX-Forwarded-Proto: evil\r\n"},
		{"Forwarded", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nForwarded: host=evil.test\r\n"},
		{"other method in a header", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nX-HTTP-Method-Override: HEAD\r\n"},
		{"other URL in a header", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nX-Original-URL: /gone\r\n"},
		{"capitals", "GET %s HTTP/1.1\r\nHost: WWW.Example.ORG\r\n"},
		{"port", "GET %s HTTP/1.1\r\nHost: www.example.org:8080\r\n"},
		{"final dot", "GET %s HTTP/1.1\r\nHost: www.example.org.\r\n"},
		{"other name of the site", "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"},
		{"absolute form", "GET http://www.example.org%s HTTP/1.1\r\nHost: www.example.org\r\n"},
		{"query", "GET %s?x=<script> HTTP/1.1\r\nHost: www.example.org\r\n"},
		{"two slashes", "GET /%s HTTP/1.1\r\nHost: www.example.org\r\n"},
		{"HEAD", "HEAD %s HTTP/1.1\r\nHost: www.example.org\r\n"},
		{"range", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nRange: bytes=0-9\r\n"},
		{"all ranges", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nRange: bytes=0-\r\n"},
		{"Authorization", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nAuthorization: Basic eDp5\r\n"},
		{"user", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nX-Test-User: eve\r\n"},
		{"cookie", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nCookie: lang=xx\r\n"},
		{"only if cached", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nCache-Control: only-if-cached\r\n"},
		{"no-store", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nCache-Control: no-store\r\n"},
		{"precondition", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nIf-Match: \"x\"\r\n"},
		{"any ETag", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nIf-None-Match: *\r\n"},
		{"a date ahead", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nIf-Modified-Since: Sat, 01 Mar 2031 12:00:00 GMT\r\n"},
		{"Accept-Encoding without end", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nAccept-Encoding: gzip, " + strings.Repeat("x,", 3000) + "\r\n"},
		{"two Accept-Encodings", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nAccept-Encoding: identity\r\nAccept-Encoding: br\r\n"},
		{"wrong secret", "DELETE %s HTTP/1.1\r\nHost: www.example.org\r\nPagemap-Invalidate: guess\r\n"},
		{"secret on a GET", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nPagemap-Invalidate: guess\r\n"},
		{"HTTP/1.0", "GET %s HTTP/1.0\r\nHost: www.example.org\r\n"},
		{"hop by hop", "GET %s HTTP/1.1\r\nHost: www.example.org\r\nTE: gzip\r\nUpgrade: x\r\n"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := fmt.Sprintf("/poison%d", i)
			s.put(t, path, 200, "file:/about.html")
			exchange(t, s.Addr, fmt.Sprintf(tt.request, path)+"Accept-Encoding: gzip\r\nConnection: close\r\n\r\n")
			for range 2 {
				r := s.ask(t, path, "gzip")
				if r.StatusCode != 200 || r.body != want.body || r.Header.Get("ETag") != want.Header.Get("ETag") || r.Header.Get("Content-Encoding") != "gzip" {
					t.Errorf("the next reader gets %d %v", r.StatusCode, r.Header)
				}
			}
			plain := s.ask(t, path, "")
			if plain.StatusCode != 200 || plain.Header.Get("Content-Encoding") != "" || !strings.HasPrefix(plain.body, "<!DOCTYPE") {
				t.Errorf("a reader without encodings gets %d %v", plain.StatusCode, plain.Header)
			}
		})
	}
}

// Nobody but the pool has the edge forget anything.
func TestEdgeEviction(t *testing.T) {
	s := upEdge(t, edgeOptions{})
	s.put(t, "/to-about", 301, "/about.html")
	const body = "Content-Length: 0"
	tests := []struct {
		name   string
		method string
		target string
		header []string
		status int
	}{
		{"POST", "POST", "/about.html", []string{body}, 405},
		{"PUT", "PUT", "/about.html", []string{body}, 405},
		{"DELETE", "DELETE", "/about.html", nil, 405},
		{"DELETE with a guess", "DELETE", "/about.html", []string{"Pagemap-Invalidate: guess"}, 405},
		{"DELETE with a part of the secret", "DELETE", "/about.html", []string{"Pagemap-Invalidate: " + secret[:10]}, 405},
		{"DELETE with more than the secret", "DELETE", "/about.html", []string{"Pagemap-Invalidate: " + secret + "x"}, 405},
		{"DELETE with nothing", "DELETE", "/about.html", []string{"Pagemap-Invalidate:"}, 405},
		{"DELETE, the secret in the query", "DELETE", "/about.html?Pagemap-Invalidate=" + secret, nil, 405},
		{"DELETE of the other spelling", "DELETE", "//about.html", nil, 405},
		{"PURGE", "PURGE", "/about.html", nil, 405},
		{"PURGE with the secret", "PURGE", "/about.html", []string{"Pagemap-Invalidate: " + secret}, 405},
		{"POST with the secret", "POST", "/about.html", []string{"Pagemap-Invalidate: " + secret, body}, 405},
		{"PATCH", "PATCH", "/about.html", []string{body}, 405},
		{"OPTIONS", "OPTIONS", "/about.html", nil, 204},
		{"POST to a redirect here", "POST", "/to-about", []string{body}, 301},
		{"DELETE of a redirect here", "DELETE", "/moved", nil, 301},
		{"POST with a method override", "POST", "/about.html", []string{"X-HTTP-Method-Override: DELETE", body}, 405},
		{"no-cache", "GET", "/about.html", []string{"Cache-Control: no-cache", "Pragma: no-cache"}, 200},
		{"max-age=0", "GET", "/about.html", []string{"Cache-Control: max-age=0"}, 200},
		{"Authorization", "GET", "/about.html", []string{"Authorization: Basic eDp5"}, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.warm(t, "/about.html", "")
			if r := get(t, s.Addr, tt.method, tt.target, tt.header...); r.StatusCode != tt.status {
				t.Errorf("status %d, want %d", r.StatusCode, tt.status)
			}
			if r := s.ask(t, "/about.html", ""); !r.hit() {
				t.Errorf("the page was forgotten")
			}
		})
	}
	// Apache asks the responder what to make of it, and drops a copy that is not answered with. The next reader
	// brings it back.
	t.Run("a failed precondition", func(t *testing.T) {
		want := s.warm(t, "/about.html", "")
		if r := s.ask(t, "/about.html", "", `If-Match: "x"`); r.StatusCode != 412 {
			t.Errorf("status %d, want 412", r.StatusCode)
		}
		if r := s.warm(t, "/about.html", ""); r.body != want.body {
			t.Errorf("another page: %v", r.Header)
		}
	})
	t.Run("the pool's own", func(t *testing.T) {
		for _, encoding := range encodings {
			s.warm(t, "/about.html", encoding)
		}
		for i, encoding := range encodings {
			if r := get(t, s.Addr, "DELETE", "/about.html", "Pagemap-Invalidate: "+secret, "Accept-Encoding: "+encoding); r.StatusCode != 204 {
				t.Fatalf("status %d, want 204", r.StatusCode)
			}
			if s.ask(t, "/about.html", encoding).hit() {
				t.Errorf("the copy for %q was not forgotten", encoding)
			}
			for _, other := range encodings[i+1:] {
				if !s.ask(t, "/about.html", other).hit() {
					t.Errorf("the copy for %q was forgotten with that for %q", other, encoding)
				}
			}
		}
	})
}

// Readers who send all kinds of Accept-Encoding share three copies, and none gets
// what it does not take.
func TestEdgeEncodings(t *testing.T) {
	s := upEdge(t, edgeOptions{})
	tests := []struct {
		accept string
		want   string // the cache's copy: identity, gzip, or br where there is one
	}{
		{"", "identity"}, {"identity", "identity"}, {"*", "identity"}, {"deflate", "identity"}, {"zstd", "identity"},
		{"gzip", "gzip"}, {"GZip", "gzip"}, {"x-gzip", "gzip"}, {"gzip, deflate", "gzip"}, {"deflate,gzip", "gzip"},
		{"gzip;q=1.0", "gzip"}, {"gzip;q=0", "identity"}, {"gzip; q=0.0, br;q=0", "identity"}, {"gzip;q=0.5", "identity"},
		{"br;q=0, gzip", "gzip"}, {"br", "identity"}, {"gzip, deflate, br", "br"}, {"gzip, deflate, br, zstd", "br"},
		{"br;q=1.0, gzip;q=0.8, *;q=0.1", "identity"}, {"gzip, br;q=0.9", "gzip"}, {"notgzip", "identity"}, {"gzipped", "identity"},
		{"brr, gzip", "gzip"}, {"gzip;level=9, br", "br"},
	}
	s.ask(t, "/about.html", "br, gzip") // has the page compressed in every way
	time.Sleep(200 * time.Millisecond)
	s.put(t, "/shared", 200, "file:/about.html")
	copies := map[string]string{} // by ETag: what it is
	for range 2 {
		for _, tt := range tests {
			r := s.ask(t, "/shared", tt.accept)
			got := r.Header.Get("Content-Encoding")
			if got == "" {
				got = "identity"
			}
			if got != tt.want && (tt.want != "br" || got != "gzip") {
				t.Errorf("Accept-Encoding %q: %s, want %s", tt.accept, got, tt.want)
			}
			if r.StatusCode != 200 || r.body == "" || r.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("Accept-Encoding %q: %d %v", tt.accept, r.StatusCode, r.Header)
			}
			copies[r.Header.Get("ETag")] = got
		}
	}
	if n := s.asked.Load() - 1; n > 3 || len(copies) > 3 {
		t.Errorf("%d requests reached the responder for copies %v, want at most 3", n, copies)
	}
	t.Run("range", func(t *testing.T) {
		plain := s.ask(t, "/shared", "").body
		for _, accept := range encodings {
			r := s.ask(t, "/shared", accept, "Range: bytes=10-19")
			if r.StatusCode != 206 || r.body != plain[10:20] || r.Header.Get("Content-Encoding") != "" {
				t.Errorf("Accept-Encoding %q: %d %q %v", accept, r.StatusCode, r.body, r.Header)
			}
		}
	})
}

// A reader's condition is answered from a fresh copy; when the copy's lifetime
// ends, the page is never replaced by the nothing of a 304.
func TestEdgeConditions(t *testing.T) {
	t.Parallel()
	s := upEdge(t, edgeOptions{maxAge: time.Second})
	page := s.warm(t, "/about.html", "gzip")
	tag, date := page.Header.Get("ETag"), page.Header.Get("Last-Modified")
	whole := func(what string) {
		t.Helper()
		if r := s.ask(t, "/about.html", "gzip"); r.StatusCode != 200 || r.body != page.body || r.ContentLength != int64(len(page.body)) {
			t.Errorf("%s: %d, %d bytes, want %d", what, r.StatusCode, len(r.body), len(page.body))
		}
	}
	for _, tt := range []struct {
		name   string
		method string
		header []string
	}{
		{"its ETag", "GET", []string{"If-None-Match: " + tag}},
		{"a list", "GET", []string{`If-None-Match: "x", ` + tag}},
		{"its date", "GET", []string{"If-Modified-Since: " + date}},
		{"HEAD", "HEAD", []string{"If-None-Match: " + tag}},
		{"any", "GET", []string{"If-None-Match: *"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.warm(t, "/about.html", "gzip")
			header := append(tt.header, "Accept-Encoding: gzip")
			r := get(t, s.Addr, tt.method, "/about.html", header...)
			if r.StatusCode != 304 || r.Header.Get("ETag") != tag || r.Header.Get("Cache-Control") != page.Header.Get("Cache-Control") || r.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("from a fresh copy: %d %v", r.StatusCode, r.Header)
			}
			time.Sleep(1200 * time.Millisecond)
			if r := get(t, s.Addr, tt.method, "/about.html", header...); r.StatusCode != 200 && r.StatusCode != 304 || tt.method == "GET" && r.StatusCode == 200 && r.body != page.body {
				t.Errorf("from an old copy: %d, %d bytes", r.StatusCode, len(r.body))
			}
			whole("the next reader")
			whole("the one after")
		})
	}
	for _, method := range []string{"GET", "HEAD"} {
		time.Sleep(1200 * time.Millisecond)
		get(t, s.Addr, method, "/about.html", "Accept-Encoding: gzip")
		whole("after a " + method)
		whole("after a " + method + ", again")
	}
}

// What is answered without the edge is answered with it, from the cache too. Conditions, ranges, encodings and
// spellings have their tests above.
func TestEdgePages(t *testing.T) {
	s := up(t, options{edge: true})
	plain := scripted(s.Addr)
	do := func(q sitetest.Request) (*sitetest.Response, error) {
		res, err := plain.Do(q)
		if err != nil {
			return nil, err
		}
		if res.Header.Get("Age") != "" {
			res.Header.Set("Cache-Status", "pagemap; hit") // the stored one tells of the time when it was stored
		}
		control := res.Header.Get("Cache-Control")
		if rest, private := strings.CutPrefix(control, "private, "); private {
			res.Header.Set("Cache-Control", "public, "+rest) // as it is without the edge
		} else if res.Status != 200 && strings.Contains(control, "public") && !strings.HasPrefix(q.Target, "/data/") {
			t.Errorf("%s %s: %d with Cache-Control %q", q.Method, q.Target, res.Status, control)
		}
		return res, nil
	}
	for round := range 2 { // in the second the cache has what it stores
		for _, script := range []string{"denied", "errors", "index", "pages", "prefixes", "queries", "raw", "redirects", "resources", "sizes", "targets"} {
			t.Run(fmt.Sprint(script, round), func(t *testing.T) {
				sitetest.RunFiles(t, "../../fcgi/site/testdata/"+script+".txt", s.world, sitetest.Target{Tags: plain.Tags, Do: do})
			})
		}
	}
}
