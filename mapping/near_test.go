package mapping

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNear(t *testing.T) {
	rows := testRows(t,
		"populate 200 /docs/About.html file:/docs/About.html", "populate 200 /docs/about.HTML file:/docs/about.HTML",
		"populate 200 /docs/install.html file:/docs/install.html", "populate 200 /docs/ file:/docs/index.html",
		"populate 200 /docs/page-1.html file:/docs/page-1.html", "populate 200 /docs/page-2.html file:/docs/page-2.html",
		"populate 200 /caf%C3%A9.html file:/caf%C3%A9.html", "populate 200 /stra%DFe.html file:/stra%DFe.html",
		"populate 200 /a%20b.html file:/a%20b.html", "cli 200 /show?id=7 wiki:Seven",
		"cli 301 /download/tools https://files.example/tools", "cli 301 /old/story.html /docs/install.html", "cli 301 /broken/target.html /nowhere",
		"cli 410 /docs/instell.html", "cli 200 /prefix/* wiki:P/*", "cli 301 /to/vanished.html /gone/vanished.html",
	)
	files := names{files: []Path{"/docs/index.html", "/tree/Only.txt", "/new/tutorial.txt"}, index: []string{"index.html"}}
	for _, row := range rows {
		if file := fileOf(row); file != "" && !slices.Contains(files.files, file) {
			files.files = append(files.files, file)
		}
	}
	rows = append(rows, testRows(t, "populate 200 /gone/vanished.html file:/gone/vanished.html")...)
	r := Resolver{Rows: NewTable(slices.Values(rows)), Files: files, IndexNames: []string{"index.html"}, Hosts: testHosts}
	for _, test := range []struct {
		name, path string
		want       []string // "reason URL", the first ones in this order
	}{
		{"ambiguous case", "/docs/ABOUT.html", []string{"case /docs/About.html", "case /docs/about.HTML"}},
		{"query row", "/show", []string{"query /show?id=7"}},
		{"another extension", "/docs/install.php", []string{"extension /docs/install.html"}},
		{"no extension", "/docs/install", []string{"extension /docs/install.html"}},
		{"another index", "/docs/index.php", []string{"extension /docs/"}},
		{"escaped twice", "/caf%25C3%25A9.html", []string{"encoding /caf%C3%A9.html"}},
		{"Latin-1 for UTF-8", "/caf%E9.html", []string{"encoding /caf%C3%A9.html"}},
		{"UTF-8 for Latin-1", "/stra%C3%9Fe.html", []string{"encoding /stra%DFe.html"}},
		{"plus for space", "/a+b.html", []string{"encoding /a%20b.html"}},
		{"underscore for space", "/a_b.html", []string{"encoding /a%20b.html"}},
		{"a fragment in the path", "/docs/install.html%23top", []string{"encoding /docs/install.html"}},
		{"a query in the path", "/docs/install.html%3Fx=1", []string{"encoding /docs/install.html"}},
		{"a quote behind it", "/docs/install.html%22", []string{"ending /docs/install.html"}},
		{"several behind it", "/docs/install.html).", []string{"ending /docs/install.html"}},
		{"a query with the wrong sign", "/docs/install.html&x=1", []string{"ending /docs/install.html"}},
		{"a letter wrong", "/docs/instal.html", []string{"typing /docs/install.html"}},
		{"letters swapped", "/docs/isntall.html", []string{"typing /docs/install.html"}},
		{"two letters", "/docs/imstal.html", []string{"typing /docs/install.html"}},
		{"a number", "/docs/page-3.html", []string{"typing /docs/page-1.html", "typing /docs/page-2.html"}},
		{"a letter rather than a number", "/docs/pag-2.html", []string{"typing /docs/page-2.html"}},
		{"elsewhere", "/manual/de/install.html", []string{"moved /docs/install.html"}},
		{"where a redirect leads", "/older/tools", []string{"moved https://files.example/tools"}},
		{"the end of a redirect", "/archive/story.html", []string{"moved /docs/install.html"}},
		{"not to a dead target", "/x/target.html", nil},
		{"not to a file that is gone", "/gone/vanished.htm", nil},
		{"not to a gone row", "/docs/instell.htm", []string{"typing /docs/install.html"}},
		{"a file without a row", "/tree/Only", []string{"extension /tree/Only.txt"}},
		{"nothing like it", "/completely/different", nil},
		{"the root", "/", nil},
		{"no path", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, s := range r.Near([]Path{Path(test.path)}, 3)[0] {
				got = append(got, s.Reason+" "+s.URL)
			}
			if len(got) < len(test.want) || !slices.Equal(got[:len(test.want)], test.want) || test.want == nil && got != nil {
				t.Errorf("%s: %q, want %q", test.path, got, test.want)
			}
		})
	}
	all := r.Near([]Path{"/docs/instal.html", "/nothing/at/all", "/docs/install.htm"}, 1)
	if len(all) != 3 || len(all[0]) != 1 || len(all[1]) != 0 || len(all[2]) != 1 {
		t.Errorf("three paths at once: %v", all)
	}
	if got := new(Resolver).Near([]Path{"/x"}, 3); len(got) != 1 || got[0] != nil {
		t.Errorf("without rows and files: %v", got)
	}
}

// TestNearDistance compares distance with the definition, which takes the time
// that the short form saves.
func TestNearDistance(t *testing.T) {
	var slow func(a, b string) int
	slow = func(a, b string) int {
		if a == "" || b == "" {
			return len(a) + len(b)
		}
		best := slow(a[1:], b[1:])
		if a[0] != b[0] {
			best++
		}
		best = min(best, 1+slow(a[1:], b), 1+slow(a, b[1:]))
		if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
			best = min(best, 1+slow(a[2:], b[2:]))
		}
		return best
	}
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]byte, random.IntN(6))
		for i := range b {
			b[i] = "abc"[random.IntN(3)]
		}
		return string(b)
	}
	for range 20000 {
		a, b := word(), word()
		want := slow(a, b)
		for limit := range 3 {
			if got := distance(a, b, limit); want <= limit && got != want || want > limit && got <= limit {
				t.Fatalf("distance(%q, %q, %d) = %d, want %d", a, b, limit, got, want)
			}
		}
	}
}

func FuzzNear(f *testing.F) {
	f.Add("/docs/instal.html", "/docs/install.html")
	f.Add("/a%25%23%3F.html", "/%C3%A9")
	f.Fuzz(func(t *testing.T, asked, there string) {
		p, err := ParsePath(asked)
		if err != nil {
			return
		}
		page, err := Hosts(nil).Clean(Page{Row: Row{Pattern: there, Status: 200, Source: "wiki:X", Origin: OriginCLI}})
		if err != nil {
			return
		}
		r := Resolver{Rows: NewTable(slices.Values([]Row{page.Row})), IndexNames: []string{"index.html"}}
		for _, s := range r.Near([]Path{p}, 3)[0] {
			target, err := ParseTarget(s.URL)
			if err != nil || r.Resolve(target).Status != 200 {
				t.Fatalf("%q of the row %q: suggests %+v: %v", p, there, s, err)
			}
		}
	})
}

// BenchmarkNear searches a table of 1,000,000 rows, for one path and for 200.
func BenchmarkNear(b *testing.B) {
	table := NewTable(func(yield func(Row) bool) {
		for i := range 1000000 {
			path := fmt.Sprintf("/docs/section%d/chapter%d/page-%d.html", i%50, i%1000, i)
			if !yield(Row{Pattern: path, Status: 200, Source: "file:" + path, Origin: OriginPopulate}) {
				return
			}
		}
	})
	r := Resolver{Rows: table, IndexNames: []string{"index.html"}}
	for _, n := range []int{1, 200} {
		paths := make([]Path, n)
		for i := range paths {
			paths[i] = Path(fmt.Sprintf("/docs/section%d/chapter%d/pages-%d.htlm", i, i, 1000*i+i))
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			start := time.Now()
			for b.Loop() {
				r.Near(paths, 3)
			}
			b.ReportMetric(time.Since(start).Seconds()/float64(b.N), "s")
		})
	}
}

func TestNearManyCandidates(t *testing.T) {
	table := NewTable(func(yield func(Row) bool) {
		for i := range 5000 {
			if !yield(Row{Pattern: fmt.Sprintf("/dir%d/name.html", i), Status: 200, Source: "wiki:X", Origin: OriginCLI}) {
				return
			}
		}
	})
	r := Resolver{Rows: table}
	got := r.Near([]Path{"/none/name.html"}, 5)[0]
	if len(got) != 5 {
		t.Fatalf("%v", got)
	}
	for _, s := range got {
		if s.Reason != NearMoved || !strings.HasPrefix(s.URL, "/dir") {
			t.Errorf("%+v", s)
		}
	}
}
