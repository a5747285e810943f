package apache_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pagemap/deploy/apache"
	"pagemap/fcgi/site/sitetest"
)

// The scripted page tests, through Apache.
func TestPages(t *testing.T) {
	for _, way := range []apache.Way{apache.Socket, apache.FCGID} {
		t.Run(string(way), func(t *testing.T) {
			s := up(t, options{way: way})
			sitetest.RunFiles(t, "../../fcgi/site/testdata/*.txt", s.world, scripted(s.Addr))
		})
	}
}

// Requests that reach past Apache, or must not.
func TestRequests(t *testing.T) {
	for _, way := range []apache.Way{apache.Socket, apache.FCGID} {
		t.Run(string(way), func(t *testing.T) {
			s := up(t, options{way: way})
			t.Run("targets", func(t *testing.T) { testTargets(t, s) })
			t.Run("hosts", func(t *testing.T) { testHosts(t, s) })
			t.Run("versions", func(t *testing.T) { testVersions(t, s) })
			t.Run("methods", func(t *testing.T) { testMethods(t, s) })
			t.Run("headers", func(t *testing.T) { testHeaders(t, s) })
			t.Run("smuggling", func(t *testing.T) { testSmuggling(t, s) })
		})
	}
}

func testTargets(t *testing.T, s *stack) {
	tests := []struct {
		name   string
		target string
		status int
	}{
		{"above the root", "/../a", 400},
		{"above the root, escaped", "/%2e%2e/etc/passwd", 400},
		{"dot segment, escaped", "/docs/%2e%2e/etc/passwd", 404},
		{"escaped slash", "/a%2Fb", 404},
		{"escaped slash after dots", "/..%2fa", 404},
		{"doubly escaped slash", "/a%252Fb", 404},
		{"escaped NUL", "/a%00b", 404},
		{"bad escape", "/a%zz", 400},
		{"half an escape", "/a%4", 400},
		{"line break", "/a%0d%0aX-Split:%20y", 400},
		{"DEL", "/a%7f", 400},
		{"not UTF-8", "/%ff%fe", 404},
		{"raw byte", "/caf\xe9", 404},
		{"backslash, escaped", "/a%5Cb", 404},
		{"backslash host", "/\\evil.test", 404},
		{"two slashes host", "//evil.test/x", 404},
		{"a name longer than a file's", "/" + strings.Repeat("n", 300), 404},
		{"the longest path", "/" + strings.Repeat("p/", 1023), 404},
		{"longer than that", "/" + strings.Repeat("p", 2048), 414},
		{"8,100 bytes", "/" + strings.Repeat("p", 8099), 414},
		{"longer than Apache reads", "/" + strings.Repeat("p", 9000), 414},
		{"absolute form", "http://" + host + "/about.html", 200},
		{"query", "/about.html?utm=1", 200},
		{"empty query", "/about.html?", 200},
		{"bad query", "/about.html?%zz", 200},
		{"many parameters", "/about.html?" + strings.Repeat("a&", 4000), 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := get(t, s.Addr, "GET", tt.target)
			if r.StatusCode != tt.status {
				t.Errorf("GET %.100q: status %d, want %d", tt.target, r.StatusCode, tt.status)
			}
			if r.Header.Get("X-Split") != "" || r.StatusCode >= 500 {
				t.Errorf("GET %.100q: %d %v", tt.target, r.StatusCode, r.Header)
			}
			if l := r.Header.Get("Location"); strings.Contains(l, "evil") {
				t.Errorf("GET %.100q: Location %q", tt.target, l)
			}
		})
	}
}

func testHosts(t *testing.T, s *stack) {
	page := get(t, s.Addr, "GET", "/about.html")
	tests := []struct {
		name    string
		request string
		status  int
	}{
		{"another site", "GET /about.html HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n", 403},
		{"no Host", "GET /about.html HTTP/1.0\r\n\r\n", 403},
		{"no Host and two slashes", "GET //evil.test/x HTTP/1.0\r\n\r\n", 403},
		{"no Host in HTTP/1.1", "GET /about.html HTTP/1.1\r\nConnection: close\r\n\r\n", 400},
		{"two Hosts", "GET /about.html HTTP/1.1\r\nHost: " + host + "\r\nHost: evil.test\r\nConnection: close\r\n\r\n", 400},
		{"a path in Host", "GET /about.html HTTP/1.1\r\nHost: " + host + "/evil?\r\nConnection: close\r\n\r\n", 400},
		{"capitals", "GET /about.html HTTP/1.1\r\nHost: WWW.EXAMPLE.ORG\r\nConnection: close\r\n\r\n", 200},
		{"port", "GET /about.html HTTP/1.1\r\nHost: " + host + ":80\r\nConnection: close\r\n\r\n", 200},
		{"final dot", "GET /about.html HTTP/1.1\r\nHost: " + host + ".\r\nConnection: close\r\n\r\n", 200},
		{"HTTP/1.0 with Host", "GET /about.html HTTP/1.0\r\nHost: " + host + "\r\n\r\n", 200},
		{"absolute form wins over Host", "GET http://evil.test/about.html HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n", 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			replies := exchange(t, s.Addr, tt.request)
			if len(replies) != 1 {
				t.Fatalf("%d answers", len(replies))
			}
			r := replies[0]
			if r.StatusCode != tt.status {
				t.Errorf("status %d, want %d", r.StatusCode, tt.status)
			}
			if tt.status == 200 && (r.body != page.body || r.Header.Get("ETag") != page.Header.Get("ETag") || r.ContentLength != page.ContentLength) {
				t.Errorf("not the page: %v", r.Header)
			}
			if tt.status != 200 && r.Header.Get("Cache-Control") != "" {
				t.Errorf("the responder answered: %v", r.Header)
			}
		})
	}
}

func testVersions(t *testing.T, s *stack) {
	t.Run("HTTP/0.9", func(t *testing.T) {
		if replies := exchange(t, s.Addr, "GET /about.html\r\n\r\n"); len(replies) > 0 && replies[0].StatusCode != 400 {
			t.Errorf("status %d, want 400", replies[0].StatusCode)
		}
	})
	t.Run("HTTP/2", func(t *testing.T) {
		h2 := up(t, options{server: "Protocols h2c http/1.1"})
		page := get(t, h2.Addr, "GET", "/about.html")
		transport := &http.Transport{Protocols: new(http.Protocols)}
		transport.Protocols.SetUnencryptedHTTP2(true)
		defer transport.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), "GET", h2.URL+"/about.html", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		req.Header.Set("Accept-Encoding", "identity")
		res, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.ProtoMajor != 2 || res.StatusCode != 200 || res.Header.Get("ETag") != page.Header.Get("ETag") {
			t.Errorf("%s %d %v", res.Proto, res.StatusCode, res.Header)
		}
	})
}

func testMethods(t *testing.T, s *stack) {
	tests := []struct {
		name           string
		method, target string
		status         int
		allow          bool
	}{
		{"POST to a page", "POST", "/about.html", 405, true},
		{"PUT to a page", "PUT", "/about.html", 405, true},
		{"DELETE to a page", "DELETE", "/about.html", 405, true},
		{"unknown method to a page", "FOO", "/about.html", 405, true},
		{"small letters", "get", "/about.html", 405, true},
		{"OPTIONS", "OPTIONS", "/about.html", 204, true},
		{"POST to a redirect", "POST", "/moved", 301, false},
		{"TRACE to a page", "TRACE", "/about.html", 405, false},
		{"TRACE to a redirect", "TRACE", "/moved", 405, false},
		{"POST to nothing", "POST", "/nothing", 404, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := get(t, s.Addr, tt.method, tt.target, "Content-Length: 0")
			if r.StatusCode != tt.status {
				t.Errorf("%s %s: status %d, want %d", tt.method, tt.target, r.StatusCode, tt.status)
			}
			if got := r.Header.Get("Allow"); tt.allow && got != "GET, HEAD, OPTIONS" {
				t.Errorf("%s %s: Allow %q", tt.method, tt.target, got)
			}
		})
	}
	t.Run("CONNECT", func(t *testing.T) {
		for _, r := range exchange(t, s.Addr, "CONNECT evil.test:443 HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n") {
			if r.StatusCode < 400 || r.StatusCode >= 500 {
				t.Errorf("status %d", r.StatusCode)
			}
		}
	})
}

// Headers that must not change an answer, or what is kept of it.
func testHeaders(t *testing.T, s *stack) {
	page := get(t, s.Addr, "GET", "/about.html")
	redirect := get(t, s.Addr, "GET", "/docs/../about.html")
	get(t, s.Addr, "GET", "/about.html", "Accept-Encoding: gzip")
	items := s.memcached.Stat("curr_items")
	for _, h := range []string{
		"X-Forwarded-Host: evil.test", "X-Forwarded-Proto: https", "X-Forwarded-For: 192.0.2.7",
		"Forwarded: host=evil.test;proto=https", "X-HTTP-Method-Override: DELETE", "X-Original-URL: /docs/guide.html",
		"X-Rewrite-URL: /docs/guide.html", "Proxy: http://evil.test", "Cookie: a=1", "Status: 500",
	} {
		for target, want := range map[string]reply{"/about.html": page, "/docs/../about.html": redirect} {
			r := get(t, s.Addr, "GET", target, h)
			if r.StatusCode != want.StatusCode || r.body != want.body || r.Header.Get("ETag") != want.Header.Get("ETag") ||
				r.Header.Get("Location") != want.Header.Get("Location") || r.Header.Get("Cache-Control") != want.Header.Get("Cache-Control") {
				t.Errorf("GET %s with %q: %d %v, want %d %v", target, h, r.StatusCode, r.Header, want.StatusCode, want.Header)
			}
		}
	}
	client := http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	for i := range 10_000 {
		if err := ask(&client, fmt.Sprintf("%s/about.html?q=%d", s.URL, i), 200); err != nil {
			t.Fatal(err)
		}
	}
	if now := s.memcached.Stat("curr_items"); now > items {
		t.Errorf("10,000 queries and headers of all kinds: %d items in memcached, were %d", now, items)
	}
	t.Run("Expect", func(t *testing.T) {
		if r := get(t, s.Addr, "GET", "/about.html", "Expect: foo"); r.StatusCode != 417 {
			t.Errorf("Expect: foo: status %d, want 417", r.StatusCode)
		}
	})
}

// No request hides another one behind it.
func testSmuggling(t *testing.T, s *stack) {
	const hidden = "GET /data/small.txt HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"
	start := "POST /moved HTTP/1.1\r\nHost: " + host + "\r\n"
	tests := []struct {
		name    string
		request string
	}{
		{"chunked with a length", start + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 5+len(hidden))},
		{"two lengths", start + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n"},
		{"signed length", start + "Content-Length: +0\r\n\r\n"},
		{"negative length", start + "Content-Length: -1\r\n\r\n"},
		{"unknown coding", start + "Transfer-Encoding: gzip\r\n\r\n"},
		{"coding with a space", start + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
		{"line feed alone", start + "X: y\nContent-Length: 0\r\n\r\n"},
		{"space before the colon", start + "Content-Length : 0\r\n\r\n"},
		{"carriage return in a value", start + "X: a\rContent-Length: 5\r\n\r\n"},
		{"NUL in a value", start + "X: a\x00b\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			replies := exchange(t, s.Addr, tt.request+hidden)
			if len(replies) != 1 {
				t.Fatalf("%d answers; the second: %d %q", len(replies), replies[1].StatusCode, replies[1].body)
			}
			if r := replies[0]; r.StatusCode != 400 && (r.StatusCode != 301 || !r.Close) {
				t.Errorf("status %d, connection kept %v", r.StatusCode, !r.Close)
			}
		})
	}
}
