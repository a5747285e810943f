package main

import (
	"bytes"
	"compress/gzip"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestPage(t *testing.T) {
	g := newGenerator()
	for _, size := range []int{1000, hotSize, 12 << 10} {
		page := g.page(7, size)
		if len(page) != size {
			t.Errorf("%d bytes, want %d", len(page), size)
		}
		if !bytes.Equal(page, newGenerator().page(7, size)) {
			t.Error("the same number made another page")
		}
		if bytes.Equal(page, g.page(8, size)) {
			t.Error("another number made the same page")
		}
		if _, err := html.Parse(bytes.NewReader(page)); err != nil {
			t.Error(err)
		}
	}
	// As compressible as pages are: neither noise nor one phrase again and again.
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(g.page(7, hotSize))
	z.Close()
	if n := zipped.Len(); n < hotSize/5 || n > hotSize/2 {
		t.Errorf("10 KB compress to %d bytes", n)
	}
}

// The wiki's page in its layout is taken for the page that it was made of, and nothing else is.
func TestWriteWiki(t *testing.T) {
	var s site
	if err := s.writeWiki(t.TempDir(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(s.wiki, wikiName+".html"))
	if err != nil {
		t.Fatal(err)
	}
	layout, err := os.ReadFile(filepath.Join(s.looks, "layout.html"))
	if err != nil {
		t.Fatal(err)
	}
	page := bytes.Replace(layout, []byte(bodyMark), content, 1)
	if len(page) != hotSize {
		t.Errorf("%d bytes, want %d", len(page), hotSize)
	}
	for _, tt := range []struct {
		name string
		body []byte
		ok   bool
	}{
		{"whole", page, true},
		{"without the layout", content, false},
		{"without the content", bytes.Replace(layout, []byte(bodyMark), nil, 1), false},
		{"cut short", bytes.Replace(layout, []byte(bodyMark), content[:5000], 1), false},
	} {
		if err := s.drawn(tt.body); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestWriteSite(t *testing.T) {
	s, err := writeSite(t.TempDir(), 1200)
	if err != nil {
		t.Fatal(err)
	}
	hot, err := s.body(hotPath)
	if err != nil || len(hot) != hotSize {
		t.Errorf("hot page: %d bytes, %v", len(hot), err)
	}
	a, _ := s.body(changePath)
	b, _ := s.body(otherPath)
	if len(a) != len(b) || bytes.Equal(a, b) {
		t.Error("the two pages of the changing row must differ, but not in length")
	}
	for _, l := range []list{hotList, changeList, zipfList, walkList} {
		first, again, next := s.paths(l, 1), s.paths(l, 1), s.paths(l, 2)
		if !slices.Equal(first, again) {
			t.Errorf("%s: not the same again", l)
		}
		if len(first) > 1 && slices.Equal(first, next) {
			t.Errorf("%s: the next round is the same", l)
		}
		for _, p := range first[:min(100, len(first))] {
			if body, err := s.body(p); err != nil || len(body) < s.smallest {
				t.Errorf("%s: %s: %d bytes, %v", l, p, len(body), err)
			}
		}
	}
	if walk := s.paths(walkList, 3); len(slices.Compact(slices.Sorted(slices.Values(walk)))) != 1200 {
		t.Error("a walk does not meet every page once")
	}
	missing := s.paths(missingList, 1)
	if len(slices.Compact(slices.Sorted(slices.Values(missing)))) != drawn || slices.Contains(missing, s.paths(missingList, 2)[0]) {
		t.Error("a missing path comes twice")
	}
	from, to := redirectPath(5)
	if !slices.Contains(s.paths(redirectList, 0), from) || !strings.HasPrefix(to, "/pages/") {
		t.Errorf("redirect %s -> %s", from, to)
	}
}

func TestZipf(t *testing.T) {
	const n, draws = 50_000, 200_000
	z, r := newZipf(n), rand.New(rand.NewPCG(1, 2))
	counts := make([]int, n)
	for range draws {
		counts[z.draw(r)]++
	}
	sum := z.sums[n-1]
	for _, rank := range []int{0, 1, 9, 99} {
		want := draws / sum / float64(rank+1)
		if got := float64(counts[rank]); math.Abs(got-want) > 5*math.Sqrt(want) {
			t.Errorf("rank %d: %v draws, want about %.0f", rank, got, want)
		}
	}
	top := 0
	for _, c := range counts[:n/10] {
		top += c
	}
	// ln(5,000)/ln(50,000), roughly.
	if share := float64(top) / draws; share < 0.78 || share > 0.82 {
		t.Errorf("a tenth of the pages has %.2f of the requests", share)
	}
}
