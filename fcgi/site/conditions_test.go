// Lists of entity tags.

package site

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTags(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  []string // weak ones with W/ before them
	}{
		{"one", []string{`"a"`}, []string{`"a"`}},
		{"weak", []string{`W/"a"`}, []string{`W/"a"`}},
		{"list", []string{` "a",W/"b" , , "c"`}, []string{`"a"`, `W/"b"`, `"c"`}},
		{"lines", []string{`"a"`, `"b"`}, []string{`"a"`, `"b"`}},
		{"comma inside", []string{`"a,b", "c"`}, []string{`"a,b"`, `"c"`}},
		{"empty tag", []string{`""`}, []string{`""`}},
		{"star", []string{"*"}, []string{"*"}},
		{"unquoted", []string{`a, "b"`}, nil},
		{"unfinished", []string{`"a", "b`}, []string{`"a"`}},
		{"small w", []string{`w/"a"`}, nil},
		{"bad line, good line", []string{"bad", `"a"`}, []string{`"a"`}},
		{"none", []string{""}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for tag, weak := range tags(tt.lines) {
				if weak {
					tag = "W/" + tag
				}
				got = append(got, tag)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("tags(%q) = %q, want %q", tt.lines, got, tt.want)
			}
		})
	}
}

// FuzzTags: every tag is quoted and holds no further quote, and a list of
// exactly them reads the same.
func FuzzTags(f *testing.F) {
	for _, s := range []string{`"a"`, `W/"a", "b"`, "*", `"unfinished`, `, ,"a"`, `""`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var first, second []string
		for tag, weak := range tags([]string{s}) {
			if tag != "*" && (len(tag) < 2 || strings.Trim(tag, `"`) != tag[1:len(tag)-1]) {
				t.Fatalf("tag %q in %q", tag, s)
			}
			if weak {
				tag = "W/" + tag
			}
			first = append(first, tag)
		}
		for tag, weak := range tags([]string{strings.Join(first, ", ")}) {
			if weak {
				tag = "W/" + tag
			}
			second = append(second, tag)
		}
		if !slices.Equal(first, second) {
			t.Errorf("%q: %q, read again %q", s, first, second)
		}
	})
}

func TestLastModified(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 5e8, time.UTC)
	day := 24 * time.Hour
	tests := []struct {
		name              string
		source, row, want time.Time
	}{
		{"source", now.Add(-day), time.Time{}, now.Add(-day).Truncate(time.Second)},
		{"row is later", now.Add(-2 * day), now.Add(-day), now.Add(-day).Truncate(time.Second)},
		{"row is earlier", now.Add(-day), now.Add(-2 * day), now.Add(-day).Truncate(time.Second)},
		{"source in the future", now.Add(day), time.Time{}, now.Truncate(time.Second)},
		{"row in the future", now.Add(-day), now.Add(day), now.Truncate(time.Second)},
		{"nothing known", time.Time{}, time.Time{}, time.Time{}},
		{"row alone", time.Time{}, now.Add(-day), now.Add(-day).Truncate(time.Second)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := lastModified(tt.source, tt.row, now); !got.Equal(tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
