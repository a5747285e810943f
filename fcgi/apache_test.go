// The boundary behind real Apache: mod_proxy_fcgi with kept connections, and mod_fcgid.

package fcgi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pagemap/deploy/apache/apachetest"
	"pagemap/fcgi"
)

// appOfApache is what the tests ask for through Apache.
func appOfApache() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/describe", func(w http.ResponseWriter, r *http.Request) { describe(w, r) })
	mux.HandleFunc("/body", readBody)
	mux.HandleFunc("/ignore", fine)
	mux.HandleFunc("/size", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		w.Header().Set("Content-Length", strconv.Itoa(n))
		w.Write(pattern(n))
	})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("boom") })
	mux.HandleFunc("/short", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "short")
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "fine")
	})
	mux.HandleFunc("/late", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "fine")
		go func() {
			time.Sleep(time.Millisecond)
			io.WriteString(w, "SECRET")
			w.(http.Flusher).Flush()
		}()
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.RequestURI, "http") || strings.HasPrefix(r.RequestURI, "//") {
			describe(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// get requests a target, which may be no URL, and returns status and body.
func get(t *testing.T, addr, method, target, body string) (*http.Response, string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	length := ""
	if body != "" {
		length = fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	go fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n%s", method, target, length, body)
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return res, string(b)
}

func throughApache(t *testing.T, addr string) {
	big := strings.Repeat("x", 600_000)
	for _, test := range []struct {
		name, method, target, send string
		status                     int
		body                       string
	}{
		{"raw target", "GET", "/describe?x=%zz&y", "", 200, `GET /describe?x=%zz&y host=localhost path="/describe" query="x=%zz&y" url.host=""`},
		{"absolute form", "GET", "http://localhost/p?q", "", 200, `GET http://localhost/p?q host=localhost path="/p" query="q" url.host=""`},
		{"two slashes", "GET", "//evil.example/x", "", 200, `GET //evil.example/x host=localhost path="//evil.example/x" query="" url.host=""`},
		{"body", "POST", "/body", "hello", 200, `"hello" of 5: <nil>`},
		{"unread body", "POST", "/ignore", big, 200, "fine"},
		{"after an unread body", "GET", "/ignore", "", 200, "fine"},
		{"panic", "GET", "/panic", "", 500, "Internal Server Error\n"},
		{"after a panic", "GET", "/ignore", "", 200, "fine"},
		{"too short a body", "GET", "/short", "", 500, "Internal Server Error\n"},
		{"informational status", "GET", "/hints", "", 200, "fine"},
		{"late write", "GET", "/late", "", 200, "fine"},
		{"after a late write", "GET", "/ignore", "", 200, "fine"},
		{"HEAD", "HEAD", "/size?n=1000", "", 200, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 5 {
				res, body := get(t, addr, test.method, test.target, test.send)
				if res.StatusCode != test.status || body != test.body {
					t.Fatalf("got %d %.200q, want %d %.200q", res.StatusCode, body, test.status, test.body)
				}
			}
		})
	}
	for _, n := range []int{0, 1, 10_000, 65_534, 65_535, 65_536, 65_537, 131_070, 1 << 20, 5 << 20} {
		res, body := get(t, addr, "GET", fmt.Sprintf("/size?n=%d", n), "")
		if body != string(pattern(n)) || res.ContentLength != int64(n) {
			t.Errorf("%d bytes: got %d, Content-Length %d", n, len(body), res.ContentLength)
		}
	}
}

func TestProxyFCGI(t *testing.T) {
	dir := apachetest.Dir(t)
	path := filepath.Join(dir, "s")
	unix, err := fcgi.Listen("unix:"+path, fcgi.ListenOptions{Mode: 0o666})
	if err != nil {
		t.Fatal(err)
	}
	l := &accepting{Listener: unix}
	s := serve(t, l, appOfApache(), fcgi.Options{DrainIdle: time.Millisecond})
	a := apachetest.Start(t, apachetest.Options{
		Site: "SetEnv ap_trust_cgilike_cl 1\n" +
			`ProxyPass "/" "unix:` + path + `|fcgi://app/" enablereuse=on ttl=60 retry=0 timeout=10 iobuffersize=65536`,
	})
	throughApache(t, a.Addr)
	stats := s.server.Stats()
	if accepted := l.n.Load(); accepted > int64(stats.Requests)/3 {
		t.Errorf("%d connections for %d requests: they were not kept", accepted, stats.Requests)
	}
	for kind, n := range stats.ProtocolErrors {
		if n > 0 {
			t.Errorf("%d times %s", n, kind)
		}
	}
	for _, line := range a.Errors() {
		t.Error(line)
	}

	// A reader who leaves frees the handler.
	before := s.server.Stats().InFlight
	c, err := net.Dial("tcp", a.Addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "GET /size?n=50000000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if _, err := io.CopyN(io.Discard, c, 1000); err != nil {
		t.Error(err)
	}
	c.Close()
	eventually(t, "no handler is running", func() bool { return s.server.Stats().InFlight == before })
	a.Stop()
}

type accepting struct {
	net.Listener
	n atomic.Int64
}

func (l *accepting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.n.Add(1)
	}
	return c, err
}

func TestFCGID(t *testing.T) {
	dir := apachetest.Dir(t)
	program := filepath.Join(dir, "responder")
	b, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, b, 0o755); err != nil {
		t.Fatal(err)
	}
	a := apachetest.Start(t, apachetest.Options{FCGID: true, Site: `
DocumentRoot "` + dir + `"
<Directory "` + dir + `">
  Require all granted
</Directory>
FcgidInitialEnv ` + roleEnv + ` fd
FcgidMaxRequestLen 10000000
FcgidWrapper "` + program + `" virtual
<Location "/">
  SetHandler fcgid-script
  Options +ExecCGI
</Location>`})
	throughApache(t, a.Addr)
	for _, line := range a.Errors() {
		if !strings.Contains(line, "handler panicked") && !strings.Contains(line, "boom") {
			t.Log(line)
		}
	}
}
