// Progress: how far the site has moved, by directory.

package admin

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"pagemap/mapping/postgres"
	"pagemap/mapping/progress"
)

const (
	progressDirs = 12               // directories that are shown
	pagesLife    = 30 * time.Second // how long pages that were counted are taken for the present ones
	hitsLife     = 10 * time.Minute // likewise, hits
)

// moved keeps how far the site has moved, which takes a pass over the table and one over all hits. What is old
// is shown while the new is made.
type moved struct {
	a *Admin

	mu     sync.Mutex       // protects the rest
	pages  *progress.Report // without hits; nil: none yet
	hits   *progress.Report // as of hitsAt; nil: none yet
	at     time.Time
	hitsAt time.Time
	making bool
}

// now returns what is known, and has it made anew where it is old. The first time it waits a little.
func (m *moved) now(ctx context.Context) (pages, hits *progress.Report, at time.Time) {
	m.mu.Lock()
	if !m.making && m.a.o.Now().Sub(m.at) > pagesLife {
		m.making = true
		m.a.jobs.Go(m.make)
	}
	pages, hits, at = m.pages, m.hits, m.at
	m.mu.Unlock()
	for wait := 0; pages == nil && wait < 10 && ctx.Err() == nil; wait++ {
		time.Sleep(10 * time.Millisecond)
		m.mu.Lock()
		pages, hits, at = m.pages, m.hits, m.at
		m.mu.Unlock()
	}
	return pages, hits, at
}

// make counts anew: pages first, and hits where theirs are old.
func (m *moved) make() {
	m.mu.Lock()
	waited := m.pages == nil // somebody waits for the first ones
	m.mu.Unlock()
	pages, err := m.count(nil, !waited)
	m.mu.Lock()
	m.at = m.a.o.Now()
	if err == nil {
		m.pages = pages
	}
	old := m.at.Sub(m.hitsAt) > hitsLife
	m.mu.Unlock()
	if old {
		ctx, cancel := context.WithTimeout(m.a.ctx, 2*time.Minute)
		hits, err := m.count(m.a.hits(ctx), true)
		cancel()
		m.mu.Lock()
		m.hitsAt = m.a.o.Now()
		if err == nil {
			m.hits = hits
		} else {
			m.a.o.Logger.Warn("admin page: no hits", "error", err)
		}
		m.mu.Unlock()
	}
	m.mu.Lock()
	m.making = false
	m.mu.Unlock()
}

func (m *moved) count(hits iter.Seq2[progress.Hits, error], gently bool) (*progress.Report, error) {
	table := m.a.o.Explain.Table()
	if table == nil {
		return &progress.Report{}, nil
	}
	var rows progress.Table = table
	if gently {
		rows = gentleTable{table}
	}
	return progress.Of(rows, m.a.o.Explain.Types, hits, 1)
}

// hits are the rows' hits of the last days.
func (a *Admin) hits(ctx context.Context) iter.Seq2[progress.Hits, error] {
	since := a.o.Now().UTC().AddDate(0, 0, 1-postgres.HitDays).Truncate(24 * time.Hour)
	return func(yield func(progress.Hits, error) bool) {
		var g gentle
		for h, err := range a.o.DB.HitSums(ctx, since) {
			if !yield(progress.Hits{Pattern: h.Pattern, Hits: h.Hits}, err) {
				return
			}
			g.row()
		}
	}
}

// progressRow is a directory's two bars.
type progressRow struct {
	Dir            string // "" for all
	Pages, Traffic bar
	Other          int64 // files that are no pages
	Counted        bool  // Traffic is known
}

// progressRows are the bars of the whole site, and of the directories with most pages.
func progressRows(pages, hits *progress.Report) []progressRow {
	if pages == nil {
		return nil
	}
	counted := hits != nil
	if !counted {
		hits = &progress.Report{}
	}
	traffic := map[string]*progress.Counts{"": &hits.Counts}
	for i := range hits.Directories {
		traffic[hits.Directories[i].Path] = &hits.Directories[i].Counts
	}
	row := func(dir string, c *progress.Counts) progressRow {
		r := progressRow{Dir: dir, Counted: counted, Pages: barOf(c, func(c progress.Count) int64 { return c.Pages }), Other: c[progress.Other].Pages}
		if t := traffic[dir]; t != nil {
			r.Traffic = barOf(t, func(c progress.Count) int64 { return c.Hits })
		}
		return r
	}
	rows := []progressRow{row("", &pages.Counts)}
	dirs := slices.DeleteFunc(slices.Clone(pages.Directories), func(d progress.Directory) bool { return d.Counts.Total().Pages == 0 })
	slices.SortStableFunc(dirs, func(x, y progress.Directory) int {
		return cmp.Compare(y.Counts.Total().Pages, x.Counts.Total().Pages)
	})
	for _, d := range dirs[:min(len(dirs), progressDirs)] {
		rows = append(rows, row(d.Path, &d.Counts))
	}
	return rows
}

// bar is a bar of parts.
type bar struct{ Parts []barPart }

// barPart is a part of a bar: from X, in percent of the whole, W wide.
type barPart struct {
	Name string
	N    int64
	X, W float64
}

// barOf is the bar of one number of each kind.
func barOf(c *progress.Counts, number func(progress.Count) int64) (b bar) {
	total := number(c.Total())
	x := 0.0
	for kind := range progress.Other {
		n := number(c[kind])
		if n == 0 {
			continue
		}
		w := 100 * float64(n) / float64(total)
		b.Parts = append(b.Parts, barPart{kind.String(), n, x, w})
		x += w
	}
	return b
}
