// Accept-Encoding.

package site

import (
	"slices"
	"strings"
	"testing"
)

func TestPrefersGzip(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  bool
	}{
		{"no header", nil, false},
		{"empty", []string{""}, false},
		{"gzip", []string{"gzip"}, true},
		{"any case", []string{"GZip"}, true},
		{"old name", []string{"x-gzip"}, true},
		{"among others", []string{"br, deflate;q=1.0,gzip ; q=0.8 , *;q=0.1"}, true},
		{"second line", []string{"br", "gzip"}, true},
		{"refused", []string{"gzip;q=0"}, false},
		{"refused in full", []string{"gzip;q=0.000"}, false},
		{"barely", []string{"gzip;q=0.001"}, true},
		{"star", []string{"*"}, true},
		{"star refused", []string{"*;q=0"}, false},
		{"star, not gzip", []string{"gzip;q=0, *;q=1"}, false},
		{"gzip, not star", []string{"*;q=0, gzip"}, true},
		{"identity preferred", []string{"identity, gzip;q=0.9"}, false},
		{"identity preferred by star", []string{"gzip;q=0.5, *"}, false},
		{"as glad", []string{"identity, gzip"}, true},
		{"identity refused", []string{"identity;q=0, gzip;q=0.1"}, true},
		{"all refused", []string{"identity;q=0, *;q=0"}, false},
		{"other parameter", []string{"gzip;level=9;q=0"}, false},
		{"capital Q", []string{"gzip;Q=0"}, false},
		{"above one", []string{"gzip;q=1.001"}, false},
		{"too long", []string{"gzip;q=0.0001"}, false},
		{"no number", []string{"gzip;q=x"}, false},
		{"empty number", []string{"gzip;q="}, false},
		{"negative", []string{"gzip;q=-1"}, false},
		{"one with a dot", []string{"gzip;q=1."}, true},
		{"only commas", []string{",,, ,"}, false},
		{"part of a name", []string{"gzipped, notgzip"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := prefersGzip(tt.lines); got != tt.want {
				t.Errorf("prefersGzip(%q) = %v", tt.lines, got)
			}
		})
	}
}

// FuzzPrefersGzip: the order of items and their distribution over lines do not
// count, and who does not name gzip or "*" does not get it.
func FuzzPrefersGzip(f *testing.F) {
	for _, s := range []string{"", "gzip", "gzip;q=0.5, identity;q=1", "*;q=0, gzip;q=1.000", "br;q=1,,x-gzip ;q=0.33", "gzip;q=2;q=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := prefersGzip([]string{s})
		items := strings.Split(s, ",")
		if prefersGzip(items) != got {
			t.Errorf("%q over several lines: %v", s, !got)
		}
		slices.Reverse(items)
		if prefersGzip([]string{strings.Join(items, ",")}) != got {
			t.Errorf("%q in reverse: %v", s, !got)
		}
		if got && !strings.Contains(strings.ToLower(s), "gzip") && !strings.Contains(s, "*") {
			t.Errorf("%q: gzip, which it does not name", s)
		}
	})
}
