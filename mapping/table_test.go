package mapping

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// manyRows are the rows of a large crawled site; text is the bytes of theirs,
// once for pattern and source together.
func manyRows(n int) (rows []Row, text int) {
	rows = make([]Row, n)
	for i := range rows {
		source := fmt.Sprintf("file:/library/part%d/chapter%d/page%d.html", i%1000, i%37, i)
		rows[i] = Row{Pattern: source[len("file:"):], Source: source, Status: 200, Change: int64(i), Origin: OriginPopulate}
		text += len(source)
	}
	return rows, text
}

// TestTableModel compares a table through many changes with a map of the rows.
func TestTableModel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pattern := func() string {
		p := fmt.Sprintf("/%d/%d", random.IntN(30), random.IntN(60))
		switch random.IntN(6) {
		case 0:
			return p + "/*"
		case 1:
			return p + "?a=" + fmt.Sprint(random.IntN(20))
		case 2:
			return p + "/"
		}
		return p
	}
	model := make(map[string]Row)
	table := new(Table)
	for version := range 400 {
		before, was := table, maps.Clone(model)
		var changes []Change
		for range random.IntN(40) {
			p := pattern()
			if random.IntN(3) == 0 {
				changes = append(changes, Change{Pattern: p})
				delete(model, p)
				continue
			}
			row := Row{Pattern: p, Source: fmt.Sprint("wiki:", version), Status: 200, Change: int64(version)}
			changes = append(changes, Change{Pattern: p, Row: &row})
			model[p] = row
		}
		table = before.Apply(changes)
		checkTable(t, table, model)
		if version%20 == 0 {
			checkTable(t, before, was)
			// Two tables of one origin do not see each other's changes.
			other := before.Apply([]Change{{Pattern: "/other", Row: &Row{Status: 404}}})
			checkTable(t, table, model)
			was["/other"] = Row{Pattern: "/other", Status: 404}
			checkTable(t, other, was)
			checkTable(t, NewTable(table.All()), model)
		}
		if t.Failed() {
			return
		}
	}
	for p := range model {
		table = table.Apply([]Change{{Pattern: p}})
	}
	checkTable(t, table, nil)
}

func checkTable(t *testing.T, table *Table, model map[string]Row) {
	t.Helper()
	if table.Len() != len(model) {
		t.Fatalf("%d rows, want %d", table.Len(), len(model))
	}
	n := 0
	for row := range table.All() {
		n++
		if model[row.Pattern] != row {
			t.Fatalf("all: %+v, want %+v", row, model[row.Pattern])
		}
	}
	if n != len(model) {
		t.Fatalf("all: %d rows, want %d", n, len(model))
	}
	for p, want := range model {
		if row, ok := table.Get(p); !ok || row != want {
			t.Fatalf("%s: %+v %v, want %+v", p, row, ok, want)
		}
		path, prefix, _ := splitPattern(p)
		if !prefix && !slices.Contains(table.Fold(Path(strings.ToUpper(string(path)))), want) {
			t.Fatalf("%s is not in its fold", p)
		}
	}
	if _, ok := table.Get("/not/there"); ok {
		t.Fatal("a row that was never put")
	}
}

func TestNewTableLastWins(t *testing.T) {
	rows := []Row{{Pattern: "/a", Source: "wiki:1"}, {Pattern: "/b/*", Source: "wiki:1"}, {Pattern: "/a", Source: "wiki:2"}, {Pattern: "/b/*", Source: "wiki:2"}, {Pattern: "/a", Source: "wiki:3"}}
	checkTable(t, NewTable(slices.Values(rows)), map[string]Row{"/a": rows[4], "/b/*": rows[3]})
}

func TestFold(t *testing.T) {
	table := NewTable(slices.Values(testRows(t, "cli 404 /Dir/A", "cli 404 /dir/a/", "cli 404 /DIR/a?x=1", "cli 404 /dir/a/*", "cli 404 /dir/b", "cli 404 /")))
	for p, want := range map[Path]int{"/dir/a": 3, "/DIR/A/": 3, "/dir/B": 1, "/dir": 0, "/": 1, "/dir/a/b": 0} {
		if rows := table.Fold(p); len(rows) != want {
			t.Errorf("%s: %d rows, want %d", p, len(rows), want)
		}
	}
}

func TestLongestPrefix(t *testing.T) {
	table := NewTable(slices.Values(testRows(t, "cli 404 /docs/*", "cli 404 /docs/a/b/*", "cli 404 /Docs/a/*", "cli 404 /docs/a")))
	root := table.Apply([]Change{{Pattern: "/*", Row: &Row{Status: 404}}})
	for _, test := range []struct {
		path       Path
		want, root string
	}{
		{"/docs", "/docs/*", "/docs/*"},
		{"/docs/", "/docs/*", "/docs/*"},
		{"/docs/a", "/docs/*", "/docs/*"},
		{"/docs/a/b", "/docs/a/b/*", "/docs/a/b/*"},
		{"/docs/a/b/c/d", "/docs/a/b/*", "/docs/a/b/*"},
		{"/docs/a/bc", "/docs/*", "/docs/*"},
		{"/docsx", "", "/*"},
		{"/", "", "/*"},
		{"/DOCS/a/b", "", "/*"},
		{"/Docs/a/", "/Docs/a/*", "/Docs/a/*"},
	} {
		if row, ok := table.LongestPrefix(test.path); row.Pattern != test.want || ok != (test.want != "") {
			t.Errorf("%s: %q %v, want %q", test.path, row.Pattern, ok, test.want)
		}
		if row, _ := root.LongestPrefix(test.path); row.Pattern != test.root {
			t.Errorf("%s with a root row: %q, want %q", test.path, row.Pattern, test.root)
		}
	}
}

// TestEqualHashes: paths that an attacker made collide still answer, from one
// leaf at the trie's end.
func TestEqualHashes(t *testing.T) {
	const n = 200
	row := func(i int) Row { return Row{Pattern: fmt.Sprintf("/%03d", i), Change: int64(i)} }
	var rows []hashedRow
	put := trie{}
	for i := range n {
		rows = append(rows, hashedRow{7, row(i)})
		put.put(1, 7, row(i))
	}
	for name, index := range map[string]trie{"put": put, "built": buildTrie(1, rows)} {
		if got := index.find(7); len(got) != n || index.len != n || len(index.find(8)) > 0 {
			t.Errorf("%s: %d rows", name, len(got))
		}
		for i := range n {
			index.remove(2, 7, row(i).Pattern)
		}
		if index.len != 0 || len(index.find(7)) > 0 {
			t.Errorf("%s: %d rows left", name, index.len)
		}
	}
}

// TestTableMemory holds the promise of at most 200 bytes of heap for a row
// beyond its text, for tables that were loaded and those that grew.
func TestTableMemory(t *testing.T) {
	const n = 200_000
	heap := func() int {
		var stats runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int(stats.HeapAlloc)
	}
	for name, build := range map[string]func([]Row) *Table{
		"loaded": func(rows []Row) *Table { return NewTable(slices.Values(rows)) },
		"grown": func(rows []Row) *Table {
			table := new(Table)
			for chunk := range slices.Chunk(rows, 5000) {
				table = table.Apply(puts(slices.Values(chunk)))
			}
			return table
		},
	} {
		rows, text := manyRows(n)
		before := heap()
		table := build(rows)
		perRow := (heap() - before - text) / n
		if t.Logf("%s: %d bytes a row", name, perRow); perRow > 200 {
			t.Errorf("%s: %d bytes a row, at most 200", name, perRow)
		}
		runtime.KeepAlive(table)
		runtime.KeepAlive(rows)
	}
}

// TestApplyCopiesLittle: one change copies the way to its leaf, and no more.
func TestApplyCopiesLittle(t *testing.T) {
	rows, _ := manyRows(200_000)
	table := NewTable(slices.Values(rows))
	for name, change := range map[string]Change{
		"replace": {Pattern: rows[5].Pattern, Row: &Row{Source: "wiki:Page", Status: 200}},
		"add":     {Pattern: "/new", Row: &Row{Status: 410}},
		"prefix":  {Pattern: "/new/*", Row: &Row{Status: 410}},
		"remove":  {Pattern: rows[7].Pattern},
	} {
		const runs = 100
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			table.Apply([]Change{change})
		}
		runtime.ReadMemStats(&after)
		if bytes := (after.TotalAlloc - before.TotalAlloc) / runs; bytes > 8<<10 {
			t.Errorf("%s: %d bytes copied", name, bytes)
		}
	}
}

func puts(rows iter.Seq[Row]) (changes []Change) {
	for row := range rows {
		changes = append(changes, Change{Pattern: row.Pattern, Row: &row})
	}
	return changes
}

// TestTextIsShared: a crawled row's pattern is a part of its source.
func TestTextIsShared(t *testing.T) {
	for _, row := range []Row{
		{Pattern: "/a", Source: "file:/a"},
		{Pattern: "/d/", Source: "file:/d/index.html"},
		{Pattern: "/x", Source: "wiki:X"},
		{Pattern: "/gone"},
	} {
		if n := testing.AllocsPerRun(100, func() {
			if got := compact(row); got != row {
				t.Fatalf("%+v became %+v", row, got)
			}
		}); n > 1 {
			t.Errorf("%+v: %v allocations", row, n)
		}
	}
}

// TestHitsDoNotAllocate holds the promise for every kind of hit.
func TestHitsDoNotAllocate(t *testing.T) {
	r := benchResolver(t, 1000)
	for _, raw := range []string{
		"/library/part5/chapter5/page5.html", "/library/part5/chapter5/page5.html?x=1&y=2", "/dir/", "/dir/index.html", "/wiki", "/gone", "/docs/fixed", "/moved",
	} {
		if n := testing.AllocsPerRun(100, func() {
			target, err := ParseTarget(raw)
			if err != nil {
				t.Fatal(err)
			}
			if a := r.Resolve(target); a.Pattern == "" {
				t.Fatalf("%s: %+v", raw, a)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", raw, n)
		}
	}
}

// TestManyQueryRows: what a request costs does not grow with the query rows of
// its path, nor with the square of its query's length.
func TestManyQueryRows(t *testing.T) {
	var lines []string
	for i := range 1000 {
		lines = append(lines, fmt.Sprintf("import 301 /show?id=%d /page?n=%[1]d", i))
	}
	r := Resolver{Rows: NewTable(slices.Values(testRows(t, lines...)))}
	for _, test := range []struct{ request, location string }{
		{"/show?lang=de&id=711", "/page?n=711&lang=de"},
		{"/show?id=711" + strings.Repeat("&x", 2000), "/page?n=711" + strings.Repeat("&x", 2000)},
	} {
		target, err := ParseTarget(test.request)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(10, func() {
			if a := r.Resolve(target); a.Location != test.location {
				t.Fatalf("%.50s: %.50s", test.request, a.Location)
			}
		}); n > 300 {
			t.Errorf("%.50s: %v allocations", test.request, n)
		}
	}
}

// benchResolver has n crawled rows and a few of each other kind.
func benchResolver(t testing.TB, n int) *Resolver {
	rows, _ := manyRows(n)
	rows = append(rows, testRows(t,
		"populate 200 /dir/ file:/dir/index.html", "cli 200 /wiki wiki:Page", "admin 301 /moved /wiki", "cli 410 /gone", "import 200 /docs/* wiki:Docs")...)
	return &Resolver{Rows: NewTable(slices.Values(rows)), Files: names{}, IndexNames: []string{"index.html", "index.htm"}}
}

func BenchmarkResolve(b *testing.B) {
	r := benchResolver(b, 1_000_000)
	for _, bench := range []struct {
		name string
		path func(i int) string
	}{
		{"HitSpread", func(i int) string {
			i = i * 7919 % 1_000_000
			return fmt.Sprintf("/library/part%d/chapter%d/page%d.html", i%1000, i%37, i)
		}},
		{"HitHot", func(int) string { return "/library/part5/chapter5/page5.html" }},
		{"Directory", func(int) string { return "/dir/" }},
		{"IndexFile", func(int) string { return "/dir/index.html" }},
		{"Redirect", func(int) string { return "/moved" }},
		{"Prefix", func(int) string { return "/docs/a/b" }},
		{"Case", func(int) string { return "/LIBRARY/part5/chapter5/page5.html" }},
		{"Miss", func(i int) string { return fmt.Sprintf("/library/none%d", i) }},
		{"Hostile", func(i int) string { return strings.Repeat("/a", MaxPathLen/2) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			targets := make([]Target, 4096)
			for i := range targets {
				var err error
				if targets[i], err = ParseTarget(bench.path(i)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r.Resolve(targets[i%len(targets)])
			}
		})
	}
}

func BenchmarkApply(b *testing.B) {
	rows, _ := manyRows(1_000_000)
	table := NewTable(slices.Values(rows))
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			changes := make([]Change, n)
			for i := range changes {
				row := rows[i*97%len(rows)]
				row.Source = "wiki:Flipped"
				changes[i] = Change{Pattern: row.Pattern, Row: &row}
			}
			b.ReportAllocs()
			for b.Loop() {
				table.Apply(changes)
			}
		})
	}
}

func BenchmarkNewTable(b *testing.B) {
	rows, text := manyRows(1_000_000)
	for b.Loop() {
		NewTable(slices.Values(rows))
	}
	b.StopTimer()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table := NewTable(slices.Values(rows))
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc)-float64(text))/float64(table.Len()), "heap-B/row")
	runtime.KeepAlive(rows)
}
