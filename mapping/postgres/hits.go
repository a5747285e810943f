// Hits: reading what was counted.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"pagemap/mapping"
)

// HitsFilter of Hits and NeverHit; zero fields do not filter.
type HitsFilter struct {
	Since time.Time    // on this day, UTC, and later
	Under mapping.Path // this path and below
	Limit int
}

// RowHits are the hits of a row.
type RowHits struct {
	Pattern string
	Status  int // 0: there is no such row any more, or not yet
	Source  string
	Hits    int64
	Last    time.Time // zero: never
}

// Hits yields the rows that were hit, most often first. An error is the last
// thing it yields.
func (db *DB) Hits(ctx context.Context, f HitsFilter) iter.Seq2[RowHits, error] {
	var w where
	w.mustBeUnder(f.Under)
	if !f.Since.IsZero() {
		w.must(`p.day >= $::date`, f.Since)
	}
	return db.rowHits(ctx, `
		SELECT t.path, COALESCE(r.status, 0), COALESCE(r.source, ''), t.hits, t.last FROM (
			SELECT p.path, sum(p.hits)::bigint AS hits, max(p.last) AS last FROM hits p`+w.String()+`
			GROUP BY p.path ORDER BY 2 DESC, 1`+limit(f.Limit)+`
		) t LEFT JOIN pages r USING (path) ORDER BY t.hits DESC, t.path`, w.args)
}

// HitSums yields how often each row was hit since a day, UTC, without its answer and in no order. An error is the
// last thing it yields.
func (db *DB) HitSums(ctx context.Context, since time.Time) iter.Seq2[RowHits, error] {
	return db.rowHits(ctx, `SELECT path, 0, '', sum(hits)::bigint, NULL FROM hits WHERE day >= $1::date GROUP BY path`, []any{since})
}

// NeverHit yields the rows of the table that were not hit, in the order of their
// patterns.
func (db *DB) NeverHit(ctx context.Context, f HitsFilter) iter.Seq2[RowHits, error] {
	var w where
	w.mustBeUnder(f.Under)
	w.must(`NOT EXISTS (SELECT FROM hits h WHERE h.path = p.path AND h.day >= $::date)`, f.Since)
	return db.rowHits(ctx, `SELECT p.path, p.status, p.source, 0, NULL FROM pages p`+w.String()+` ORDER BY p.path`+limit(f.Limit), w.args)
}

func (db *DB) rowHits(ctx context.Context, query string, args []any) iter.Seq2[RowHits, error] {
	return yielding("hits", func(yield func(RowHits) bool) error {
		rows, err := db.writers.QueryContext(ctx, query, args...)
		return each(rows, err, func() error {
			var r RowHits
			var last sql.NullTime
			if err := rows.Scan(&r.Pattern, &r.Status, &r.Source, &r.Hits, &last); err != nil {
				return err
			}
			r.Last = last.Time
			if !yield(r) {
				return errStop
			}
			return nil
		})
	})
}

// DayHits are a row's on one day.
type DayHits struct {
	Day  time.Time
	Hits int64
	Last time.Time
}

// HitsByDay returns a row's hits, the latest day first. Days without any are
// left out.
func (db *DB) HitsByDay(ctx context.Context, pattern string) ([]DayHits, error) {
	rows, err := db.writers.QueryContext(ctx, `SELECT day, hits, last FROM hits WHERE path = $1 ORDER BY day DESC`, pattern)
	var days []DayHits
	err = each(rows, err, func() error {
		var d DayHits
		err := rows.Scan(&d.Day, &d.Hits, &d.Last)
		days = append(days, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: hits of %q: %w", pattern, missing(err))
	}
	return days, nil
}

// HitsSince is the first day of which hits are kept; zero where there are none.
func (db *DB) HitsSince(ctx context.Context) (time.Time, error) {
	var day sql.NullTime
	if err := db.writers.QueryRowContext(ctx, `SELECT min(day) FROM hits`).Scan(&day); err != nil {
		return time.Time{}, fmt.Errorf("postgres: hits: %w", missing(err))
	}
	return day.Time, nil
}

// yielding makes an iterator of what run yields, with its error as the last thing.
func yielding[T any](what string, run func(yield func(T) bool) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := run(func(v T) bool { return yield(v, nil) })
		if err != nil && !errors.Is(err, errStop) {
			var none T
			yield(none, fmt.Errorf("postgres: %s: %w", what, missing(err)))
		}
	}
}
