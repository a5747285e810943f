// Reading whole rows and the history, for maintainers.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/lib/pq"

	"pagemap/mapping"
)

// Filter of Pages; zero fields do not filter.
type Filter struct {
	Under  mapping.Path // this path and below
	Status int
	Origin *mapping.Origin
	Tag    string
	Limit  int
}

// Page returns one whole row: ErrNoPage.
func (db *DB) Page(ctx context.Context, pattern string) (mapping.Page, error) {
	for page, err := range db.pages(ctx, `WHERE p.path = $1`, pattern) {
		if err != nil {
			return mapping.Page{}, fmt.Errorf("postgres: page %q: %w", pattern, err)
		}
		return page, nil
	}
	return mapping.Page{}, fmt.Errorf("postgres: page %q: %w", pattern, ErrNoPage)
}

// Pages yields whole rows in the order of their patterns (as bytes), as one
// moment's state. An error is the last thing it yields.
func (db *DB) Pages(ctx context.Context, f Filter) iter.Seq2[mapping.Page, error] {
	var where []string
	var args []any
	must := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, strings.ReplaceAll(condition, "$", fmt.Sprint("$", len(args))))
	}
	if base := strings.TrimSuffix(string(f.Under), "/"); base != "" {
		// What follows the path itself: its query rows, and all below it.
		must(`(p.path = $ OR p.path >= $ || '/' AND p.path < $ || '0' OR p.path >= $ || '?' AND p.path < $ || '@')`, base)
	}
	if f.Status != 0 {
		must(`p.status = $`, f.Status)
	}
	if f.Origin != nil {
		must(`p.origin = $`, f.Origin.String())
	}
	if f.Tag != "" {
		must(`$ = ANY (p.tags)`, f.Tag)
	}
	rest := ``
	if len(where) > 0 {
		rest = `WHERE ` + strings.Join(where, ` AND `)
	}
	rest += ` ORDER BY p.path`
	if f.Limit > 0 {
		rest += fmt.Sprint(` LIMIT `, f.Limit)
	}
	return func(yield func(mapping.Page, error) bool) {
		for page, err := range db.pages(ctx, rest, args...) {
			if err != nil {
				err = fmt.Errorf("postgres: pages: %w", err)
			}
			if !yield(page, err) {
				return
			}
		}
	}
}

// pages yields the pages that the rest of the query selects.
func (db *DB) pages(ctx context.Context, rest string, args ...any) iter.Seq2[mapping.Page, error] {
	return func(yield func(mapping.Page, error) bool) {
		rows, err := db.writers.QueryContext(ctx, `
			SELECT p.path, p.status, p.source, p.drop_query, p.origin, p.tags, p.note, p.change, p.changed_at, COALESCE(s.author, '')
			FROM pages p LEFT JOIN changes c ON c.number = p.change LEFT JOIN change_sets s ON s.id = c.change_set `+rest, args...)
		err = each(rows, err, func() error {
			var p mapping.Page
			var origin string
			var at time.Time
			err := rows.Scan(&p.Pattern, &p.Status, &p.Source, &p.DropQuery, &origin, (*pq.StringArray)(&p.Tags), &p.Note, &p.Change, &at, &p.ChangedBy)
			if err != nil {
				return err
			}
			p.Changed = at.UnixMicro()
			if p.Origin, err = mapping.ParseOrigin(origin); err != nil {
				return err
			}
			if !yield(p, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(mapping.Page{}, missing(err))
		}
	}
}

// LoggedSet is a change-set of the log.
type LoggedSet struct {
	ID      int64
	At      time.Time
	Author  string
	Origin  mapping.Origin
	Note    string
	Changes int
}

// History returns the change-sets before the one with the id, the youngest
// first; id 0: the youngest of all.
func (db *DB) History(ctx context.Context, id int64, limit int) ([]LoggedSet, error) {
	rows, err := db.writers.QueryContext(ctx, `
		SELECT id, at, author, origin, note, (SELECT count(*) FROM changes c WHERE c.change_set = s.id)
		FROM change_sets s WHERE $1 = 0 OR id < $1 ORDER BY id DESC LIMIT $2`, id, limit)
	var sets []LoggedSet
	err = each(rows, err, func() error {
		var s LoggedSet
		var origin string
		err := rows.Scan(&s.ID, &s.At, &s.Author, &origin, &s.Note, &s.Changes)
		if err != nil {
			return err
		}
		s.Origin, err = mapping.ParseOrigin(origin)
		sets = append(sets, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: history: %w", missing(err))
	}
	return sets, nil
}

// LoggedChange is one change of the log.
type LoggedChange struct {
	Number  int64
	Pattern string
	Old     *mapping.Page // nil: added
	New     *mapping.Page // nil: removed
}

// Changes yields a change-set's changes in the order of their numbers. Old and
// New have neither Change, Changed nor ChangedBy.
func (db *DB) Changes(ctx context.Context, changeSet int64) iter.Seq2[LoggedChange, error] {
	return func(yield func(LoggedChange, error) bool) {
		rows, err := db.writers.QueryContext(ctx, `
			SELECT number, path, old_status, old_source, old_drop_query, old_origin, old_tags, old_note,
				new_status, new_source, new_drop_query, new_origin, new_tags, new_note
			FROM changes WHERE change_set = $1 ORDER BY number`, changeSet)
		err = each(rows, err, func() error {
			var c LoggedChange
			var before, after values
			into := append(append([]any{&c.Number, &c.Pattern}, before.into()...), after.into()...)
			if err := rows.Scan(into...); err != nil {
				return err
			}
			var err1, err2 error
			c.Old, err1 = before.page(c.Pattern)
			c.New, err2 = after.page(c.Pattern)
			if err := errors.Join(err1, err2); err != nil {
				return err
			}
			if !yield(c, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(LoggedChange{}, fmt.Errorf("postgres: changes of %d: %w", changeSet, missing(err)))
		}
	}
}

// values are a row's before or after a change, all NULL where there is none.
type values struct {
	status               sql.NullInt16
	source, origin, note sql.NullString
	dropQuery            sql.NullBool
	tags                 pq.StringArray
}

func (v *values) into() []any {
	return []any{&v.status, &v.source, &v.dropQuery, &v.origin, &v.tags, &v.note}
}

func (v *values) page(pattern string) (*mapping.Page, error) {
	if !v.status.Valid {
		return nil, nil
	}
	origin, err := mapping.ParseOrigin(v.origin.String)
	return &mapping.Page{
		Row: mapping.Row{
			Pattern: pattern, Status: uint16(v.status.Int16), Source: v.source.String, DropQuery: v.dropQuery.Bool, Origin: origin,
		},
		Tags: v.tags,
		Note: v.note.String,
	}, err
}
