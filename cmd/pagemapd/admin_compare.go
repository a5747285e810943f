// Comparing old pages with the wiki's, for the admin page.

package main

import (
	"context"
	"fmt"

	"pagemap/cmd/internal/config"
	"pagemap/cmd/internal/moving"
	"pagemap/fcgi/admin"
)

// comparer compares pages as pagemapctl compare does. It implements admin.Comparer.
type comparer struct {
	o moving.Options
}

// comparer is nil where there is no wiki or no tree.
func (p *adminPage) comparer(s *config.Settings) (admin.Comparer, error) {
	if p.r.wiki == nil || p.files == nil {
		return nil, nil
	}
	t, err := moving.NewTree(p.files, s)
	if err != nil {
		return nil, err
	}
	return &comparer{moving.Options{Settings: s, Tree: t, Wiki: p.r.wiki, Table: p.table.Table, Logger: p.r.log}}, nil
}

// Compare implements admin.Comparer.
func (c *comparer) Compare(ctx context.Context, p admin.Pair) (*admin.Comparison, error) {
	both, done, err := c.both(ctx, p)
	if err != nil {
		return nil, err
	}
	defer done()
	return &admin.Comparison{Result: both.Result, Draft: both.Draft}, nil
}

// SideBySide implements admin.Comparer.
func (c *comparer) SideBySide(ctx context.Context, p admin.Pair) ([]byte, error) {
	both, done, err := c.both(ctx, p)
	if err != nil {
		return nil, err
	}
	defer done()
	return both.HTML(ctx)
}

func (c *comparer) both(ctx context.Context, p admin.Pair) (both *moving.Comparison, done func(), err error) {
	converter := moving.New(c.o)
	if both, err = converter.Compare(ctx, p.Path, p.File, p.Name); err != nil {
		converter.Close()
		return nil, nil, fmt.Errorf("file:%s and wiki:%s: %w", p.File, p.Name, err)
	}
	return both, converter.Close, nil
}
