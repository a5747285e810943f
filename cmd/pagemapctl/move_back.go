// move --back: rows return to the files that they were.

package main

import (
	"context"

	"pagemap/cmd/internal/moving"
	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/render"
)

// movePageBack makes a page ready to be turned back.
func (m *mover) movePageBack(ctx context.Context, c chosen) (movedPage, error) {
	out := movedPage{Path: string(c.path), From: c.source.String()}
	if c.source.Kind == mapping.SourceFile {
		out.To, out.Outcome = c.source.String(), outcomeAlready
		return out, nil
	}
	return out, out.refuseOr(m.prepareBack(ctx, c, &out))
}

func (m *mover) prepareBack(ctx context.Context, c chosen, out *movedPage) error {
	if c.row == nil {
		return moving.Refusef("a prefix row answers: turn that one with page set")
	}
	before, moved, err := m.before(ctx, *c.row)
	if err != nil {
		return err
	}
	if !moved {
		return moving.Refusef("its row was no file before it was %s: turn it with page set", c.row.Source)
	}
	out.seen = c.row.Change
	out.edit = &postgres.Edit{Pattern: c.row.Pattern}
	out.Outcome = outcomeMoved
	ref := m.tree.FileAt(c.path) // answers once the row is gone, where there was none before
	if before != nil {
		ref = before.Source[len("file:"):]
		row := *c.row
		row.Status, row.Source, row.DropQuery = before.Status, before.Source, before.DropQuery
		out.edit.Page = &row
	}
	out.To = "file:" + ref
	if _, err := m.tree.Sources.Stat(ctx, render.Page{Ref: ref}); err != nil {
		return moving.Refusef("its file is not in the tree any more: %v", err)
	}
	return nil
}

// before is the row as it was when it became the wiki page that it is; nil where there was none. moved is false where it was no file.
func (m *mover) before(ctx context.Context, row mapping.Page) (before *mapping.Page, moved bool, err error) {
	sets, err := m.db.History(ctx, postgres.HistoryFilter{Pattern: row.Pattern})
	if err != nil {
		return nil, false, err
	}
	for _, set := range sets {
		changes, err := m.changesOf(ctx, set.ID)
		if err != nil {
			return nil, false, err
		}
		c := changes[row.Pattern]
		if c.Old == nil {
			return nil, c.New != nil, nil
		}
		switch source, err := mapping.ParseSource(c.Old.Source); {
		case err != nil:
			return nil, false, err
		case source.Kind == mapping.SourceFile:
			return c.Old, true, nil
		case source.Kind != mapping.SourceWiki:
			return nil, false, nil
		}
	}
	return nil, false, nil
}

// changesOf are the changes of a change-set by row. They are kept: pages that moved together share one.
func (m *mover) changesOf(ctx context.Context, set int64) (map[string]postgres.LoggedChange, error) {
	if known, ok := m.logged[set]; ok {
		return known, nil
	}
	changes := map[string]postgres.LoggedChange{}
	for c, err := range m.db.Changes(ctx, set) {
		if err != nil {
			return nil, err
		}
		changes[c.Pattern] = c
	}
	if m.logged == nil {
		m.logged = map[int64]map[string]postgres.LoggedChange{}
	}
	m.logged[set] = changes
	return changes, nil
}
