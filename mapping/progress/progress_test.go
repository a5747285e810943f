package progress

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"pagemap/mapping"
)

func row(pattern string, status uint16, source string) mapping.Row {
	return mapping.Row{Pattern: pattern, Status: status, Source: source}
}

var table = mapping.NewTable(slices.Values([]mapping.Row{
	row("/", 200, "file:/index.html"), row("/a.html", 200, "wiki:A"), row("/logo.png", 200, "file:/logo.png"),
	row("/docs/", 200, "wiki:docs/index"), row("/docs/a.html.ko", 200, "file:/docs/a.html.ko"), row("/docs/deep/b.html", 301, "/a.html"),
	row("/docs/gone", 410, ""), row("/docs/old/*", 302, "https://other.example/*"), row("/docs/mirror/*", 200, "file:/mirror/*"),
	row("/show?id=7", 404, ""),
}))

func hits(yield func(Hits, error) bool) {
	for _, h := range []Hits{{"/a.html", 70}, {"/docs/gone", 10}, {"/docs/a.html.ko", 20}, {"/logo.png", 500}, {"/no/such/row", 1000}} {
		if !yield(h, nil) {
			return
		}
	}
}

// text is the counts in one line: wiki, redirect, gone, file, other.
func text(c Counts) string { return fmt.Sprint([kinds]Count(c)) }

func TestOf(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hits  iter.Seq2[Hits, error]
		depth int
		want  string
		dirs  []string
	}{
		{"the whole", nil, 0, "[{2 0} {2 0} {2 0} {3 0} {1 0}]", nil},
		{"with hits", hits, 0, "[{2 70} {2 0} {2 10} {3 20} {1 500}]", nil},
		{"one deep", hits, 1, "[{2 70} {2 0} {2 10} {3 20} {1 500}]", []string{
			"/ [{1 70} {0 0} {1 0} {1 0} {1 500}]", "/docs/ [{1 0} {2 0} {1 10} {2 20} {0 0}]",
		}},
		{"two deep", nil, 2, "[{2 0} {2 0} {2 0} {3 0} {1 0}]", []string{
			"/ [{1 0} {0 0} {1 0} {1 0} {1 0}]", "/docs/ [{1 0} {0 0} {1 0} {1 0} {0 0}]", "/docs/deep/ [{0 0} {1 0} {0 0} {0 0} {0 0}]",
			"/docs/mirror/ [{0 0} {0 0} {0 0} {1 0} {0 0}]", "/docs/old/ [{0 0} {1 0} {0 0} {0 0} {0 0}]",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Of(table, mapping.DefaultTypes(), tt.hits, tt.depth)
			if err != nil {
				t.Fatal(err)
			}
			var dirs []string
			for _, d := range r.Directories {
				dirs = append(dirs, d.Path+" "+text(d.Counts))
			}
			if got := text(r.Counts); got != tt.want || !slices.Equal(dirs, tt.dirs) {
				t.Errorf("got  %s %q\nwant %s %q", got, dirs, tt.want, tt.dirs)
			}
		})
	}
}

func TestShare(t *testing.T) {
	r, err := Of(table, mapping.DefaultTypes(), hits, 0)
	if err != nil {
		t.Fatal(err)
	}
	if pages, hits := r.Counts.Share(Wiki); pages != 2.0/9 || hits != 0.7 {
		t.Errorf("wiki has %v of the pages and %v of the hits, want 2/9 and 0.7", pages, hits)
	}
	if pages, hits := (&Counts{}).Share(Wiki); pages != 0 || hits != 0 {
		t.Errorf("of nothing: %v, %v", pages, hits)
	}
}

func TestHitsFail(t *testing.T) {
	bad := errors.New("bad")
	if _, err := Of(table, mapping.DefaultTypes(), func(yield func(Hits, error) bool) { yield(Hits{}, bad) }, 1); !errors.Is(err, bad) {
		t.Errorf("error %v", err)
	}
}
