// The scripts' own tests: an expectation must be able to fail.

package sitetest

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

func TestParse(t *testing.T) {
	s, err := Parse("x", `
# comment
@only a b
@not c
GET "/\xe9" HTTP/1.0
> Name: a: b
send 3
status 200 206
header X-Y !~ ^a b$
noheader Z
body == file:a b
save tag header ETag

PUT /{{ab*3}}?${tag}
status 405`)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Cases) != 2 {
		t.Fatalf("%d cases", len(s.Cases))
	}
	c := s.Cases[0]
	if c.Line != 5 || c.Request.Target != "/\xe9" || c.Request.Proto != "HTTP/1.0" || c.Request.Body != "xxx" ||
		len(c.Request.Header) != 1 || c.Request.Header[0] != (Field{"Name", "a: b"}) {
		t.Errorf("request %+v at %d", c.Request, c.Line)
	}
	want := []Check{
		{Line: 8, Verb: "status", Want: "200 206"},
		{Line: 9, Verb: "header", Name: "X-Y", Op: "!~", Want: "^a b$"},
		{Line: 10, Verb: "noheader", Name: "Z"},
		{Line: 11, Verb: "body", Op: "==", Want: "file:a b"},
		{Line: 12, Verb: "save", Name: "tag", Op: "ETag"},
	}
	if len(c.Checks) != len(want) {
		t.Fatalf("checks %+v", c.Checks)
	}
	for i := range want {
		if c.Checks[i] != want[i] {
			t.Errorf("check %+v, want %+v", c.Checks[i], want[i])
		}
	}
	if got := s.Cases[1].Request; got.Method != "PUT" || got.Target != "/ababab?${tag}" || got.Proto != "HTTP/1.1" {
		t.Errorf("request %+v", got)
	}
	for _, tt := range []struct {
		tags []string
		want bool
	}{{[]string{"a"}, true}, {[]string{"b", "d"}, true}, {[]string{"d"}, false}, {[]string{"a", "c"}, false}} {
		if got := c.Runs(tt.tags); got != tt.want {
			t.Errorf("runs with %q: %v", tt.tags, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"GET /", "GET\nstatus 200", "GET /\nstatus x", "GET /\nheader X 1", "GET /\nheader X ~ (", "GET /\nbody is x",
		"GET /\nsave x", "GET /\n> nothing\nstatus 200", "GET /\nexpect 200", "GET /\nsend many", "GET \"/\nstatus 200", "12 /\nstatus 200",
	} {
		if _, err := Parse("x", text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestChecksCanFail(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write([]byte("zipped"))
	w.Close()
	plain := &Response{Status: 200, Header: http.Header{"A": {"x y"}}, Body: []byte("0123456789")}
	zipped := &Response{Status: 200, Body: z.Bytes()}
	empty := &Response{Status: 204}
	tests := []struct {
		check string
		res   *Response
		ok    bool
	}{
		{"status 200", plain, true},
		{"status 404 200", plain, true},
		{"status 404", plain, false},
		{"header A == x y", plain, true},
		{"header a == x y", plain, true},
		{"header A == x", plain, false},
		{"header A != x", plain, true},
		{"header A != x y", plain, false},
		{"header A contains y", plain, true},
		{"header A contains z", plain, false},
		{"header A !contains z", plain, true},
		{"header A !contains y", plain, false},
		{"header A ~ ^x", plain, true},
		{"header A ~ ^y", plain, false},
		{"header A !~ ^y", plain, true},
		{"header A !~ ^x", plain, false},
		{"header B == x", plain, false},
		{"header B != x", plain, false},
		{"noheader B", plain, true},
		{"noheader a", plain, false},
		{"body == file:f", plain, true},
		{"body == file:f", zipped, false},
		{"body == file:missing", plain, false},
		{"body == part:f 0 9", plain, true},
		{"body == part:f 0 8", plain, false},
		{"body == part:f 0 10", plain, false},
		{"body == empty", empty, true},
		{"body == empty", plain, false},
		{"body == 0123456789", plain, true},
		{"gunzip == zipped", zipped, true},
		{"gunzip == other", zipped, false},
		{"gunzip == 0123456789", plain, false},
	}
	for _, tt := range tests {
		s, err := Parse("x", "GET /\n"+tt.check)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Cases[0].Checks[0].of(tt.res, dir); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.check, err)
		}
	}
}

func TestSane(t *testing.T) {
	get, head := Request{Method: "GET"}, Request{Method: "HEAD"}
	with := func(status int, body string, header ...string) *Response {
		r := &Response{Status: status, Header: http.Header{}, Body: []byte(body)}
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		return r
	}
	tests := []struct {
		name string
		q    Request
		res  *Response
		ok   bool
	}{
		{"page", get, with(200, "abc", "Content-Length", "3"), true},
		{"wrong length", get, with(200, "abc", "Content-Length", "4"), false},
		{"500", get, with(500, ""), false},
		{"HEAD", head, with(200, "", "Content-Length", "3"), true},
		{"HEAD with a body", head, with(200, "abc"), false},
		{"304 with a body", get, with(304, "abc"), false},
		{"path", get, with(301, "", "Location", "/a/b?c=\\#d"), true},
		{"root", get, with(301, "", "Location", "/"), true},
		{"root with query", get, with(301, "", "Location", "/?a//b"), true},
		{"absolute", get, with(301, "", "Location", "https://a.example/"), true},
		{"host", get, with(301, "", "Location", "//evil.example"), false},
		{"backslash host", get, with(301, "", "Location", "/\\evil.example"), false},
		{"backslash", get, with(301, "", "Location", "/a\\b"), false},
		{"space", get, with(301, "", "Location", "/a b"), false},
		{"scheme", get, with(301, "", "Location", "javascript:alert(1)"), false},
		{"relative", get, with(301, "", "Location", "a"), false},
		{"twice", get, with(301, "", "Location", "/a", "Location", "/b"), false},
		{"line break", get, with(200, "", "X", "a\nb"), false},
	}
	for _, tt := range tests {
		if err := Sane(tt.q, tt.res); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestSameHead(t *testing.T) {
	differing := func(change func(*Response)) Target {
		return Target{Do: func(q Request) (*Response, error) {
			r := &Response{Status: 200, Header: http.Header{"A": {"x"}, "Content-Length": {"3"}}}
			change(r)
			return r, nil
		}}
	}
	get := &Response{Status: 200, Header: http.Header{"A": {"x"}, "Content-Length": {"3"}}, Body: []byte("abc")}
	tests := []struct {
		name   string
		change func(*Response)
		ok     bool
	}{
		{"same", func(*Response) {}, true},
		{"date", func(r *Response) { r.Header.Set("Date", "x") }, true},
		{"no length, as a server in front may", func(r *Response) { r.Header.Del("Content-Length") }, true},
		{"other length", func(r *Response) { r.Header.Set("Content-Length", "0") }, false},
		{"other status", func(r *Response) { r.Status = 404 }, false},
		{"missing field", func(r *Response) { r.Header.Del("A") }, false},
		{"further field", func(r *Response) { r.Header.Set("B", "x") }, false},
		{"body", func(r *Response) { r.Body = []byte("abc") }, false},
	}
	for _, tt := range tests {
		if err := sameHead(differing(tt.change), Request{Method: "GET"}, get); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestScriptsParse(t *testing.T) {
	scripts, err := ParseFiles("../testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, s := range scripts {
		cases += len(s.Cases)
	}
	if cases < 300 {
		t.Errorf("%d cases: scripts are missing", cases)
	}
	t.Logf("%d cases in %d scripts", cases, len(scripts))
}
