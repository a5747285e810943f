// The old site that is measured, and the lists of paths that are asked for.

package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Pages outside /pages: the hot one, and two of the same length between which a row
// goes back and forth.
const (
	hotPath    = "/hot.html"
	changePath = "/change.html"
	otherPath  = "/other.html"

	hotSize   = 10 << 10 // bytes of each of the three
	redirects = 1000     // paths below /old that redirect to the same name below /pages
)

// pagePath is the path of page n.
func pagePath(n int) string { return fmt.Sprintf("/pages/%03d/%05d.html", n/1000, n) }

// redirectPath is the path of redirect n, and where it leads.
func redirectPath(n int) (from, to string) {
	to = pagePath(n)
	return "/old" + strings.TrimPrefix(to, "/pages"), to
}

// generator makes the pages. The same number makes the same page everywhere.
type generator struct{ words []string }

// newGenerator makes a vocabulary of plausible words.
func newGenerator() *generator {
	r := rand.New(rand.NewPCG(2006, 0))
	syllables := strings.Fields("ta re mi so la con ver del pro ste in ex or al en ic al ing er est tion ment ble ous ist har ber ten dow gra")
	g := &generator{}
	for range 3000 {
		var w strings.Builder
		for range 1 + r.IntN(3) {
			w.WriteString(syllables[r.IntN(len(syllables))])
		}
		g.words = append(g.words, w.String())
	}
	return g
}

const pageEnd = "\n</p>\n<address>webmaster@example.org</address>\n</body>\n</html>\n"

// page is an HTML page of exactly so many bytes, at least 1,000, as an old site has
// them: a head, a navigation of tables, headings, paragraphs with links.
func (g *generator) page(n, size int) []byte {
	r := rand.New(rand.NewPCG(2006, uint64(n)+1))
	word := func() string { return g.words[int(float64(len(g.words))*r.Float64()*r.Float64())] }
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01//EN\">\n<html>\n<head>\n<title>Page %d: %s %s</title>\n", n, word(), word())
	b.WriteString("<meta http-equiv=\"content-type\" content=\"text/html; charset=iso-8859-1\">\n</head>\n<body bgcolor=\"#ffffff\">\n<table width=\"100%\"><tr>\n")
	for range 6 {
		fmt.Fprintf(&b, "<td><a href=\"%s\">%s</a></td>\n", pagePath(r.IntN(50000)), word())
	}
	fmt.Fprintf(&b, "</tr></table>\n<h1>%s %s</h1>\n<p>\n", word(), word())
	for b.Len() < size-len(pageEnd)-120 {
		switch r.IntN(60) {
		case 0:
			fmt.Fprintf(&b, "</p>\n<h2>%s %s</h2>\n<p>\n", word(), word())
		case 1:
			b.WriteString(".\n</p>\n<p>\n")
		case 2:
			fmt.Fprintf(&b, "<a href=\"%s\">%s</a>\n", pagePath(r.IntN(50000)), word())
		default:
			b.WriteString(word())
			b.WriteByte(' ')
		}
	}
	for b.Len() < size-len(pageEnd) {
		b.WriteByte('.')
	}
	b.WriteString(pageEnd)
	return b.Bytes()
}

// site is the tree on disk.
type site struct {
	dir      string
	wiki     string // directory of the wiki
	looks    string // of its layouts
	pages    int
	smallest int // bytes of the smallest page
}

// writeSite makes the tree: pages of 8 to 12 KB, and the three of hotSize.
func writeSite(dir string, pages int) (*site, error) {
	s := &site{dir: dir, pages: pages, smallest: hotSize}
	g := newGenerator()
	for i, path := range []string{hotPath, changePath, otherPath} {
		if err := s.write(path, g.page(1_000_000+i, hotSize)); err != nil {
			return nil, err
		}
	}
	sizes := rand.New(rand.NewPCG(2006, 1))
	for n := range pages {
		if n%1000 == 0 {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, pagePath(n))), 0o755); err != nil {
				return nil, err
			}
		}
		size := 8<<10 + sizes.IntN(4<<10)
		s.smallest = min(s.smallest, size)
		if err := s.write(pagePath(n), g.page(n, size)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// write writes a page of long ago: what was just changed is kept by no cache.
func (s *site) write(path string, page []byte) error {
	file := filepath.Join(s.dir, path)
	long := time.Date(2006, 6, 1, 0, 0, 0, 0, time.UTC)
	return errors.Join(os.WriteFile(file, page, 0o644), os.Chtimes(file, long, long))
}

// body is a page as it stands on disk.
func (s *site) body(path string) ([]byte, error) { return os.ReadFile(filepath.Join(s.dir, path)) }

// list is which paths a scenario asks for.
type list string

// The lists. Those that are drawn are drawn anew for each round, the same for every contender.
const (
	hotList      list = "hot"
	wikiList     list = "wiki"
	changeList   list = "change"
	zipfList     list = "zipf"     // page n with a probability of 1/n, scattered over the tree
	walkList     list = "walk"     // every page once
	redirectList list = "redirect" // every redirect in turn
	missingList  list = "missing"  // names that nobody has had
)

// drawn is how many paths of a list are drawn: more than are asked for in a second.
const drawn = 60_000

// paths are a list's paths in a round.
func (s *site) paths(l list, round int) []string {
	r := rand.New(rand.NewPCG(uint64(round), 7))
	var paths []string
	switch l {
	case hotList:
		return []string{hotPath}
	case wikiList:
		return []string{wikiPath}
	case changeList:
		return []string{changePath}
	case zipfList:
		// Where a rank's page lies is the same in every round.
		at := rand.New(rand.NewPCG(2006, 2)).Perm(s.pages)
		z := newZipf(s.pages)
		for range drawn {
			paths = append(paths, pagePath(at[z.draw(r)]))
		}
	case walkList:
		for _, n := range r.Perm(s.pages) {
			paths = append(paths, pagePath(n))
		}
	case redirectList:
		for n := range min(redirects, s.pages) {
			from, _ := redirectPath(n)
			paths = append(paths, from)
		}
	case missingList:
		for range drawn {
			paths = append(paths, fmt.Sprintf("/missing/%016x.html", r.Uint64()))
		}
	}
	return paths
}

// zipf draws ranks from 0, rank n with a probability of 1/(n+1): an exponent of 1, which
// the standard library's generator does not have.
type zipf struct{ sums []float64 }

func newZipf(n int) zipf {
	z := zipf{make([]float64, n)}
	sum := 0.0
	for i := range z.sums {
		sum += 1 / float64(i+1)
		z.sums[i] = sum
	}
	return z
}

func (z zipf) draw(r *rand.Rand) int {
	x := r.Float64() * z.sums[len(z.sums)-1]
	low, high := 0, len(z.sums)-1
	for low < high {
		if mid := (low + high) / 2; z.sums[mid] > x {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// writeLines writes paths, one a line.
func writeLines(file string, lines []string) error {
	return os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}
