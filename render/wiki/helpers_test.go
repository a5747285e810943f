// What the tests of this package share.

package wiki_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pagemap/mapping"
	"pagemap/render"
	"pagemap/render/look"
	"pagemap/render/wiki"
	"pagemap/render/wiki/directory"
)

// layoutFile is a layout with everything around the content that hostile content could reach for.
const layoutFile = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title><!--pagemap:title--> - Old site</title><!--pagemap:head--></head>
<body class="old"><div id="nav"><a href="/">Home</a></div><table><tr><td><ul><li><div id="content"><!--pagemap:body--></div></li></ul></td></tr></table>
<script>var footer = document.getElementById("footer")</script><form action="/search"><input name="q"></form>
<p id="footer"><!--pagemap:modified--> <!--pagemap:edit text="Edit"--> <!--pagemap:breadcrumbs--></p></body></html>
`

// site is a Source over a directory, and all that it depends on.
type site struct {
	*wiki.Source
	t     testing.TB
	dir   string
	wiki  *gate
	table atomic.Pointer[mapping.Table]
	look  atomic.Pointer[look.Layout]
	now   atomic.Pointer[time.Time] // nil: the real one
}

// newSite makes a source; change may alter the options.
func newSite(t testing.TB, change func(*site, *wiki.Options)) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	pages, err := directory.Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	s.wiki = &gate{Wiki: pages}
	s.rows("/about.html", "wiki:About", "/docs/*", "wiki:docs/*", "/media/*", "wiki:media/*")
	s.layout(layoutFile)
	o := wiki.Options{
		Wiki: s.wiki, Near: true, Table: s.table.Load, Hosts: mapping.Hosts{"www.example.org"}, Site: "https://www.example.org",
		Look:   func(mapping.Path) (*look.Layout, time.Time) { return s.look.Load(), time.Time{} },
		Logger: slog.New(slog.DiscardHandler),
	}
	o.Now = func() time.Time {
		if now := s.now.Load(); now != nil {
			return *now
		}
		return time.Now()
	}
	if change != nil {
		change(s, &o)
	}
	if s.Source, err = wiki.NewSource(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); pages.Close() })
	return s
}

// put writes a page's file.
func (s *site) put(file, text string) {
	s.t.Helper()
	to := filepath.Join(s.dir, file)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(to+".new", []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(to+".new", to); err != nil {
		s.t.Fatal(err)
	}
	s.wiki.note(file)
}

// rows makes the table of patterns and sources.
func (s *site) rows(text ...string) {
	var rows []mapping.Row
	for pair := range slices.Chunk(text, 2) {
		rows = append(rows, mapping.Row{Pattern: pair[0], Source: pair[1], Status: 200, Origin: mapping.OriginCLI, Changed: 1_000_000})
	}
	s.rowsOf(rows...)
}

func (s *site) rowsOf(rows ...mapping.Row) { s.table.Store(mapping.NewTable(slices.Values(rows))) }

func (s *site) layout(text string) {
	s.t.Helper()
	l, err := look.Parse("layout.html", []byte(text))
	if err != nil {
		s.t.Fatal(err)
	}
	s.look.Store(l)
}

// about is the page of the row /about.html.
var about = render.Page{Path: "/about.html", Ref: "About"}

func (s *site) stat(p render.Page) render.Revision {
	s.t.Helper()
	rev, err := s.Stat(s.t.Context(), p)
	if err != nil {
		s.t.Fatal(err)
	}
	return rev
}

func (s *site) draw(p render.Page) *render.Document {
	s.t.Helper()
	doc, err := s.Render(s.t.Context(), p)
	if err != nil {
		s.t.Fatal(err)
	}
	return doc
}

// gate is a wiki that can be shut, slow, or told to tell of changes.
type gate struct {
	wiki.Wiki
	opens, stats, asks atomic.Int64
	shut               atomic.Bool  // ErrUnavailable, at once
	slow               atomic.Int64 // nanoseconds before each answer
	follows            bool         // Changes are told

	mu      sync.Mutex
	changed []string
}

func (g *gate) note(file string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changed = append(g.changed, file[:len(file)-len(filepath.Ext(file))])
}

func (g *gate) pass(ctx context.Context) error {
	select {
	case <-time.After(time.Duration(g.slow.Load())):
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", render.ErrUnavailable, ctx.Err())
	}
	if g.shut.Load() {
		return fmt.Errorf("%w: shut", render.ErrUnavailable)
	}
	return nil
}

func (g *gate) Stat(ctx context.Context, name string) (wiki.State, error) {
	g.stats.Add(1)
	if err := g.pass(ctx); err != nil {
		return wiki.State{}, err
	}
	return g.Wiki.Stat(ctx, name)
}

func (g *gate) Open(ctx context.Context, name string) (*wiki.Page, error) {
	g.opens.Add(1)
	if err := g.pass(ctx); err != nil {
		return nil, err
	}
	return g.Wiki.Open(ctx, name)
}

func (g *gate) Changes(ctx context.Context, since string) ([]string, string, error) {
	if !g.follows {
		return g.Wiki.Changes(ctx, since)
	}
	g.asks.Add(1)
	if err := g.pass(ctx); err != nil {
		return nil, "", err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	next := strconv.Itoa(len(g.changed))
	if since == "" {
		return nil, next, nil
	}
	from, err := strconv.Atoi(since)
	if err != nil || from > len(g.changed) {
		return nil, "", fmt.Errorf("no point %q", since)
	}
	return g.changed[from:], next, nil
}
