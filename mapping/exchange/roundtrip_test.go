// Reading what was written gives the same table.

package exchange

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pagemap/mapping"
)

// randomPages is a table of clean rows over few names, so that twins, prefixes
// and what they cover meet.
func randomPages(r *rand.Rand, n int) []mapping.Page {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	segment := func() string {
		return pick("a", "a", "b", "c.html", "index.html", "A", "%C3%B3", "x%20y", "%F3", "q%25", "s%2At", "p+q", "d$1", "e%5E(f)", "h%3Fi", "%23j", ":k", "l=m", "%C2%A0", "%22", "%5C.", "no.1", "%7Bn%7D")
	}
	path := func() string {
		p := ""
		for range r.IntN(3) {
			p += "/" + segment()
		}
		return p + pick("/", "/"+segment(), "/"+segment())
	}
	var pages []mapping.Page
	seen := map[string]bool{}
	for len(pages) < n {
		p := mapping.Page{Row: mapping.Row{Pattern: path(), Status: 301, Origin: mapping.Origin(r.IntN(5))}}
		isPrefix := false
		switch r.IntN(5) {
		case 0:
			p.Pattern, isPrefix = strings.TrimSuffix(p.Pattern, "/")+"/*", true
		case 1:
			p.Pattern += pick("?a=1", "?a=1&b=2", "?b=", "?x%20y=%C3%B3", "?c=.", "?:z=:y", "?/v=1&/w=//")
		}
		switch r.IntN(8) {
		case 0:
			p.Status, p.Source = 200, pick("wiki:Main page", "wiki:Ä", "file:/index.html", "file:/a/b.txt", "file:/x%20y")
		case 1:
			p.Status = 404
		case 2:
			if p.Status = 410; r.IntN(3) == 0 {
				p.Source = "/new"
			}
		case 3:
			p.Status = 302
			fallthrough
		default:
			p.Source = pick("/t"+path(), "/t"+path(), "https://o.example"+path(), "http://o.example", "/", "https://o.example/a[b]|c^d%7Ce")
			if isPrefix && r.IntN(2) == 0 {
				p.Source = strings.TrimSuffix(p.Source, "/") + "/*"
			} else {
				p.Source += pick("", "", "", "?x=1&y=%20", "#f", "?x=$1#%2", ":splat")
			}
			p.DropQuery = r.IntN(4) == 0
		}
		if r.IntN(3) == 0 {
			p.Tags = [][]string{{"one"}, {"one", "two words"}, {"a,b"}, {"ü"}}[r.IntN(4)]
		}
		p.Note = pick("", "", "", "note", "# \"quoted\", and;\ttabs\nlines", "cr\rcr", " blanks ", "Ünï")
		clean, err := hosts.Clean(p)
		if err != nil || seen[clean.Pattern] {
			continue
		}
		seen[clean.Pattern] = true
		pages = append(pages, clean)
	}
	return pages
}

func TestRoundTrip(t *testing.T) {
	for _, f := range Formats() {
		t.Run(string(f), func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			held := 0
			for range 150 {
				held += checkRoundTrip(t, f, randomPages(r, 1+r.IntN(60)), []string{"index.html", "index.htm"})
				if t.Failed() {
					return
				}
			}
			if held < 300 {
				t.Errorf("%d rows were held: too few to tell", held)
			}
		})
	}
}

// checkRoundTrip writes and reads pages, and returns how many the format held.
func checkRoundTrip(t *testing.T, f Format, pages []mapping.Page, index []string) int {
	t.Helper()
	var b bytes.Buffer
	left, err := Write(&b, f, all(pages), WriteOptions{IndexNames: index})
	if err != nil {
		t.Fatal(err)
	}
	want := expected(f, pages, left)
	held := len(want)
	text := b.String()
	in, err := Read(context.Background(), &b, ReadOptions{Format: f, Hosts: hosts, IndexNames: index})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	got := map[string]string{}
	for _, row := range in.Rows {
		got[row.Page.Pattern] = fmt.Sprintf("%+v", row.Page)
	}
	for pattern, page := range want {
		if got[pattern] != page {
			t.Errorf("%s\nread  %s\nwrote %s", pattern, got[pattern], page)
		}
		delete(got, pattern)
	}
	for _, page := range got {
		t.Errorf("read, not written: %s", page)
	}
	if t.Failed() {
		t.Logf("%s\n%+v\n%+v", text, left, in.Problems)
	}
	return held
}

// expected are the pages that a format holds of pages, by pattern.
func expected(f Format, pages []mapping.Page, left []Left) map[string]string {
	want := map[string]string{}
	for _, p := range pages {
		i := slices.IndexFunc(left, func(l Left) bool { return l.Pattern == p.Pattern })
		if i >= 0 && !left[i].Written {
			continue
		}
		switch f {
		case JSONLines:
		case CSV, TSV:
			p.Origin = mapping.OriginImport
			if i >= 0 {
				p.Note = strings.ReplaceAll(p.Note, "\r", "\n")
			}
		default:
			p.Origin = mapping.OriginImport
			if i >= 0 {
				p.Tags, p.Note = nil, ""
				if p.Status == 410 {
					p.Source = ""
				}
			}
		}
		want[p.Pattern] = fmt.Sprintf("%+v", p)
	}
	return want
}
