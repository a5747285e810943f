package mapping

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

var testHosts = Hosts{"www.example.org", "example.org:8080"}

// testRows reads rows of the form "origin status path source", each cleaned; a
// final "drop" sets DropQuery. The n-th row was changed at n.
func testRows(t testing.TB, lines ...string) []Row {
	t.Helper()
	var rows []Row
	for i, line := range lines {
		fields := strings.SplitN(line, " ", 4)
		origin, err := ParseOrigin(fields[0])
		if err != nil {
			t.Fatal(err)
		}
		row := Row{Origin: origin, Pattern: fields[2], Changed: int64(i + 1)}
		if _, err := fmt.Sscan(fields[1], &row.Status); err != nil {
			t.Fatal(err)
		}
		if len(fields) > 3 {
			row.Source, row.DropQuery = strings.CutSuffix(fields[3], " drop")
		}
		page, err := testHosts.Clean(Page{Row: row})
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, page.Row)
	}
	return rows
}

func testFiles(index []string, files []string) Files {
	if files == nil {
		return nil
	}
	n := names{index: index}
	for _, f := range files {
		n.files = append(n.files, PathOfFile(f))
	}
	return n
}

// short is an answer in one line: status, what it leads to, and its marks.
func short(a Answer) string {
	text := fmt.Sprint(a.Status)
	source := a.Source.String()
	if a.Spelling {
		source = "" // the page's, as its own answer tells
	}
	for _, s := range []string{source, a.Location, a.Suggest} {
		if s != "" {
			text += " " + s
		}
	}
	if a.Spelling {
		text += " spelling"
	}
	if a.Found != nil {
		text += " found " + a.Found.Pattern
	}
	if a.Flag != FlagNone {
		text += " flag " + a.Flag.String()
	}
	return text
}

func TestResolve(t *testing.T) {
	for _, test := range []struct {
		name       string
		rows       []string
		files      []string // nil: no tree
		multiViews bool
		answers    [][2]string // request, answer
	}{
		{
			name:  "a made row beats the prefix row, which beats the file",
			rows:  []string{"cli 200 /d/a wiki:A", "cli 200 /d/* wiki:Prefix", "populate 200 /d/b file:/d/b"},
			files: []string{"d/a", "d/b", "d/c", "e"},
			answers: [][2]string{
				{"/d/a", "200 wiki:A"},
				{"/d/a/", "301 /d/a spelling"},
				{"/d/b", "200 wiki:Prefix"},
				{"/d/c", "200 wiki:Prefix"},
				{"/e", "200 file:/e found /e"},
				{"/f", "404"},
			},
		},
		{
			name: "percent spelling is served, slashes and dot segments are redirected",
			rows: []string{"cli 200 /a~b wiki:A", "cli 301 /old /new"},
			answers: [][2]string{
				{"/%61%7Eb", "200 wiki:A"},
				{"//a~b?x=%41&", "301 /a~b?x=%41& spelling"},
				{"/./a~b?", "301 /a~b? spelling"},
				{"/x/%2e%2E/a~b", "301 /a~b spelling"},
				{"//old", "301 /new"},
				{"//unknown", "404"},
			},
		},
		{
			name:  "slashes at the end",
			rows:  []string{"populate 200 /dir/ file:/dir/index.html", "populate 200 /page file:/page", "admin 301 /moved /page", "admin 410 /gone/ /page"},
			files: []string{"dir/index.html", "page", "new/index.htm", "empty/x"},
			answers: [][2]string{
				{"/dir", "301 /dir/ spelling"},
				{"/dir?a", "301 /dir/?a spelling"},
				{"/page/", "301 /page spelling"},
				{"/new", "301 /new/ spelling"},
				{"/new/", "200 file:/new/index.htm found /new/"},
				{"/moved/", "301 /page"},
				{"/gone", "410 /page"},
				{"/empty", "404"},
				{"/empty/", "404"},
				{"/empty/x/", "301 /empty/x spelling"},
			},
		},
		{
			name:  "index names",
			rows:  []string{"populate 200 /dir/ file:/dir/index.html", "populate 200 /dir/index.htm file:/dir/index.htm", "admin 302 /w/index.html /page", "cli 200 /v/ wiki:V"},
			files: []string{"dir/index.html", "dir/index.htm", "late/index.html", "late/index.htm", "v/index.html", "v/index.htm"},
			answers: [][2]string{
				{"/dir/index.html", "200 file:/dir/index.html"},
				{"/dir//index.html", "301 /dir/index.html spelling"},
				{"/dir/index.htm", "200 file:/dir/index.htm"},
				{"/late/index.html", "200 file:/late/index.html found /late/"},
				{"/late/index.htm", "200 file:/late/index.htm found /late/index.htm"},
				{"/w/", "302 /page"},
				{"/w", "302 /page"},
				{"/v/index.html", "200 wiki:V"},
				{"/v/index.htm", "200 file:/v/index.htm found /v/index.htm"},
				{"/v", "301 /v/ spelling"},
			},
		},
		{
			name: "a made row on one twin governs both, unless both have one",
			rows: []string{
				"populate 200 /a/ file:/a/index.html", "cli 200 /a/index.html wiki:A",
				"cli 200 /b/ wiki:B", "cli 410 /b/index.html",
				"populate 200 /c/ file:/c/index.html", "cli 302 /c /a/",
				"populate 200 /d/ file:/d/index.html", "cli 200 /d/index.htm wiki:Second",
			},
			answers: [][2]string{
				{"/a/", "200 wiki:A"},
				{"/a", "301 /a/ spelling"},
				{"/b/", "200 wiki:B"},
				{"/b/index.html", "410"},
				{"/c/", "302 /a/index.html"},
				{"/c/index.html", "302 /a/index.html"},
				{"/d/", "200 file:/d/index.html"},
				{"/d/index.htm", "200 wiki:Second"},
			},
		},
		{
			name: "case",
			rows: []string{
				"populate 200 /Docs/About.html file:/Docs/About.html", "cli 200 /Dir/ wiki:D", "cli 301 /Moved /Docs/About.html",
				"cli 200 /two wiki:A", "cli 200 /TWO wiki:B", "cli 200 /Q?x=1 wiki:Q", "cli 200 /P/* wiki:P", "populate 200 /I/ file:/I/index.html",
			},
			files: []string{"Tree/Page.html", "I/index.html", "Both", "Twice/index.html", "twice/a"},
			answers: [][2]string{
				{"/docs/about.HTML?x", "301 /Docs/About.html?x spelling"},
				{"/dir", "301 /Dir/ spelling"},
				{"/DIR/", "301 /Dir/ spelling"},
				{"//DOCS/about.html/", "301 /Docs/About.html spelling"},
				{"/moved", "301 /Docs/About.html"},
				{"/moved/", "301 /Docs/About.html"},
				{"/Two", "404 flag ambiguous"},
				{"/q?x=1", "404"},
				{"/p/x", "404"},
				{"/tree/page.html", "301 /Tree/Page.html spelling"},
				{"/tree/page.html/", "301 /Tree/Page.html spelling"},
				{"/i/INDEX.html", "301 /I/index.html spelling"},
				{"/both", "301 /Both spelling"},
				{"/twice", "301 /Twice/ spelling"},
				{"/twice/", "301 /Twice/ spelling"},
			},
		},
		{
			name: "query rows",
			rows: []string{
				"cli 200 /p?id=1 wiki:One", "cli 301 /p?id=1&x=2 /t", "cli 404 /p?id=%C3%A9+b", "populate 200 /p file:/p",
				"cli 200 /q?a=1&a=1 wiki:Twice", "cli 200 /q?A= wiki:Upper",
			},
			answers: [][2]string{
				{"/p", "200 file:/p"},
				{"/p?id=2", "200 file:/p"},
				{"/p?ID=1", "200 file:/p"},
				{"/p?y&id=1", "200 wiki:One"},
				{"/p?x=2&y=3&id=%31", "301 /t?y=3"},
				{"/p?id=%c3%a9%20b", "404"},
				{"/p/?id=1", "301 /p?id=1 spelling"},
				{"/q?a=1", "404"},
				{"/q?a=1&b&a=1", "200 wiki:Twice"},
				{"/q?A", "200 wiki:Upper"},
				{"/p?" + strings.Repeat("z&", 99) + "id=1", "200 wiki:One"},
				{"/p?" + strings.Repeat("z&", 100) + "id=1", "200 file:/p"},
			},
		},
		{
			name: "prefix rows",
			rows: []string{
				"cli 301 /docs/* /new/*", "cli 302 /docs/fixed/* https://h.example/there", "cli 200 /docs/wiki/* wiki:Docs/*", "cli 200 /docs/wiki wiki:Own",
				"cli 200 /f/* file:/files/*", "cli 301 /out/* https://h.example/x/*", "cli 200 /w/* wiki:/*", "cli 410 /g/*",
				"cli 301 /tof /f/d/index.html",
			},
			files: []string{"files/a.html", "files/d/index.html", "files/index.html", "docsx"},
			answers: [][2]string{
				{"/docs", "301 /new"},
				{"/docs/", "301 /new/"},
				{"/docs/a%20b/?x=1", "301 /new/a%20b/?x=1"},
				{"/docsx", "200 file:/docsx found /docsx"},
				{"/docs/fixed/a", "302 https://h.example/there"},
				{"/docs/wiki/a%20b", "200 wiki:Docs/a b"},
				{"/docs/wiki", "200 wiki:Own"},
				{"/docs/wiki/", "301 /docs/wiki spelling"},
				{"/f", "301 /f/ spelling"},
				{"/f/", "200 file:/files/index.html"},
				{"/f/a.html", "200 file:/files/a.html"},
				{"/f//a.html", "301 /f/a.html spelling"},
				{"/f/a.html/", "301 /f/a.html spelling"},
				{"/f/d", "301 /f/d/ spelling"},
				{"/tof", "301 /f/d/"},
				{"/f/none", "404"},
				{"/out", "301 https://h.example/x"},
				{"/out/y?q", "301 https://h.example/x/y?q"},
				{"/w/Main_Page", "200 wiki:Main_Page"},
				{"/w", "404"},
				{"/g/x", "410"},
			},
		},
		{
			name:    "the root as a prefix row",
			rows:    []string{"cli 301 /* https://h.example/*", "cli 200 /keep wiki:K"},
			answers: [][2]string{{"/", "301 https://h.example/"}, {"/a/b", "301 https://h.example/a/b"}, {"/keep", "200 wiki:K"}},
		},
		{
			name:       "MultiViews",
			rows:       []string{"populate 200 /a.html file:/a.html", "cli 301 /m.html https://h.example/", "cli 200 /B wiki:B"},
			files:      []string{"a.html", "b.html"},
			multiViews: true,
			answers: [][2]string{
				{"/a", "200 file:/a.html"},
				{"//a", "301 /a spelling"},
				{"/m", "301 https://h.example/"},
				{"/b", "301 /B spelling"},
				{"/a/", "404"},
				{"/c", "404"},
			},
		},
		{
			name:    "a 404 row hides the file",
			rows:    []string{"cli 404 /hidden"},
			files:   []string{"hidden"},
			answers: [][2]string{{"/hidden", "404"}, {"//hidden", "404"}, {"/hidden/", "404"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := Resolver{
				Rows:       NewTable(slices.Values(testRows(t, test.rows...))),
				IndexNames: []string{"index.html", "index.htm"},
				MultiViews: test.multiViews,
			}
			r.Files = testFiles(r.IndexNames, test.files)
			for _, pair := range test.answers {
				target, err := ParseTarget(pair[0])
				if err != nil {
					t.Fatal(err)
				}
				if got := short(r.Resolve(target)); got != pair[1] {
					t.Errorf("%s: %s, want %s", pair[0], got, pair[1])
					_, steps := r.Explain(target)
					for _, s := range steps {
						t.Logf("    %+v", s)
					}
				}
			}
		})
	}
}

// TestResolveMarks is what an answer says beside status and place.
func TestResolveMarks(t *testing.T) {
	r := Resolver{
		Rows: NewTable(slices.Values(testRows(t,
			"populate 200 /dir/ file:/dir/index.html", "cli 301 /a /b", "cli 302 /b /dir/", "cli 200 /dir/?x=1 wiki:X", "cli 200 /w wiki:W"))),
		Files:      names{files: []Path{"/new"}},
		IndexNames: []string{"index.html"},
	}
	for _, test := range []struct {
		request   string
		canonical Path
		pattern   string
		changed   int64
		treeRow   bool
		queried   bool
		found     *Row
	}{
		{request: "/dir/", canonical: "/dir/", pattern: "/dir/", changed: 1, treeRow: true, queried: true},
		{request: "/dir/index.html", canonical: "/dir/", pattern: "/dir/", changed: 1, treeRow: true, queried: true},
		{request: "/a", pattern: "/a", changed: 3, queried: true},
		{request: "/w", canonical: "/w", pattern: "/w", changed: 5},
		{request: "/new", canonical: "/new", found: &Row{Pattern: "/new", Source: "file:/new", Status: 200}},
		{request: "/nothing"},
	} {
		target, err := ParseTarget(test.request)
		if err != nil {
			t.Fatal(err)
		}
		a := r.Resolve(target)
		if a.Canonical != test.canonical || a.Pattern != test.pattern || a.Changed != test.changed || a.TreeRow != test.treeRow || a.Queried != test.queried {
			t.Errorf("%s: %+v", test.request, a)
		}
		if (a.Found == nil) != (test.found == nil) || a.Found != nil && *a.Found != *test.found {
			t.Errorf("%s: found %+v", test.request, a.Found)
		}
	}
}

// TestResolveBadRows puts rows into the table that Clean refuses.
func TestResolveBadRows(t *testing.T) {
	for _, row := range []Row{
		{Pattern: "/a", Status: 301, Source: "//evil.example/"},
		{Pattern: "/a", Status: 301, Source: "/%zz"},
		{Pattern: "/a", Status: 302, Source: "javascript:alert(1)"},
		{Pattern: "/a", Status: 302},
		{Pattern: "/a", Status: 200},
		{Pattern: "/a", Status: 200, Source: "/b"},
		{Pattern: "/a", Status: 500, Source: "wiki:A"},
	} {
		row.Origin = OriginCLI
		r := Resolver{Rows: NewTable(slices.Values([]Row{row})), Hosts: testHosts}
		if a := r.Resolve(Target{Path: "/a", Clean: true}); a.Status != 404 || a.Flag != FlagBadRow || a.Location != "" {
			t.Errorf("%+v: %+v", row, a)
		}
	}
	row := Row{Pattern: "/a", Status: 301, Source: "https://www.example.org//evil.example", Origin: OriginCLI}
	r := Resolver{Rows: NewTable(slices.Values([]Row{row})), Hosts: testHosts}
	if a := r.Resolve(Target{Path: "/a", Clean: true}); a.Location != "/evil.example" {
		t.Errorf("%+v: %+v", row, a)
	}
}

// TestTreeRowsNeedNoFiles: an exact answer of the tree's memory asks no tree.
func TestTreeRowsNeedNoFiles(t *testing.T) {
	r := Resolver{
		Rows:       NewTable(slices.Values(testRows(t, "populate 200 /a.html file:/a.html", "auto 200 /d/ file:/d/index.html", "cli 200 /w wiki:W"))),
		Files:      unasked{t},
		IndexNames: []string{"index.html"},
	}
	for _, p := range []Path{"/a.html", "/d/", "/d/index.html", "/w"} {
		if a := r.Resolve(Target{Path: p, Clean: true}); a.Status != 200 {
			t.Errorf("%s: %+v", p, a)
		}
	}
}

type unasked struct{ *testing.T }

func (u unasked) Lookup(p Path, _ bool) FileEntry {
	u.Errorf("the tree was asked for %s", p)
	return FileEntry{}
}

// TestPickOrder: which of several query rows answers does not depend on the
// order in which rows are brought.
func TestPickOrder(t *testing.T) {
	rows := testRows(t, "cli 200 /a?x=1 wiki:X", "cli 200 /a?y=1 wiki:Y", "cli 200 /a wiki:A")
	for range 2 {
		w := walk{}
		if row, ok := w.pick(rows, "/a", "y=1&x=1", made); !ok || row.Source != "wiki:X" {
			t.Errorf("%+v: %+v", rows, row)
		}
		slices.Reverse(rows)
	}
}
