// Varnish in front of Apache.

package apache_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pagemap/deploy/apache/apachetest"
)

// startVarnish starts a Varnish with the shipped file in front of an Apache, and
// returns its address.
func startVarnish(t *testing.T, backend string) string {
	t.Helper()
	program, err := exec.LookPath("varnishd")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("varnish is not installed")
		}
		t.Skip("varnish is not installed")
	}
	vcl, err := os.ReadFile("varnish.vcl")
	if err != nil {
		t.Fatal(err)
	}
	name, port, _ := net.SplitHostPort(backend)
	text := strings.Replace(string(vcl), `.port = "80"`, fmt.Sprintf(".port = %q", port), 1)
	text = strings.Replace(text, `.host = "127.0.0.1"`, fmt.Sprintf(".host = %q", name), 1)
	dir := apachetest.Dir(t)
	file := filepath.Join(dir, "site.vcl")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	addr := apachetest.FreeAddr(t)
	cmd := exec.Command(program, "-F", "-j", "none", "-n", filepath.Join(dir, "v"), "-a", addr, "-f", file, "-s", "malloc,64m", "-p", "http_gzip_support=off")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { cmd.Wait(); close(exited) }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-exited
		}
	})
	eventually(t, 30*time.Second, "varnishd", func() bool {
		select {
		case <-exited:
			t.Fatalf("varnishd ended: %s", out.String())
		default:
		}
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return !errors.Is(err, syscall.ECONNREFUSED)
	})
	return addr
}

func TestVarnishStores(t *testing.T) {
	s := upEdge(t, edgeOptions{varnish: true})
	tests := []struct {
		name   string
		method string // "" is GET
		target string
		header []string
		then   string // the second request's target, where it is another one
		status int
		stored bool
	}{
		{name: "a page", target: "/about.html", status: 200, stored: true},
		{name: "with a query", target: "/docs/guide.html?x=1", then: "/docs/guide.html?y=2", status: 200, stored: true},
		{name: "by row", target: "/alias", status: 200, stored: true},
		{name: "with a cookie", target: "/style.css", header: []string{"Cookie: a=1"}, status: 200, stored: true},
		{name: "the other name of a directory", target: "/x/index.html", status: 200},
		{name: "percent spelling", target: "/fl%61t/page.html", status: 200},
		{name: "two slashes", target: "//flat/page.html", status: 301},
		{name: "301", target: "/moved", status: 301},
		{name: "302", target: "/temporary", status: 302},
		{name: "410", target: "/gone", status: 410},
		{name: "404", target: "/nothing", status: 404},
		{name: "a path with query rows", target: "/q?other=1", status: 200},
		{name: "a streamed page", target: "/big.html", status: 200},
		{name: "Authorization", target: "/app.js", header: []string{"Authorization: Basic eDp5"}, then: "/app.js", status: 200},
		{name: "a user", target: "/feed.xml", header: []string{"X-Test-User: eve"}, then: "/feed.xml", status: 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first := s.ask(t, tt.target, "gzip", tt.header...)
			if first.StatusCode != tt.status {
				t.Errorf("status %d, want %d", first.StatusCode, tt.status)
			}
			then := tt.then
			if then == "" {
				then = tt.target
			}
			before := s.asked.Load()
			second := s.ask(t, then, "gzip")
			if stored := s.asked.Load() == before; stored != tt.stored {
				t.Errorf("from the cache: %v, want %v; Cache-Control %q", stored, tt.stored, first.Header.Get("Cache-Control"))
			}
			if tt.stored && (second.body != first.body || second.Header.Get("ETag") != first.Header.Get("ETag")) {
				t.Errorf("the cache answers %v, the responder %v", second.Header, first.Header)
			}
		})
	}
	t.Run("data", func(t *testing.T) {
		if r := s.ask(t, "/data/small.txt", ""); r.StatusCode != 200 || r.body != "hello\n" {
			t.Errorf("%d %q", r.StatusCode, r.body)
		}
		if r := s.ask(t, "/data/small.txt", "gzip", "Range: bytes=1-2"); r.StatusCode != 206 || r.body != "el" {
			t.Errorf("a range: %d %q", r.StatusCode, r.body)
		}
	})
	t.Run("encodings", func(t *testing.T) {
		for _, tt := range []struct{ accept, want string }{
			{"", ""}, {"gzip;q=0, br;q=0", ""}, {"br", ""}, {"gzip, deflate", "gzip"}, {"identity", ""},
		} {
			if r := s.ask(t, "/about.html", tt.accept); r.Header.Get("Content-Encoding") != tt.want || r.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("Accept-Encoding %q: %v", tt.accept, r.Header)
			}
		}
		plain := s.ask(t, "/about.html", "")
		if r := s.ask(t, "/about.html", "gzip", "Range: bytes=10-19"); r.StatusCode != 206 || r.body != plain.body[10:20] {
			t.Errorf("a range: %d %q", r.StatusCode, r.body)
		}
		if r := s.ask(t, "/about.html", "", "If-None-Match: "+plain.Header.Get("ETag")); r.StatusCode != 304 {
			t.Errorf("a condition: %d", r.StatusCode)
		}
	})
}

// Nobody but the pool has Varnish forget anything.
func TestVarnishEviction(t *testing.T) {
	s := upEdge(t, edgeOptions{varnish: true})
	tests := []struct {
		name, method string
		header       []string
		status       int
		forgets      bool
	}{
		{"PURGE", "PURGE", nil, 405, false},
		{"PURGE with a guess", "PURGE", []string{"Pagemap-Invalidate: guess"}, 405, false},
		{"the headers in between", "GET", []string{"Pagemap-Purged: 1", "Pagemap-Purge: 1"}, 200, false},
		{"PURGE with them", "PURGE", []string{"Pagemap-Purged: 1", "Pagemap-Purge: 1"}, 405, false},
		{"the outage's header", "GET", []string{"Pagemap-Stale: 1"}, 200, false},
		{"DELETE", "DELETE", nil, 405, false},
		{"DELETE with the secret", "DELETE", []string{"Pagemap-Invalidate: " + secret}, 204, false},
		{"POST", "POST", []string{"Content-Length: 0"}, 405, false},
		{"no-cache", "GET", []string{"Cache-Control: no-cache"}, 200, false},
		{"the pool's own", "PURGE", []string{"Pagemap-Invalidate: " + secret}, 200, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, encoding := range encodings {
				s.ask(t, "/about.html", encoding)
			}
			if r := get(t, s.front, tt.method, "/about.html", tt.header...); r.StatusCode != tt.status {
				t.Errorf("status %d, want %d", r.StatusCode, tt.status)
			}
			before := s.asked.Load()
			for _, encoding := range encodings {
				s.ask(t, "/about.html", encoding)
			}
			if n := s.asked.Load() - before; n != map[bool]int64{false: 0, true: 3}[tt.forgets] {
				t.Errorf("%d of 3 copies were forgotten", n)
			}
		})
	}
}

func TestVarnishChanges(t *testing.T) {
	s := upEdge(t, edgeOptions{varnish: true, responders: 2})
	status := func(want int) func(reply) bool { return func(r reply) bool { return r.StatusCode == want } }
	s.write(t, "v2.html", versioned("2"))
	next := strings.TrimSuffix(s.ask(t, "/v2.html", "").Header.Get("ETag"), `"`)
	isNext := func(r reply) bool { return r.StatusCode == 200 && strings.HasPrefix(r.Header.Get("ETag"), next) }
	var wait sync.WaitGroup
	for i, tt := range []struct {
		name   string
		change func(path, file string)
		fresh  func(reply) bool
	}{
		{"a row to another file", func(path, _ string) { s.put(t, path, 200, "file:/v2.html") }, isNext},
		{"a row to a redirect", func(path, _ string) { s.put(t, path, 301, "/about.html") }, status(301)},
		{"a row to gone", func(path, _ string) { s.put(t, path, 410, "") }, status(410)},
		{"its file replaced", func(_, file string) { s.write(t, file, versioned("2")) }, isNext},
	} {
		path, file := fmt.Sprintf("/change%d", i), fmt.Sprintf("change%d.html", i)
		s.write(t, file, versioned("1"))
		s.put(t, path, 200, "file:/"+file)
		for _, encoding := range append(encodings, encodings...) {
			s.ask(t, path, encoding)
		}
		wait.Go(func() {
			changed := time.Now()
			tt.change(path, file)
			t.Run(tt.name, func(t *testing.T) { s.awaitNew(t, path, changed, tt.fresh) })
		})
	}
	wait.Wait()
}

// While no responder answers, Varnish goes on with what it has; so it does while
// Apache is away.
func TestVarnishOutage(t *testing.T) {
	t.Parallel()
	s := upEdge(t, edgeOptions{varnish: true, maxAge: time.Second})
	want := s.ask(t, "/about.html", "gzip")
	s.put(t, "/changed", 200, "file:/about.html")
	s.ask(t, "/changed", "gzip")
	s.put(t, "/changed", 410, "")
	eventually(t, time.Second, "410", func() bool { return s.ask(t, "/changed", "gzip").StatusCode == 410 })
	s.listener.Close()
	s.responders[0].stop()
	serves := func(what string) {
		t.Helper()
		for range 20 {
			if r := s.ask(t, "/about.html", "gzip"); r.StatusCode != 200 || r.body != want.body {
				t.Fatalf("%s: %d %v", what, r.StatusCode, r.Header)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if r := s.ask(t, "/changed", "gzip"); r.StatusCode != 503 {
			t.Errorf("%s: a page that had changed: status %d", what, r.StatusCode)
		}
	}
	serves("no responder")
	s.Stop()
	serves("no Apache")
}
