package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestChains(t *testing.T) {
	rows := []string{
		"cli 301 /a /b", "cli 301 /b /c?own=1#here", "cli 301 /c https://h.example/x?h=2#", "cli 302 /t /a drop",
		"cli 301 /f1 /f2#one", "cli 301 /f2 /page", "cli 301 /f3 /f4#one", "cli 301 /f4 /page?p#two",
		"cli 410 /gone /page?suggest", "cli 301 /togone /gone", "cli 404 /never", "cli 301 /tonever /never",
		"cli 301 /tonowhere /nowhere?n=1", "cli 301 /toindex /dir/index.html?x=1#y", "cli 301 /toslash /dir", "cli 301 /tocase /PAGE",
		"cli 200 /dir/ wiki:Dir", "cli 200 /page wiki:Page", "cli 301 /loop1 /loop2", "cli 301 /loop2 /loop1", "cli 301 /self /self/",
		"cli 301 /q?old=1&b=2 /page?new=1", "cli 301 /keep /page?id=7&%69d2=1", "cli 302 /drop /page?own=1 drop",
		"cli 301 /old/* /older/*", "cli 301 /older/* /oldest/*", "cli 200 /oldest/x wiki:X", "cli 301 /Case /case",
	}
	for i := range 12 {
		rows = append(rows, fmt.Sprintf("cli 301 /hop%d /hop%d", i, i+1))
	}
	r := Resolver{Rows: NewTable(slices.Values(testRows(t, rows...))), IndexNames: []string{"index.html"}, Hosts: testHosts}
	for _, test := range []struct{ name, request, answer string }{
		{"own parameters of each hop win", "/a?q=1&own=9&h=3", "301 https://h.example/x?h=2&own=1&q=1#here"},
		{"one 302 makes all 302, drop", "/t?q=1", "302 https://h.example/x?h=2&own=1#here"},
		{"an earlier fragment stays", "/f1", "301 /page#one"},
		{"a later fragment wins", "/f3?q", "301 /page?p&q#two"},
		{"ends in 410", "/togone?q", "410 /page?suggest"},
		{"ends in a 404 row", "/tonever", "404"},
		{"ends where nothing answers", "/tonowhere?a", "301 /nowhere?n=1&a"},
		{"final spelling: index", "/toindex?q", "301 /dir/?x=1&q#y"},
		{"final spelling: slash", "/toslash", "301 /dir/"},
		{"final spelling: case", "/tocase?q", "301 /page?q"},
		{"loop", "/loop1", "404 flag loop"},
		{"loop with a query", "/loop2?q=1", "404 flag loop"},
		{"a slash is no way out", "/self", "404 flag loop"},
		{"nor is case", "/Case", "404 flag loop"},
		{"ten hops", "/hop2", "301 /hop12"},
		{"eleven hops", "/hop1", "404 flag too deep"},
		{"matched parameters stay behind", "/q?a&b=2&old=1&old=1&c=%20", "301 /page?new=1&a&old=1&c=%20"},
		{"equal names by their decoded form", "/keep?%69d=1&id2=9&x=%c3%a9&&y", "301 /page?id=7&%69d2=1&x=%c3%a9&y"},
		{"drop", "/drop?q=1", "302 /page?own=1"},
		{"no query but a question mark", "/keep?", "301 /page?id=7&%69d2=1"},
		{"prefix rows after one another", "/old/x?q", "301 /oldest/x?q"},
		{"bytes of the query kept or escaped", "/f2?a=<b>&%zz&\xe9#x y", "301 /page?a=<b>&%zz&%E9%23x%20y"},
	} {
		t.Run(test.name, func(t *testing.T) {
			target, err := ParseTarget(test.request)
			if err != nil {
				t.Fatal(err)
			}
			if got := short(r.Resolve(target)); got != test.answer {
				t.Errorf("%s: %s, want %s", test.request, got, test.answer)
			}
		})
	}
}

// TestOwnHostsOfOlderRows: a target written before its host became the site's.
func TestOwnHostsOfOlderRows(t *testing.T) {
	rows := []Row{
		{Pattern: "/a", Status: 301, Source: "https://alias.example/b", Origin: OriginCLI},
		{Pattern: "/b", Status: 301, Source: "/c", Origin: OriginCLI},
	}
	r := Resolver{Rows: NewTable(slices.Values(rows)), Hosts: Hosts{"alias.example"}}
	if a := r.Resolve(Target{Path: "/a", Clean: true}); a.Location != "/c" {
		t.Errorf("%+v", a)
	}
}

func TestCheckRedirect(t *testing.T) {
	hops := make([]string, 10)
	for i := range hops {
		hops[i] = fmt.Sprintf("cli 301 /hop%d /hop%d", i, i+1)
	}
	for _, test := range []struct {
		name    string
		rows    []string // the first one is checked
		problem string   // "" where it may be written
	}{
		{"plain", []string{"cli 301 /a /b"}, ""},
		{"no redirect", []string{"cli 410 /a /a"}, ""},
		{"to itself", []string{"cli 301 /a /a?x=1"}, "is a loop: /a:"},
		{"to its slash", []string{"cli 301 /a/ /a"}, "is a loop: /a/:"},
		{"of two", []string{"cli 301 /a /b", "cli 302 /b /a"}, "is a loop: /a -> /b:"},
		{"of three with prefixes", []string{"cli 301 /a/* /b/*", "cli 301 /b/* /c/*", "cli 301 /c/* /a/*"}, "is a loop: /a/* -> /b/* -> /c/*:"},
		{"beside a loop", []string{"cli 301 /x/* /b", "cli 301 /b /c", "cli 301 /c /b"}, "is a loop"},
		{"at the prefix itself", []string{"cli 301 /a/* /b/*", "cli 301 /b /a"}, "is a loop"},
		{"only below", []string{"cli 301 /a/* /b/*", "cli 301 /b/* /a/*", "cli 200 /b/ wiki:B"}, "is a loop: /a/* -> /b/*:"},
		{"broken by a page", []string{"cli 301 /a /b", "cli 301 /b/* /a/*", "cli 200 /b wiki:B"}, ""},
		{"of a query row", []string{"cli 301 /a?x=1 /a?y=2", "cli 301 /a?y=2 /a?x=1"}, "is a loop"},
		{"of a query row that ends", []string{"cli 301 /a?x=1 /a", "cli 200 /a wiki:A"}, ""},
		{"ten hops", hops, ""},
		{"eleven hops", append([]string{"cli 301 /first /hop0"}, hops...), "is a chain of more than 10 redirects: /first -> /hop0 -> "},
		{"case: the tree may have it", []string{"cli 301 /A /a"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			rows := testRows(t, test.rows...)
			r := Resolver{Rows: NewTable(slices.Values(rows)), IndexNames: []string{"index.html"}, Hosts: testHosts}
			err := r.CheckRedirect(rows[0])
			if test.problem == "" && err != nil || test.problem != "" && (!errors.Is(err, ErrBadRow) || !strings.Contains(err.Error(), test.problem)) {
				t.Errorf("%v, want %q", err, test.problem)
			}
		})
	}
	rows := testRows(t, "cli 301 /A /a")
	r := Resolver{Rows: NewTable(slices.Values(rows)), Files: names{}}
	if err := r.CheckRedirect(rows[0]); err == nil {
		t.Error("a tree without the spelling: no error")
	}
	r.Files = names{files: []Path{"/a"}}
	if err := r.CheckRedirect(rows[0]); err != nil {
		t.Error("a tree with the spelling:", err)
	}
}
