// Fuzzing: what holds for every input.

package mapping

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{
		"/", "/a/b.html?x=1", "//a//b", "/a/./b/../c", "/%41%2f%2F", "/%zz", "/a%00", "http://h/p?q", "HTTPS://h", "*", "h:1",
		"/..", "/a/%2e%2E/b", "/caf\xe9/%C3%B3", "/" + strings.Repeat("a/", 1023), "/a*b", "/.../..a", "/%7f", "?x", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		target, err := ParseTarget(raw)
		if err != nil {
			if target.Path != "" {
				t.Fatalf("an error and the path %q", target.Path)
			}
			return
		}
		key := string(target.Path)
		for i := range len(key) {
			if c := key[i]; c <= ' ' || c >= 0x7F || strings.IndexByte("\"#*<>?[\\]^`{|}", c) >= 0 {
				t.Fatalf("key %q has %q", key, c)
			}
		}
		if key == "" || key[0] != '/' || len(key) > MaxPathLen {
			t.Fatalf("key %q", key)
		}
		for i, segment := range strings.Split(key[1:], "/") {
			last := i == strings.Count(key[1:], "/")
			if segment == "." || segment == ".." || segment == "" && !last {
				t.Fatalf("key %q has the segment %q", key, segment)
			}
		}
		again, err := ParseTarget(key)
		if err != nil || again != (Target{Path: target.Path, Clean: true}) {
			t.Fatalf("key %q parsed again: %+v, %v", key, again, err)
		}
		if name, ok := target.Path.FileName(); ok {
			if got := PathOfFile(name); got != Path(strings.TrimSuffix(key, "/")) && key != "/" {
				t.Fatalf("key %q, file %q, key %q", key, name, got)
			}
		}
		pattern, err := ParsePattern(key)
		if err != nil || pattern.String() != key {
			t.Fatalf("key %q as a pattern: %q, %v", key, pattern, err)
		}
	})
}

func FuzzParsePattern(f *testing.F) {
	for _, seed := range []string{"/", "/*", "/a/*", "/a?b=1&a=%20+", "/a?", "/a?x", "/a?=", "/a?&&", "/a*", "/a/*?x", "/%2A/*", "/a?x=%2A/*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePattern(text)
		if err != nil {
			return
		}
		again, err := ParsePattern(p.String())
		if err != nil || !reflect.DeepEqual(again, p) {
			t.Fatalf("%q: %+v; %q: %+v, %v", text, p, p, again, err)
		}
		path, prefix, query := splitPattern(p.String())
		if path != p.Path || prefix != p.Prefix || (query != "") != (len(p.Query) > 0) {
			t.Fatalf("%q splits into %q %v %q", p, path, prefix, query)
		}
		if strings.HasSuffix(p.String(), "/*") != p.Prefix || strings.Contains(strings.TrimSuffix(p.String(), "/*"), "*") {
			t.Fatalf("%q has a star", p)
		}
	})
}

// checkLocation fails for what may not stand in a Location header.
func checkLocation(t *testing.T, location string) {
	t.Helper()
	for i := range len(location) {
		if c := location[i]; c < 0x21 || c > 0x7E {
			t.Fatalf("location %q has the byte %#x", location, c)
		}
	}
	http := strings.HasPrefix(location, "http://") || strings.HasPrefix(location, "https://")
	if !http && !sitePath(location) {
		t.Fatalf("location %q is neither a site path nor an http URL", location)
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{
		"/a", "//h/x", "/\\h", "https://example.org/a b#c", "HTTP://WWW.Example.org:80//x", "javascript:alert(1)", "https://u:p@h/",
		"/a\r\nSet-Cookie: x", "https://h\\@i", "/x/*", "https://[::1]:443/", "http://h:99999", "/%", "https://h/%zz", "/é?ü#ö", "https://?", "/.//h",
	} {
		f.Add("/old", seed, uint16(301))
	}
	f.Add("/old/*", "/old/new/*", uint16(301))
	f.Add("https://www.example.org/x?a", "file:/a%2fb", uint16(200))
	f.Add("/x", "wiki:A b/*", uint16(200))
	hosts := Hosts{"www.example.org"}
	f.Fuzz(func(t *testing.T, path, source string, status uint16) {
		p, err := hosts.Clean(Page{Row: Row{Pattern: path, Source: source, Status: status, Origin: OriginCLI}})
		if err != nil {
			return
		}
		again, err := hosts.Clean(p)
		if err != nil || !reflect.DeepEqual(again, p) {
			t.Fatalf("%+v cleaned again: %+v, %v", p, again, err)
		}
		src, err := ParseSource(p.Source)
		if err != nil {
			t.Fatal(err)
		}
		switch p.Status {
		case 301, 302:
			checkLocation(t, p.Source)
		case 200:
			if src.Kind != SourceFile && src.Kind != SourceWiki {
				t.Fatalf("200 %+v", src)
			}
		}
		r := Resolver{Rows: NewTable(slices.Values([]Row{p.Row})), Hosts: hosts}
		pattern, _ := ParsePattern(p.Pattern)
		if a := r.Resolve(Target{Path: pattern.Path + "/x", Query: "x=1", HasQuery: true, Clean: true}); a.Location != "" {
			checkLocation(t, a.Location)
		}
	})
}

// randomSite makes a site of what a fuzzer feeds: few names, so that they meet.
func randomSite(data []byte) (r Resolver, requests []string) {
	next := func() int {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return int(b)
	}
	paths := []string{
		"/", "/a", "/a/", "/A", "/A/", "/a/index.html", "/a/index.htm", "/A/INDEX.HTML", "/a/b", "/a/b/", "/a/B", "/b", "/b.html", "/B.html", "/b/",
		"/a/b/index.html", "/c", "/c/", "/c.html", "/c/index.html", "/index.html",
	}
	path := func() string { return paths[next()%len(paths)] }
	queries := []string{"", "", "?x=1", "?x=1&y=2", "?y=2"}
	var rows []Row
	for range next() % 12 {
		row := Row{Pattern: path(), Origin: Origin(next() % 5), Changed: int64(next())}
		if row.Origin.Tree() {
			row.Status = 200
			row.Source = "file:" + row.Pattern
			if strings.HasSuffix(row.Pattern, "/") {
				row.Source += []string{"index.html", "index.htm"}[next()%2]
			}
			rows = append(rows, row)
			continue
		}
		prefix := false
		switch next() % 4 {
		case 0:
			row.Pattern, prefix = strings.TrimSuffix(row.Pattern, "/")+"/*", true
		case 1:
			row.Pattern += queries[next()%len(queries)]
		}
		switch next() % 6 {
		case 0, 1:
			row.Status, row.Source = 200, "wiki:P"
			if prefix {
				row.Source = []string{"wiki:P/*", "file:/a/*", "file:/*", "wiki:/*"}[next()%4]
			}
		case 2, 3, 4:
			row.Status = uint16(301 + next()%2)
			row.Source = path()
			if prefix && next()%2 == 0 {
				row.Source = strings.TrimSuffix(row.Source, "/") + "/*"
			} else if next()%3 == 0 {
				row.Source += "?z=1#f"
			}
		case 5:
			row.Status = []uint16{404, 410}[next()%2]
		}
		row.DropQuery = row.Status/100 == 3 && next()%4 == 0
		if p, err := (Hosts{}).Clean(Page{Row: row}); err == nil {
			rows = append(rows, p.Row)
		}
	}
	r = Resolver{Rows: NewTable(slices.Values(rows)), IndexNames: []string{"index.html", "index.htm"}, MultiViews: next()%2 == 0}
	if next()%3 > 0 {
		tree := names{index: r.IndexNames}
		for range next() % 6 {
			if p := path(); !strings.HasSuffix(p, "/") {
				tree.files = append(tree.files, Path(p))
			}
		}
		// No name is both a file and a directory.
		tree.files = slices.DeleteFunc(tree.files, func(f Path) bool {
			return slices.ContainsFunc(tree.files, func(g Path) bool { return strings.HasPrefix(string(g), string(f)+"/") })
		})
		r.Files = tree
	}
	for range 6 {
		requests = append(requests, []string{"", "", "", "/", "/."}[next()%5]+path()+queries[next()%len(queries)])
	}
	return r, requests
}

func FuzzResolve(f *testing.F) {
	f.Add([]byte("0"))
	f.Add([]byte("a table with a few rows and some requests that meet them, more or less"))
	f.Fuzz(checkRandomSite)
}

// TestResolveRandom is FuzzResolve over sites of many rows, which the fuzzer is
// slow to come to.
func TestResolveRandom(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	data := make([]byte, 150)
	for range 30000 {
		random.Read(data)
		checkRandomSite(t, data)
		if t.Failed() {
			return
		}
	}
}

func checkRandomSite(t *testing.T, data []byte) {
	r, requests := randomSite(data)
	for _, raw := range requests {
		target, err := ParseTarget(raw)
		if err != nil {
			t.Fatal(err)
		}
		a := r.Resolve(target)
		if explained, steps := r.Explain(target); !reflect.DeepEqual(explained, a) || len(steps) == 0 {
			t.Fatalf("%s: resolved %+v, explained %+v", raw, a, explained)
		}
		dump := func() string {
			var b strings.Builder
			for row := range r.Rows.(*Table).All() {
				b.WriteString("\n\t" + row.Pattern + " " + describe(row))
			}
			_, steps := r.Explain(target)
			for _, s := range steps {
				b.WriteString("\n\t\t" + string(s.Path) + " " + s.Rule + " " + s.Row + " " + s.Outcome)
			}
			return b.String()
		}
		switch a.Status {
		case 301, 302:
			checkLocation(t, a.Location)
			next, err := ParseTarget(a.Location)
			if err != nil || !next.Clean {
				t.Fatalf("%s: location %q: %v", raw, a.Location, err)
			}
			next.Query, _, _ = strings.Cut(next.Query, "#")
			if i := strings.Index(string(next.Path), "%23"); i >= 0 {
				next.Path = next.Path[:i]
			}
			b := r.Resolve(next)
			if a.Spelling && (b.Status != 200 || b.Source != a.Source) {
				t.Fatalf("%s: spelling %+v leads to %+v%s", raw, a, b, dump())
			}
			if b.Status != 200 && (b.Status != 404 || b.Pattern != "") {
				t.Fatalf("%s: %+v leads to %+v%s", raw, a, b, dump())
			}
		case 200:
			if a.Source.Ref == "" || a.Canonical == "" {
				t.Fatalf("%s: %+v%s", raw, a, dump())
			}
			if b := r.Resolve(Target{Path: a.Canonical, Query: target.Query, Clean: true}); b.Status != 200 || b.Source != a.Source {
				t.Fatalf("%s: %+v, its canonical %+v%s", raw, a, b, dump())
			}
		case 404, 410:
		default:
			t.Fatalf("%s: %+v", raw, a)
		}
	}
}
