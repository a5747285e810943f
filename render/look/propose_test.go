// Tests of comparing pages: proposals and differences.

package look

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// site makes pages of one look, with a menu and one's own content.
func site(t *testing.T, wrap string) []*Page {
	var pages []*Page
	for i, text := range []string{"apples are red", "pears are green", "plums are blue"} {
		content := fmt.Sprintf("<h1>%s</h1><p>All about it: %s, %s.</p>", text, text, strings.Repeat(text+" ", 5))
		pages = append(pages, read(t, fmt.Sprintf("<title>%d</title><body><div id=menu>Home of all fruit<a href=/>Fruit in the house</a></div>%s<p>Written by the fruit people</p>",
			i, strings.ReplaceAll(wrap, "%", content))))
	}
	return pages
}

func TestPropose(t *testing.T) {
	tests := []struct{ name, wrap, want string }{
		{name: "id", wrap: "<div class=wide><div id=text>%</div></div>", want: "#text"},
		{name: "the innermost of equal ones", wrap: "<div id=a><div id=b>%</div></div>", want: "#b"},
		{name: "main", wrap: "<main>%</main>", want: "main"},
		{name: "role", wrap: "<div role=main>%</div>", want: `[role="main"]`},
		{name: "class", wrap: "<div class='x y'>%</div>", want: "div.x"},
		{name: "class of several", wrap: "<div class=x></div><div class='x y'>%</div>", want: "div.y"},
		{name: "place", wrap: "<table><tr><td>Fruit<td>%</table>", want: "body > table:nth-of-type(1) > tbody:nth-of-type(1) > tr:nth-of-type(1) > td:nth-of-type(2)"},
		{name: "place below an id", wrap: "<div id=a><div>More fruit</div><div>%</div></div>", want: "#a > div:nth-of-type(2)"},
		{name: "an id that is no name", wrap: "<div id='1 2' class=x>%</div>", want: "div.x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pages := site(t, tt.wrap)
			all, err := Propose(pages)
			if err != nil || len(all) == 0 {
				t.Fatalf("proposals %v, %v", all, err)
			}
			if all[0].Selector != tt.want || !all[0].Clear() {
				t.Errorf("proposals %+v, want %s first, clearly", all, tt.want)
			}
			for _, p := range pages {
				if _, err := p.Region(all[0].Selector); err != nil {
					t.Error(err)
				}
			}
			again, err := Propose(pages)
			if err != nil || fmt.Sprint(again) != fmt.Sprint(all) {
				t.Errorf("the same pages give %v and %v", all, again)
			}
		})
	}
	t.Run("one page of another kind", func(t *testing.T) {
		all, err := Propose(append(site(t, "<div id=text>%</div>"), read(t, "<p>Moved.")))
		if err != nil || len(all) == 0 || all[0].Selector != "#text" || all[0].Clear() {
			t.Errorf("proposals %+v (%v), want #text, not clearly", all, err)
		}
	})
	t.Run("content in two places", func(t *testing.T) {
		all, err := Propose(site(t, "<div id=a>%</div><div id=b>x%</div>"))
		if err != nil || len(all) > 0 && all[0].Clear() {
			t.Errorf("proposals %+v (%v), want none that is clear", all, err)
		}
	})
	same := site(t, "<main>%</main>")[0]
	for _, pages := range [][]*Page{nil, {same}, {same, same}} {
		if _, err := Propose(pages); !errors.Is(err, ErrSimilar) {
			t.Errorf("%d equal pages: %v", len(pages), err)
		}
	}
}

func TestDifferences(t *testing.T) {
	page := func(name string) *Page {
		return read(t, strings.ReplaceAll(`<title>%</title><link rel=canonical href=/%>
<script>var page = "%"</script><script>var site = 1</script>
<ul><li class=here>%<li>  All
 </ul><main>% <p class=%></main>`, "%", name))
	}
	got, err := Differences(page("a"), "main", []*Page{page("b"), page("a"), page("c")})
	want := []Difference{{Passage{2, `var page = "a"`}, 2}, {Passage{3, "a"}, 2}}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("differences %+v, %v\nwant %+v", got, err, want)
	}
	if _, err := Differences(page("a"), "main", []*Page{read(t, "<p>x")}); !errors.Is(err, ErrRegion) {
		t.Errorf("a page without the region: %v", err)
	}
}

// Pages of a real directory tell where their content is.
func TestProposeRealPages(t *testing.T) {
	tests := []struct{ dir, names, want string }{
		{dir: trees[0].dir, names: "mod/core mod/mod_alias mod/mod_cgi mod/mod_dir", want: "#page-content"},
		{dir: trees[2].dir, names: "mod/core mod/mod_alias mod/mod_cgi mod/mod_dir", want: "#page-content"},
		{dir: trees[5].dir, names: "library/json library/os library/re library/string", want: `[role="main"]`},
	}
	for _, tt := range tests {
		t.Run(tt.dir, func(t *testing.T) {
			var pages []*Page
			for _, name := range strings.Fields(tt.names) {
				page, err := os.ReadFile(filepath.Join(tt.dir, name+".html"))
				if err != nil && os.Getenv("CI") == "" {
					t.Skip(err)
				}
				if err != nil {
					t.Fatal(err)
				}
				pages = append(pages, read(t, string(page)))
			}
			all, err := Propose(pages)
			if err != nil || len(all) == 0 || all[0].Selector != tt.want {
				t.Errorf("proposals %+v (%v), want %s", all, err, tt.want)
			}
		})
	}
}
