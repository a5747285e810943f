// The table read backwards.

package mapping

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func wikiRow(pattern, source string) Row {
	return Row{Pattern: pattern, Source: source, Status: 200, Origin: OriginCLI, Changed: int64(len(pattern))}
}

func TestWikiPath(t *testing.T) {
	table := NewTable(slices.Values([]Row{
		wikiRow("/about.html", "wiki:About"),
		wikiRow("/über.html", "wiki:Überblick"),
		wikiRow("/twice", "wiki:Twice"), wikiRow("/b", "wiki:Twice"), wikiRow("/a", "wiki:Twice"), wikiRow("/?p=1", "wiki:Twice"),
		wikiRow("/show?page=x", "wiki:Query"),
		wikiRow("/docs/*", "wiki:Docs/*"), wikiRow("/docs/old/*", "wiki:Docs/Old stuff/*"), wikiRow("/d/*", "wiki:Docs/*"),
		wikiRow("/docs/exact", "wiki:Docs/Exact page"),
		wikiRow("/fixed/*", "wiki:Fixed"),
		wikiRow("/star", "wiki:Star/*"),
		{Pattern: "/file.html", Source: "file:/file.html", Status: 200},
		wikiRow("/gone.html", "wiki:Gone"), {Pattern: "/gone.html", Status: 410},
	}))
	spell := func(s string) string { // as MediaWiki does
		s = strings.TrimRight(strings.ReplaceAll(s, "_", " "), "/ ")
		r := []rune(s)
		return strings.ToUpper(string(r[:min(1, len(r))])) + string(r[min(1, len(r)):])
	}
	for _, test := range []struct {
		name    string
		spelled bool
		want    string
	}{
		{name: "About", want: "/about.html"},
		{name: "about", want: ""},
		{name: "about", spelled: true, want: "/about.html"},
		{name: "aBout", spelled: true, want: ""},
		{name: "überblick", spelled: true, want: "/über.html"},
		{name: "Twice", want: "/a"},
		{name: "Query", want: "/show?page=x"},
		{name: "Docs", want: "/d"},
		{name: "Docs/Some page", want: "/d/Some%20page"},
		{name: "Docs/100% it?/*", want: "/d/100%25%20it%3F/%2A"},
		{name: "docs/Some_page", spelled: true, want: "/d/Some%20page"},
		{name: "Docs/Old stuff/x", want: "/docs/old/x"},
		{name: "Docs/Old stuff", want: "/docs/old"},
		{name: "docs/Old_stuff/x_y", spelled: true, want: "/docs/old/x%20y"},
		{name: "Docs/Exact page", want: "/docs/exact"},
		{name: "Docs/../x", want: ""},
		{name: "Docs//x", want: ""},
		{name: "Docs/" + strings.Repeat("x", MaxPathLen), want: ""},
		{name: "Docsx", want: ""},
		{name: "Fixed", want: ""},
		{name: "Fixed", spelled: true, want: ""},
		{name: "Star/*", want: "/star"},
		{name: "Star/x", want: ""},
		{name: "Gone", want: ""},
		{name: "/file.html", want: ""},
		{name: "", want: ""},
	} {
		by := spell
		if !test.spelled {
			by = nil
		}
		if got := table.WikiPath(test.name, by); got != test.want {
			t.Errorf("WikiPath(%.40q), spelled %t, is %q, want %q", test.name, test.spelled, got, test.want)
		}
	}
	whole := NewTable(slices.Values([]Row{wikiRow("/*", "wiki:/*")}))
	if got := whole.WikiPath("A/b c", nil); got != "/A/b%20c" {
		t.Errorf("under the row of everything: %q", got)
	}
	if got := new(Table).WikiPath("About", nil); got != "" {
		t.Errorf("an empty table: %q", got)
	}
}

// TestWikiPathLeadsBack: whatever path the index gives resolves to the page.
func TestWikiPathLeadsBack(t *testing.T) {
	table := NewTable(slices.Values([]Row{
		wikiRow("/docs/*", "wiki:Docs/*"), wikiRow("/w/*", "wiki:/*"), wikiRow("/about.html", "wiki:About"), wikiRow("/q?a=x+y", "wiki:Q"),
	}))
	rv := Resolver{Rows: table}
	for _, name := range []string{"About", "Q", "Docs/x", "Docs/a/b", "Docs", "x", "Ünï côdé", "100%", "A%2FB", "a?b=c", "C#", "a+b", "*", "Docs/*", "~tilde", "a:b"} {
		path := table.WikiPath(name, nil)
		target, err := ParseTarget(path)
		if err != nil {
			t.Errorf("%q has the path %q: %v", name, path, err)
			continue
		}
		if a := rv.Resolve(target); a.Status != 200 || a.Source != (Source{SourceWiki, name}) {
			t.Errorf("%q has the path %q, which answers %d %v", name, path, a.Status, a.Source)
		}
	}
}

// TestWikiModel: the index of a table that was changed row by row is that of one built at once.
func TestWikiModel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	model := map[string]Row{}
	table := new(Table)
	for range 3000 {
		pattern := fmt.Sprintf("/p%d", random.IntN(60))
		row := wikiRow(pattern, fmt.Sprintf("wiki:Name %d", random.IntN(40)))
		change := Change{Pattern: pattern, Row: &row}
		switch random.IntN(4) {
		case 0:
			change.Row = nil
			delete(model, pattern)
		case 1:
			row = Row{Pattern: pattern, Source: "file:" + pattern, Status: 200}
			model[pattern] = row
		default:
			model[pattern] = row
		}
		before := table
		state, _ := before.WikiState()
		table = table.Apply([]Change{change})
		if again, _ := before.WikiState(); again != state {
			t.Fatal("a change altered the table that it was made to")
		}
		rows := make([]Row, 0, len(model))
		for _, row := range model {
			rows = append(rows, row)
		}
		built := NewTable(slices.Values(rows))
		a, _ := table.WikiState()
		b, _ := built.WikiState()
		if a != b || table.wiki.trie.len != built.wiki.trie.len {
			t.Fatalf("after %v: %x with %d rows, built at once %x with %d", change, a, table.wiki.trie.len, b, built.wiki.trie.len)
		}
		name := fmt.Sprintf("Name %d", random.IntN(40))
		if a, b := table.WikiPath(name, nil), built.WikiPath(name, nil); a != b {
			t.Fatalf("%q: %q, built at once %q", name, a, b)
		}
	}
}

func TestWikiState(t *testing.T) {
	empty, when := new(Table).WikiState()
	if !when.IsZero() {
		t.Errorf("an empty table was changed at %v", when)
	}
	row := wikiRow("/a", "wiki:A")
	row.Changed = 5_000_000
	one := new(Table).Apply([]Change{{Pattern: "/a", Row: &row}, {Pattern: "/f", Row: &Row{Pattern: "/f", Source: "file:/f", Status: 200, Changed: 9}}})
	state, when := one.WikiState()
	if state == empty || !when.Equal(time.Unix(5, 0)) {
		t.Errorf("with a row: %x at %v", state, when)
	}
	same, _ := one.Apply([]Change{{Pattern: "/f"}}).WikiState()
	if same != state {
		t.Error("the state changed with a file's row")
	}
	gone, when := one.Apply([]Change{{Pattern: "/a"}}).WikiState()
	if gone != empty || !when.Equal(time.Unix(5, 0)) {
		t.Errorf("with the row gone: %x at %v", gone, when)
	}
	other := wikiRow("/a", "wiki:B")
	if moved, _ := one.Apply([]Change{{Pattern: "/a", Row: &other}}).WikiState(); moved == state || moved == empty {
		t.Errorf("with another source: %x", moved)
	}
}

func FuzzWikiPath(f *testing.F) {
	for _, seed := range []string{"About", "Docs/x", "Docs/../x", "a\x00", "\xff", "Docs", "//", "_ /"} {
		f.Add(seed)
	}
	table := NewTable(slices.Values([]Row{wikiRow("/docs/*", "wiki:Docs/*"), wikiRow("/w/*", "wiki:/*"), wikiRow("/about.html", "wiki:About")}))
	f.Fuzz(func(t *testing.T, name string) {
		path := table.WikiPath(name, nil)
		if path == "" {
			return
		}
		target, err := ParseTarget(path)
		if err != nil {
			t.Fatalf("%q: %q: %v", name, path, err)
		}
		if a := (&Resolver{Rows: table}).Resolve(target); a.Source != (Source{SourceWiki, name}) {
			t.Errorf("%q has the path %q, which answers %v", name, path, a.Source)
		}
	})
}

func BenchmarkWikiPath(b *testing.B) {
	rows := make([]Row, 100_000)
	for i := range rows {
		rows[i] = wikiRow(fmt.Sprintf("/p%d.html", i), fmt.Sprintf("wiki:Dir/Page %d", i))
	}
	table := NewTable(slices.Values(rows))
	for b.Loop() {
		if table.WikiPath("Dir/Page 777", nil) == "" {
			b.Fatal("not found")
		}
	}
}
