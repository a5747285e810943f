// One page: its content converted, written to the wiki, drawn and compared.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"

	"pagemap/cmd/internal/moving"
	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/render"
	"pagemap/render/wiki"
)

// nameOf is the name that a page gets.
func (m *mover) nameOf(path mapping.Path) (string, error) {
	name := strings.TrimPrefix(m.o.to, "wiki:")
	if name == "" {
		var err error
		if name, err = moving.Name(path); err != nil {
			return "", err
		}
	}
	spelled := name
	if s, ok := m.wiki.Wiki.(wiki.Speller); ok {
		spelled = s.Spell(name)
	}
	if other, taken := m.names[spelled]; taken && other != string(path) {
		return "", moving.Refusef("%s has the same name in the wiki, %q: move it by itself, with --to", other, name)
	}
	m.names[spelled] = string(path)
	return name, nil
}

// movePage makes a page ready to be turned. An error is one that the next page would meet, too.
func (m *mover) movePage(ctx context.Context, c chosen) (movedPage, error) {
	out := movedPage{Path: string(c.path), From: c.source.String()}
	if c.source.Kind == mapping.SourceWiki {
		out.To, out.Outcome = c.source.String(), outcomeAlready
		return out, nil
	}
	return out, out.refuseOr(m.prepare(ctx, c, &out))
}

func (m *mover) prepare(ctx context.Context, c chosen, out *movedPage) error {
	if c.source.Kind != mapping.SourceFile || !m.tree.IsHTML(c.source.Ref) {
		return moving.Refusef("%s is no page of HTML", c.source)
	}
	old, err := m.converter.Read(ctx, c.path, c.source.Ref)
	if err != nil {
		return err
	}
	name, err := m.nameOf(c.path)
	if err != nil {
		return err
	}
	fresh, err := m.write(ctx, old, name)
	if err != nil {
		return err
	}
	if fresh != nil {
		r, err := m.converter.Lost(old, fresh)
		if err != nil {
			return err
		}
		if out.Result = &r; r.Score < m.o.threshold && !m.o.force {
			return moving.Refusef("it would keep %.1f %% of its words, of at least %.1f %%: look at it with pagemapctl compare, or --force it", 100*r.Score, 100*m.o.threshold)
		}
	}
	row := mapping.Page{Row: mapping.Row{Pattern: string(c.path)}}
	if c.row != nil {
		row, out.seen = *c.row, c.row.Change
	}
	row.Status, row.Source, row.DropQuery, row.Origin = 200, "wiki:"+name, false, mapping.OriginCLI
	if row, err = m.hosts().Clean(row); err != nil {
		return moving.Refusef("%v", err)
	}
	out.To, out.Outcome = row.Source, outcomeMoved
	out.edit = &postgres.Edit{Pattern: row.Pattern, Page: &row}
	return nil
}

// write brings a page into the wiki, and is what the wiki makes of it. Of a dry run it is a draft, or
// nil where only the wiki itself could tell.
func (m *mover) write(ctx context.Context, old *moving.Old, name string) (*moving.Fresh, error) {
	if m.o.asIs {
		return m.converter.Open(ctx, name)
	}
	writer, ok := m.wiki.Wiki.(wiki.Writer)
	if !ok {
		return nil, moving.Refusef("this wiki takes no pages from programs: write the text with --print, put it there as %q, and move it with --as-is", name)
	}
	text, err := m.converter.Text(old, writer.Syntax())
	if err != nil {
		return nil, err
	}
	present, revision, err := writer.Source(ctx, name)
	exists := err == nil
	if err != nil && !errors.Is(err, render.ErrNotFound) {
		return nil, err
	}
	same := exists && bytes.Equal(plainText(present), plainText(text))
	if exists && !same && !m.o.force {
		return nil, moving.Refusef("the wiki has a page %q with other text: --as-is takes it as it is, --force overwrites it, --to gives another name", name)
	}
	if m.o.dryRun && !same {
		if writer.Syntax() != wiki.Markdown {
			return nil, nil
		}
		return m.converter.Drafted(ctx, name, text)
	}
	if !same {
		note := m.o.change.message
		if note == "" {
			note = "moved from " + string(old.Place.Path)
		}
		if _, err := writer.Write(ctx, name, text, note, revision); err != nil {
			return nil, err
		}
	}
	return m.converter.Open(ctx, name)
}

// plainText is a text without what a wiki may alter when it keeps one.
func plainText(text []byte) []byte {
	return norm.NFC.Bytes(bytes.TrimSpace(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))))
}

// printText writes the converted content of a page.
func (m *mover) printText(ctx context.Context, arg string) error {
	c, err := m.named(ctx, arg)
	if err == nil && c.source.Kind != mapping.SourceFile {
		err = moving.Refusef("it is %s, not a file", c.source)
	}
	var old *moving.Old
	if err == nil {
		old, err = m.converter.Read(ctx, c.path, c.source.Ref)
	}
	var text []byte
	if err == nil {
		syntax := wiki.Syntax(m.o.syntax)
		if w, ok := wiki.Writer(nil), false; syntax == "" {
			if m.wiki != nil {
				w, ok = m.wiki.Wiki.(wiki.Writer)
			}
			if syntax = wiki.Markdown; ok {
				syntax = w.Syntax()
			}
		}
		text, err = m.converter.Text(old, syntax)
	}
	var no *moving.Refusal
	if errors.As(err, &no) {
		return &exitError{exitFound, fmt.Errorf("%s: %w", arg, err)}
	}
	if err == nil {
		_, err = m.out.Write(text)
	}
	return err
}
