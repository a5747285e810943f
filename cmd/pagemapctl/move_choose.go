// What move works on: the pages that its arguments name, and what it needs to draw them.

package main

import (
	"context"
	"errors"
	"fmt"

	"pagemap/cmd/internal/moving"
	"pagemap/cmd/internal/serving"
	"pagemap/mapping"
	"pagemap/mapping/postgres"
)

// mover moves pages.
type mover struct {
	*app
	o      moveOptions
	db     *postgres.DB // nil for --print alone
	table  *mapping.Table
	tree   *moving.Tree
	wiki   *serving.Wiki                              // nil where none is set
	names  map[string]string                          // page names of this run, as the wiki spells them: the path that has each
	logged map[int64]map[string]postgres.LoggedChange // by change-set: what changesOf has read

	converter *moving.Converter
}

func (a *app) newMover(ctx context.Context, o moveOptions) (*mover, error) {
	m := &mover{app: a, o: o, names: map[string]string{}}
	if err := m.open(ctx); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *mover) open(ctx context.Context) (err error) {
	if m.table, err = m.app.table(ctx); err != nil {
		return err
	}
	if !m.settings.Embedded() {
		if m.db, err = m.pages(ctx); err != nil {
			return err
		}
	}
	if m.tree, err = m.pageTree(); err != nil {
		return err
	}
	m.wiki, err = serving.NewWiki(m.settings, func() *mapping.Table { return m.table }, nil, m.log())
	if errors.Is(err, serving.ErrNoWiki) {
		if err = nil; !m.o.print && !m.o.back {
			err = usagef("which wiki? Set --wiki (PAGEMAP_WIKI, or \"wiki = ...\" in the settings file)")
		}
	}
	m.converter = moving.New(moving.Options{
		Settings: m.settings, Tree: m.tree, Wiki: m.wiki, Table: func() *mapping.Table { return m.table }, Content: m.o.content, Logger: m.log(),
	})
	return err
}

func (m *mover) close() {
	if m.converter != nil {
		m.converter.Close()
	}
	if m.wiki != nil {
		_ = m.wiki.Close()
	}
	if m.tree != nil {
		_ = m.tree.Files.Close()
	}
	if m.db != nil {
		_ = m.db.Close()
	}
}

// chosen is a page to be moved.
type chosen struct {
	path   mapping.Path
	source mapping.Source // what answers there now
	row    *mapping.Page  // nil: the file has none
}

// choose finds the pages that the arguments name. What cannot be moved is refused.
func (m *mover) choose(ctx context.Context, args []string) (pages []chosen, refused []movedPage, err error) {
	if m.o.match != "" {
		pages, err = m.matching(ctx)
		return pages, nil, err
	}
	for _, arg := range args {
		p, err := m.named(ctx, arg)
		var no *moving.Refusal
		switch {
		case errors.As(err, &no):
			refused = append(refused, movedPage{Path: arg, Outcome: outcomeRefused, Reason: no.Why})
		case err != nil:
			return nil, nil, err
		default:
			pages = append(pages, p)
		}
	}
	return pages, refused, nil
}

// named is the page that a path or URL asks for.
func (m *mover) named(ctx context.Context, arg string) (chosen, error) {
	t, err := mapping.ParseTarget(m.hosts().SitePath(arg))
	if err != nil {
		return chosen{}, &exitError{exitUsage, err}
	}
	if t.HasQuery {
		return chosen{}, moving.Refusef("it has a query: rows with one are set with page set")
	}
	resolver := m.resolver(m.table, m.tree.Files)
	answer := resolver.Resolve(t)
	if answer.Status != 200 {
		return chosen{}, moving.Refusef("it answers %d, not a page: see pagemapctl explain %s", answer.Status, arg)
	}
	c := chosen{path: t.Path, source: answer.Source}
	if answer.Canonical != "" {
		c.path = answer.Canonical
	}
	if m.db == nil {
		return c, nil
	}
	if p, err := mapping.ParsePattern(answer.Pattern); err == nil && answer.Pattern != "" && !p.Prefix && len(p.Query) == 0 {
		c.path = p.Path
	}
	row, err := m.db.Page(ctx, string(c.path))
	if err == nil {
		c.row = &row
	} else if errors.Is(err, postgres.ErrNoPage) {
		err = nil
	}
	return c, err
}

// matching are the pages below --match: HTML files, or with --back wiki pages.
func (m *mover) matching(ctx context.Context) (pages []chosen, err error) {
	pattern, err := mapping.ParsePattern(m.hosts().SitePath(m.o.match))
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	for row, err := range m.db.Pages(ctx, postgres.Filter{Under: pattern.Path, Status: 200}) {
		if err != nil {
			return nil, err
		}
		p, err := mapping.ParsePattern(row.Pattern)
		if err != nil || p.Prefix || len(p.Query) > 0 || !pattern.Prefix && p.Path != pattern.Path {
			continue
		}
		source, err := mapping.ParseSource(row.Source)
		if err != nil {
			return nil, err
		}
		switch {
		case m.o.back && source.Kind != mapping.SourceWiki:
		case !m.o.back && (source.Kind != mapping.SourceFile || !m.tree.IsHTML(source.Ref)):
		default:
			pages = append(pages, chosen{p.Path, source, &row})
		}
	}
	if len(pages) == 0 {
		what := "HTML files"
		if m.o.back {
			what = "wiki pages"
		}
		return nil, &exitError{exitFound, fmt.Errorf("--match %s: the table has no %s there: run pagemapctl populate if it does not know the tree yet", m.o.match, what)}
	}
	return pages, nil
}
