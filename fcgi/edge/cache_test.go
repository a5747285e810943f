package edge_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"pagemap/fcgi/edge"
)

func TestParseCache(t *testing.T) {
	tests := []struct{ text, want string }{ // want "": refused
		{"http://127.0.0.1", "http://127.0.0.1"},
		{"http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
		{"https://[::1]:443", "https://[::1]:443"},
		{"varnish+http://cache.internal:6081", "varnish+http://cache.internal:6081"},
		{"varnish+https://cache.internal", "varnish+https://cache.internal"},
		{"HTTP://localhost", "http://localhost"},
		{"", ""}, {"127.0.0.1:80", ""}, {"localhost", ""}, {"http://", ""}, {"http://:80", ""}, {"ftp://h", ""}, {"varnish://h", ""},
		{"http://h/path", ""}, {"http://h?x", ""}, {"http://h#x", ""}, {"http://user@h", ""}, {"http://h:port", ""}, {"http://h\r\n", ""},
	}
	for _, tt := range tests {
		c, err := edge.ParseCache(tt.text)
		if tt.want == "" {
			if !errors.Is(err, edge.ErrCache) {
				t.Errorf("ParseCache(%q): %v, %v", tt.text, c, err)
			}
			continue
		}
		if err != nil || c.String() != tt.want {
			t.Errorf("ParseCache(%q) = %v, %v, want %s", tt.text, c, err, tt.want)
		}
	}
}

// FuzzParseCache: what is read names a host and nothing else, and reads the same again.
func FuzzParseCache(f *testing.F) {
	for _, s := range []string{"http://127.0.0.1:80", "varnish+https://[::1]/", "http://h?x", "varnish+varnish+http://h", "http://%41"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := edge.ParseCache(s)
		if err != nil {
			return
		}
		again, err := edge.ParseCache(c.String())
		if err != nil || again != c {
			t.Fatalf("%q is read as %s, and that as %v, %v", s, c, again, err)
		}
		u, err := url.Parse(strings.TrimPrefix(c.String(), "varnish+"))
		if err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
			t.Fatalf("%q is read as %s", s, c)
		}
	})
}
