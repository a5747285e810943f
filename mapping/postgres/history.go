// The log as maintainers read it: change-sets and their changes.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/lib/pq"

	"pagemap/mapping"
)

// LoggedSet is a change-set of the log.
type LoggedSet struct {
	ID      int64
	At      time.Time
	Author  string
	Origin  mapping.Origin
	Note    string
	Added   int // rows
	Changed int
	Removed int
}

// HistoryFilter of History; zero fields do not filter.
type HistoryFilter struct {
	Before  int64     // only sets older than the one with this id
	Pattern string    // only sets that changed this row
	Author  string    // only sets of this author
	Since   time.Time // only sets not older than this
	Limit   int       // 0: all
}

// History returns change-sets, the youngest first.
func (db *DB) History(ctx context.Context, f HistoryFilter) ([]LoggedSet, error) {
	var w where
	if f.Before != 0 {
		w.must(`s.id < $`, f.Before)
	}
	if f.Pattern != "" {
		w.must(`s.id IN (SELECT change_set FROM changes WHERE path = $)`, f.Pattern)
	}
	if f.Author != "" {
		w.must(`s.author = $`, f.Author)
	}
	if !f.Since.IsZero() {
		w.must(`s.at >= $`, f.Since)
	}
	rows, err := db.writers.QueryContext(ctx, `
		WITH sets AS MATERIALIZED (
			SELECT id, at, author, origin, note FROM change_sets s`+w.String()+` ORDER BY id DESC`+limit(f.Limit)+`
		)
		SELECT id, at, author, origin, note, COALESCE(added, 0), COALESCE(changed, 0), COALESCE(removed, 0)
		FROM sets LEFT JOIN change_set_counts ON change_set = id
		ORDER BY id DESC`, w.args...)
	var sets []LoggedSet
	err = each(rows, err, func() error {
		var s LoggedSet
		var origin string
		err := rows.Scan(&s.ID, &s.At, &s.Author, &origin, &s.Note, &s.Added, &s.Changed, &s.Removed)
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

// ChangeSet returns one change-set of the log: ErrNoChangeSet.
func (db *DB) ChangeSet(ctx context.Context, id int64) (LoggedSet, error) {
	sets, err := db.History(ctx, HistoryFilter{Before: id + 1, Limit: 1})
	if err != nil {
		return LoggedSet{}, err
	}
	if len(sets) == 0 || sets[0].ID != id {
		return LoggedSet{}, fmt.Errorf("postgres: change-set %d: %w", id, ErrNoChangeSet)
	}
	return sets[0], nil
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
