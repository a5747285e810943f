package mapping

import (
	"strings"
	"testing"
)

func TestKeySteps(t *testing.T) {
	for _, test := range []struct {
		raw  string
		want []string // how the results go
	}{
		{"/a/b.html", nil},
		{"/a?x=/../", []string{"/a"}},
		{"https://h.example?x", []string{"https://h.example", "/"}},
		{"HTTP://h.example/%61//b/./c/..?q", []string{"HTTP://h.example/%61//b/./c/..", "/%61//b/./c/..", "/a//b/./c/..", "/a/b/./c/..", "/a/b/"}},
		{"/%7euser/%e9%2f*", []string{"/~user/%E9%2F%2A"}},
		{"/%2e%2E/a", []string{"/../a", "/a"}},
		{"*", nil},
		{"", nil},
	} {
		var got []string
		for _, s := range KeySteps(test.raw) {
			got = append(got, s.Result)
		}
		if strings.Join(got, " ") != strings.Join(test.want, " ") {
			t.Errorf("%q: %q, want %q", test.raw, got, test.want)
		}
	}
}

// FuzzKeySteps: the steps lead where ParseTarget leads.
func FuzzKeySteps(f *testing.F) {
	for _, seed := range []string{
		"/", "//a//./b/..", "/%41%2f/../%2e", "http://h/p?q", "HTTPS://h", "/a/../../b", "/%zz", "/...//..a/", "/%25%32%65/", "/a/.//../b", "/é*",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		steps := KeySteps(raw)
		target, err := ParseTarget(raw)
		if err != nil {
			return
		}
		last := raw
		for _, s := range steps {
			if s.Result == last {
				t.Fatalf("%q: %q changes nothing", raw, s.Did)
			}
			last = s.Result
		}
		if last != string(target.Path) {
			t.Fatalf("%q: the steps end in %q, the key is %q", raw, last, target.Path)
		}
	})
}
