// Package progress counts how far a site has moved: how many of its pages are still files, how many a wiki has, how many lead
// elsewhere or are gone, and how many of the readers' requests went to each.
//
// A row counts once, as what its status and source say, whatever path it is for; a prefix row is one row. Files are told apart by their
// media type: those that are pages (HTML) can move, all others (images, style sheets, downloads) stay what they are and are no
// part of the shares. Hits are those of the rows of the table; what was counted for rows that are not there is left
// out.
//
// A directory is the first parts of a row's path: of /docs/guide/a.html, with depth 1, it is /docs/. What lies beside it, and
// what is in no directory so deep, belongs to the deepest there is, "/" at least.
package progress

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"pagemap/mapping"
)

// Kind is what a page has become.
type Kind int

// The kinds, in the order in which they are shown.
const (
	Wiki Kind = iota
	Redirect
	Gone  // 404 and 410
	File  // a page of the old tree
	Other // a file that is no page
	kinds
)

func (k Kind) String() string { return [...]string{"wiki", "redirect", "gone", "file", "other"}[k] }

// Count is a number of rows, and of the requests for them.
type Count struct {
	Pages int64 `json:"pages"`
	Hits  int64 `json:"hits"`
}

// Counts are the counts of all kinds, indexed by Kind.
type Counts [kinds]Count

// Total is the sum of all kinds but Other.
func (c *Counts) Total() (sum Count) {
	for k := range Other {
		sum.Pages += c[k].Pages
		sum.Hits += c[k].Hits
	}
	return sum
}

// Share is a kind's part of all pages, and of all hits: 0 to 1, 0 where there are none.
func (c *Counts) Share(k Kind) (pages, hits float64) {
	total := c.Total()
	return ratio(c[k].Pages, total.Pages), ratio(c[k].Hits, total.Hits)
}

func ratio(n, of int64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// Directory is a part of the site.
type Directory struct {
	Path   string // ends in "/"
	Counts Counts
}

// Report is what Of counted.
type Report struct {
	Counts      Counts
	Directories []Directory // in the order of their paths
}

// Hits are the requests for a row.
type Hits struct {
	Pattern string
	Hits    int64
}

// Table is a table's rows; a *mapping.Table is one.
type Table interface {
	All() iter.Seq[mapping.Row]
	Get(pattern string) (mapping.Row, bool)
}

// Of counts the rows of a table and the hits of these rows, by directories of the depth; 0: of the whole site alone. An
// error is that of hits, which may be nil.
func Of(table Table, types *mapping.Types, hits iter.Seq2[Hits, error], depth int) (*Report, error) {
	report := &Report{}
	directories := map[string]*Counts{}
	count := func(row mapping.Row, pages, hits int64) {
		k := kindOf(row, types)
		add := func(c *Counts) {
			c[k].Pages += pages
			c[k].Hits += hits
		}
		add(&report.Counts)
		if depth > 0 {
			dir := directory(row.Pattern, depth)
			if directories[dir] == nil {
				directories[dir] = &Counts{}
			}
			add(directories[dir])
		}
	}
	for row := range table.All() {
		count(row, 1, 0)
	}
	if hits != nil {
		for h, err := range hits {
			if err != nil {
				return nil, err
			}
			if row, ok := table.Get(h.Pattern); ok {
				count(row, 0, h.Hits)
			}
		}
	}
	for path, counts := range directories {
		report.Directories = append(report.Directories, Directory{path, *counts})
	}
	slices.SortFunc(report.Directories, func(a, b Directory) int { return cmp.Compare(a.Path, b.Path) })
	return report, nil
}

// kindOf is what a row's page has become.
func kindOf(row mapping.Row, types *mapping.Types) Kind {
	switch {
	case row.Status == 301 || row.Status == 302:
		return Redirect
	case row.Status != 200:
		return Gone
	case strings.HasPrefix(row.Source, "wiki:"):
		return Wiki
	}
	name := row.Source[strings.LastIndexByte(row.Source, '/')+1:]
	if media := types.Media(name).Type; name == "*" || media == "text/html" || media == "application/xhtml+xml" {
		return File
	}
	return Other
}

// directory is the first parts of a pattern's path.
func directory(pattern string, depth int) string {
	path, _, _ := strings.Cut(pattern, "?")
	end := 1
	for range depth {
		slash := strings.IndexByte(path[end:], '/')
		if slash < 0 {
			break
		}
		end += slash + 1
	}
	return path[:end]
}
