package mapping

import (
	"errors"
	"strings"
	"testing"
	"unsafe"
)

func TestParseTarget(t *testing.T) {
	long := "/" + strings.Repeat("a", MaxPathLen-1)
	for _, test := range []struct {
		name string
		raw  string
		want Target
		err  error
	}{
		{name: "root", raw: "/", want: Target{Path: "/", Clean: true}},
		{name: "plain", raw: "/a/b.html", want: Target{Path: "/a/b.html", Clean: true}},
		{name: "query cut at the first mark", raw: "/a?b?c=/..", want: Target{Path: "/a", Query: "b?c=/..", HasQuery: true, Clean: true}},
		{name: "empty query", raw: "/a?", want: Target{Path: "/a", HasQuery: true, Clean: true}},
		{name: "absolute form", raw: "http://h:80/a?b", want: Target{Path: "/a", Query: "b", HasQuery: true, Clean: true}},
		{name: "absolute form without a path", raw: "HTTPS://h?/b", want: Target{Path: "/", Query: "/b", HasQuery: true, Clean: true}},
		{name: "bytes that stay", raw: "/-._~!$&'()+,;=:@Az09", want: Target{Path: "/-._~!$&'()+,;=:@Az09", Clean: true}},
		{name: "escapes that were none", raw: "/%41%7e%2d%21", want: Target{Path: "/A~-!", Clean: true}},
		{name: "bytes that are escaped", raw: "/a b\"#*<>[\\]^`{|}\xe9", want: Target{Path: "/a%20b%22%23%2A%3C%3E%5B%5C%5D%5E%60%7B%7C%7D%E9", Clean: true}},
		{name: "lower hex", raw: "/%c3%b3%2a", want: Target{Path: "/%C3%B3%2A", Clean: true}},
		{name: "charsets stay different", raw: "/%F3", want: Target{Path: "/%F3", Clean: true}},
		{name: "an escaped slash stays", raw: "/a%2fb%2F", want: Target{Path: "/a%2Fb%2F", Clean: true}},
		{name: "an escaped slash is no segment's end", raw: "/a/..%2f", want: Target{Path: "/a/..%2F", Clean: true}},
		{name: "decoded once", raw: "/%252e%252e/%2541", want: Target{Path: "/%252e%252e/%2541", Clean: true}},
		{name: "double slashes", raw: "//a///b//", want: Target{Path: "/a/b/"}},
		{name: "dot", raw: "/a/./b/.", want: Target{Path: "/a/b/"}},
		{name: "dot dot", raw: "/a/b/../c/..", want: Target{Path: "/a/"}},
		{name: "to the root", raw: "/a/..", want: Target{Path: "/"}},
		{name: "slashes collapse before dots", raw: "/a//../b", want: Target{Path: "/b"}},
		{name: "escaped dots", raw: "/a/%2E%2e/b/%2e/", want: Target{Path: "/b/"}},
		{name: "names of dots", raw: "/.../..a/.b/c.", want: Target{Path: "/.../..a/.b/c.", Clean: true}},
		{name: "longest", raw: long, want: Target{Path: Path(long), Clean: true}},
		{name: "the query does not count", raw: long + "?" + long, want: Target{Path: Path(long), Query: long, HasQuery: true, Clean: true}},
		{name: "too long", raw: long + "a", err: ErrPathTooLong},
		{name: "too long once escaped", raw: "/" + strings.Repeat("\xe9", 700), err: ErrPathTooLong},
		{name: "above the root", raw: "/..", err: ErrBadPath},
		{name: "above the root and down", raw: "/a/../%2e%2e/b", err: ErrBadPath},
		{name: "bad escape", raw: "/%zz", err: ErrBadPath},
		{name: "short escape", raw: "/%1", err: ErrBadPath},
		{name: "lone percent", raw: "/a%", err: ErrBadPath},
		{name: "NUL", raw: "/a%00", err: ErrBadPath},
		{name: "raw control", raw: "/a\nb", err: ErrBadPath},
		{name: "DEL", raw: "/%7F", err: ErrBadPath},
		{name: "asterisk form", raw: "*", err: ErrBadPath},
		{name: "authority form", raw: "h:443", err: ErrBadPath},
		{name: "other scheme", raw: "ftp://h/a", err: ErrBadPath},
		{name: "empty", raw: "", err: ErrBadPath},
		{name: "query alone", raw: "?a", err: ErrBadPath},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseTarget(test.raw)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if err == nil && got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

func TestParsePathErrorsName(t *testing.T) {
	_, err := ParsePath("/a/%4")
	if want := `mapping: bad path: bad escape at byte 3 of "/a/%4"`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err := ParsePath("/a?b"); !errors.Is(err, ErrBadPath) {
		t.Errorf("a query: %v", err)
	}
}

func TestPathOfFile(t *testing.T) {
	for _, test := range []struct {
		name string
		key  Path
	}{
		{".", "/"},
		{"a b%.html", "/a%20b%25.html"},
		{"a/b*?#", "/a/b%2A%3F%23"},
		{"caf\xe9/\xc3\xb3", "/caf%E9/%C3%B3"},
		{"operator%.html", "/operator%25.html"},
	} {
		if got := PathOfFile(test.name); got != test.key {
			t.Errorf("%q: %q, want %q", test.name, got, test.key)
		}
		if name, ok := test.key.FileName(); !ok || name != test.name {
			t.Errorf("%q: %q, %v", test.key, name, ok)
		}
	}
	for _, name := range []string{"a\nb", "a//b", "../a", "./a", strings.Repeat("a", MaxPathLen)} {
		if got := PathOfFile(name); got != "" {
			t.Errorf("%.20q: %.20q", name, got)
		}
	}
	for _, key := range []Path{"", "a", "/a%2Fb", "/a//b", "/../a", "/%41", "/%zz", "/a b", "/a%0Ab"} {
		if name, ok := key.FileName(); ok {
			t.Errorf("%q names the file %q", key, name)
		}
	}
	if name, ok := Path("/dir/").FileName(); !ok || name != "dir" {
		t.Errorf("/dir/: %q %v", name, ok)
	}
}

func TestParseTargetAllocations(t *testing.T) {
	for _, raw := range []string{"/a/b%20c/d.html?x=1", "http://example.org/a/b", "/"} {
		if n := testing.AllocsPerRun(100, func() {
			if _, err := ParseTarget(raw); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", raw, n)
		}
	}
}

func BenchmarkParseTarget(b *testing.B) {
	for _, bench := range []struct{ name, raw string }{
		{"Canonical", "/library/functions/index.html?x=1"},
		{"Escaped", "/library/%66unctions//index.html"},
		{"Hostile", strings.Repeat("/a/..", MaxPathLen/5)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseTarget(bench.raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestKeyWithoutItsQuery: who keeps a key does not keep a long query with it.
func TestKeyWithoutItsQuery(t *testing.T) {
	for _, raw := range []string{"/a?" + strings.Repeat("x", 1000), "http://" + strings.Repeat("h", 1000) + "/a"} {
		target, err := ParseTarget(raw)
		if err != nil || target.Path != "/a" {
			t.Fatal(target, err)
		}
		key, whole := uintptr(unsafe.Pointer(unsafe.StringData(string(target.Path)))), uintptr(unsafe.Pointer(unsafe.StringData(raw)))
		if key >= whole && key < whole+uintptr(len(raw)) {
			t.Errorf("%.20s: the key is a part of the target", raw)
		}
	}
}
