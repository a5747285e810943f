// Fuzzing: arbitrary bytes on a connection, arbitrary parameters.

package fcgi

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pagemap/fcgi/fcgitest"
)

// FuzzConn checks that the server survives whatever comes, closes the
// connection in the end, and still answers others.
func FuzzConn(f *testing.F) {
	whole := func(records []fcgitest.Record) []byte {
		var b []byte
		for _, r := range records {
			b = append(b, r.Bytes()...)
		}
		return b
	}
	get := whole(fcgitest.Request{Target: "/a?b", Close: true}.Records())
	post := whole(fcgitest.Request{Method: "POST", Body: strings.Repeat("x", 300)}.Records())
	f.Add(get)
	f.Add(append(post, get...))
	f.Add(append(whole([]fcgitest.Record{{Type: 9, Content: fcgitest.Pairs(map[string]string{"FCGI_MAX_CONNS": ""})}, {Type: 42}}), get...))
	f.Add(whole([]fcgitest.Record{{Type: 1, ID: 1, Content: []byte{0, 1, 1, 0, 0, 0, 0, 0}}, {Type: 2, ID: 1}, {Type: 1, ID: 2, Content: []byte{0, 3, 1, 0, 0, 0, 0, 0}}}))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))

	dir, err := os.MkdirTemp("", "pm")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { l.Close() })
	server := NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}), Options{})
	go func() { _ = server.Serve(l) }()

	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := fcgitest.Dial(l.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		go func() {
			_, _ = c.Write(b)
			_ = c.Conn.(*net.UnixConn).CloseWrite()
		}()
		if _, err := io.Copy(io.Discard, c.Conn); os.IsTimeout(err) {
			t.Fatal("the connection is still open")
		}
		next, err := fcgitest.Dial(l.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer next.Close()
		if res, err := next.Do(fcgitest.Request{Method: "POST", Body: "fine", Close: true}); err != nil || res.Body != "fine" {
			t.Fatalf("next request: %v, %v", res, err)
		}
	})
}

// FuzzParams checks that the library can make a request of all parameters that
// pass, finds no host or path of the web server's in them, and nothing that a
// header could be split with.
func FuzzParams(f *testing.F) {
	f.Add(fcgitest.Pairs(map[string]string{"REQUEST_METHOD": "GET", "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_URI": "//evil/x", "HTTP_HOST": "h"}))
	f.Add(fcgitest.Pairs(map[string]string{"REQUEST_METHOD": "POST", "SERVER_PROTOCOL": "INCLUDED", "REQUEST_URI": "http://h:1?x",
		"CONTENT_LENGTH": "12", "HTTPS": "on", "REMOTE_PORT": "x", "HTTP_LONG": strings.Repeat("x", 200), "PATH_INFO": "%zz"}))
	f.Fuzz(func(t *testing.T, params []byte) {
		q := &request{number: 7, params: bytes.Clone(params)}
		if q.check() != 0 {
			return
		}
		env := pairs(t, q.forLibrary())
		sent := pairs(t, params)
		sent["REQUEST_URI"] = "/7"
		for name, value := range env {
			if sent[name] != value {
				t.Fatalf("%s is %q to the library, was %q", name, value, sent[name])
			}
		}
		r, err := cgi.RequestFromMap(env)
		if err != nil {
			t.Fatal(err)
		}
		if r.URL.Path != "/7" || r.URL.Host != "" || r.Host != "" || r.ContentLength < 0 {
			t.Fatalf("the library sees %v, host %q, length %d", r.URL, r.Host, r.ContentLength)
		}
		if strings.ContainsAny(r.Method+q.target+string(q.host), "\r\n\x00 ") {
			t.Fatalf("got %q %q %q", r.Method, q.target, q.host)
		}
		for name, values := range r.Header {
			if strings.ContainsAny(name+strings.Join(values, ""), "\r\n\x00") {
				t.Fatalf("header %q: %q", name, values)
			}
		}
		if u := targetURL(q.target); u.Host != "" || u.Scheme != "" {
			t.Fatalf("target %q is read as %v", q.target, u)
		}
	})
}

// pairs decodes name-value pairs that are whole; the last one of a name counts.
func pairs(t *testing.T, b []byte) map[string]string {
	all := map[string]string{}
	for len(b) > 0 {
		name, value, rest, ok := nextPair(b)
		if !ok {
			t.Fatal("the parameters are cut off")
		}
		all[string(name)], b = string(value), rest
	}
	return all
}

func TestPairLengths(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 70_000} {
		name, value := []byte(strings.Repeat("n", n)), strings.Repeat("v", n+1)
		gotName, gotValue, rest, ok := nextPair(append(appendPair(nil, name, value), "rest"...))
		if !ok || string(gotName) != string(name) || string(gotValue) != value || string(rest) != "rest" {
			t.Errorf("%d: %d, %d, %q, %t", n, len(gotName), len(gotValue), rest, ok)
		}
	}
	huge := binary.BigEndian.AppendUint32(nil, 1<<32-1)
	if _, _, _, ok := nextPair(append(huge, huge...)); ok {
		t.Error("lengths that overflow pass")
	}
}
