// The handler over a real tree, renderer and cache.

package site_test

import (
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pagemap/fcgi/site"
	"pagemap/fcgi/site/sitetest"
	"pagemap/mapping"
	"pagemap/mapping/tree"
	"pagemap/render"
	"pagemap/render/cache"
)

// stack is a site over the World, all real, with a memory cache.
type stack struct {
	*site.Site
	world *sitetest.World
	tree  *tree.Tree
	files *render.Files
	table atomic.Pointer[mapping.Table]
}

// newStack starts one; change may alter the options.
func newStack(t testing.TB, change func(*stack, *site.Options)) *stack {
	t.Helper()
	s := &stack{world: sitetest.NewWorld(t)}
	s.table.Store(tableOf(append(s.world.Pages, s.world.Loops...)...))
	var err error
	if s.tree, err = tree.Open(s.world.Dir, tree.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.tree.Close() })
	types := mapping.DefaultTypes()
	s.files = render.NewFiles(s.tree, types, render.FileOptions{})
	pages, err := cache.New(cache.Options{CompleteAtOnce: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pages.Close() })
	o := site.Options{
		Table:      s.table.Load,
		Files:      s.tree,
		IndexNames: []string{"index.html", "index.htm"},
		Types:      types,
		Sources:    map[mapping.SourceKind]render.Source{mapping.SourceFile: s.files},
		Pages:      pages,
		LookFor:    -1, // the clock stands still
		Now:        func() time.Time { return s.world.Now },
	}
	if change != nil {
		change(s, &o)
	}
	if s.Site, err = site.New(o); err != nil {
		t.Fatal(err)
	}
	return s
}

// tableOf is a table in memory of pages.
func tableOf(pages ...mapping.Page) *mapping.Table {
	rows := make(map[string]mapping.Row, len(pages))
	for _, p := range pages {
		rows[p.Pattern] = p.Row
	}
	return mapping.NewTable(maps.Values(rows))
}

// get requests a page and fails the test unless the answer has this status.
func get(t testing.TB, target sitetest.Target, path string, status int, header ...sitetest.Field) *sitetest.Response {
	t.Helper()
	q := sitetest.Request{Method: "GET", Target: path, Proto: "HTTP/1.1", Header: slices.Clone(header)}
	res, err := target.Do(q)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if res.Status != status {
		t.Fatalf("%s: status %d, want %d\n%s", path, res.Status, status, res.Body)
	}
	return res
}
