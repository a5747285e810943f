// Hits: reading what was counted.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
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
	where, args := f.conditions("h")
	return db.rowHits(ctx, `
		SELECT t.path, COALESCE(p.status, 0), COALESCE(p.source, ''), t.hits, t.last FROM (
			SELECT h.path, sum(h.hits)::bigint AS hits, max(h.last) AS last FROM hits h `+where+`
			GROUP BY h.path ORDER BY 2 DESC, 1 `+f.limit()+`
		) t LEFT JOIN pages p USING (path) ORDER BY t.hits DESC, t.path`, args)
}

// HitSums yields how often each row was hit since a day, UTC, without its answer and in no order. An error is the
// last thing it yields.
func (db *DB) HitSums(ctx context.Context, since time.Time) iter.Seq2[RowHits, error] {
	return db.rowHits(ctx, `SELECT path, 0, '', sum(hits)::bigint, NULL FROM hits WHERE day >= $1::date GROUP BY path`, []any{since})
}

// NeverHit yields the rows of the table that were not hit, in the order of their
// patterns.
func (db *DB) NeverHit(ctx context.Context, f HitsFilter) iter.Seq2[RowHits, error] {
	since := f.Since
	f.Since = time.Time{}
	where, args := f.conditions("p")
	if where == "" {
		where = `WHERE true`
	}
	args = append(args, since)
	return db.rowHits(ctx, fmt.Sprintf(`
		SELECT p.path, p.status, p.source, 0, NULL FROM pages p %s
		AND NOT EXISTS (SELECT FROM hits h WHERE h.path = p.path AND h.day >= $%d::date)
		ORDER BY p.path %s`, where, len(args), f.limit()), args)
}

// conditions are what the filter asks of the table of this alias.
func (f *HitsFilter) conditions(alias string) (where string, args []any) {
	var all []string
	if !f.Since.IsZero() {
		args = append(args, f.Since)
		all = append(all, fmt.Sprintf(`%s.day >= $%d::date`, alias, len(args)))
	}
	if base := strings.TrimSuffix(string(f.Under), "/"); base != "" {
		args = append(args, base)
		// What follows the path itself: its query rows, and all below it.
		all = append(all, strings.NewReplacer("p", alias+".path", "$", fmt.Sprint("$", len(args))).
			Replace(`(p = $ OR p >= $ || '/' AND p < $ || '0' OR p >= $ || '?' AND p < $ || '@')`))
	}
	if all == nil {
		return "", nil
	}
	return `WHERE ` + strings.Join(all, ` AND `), args
}

func (f *HitsFilter) limit() string {
	if f.Limit <= 0 {
		return ""
	}
	return fmt.Sprint(`LIMIT `, f.Limit)
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
