package compare

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pagemap/mapping"
	"pagemap/render/wiki/convert"
)

var here = convert.Place{Path: "/docs/a.html", Hosts: mapping.Hosts{"www.example.org"}}

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		name, in                            string
		words, links, images, headings, ids string
	}{
		{"words", `<p>One <b>t</b>wo,three<br>four<span>5</span> Ä-ß &amp; six_7</p><p>x`, "One two three four5 Ä ß six 7 x", "", "", "", ""},
		{"a word a character", `日本語の text カナ漢`, "日 本 語 の text カ ナ 漢", "", "", "", ""},
		{"Korean has spaces", `한국어 문서`, "한국어 문서", "", "", "", ""},
		{"marks and soft hyphens", "e\u0301tude soft\u00ADly", "étude softly", "", "", "", ""},
		{"what is not seen", `a<script>b</script><style>c</style><!-- d --><p hidden>e</p><i style="display : none">f</i><template>g</template>h`, "ah", "", "", "", ""},
		{"links", `<a href="b.html#x">l</a> <a href=https://www.example.org/docs/b.html#x>l</a> <a href="../c d?q=%41">l</a><a href="#y">l</a><a href=/nothing></a><a href="javascript:x()">l</a><a href="mailto:a@b">l</a>`,
			"l l llll", "/docs/b.html#x /c%20d?q=A /docs/a.html#y mailto:a@b", "", "", ""},
		{"images", `<img src=i.png alt=no><a href="//other.example/"><img src=/i.gif></a>`, "", "https://other.example/", "/docs/i.png /i.gif", "", ""},
		{"headings and ids", `<h1 id=a>One <i>two</i></h1><h2></h2><h3>Three</h3><a name=b></a><p id=a>`, "One two Three", "", "", "One two|Three", "a b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Read(tt.in, here)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range []struct{ name, got, want string }{
				{"words", strings.Join(c.Words, " "), tt.words}, {"links", strings.Join(c.Links, " "), tt.links},
				{"images", strings.Join(c.Images, " "), tt.images}, {"headings", strings.Join(c.Headings, "|"), tt.headings},
				{"ids", strings.Join(c.IDs, " "), tt.ids},
			} {
				if f.got != f.want {
					t.Errorf("%s %q, want %q", f.name, f.got, f.want)
				}
			}
		})
	}
}

func TestCompare(t *testing.T) {
	r, err := Fragments(`<h2 id=x>Head</h2>a a b c <a href=l>l</a><img src=i>`, `a b b <a href=/docs/m>l</a>`, here)
	if err != nil {
		t.Fatal(err)
	}
	want := Result{
		Score: 0.5, Words: 6, NewWords: 4, WordsLost: []string{"Head", "a", "c"}, WordsAdded: []string{"b"},
		LinksLost: []string{"/docs/l"}, LinksAdded: []string{"/docs/m"}, ImagesLost: []string{"/docs/i"}, HeadingsLost: []string{"Head"}, IDsLost: []string{"x"},
	}
	if fmt.Sprint(r) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
	if r, err := Fragments(" ", "a", here); err != nil || r.Score != 1 {
		t.Errorf("a page without words: %v, %v", r, err)
	}
}

func TestMark(t *testing.T) {
	for _, tt := range []struct{ name, old, fresh, wantOld, wantFresh string }{
		{"equal", `<p>a <b>b</b></p>`, `<div>a b</div>`, `<p>a <b>b</b></p>`, `<div>a b</div>`},
		{"words", `<p>a old words b</p>`, `<p>a b more</p>`, `<p>a <mark class="pagemap-lost">old words</mark> b</p>`, `<p>a b <mark class="pagemap-added">more</mark></p>`},
		{"across elements", `x<b>y</b>z b`, `b`, `<mark class="pagemap-lost">x</mark><b><mark class="pagemap-lost">y</mark></b><mark class="pagemap-lost">z</mark> b`, `b`},
		{"links and images", `<a href=b>l</a><img src=i>`, `<a href=c class=x>l</a>`, `<a href="b" class="pagemap-lost">l</a><img src="i" class="pagemap-lost"/>`, `<a href="c" class="pagemap-added">l</a>`},
		{"scripts", `a<script>alert(1)</script>`, `a`, `a`, `a`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b, err := Mark(tt.old, tt.fresh, here)
			if err != nil || a != tt.wantOld || b != tt.wantFresh {
				t.Errorf("got  %s\nand  %s, %v\nwant %s\nand  %s", a, b, err, tt.wantOld, tt.wantFresh)
			}
		})
	}
}

// common is the sequence that diff left unmarked.
func common(words []string, only []bool) (out []string) {
	for i, w := range words {
		if !only[i] {
			out = append(out, w)
		}
	}
	return out
}

func TestDiff(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		a := make([]string, r.IntN(400))
		for i := range a {
			a[i] = fmt.Sprint(r.IntN(1 + n))
		}
		b := slices.Clone(a)
		for range r.IntN(20) {
			i := r.IntN(len(b) + 1)
			if j := min(len(b), i+r.IntN(5)); r.IntN(2) == 0 {
				b = slices.Delete(b, i, j)
			} else {
				b = slices.Insert(b, i, "new", "words")
			}
		}
		onlyA, onlyB := diff(a, b)
		if x, y := common(a, onlyA), common(b, onlyB); !slices.Equal(x, y) {
			t.Fatalf("what is left unmarked differs: %q and %q", x, y)
		} else if len(x) < len(a)-100 {
			t.Errorf("%d of %d words left unmarked", len(x), len(a))
		}
	}
}

// TestDiffTime compares pages of a megabyte that are hard to compare.
func TestDiffTime(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n, of int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprint(r.IntN(of))
		}
		return out
	}
	for _, tt := range []struct {
		name string
		a, b []string
	}{
		{"few different words", random(200_000, 3), random(200_000, 3)},
		{"many different words", random(200_000, 50_000), random(200_000, 50_000)},
		{"one word", random(200_000, 1), random(199_000, 1)},
	} {
		start := time.Now()
		onlyA, onlyB := diff(tt.a, tt.b)
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: took %v", tt.name, took)
		}
		if !slices.Equal(common(tt.a, onlyA), common(tt.b, onlyB)) {
			t.Errorf("%s: what is left unmarked differs", tt.name)
		}
	}
}

func FuzzMark(f *testing.F) {
	f.Add("<p>a <b>b</b>c", "<p>a bc<script>d</script>")
	f.Add("<table><a href=x>y</table>", "<svg><p hidden>\x00é")
	f.Fuzz(func(t *testing.T, old, fresh string) {
		a, _, err := Mark(old, fresh, here)
		if err != nil {
			return
		}
		before, _ := Read(old, here)
		after, _ := Read(a, here)
		if before != nil && after != nil && len(after.Words) < len(before.Words) && !strings.Contains(old, "<") {
			t.Errorf("marking lost words: %q became %q", before.Words, after.Words)
		}
	})
}
