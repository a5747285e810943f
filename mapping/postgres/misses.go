// Misses: the paths that nothing answers, and those that nobody wants to hear of.

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
	"pagemap/mapping/traffic"
)

// ErrNoIgnore is that a pattern to be removed is not ignored.
var ErrNoIgnore = errors.New("postgres: no such pattern is ignored")

// Misses yields the misses: first those that pages of the site lead to, and of
// these and of the others first those with most hits. An error is the last thing
// it yields.
func (db *DB) Misses(ctx context.Context) iter.Seq2[traffic.Miss, error] {
	return db.misses(ctx, ` ORDER BY own DESC, hits DESC, last_seen DESC, path`)
}

// misses yields those that the rest of a query on their table selects, in its order.
func (db *DB) misses(ctx context.Context, rest string, args ...any) iter.Seq2[traffic.Miss, error] {
	return yielding("misses", func(yield func(traffic.Miss) bool) error {
		rows, err := db.writers.QueryContext(ctx, `SELECT path, hits, first_seen, last_seen, referrer, own FROM misses`+rest, args...)
		return each(rows, err, func() error {
			var m traffic.Miss
			if err := rows.Scan(&m.Path, &m.Count, &m.First, &m.Last, &m.Referrer, &m.Own); err != nil {
				return err
			}
			m.First, m.Last = m.First.UTC(), m.Last.UTC()
			if !yield(m) {
				return errStop
			}
			return nil
		})
	})
}

// MissOverflow is how many misses there were since a day, UTC, that are not
// counted by path.
func (db *DB) MissOverflow(ctx context.Context, since time.Time) (int64, error) {
	var n int64
	err := db.writers.QueryRowContext(ctx, `SELECT COALESCE(sum(hits), 0) FROM miss_overflow WHERE day >= $1::date`, since).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("postgres: misses: %w", missing(err))
	}
	return n, nil
}

// ForgetMisses removes misses; a path that is missed again comes back.
func (db *DB) ForgetMisses(ctx context.Context, paths []mapping.Path) error {
	list := make(pq.StringArray, len(paths))
	for i, p := range paths {
		list[i] = string(p)
	}
	_, err := db.writers.ExecContext(ctx, `
		DELETE FROM misses WHERE path IN (SELECT path FROM misses WHERE path = ANY ($1::text[]) ORDER BY path FOR UPDATE)`, list)
	if err != nil {
		return fmt.Errorf("postgres: forget misses: %w", missing(err))
	}
	return nil
}

// Ignore is a pattern of paths whose misses are not kept.
type Ignore struct {
	Pattern string // a path's key, in which "*" stands for any bytes; case does not count
	Author  string // "pagemap": it came with the table
	At      time.Time
}

// Ignores returns the patterns that are ignored, in their order.
func (db *DB) Ignores(ctx context.Context) ([]Ignore, error) {
	rows, err := db.writers.QueryContext(ctx, `SELECT pattern, author, added_at FROM miss_ignores ORDER BY pattern`)
	var all []Ignore
	err = each(rows, err, func() error {
		var i Ignore
		err := rows.Scan(&i.Pattern, &i.Author, &i.At)
		i.At = i.At.UTC()
		all = append(all, i)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: ignored misses: %w", missing(err))
	}
	return all, nil
}

// ParseIgnore checks a pattern of paths to be ignored and brings what lies
// between its stars to the form of keys. It starts with "/" or "*".
func ParseIgnore(text string) (string, error) {
	if strings.Trim(text, "*/") == "" {
		return "", fmt.Errorf("postgres: ignore %q: this would be every path", text)
	}
	if !strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "*") {
		return "", fmt.Errorf(`postgres: ignore %q: it starts neither with "/" nor with "*"`, text)
	}
	parts := strings.Split(text, "*")
	for i, part := range parts {
		// A key for its escapes alone: a part may begin anywhere.
		key, err := mapping.ParsePath("/x" + part)
		if err != nil || strings.Contains(part, "//") {
			return "", fmt.Errorf("postgres: ignore %q: %q is no part of a path: %w", text, part, errors.Join(err, mapping.ErrBadPath))
		}
		parts[i] = strings.TrimPrefix(string(key), "/x")
	}
	pattern := strings.Join(parts, "*")
	if len(pattern) > traffic.MaxPath {
		return "", fmt.Errorf("postgres: ignore %q: longer than %d bytes", text[:80]+"...", traffic.MaxPath)
	}
	return pattern, nil
}

// AddIgnores ignores patterns, which ParseIgnore made, and removes the misses
// that they match; it returns how many these are.
func (db *DB) AddIgnores(ctx context.Context, author string, patterns []string) (removed int, err error) {
	err = inTx(ctx, db.writers, sql.TxOptions{Isolation: sql.LevelReadCommitted}, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO miss_ignores (pattern, author) SELECT p, $1 FROM unnest($2::text[]) p ORDER BY p
			ON CONFLICT DO NOTHING`, author, pq.StringArray(patterns))
		if err != nil {
			return err
		}
		removed, err = count(ctx, tx, `
			DELETE FROM misses WHERE path IN (
				SELECT path FROM misses m WHERE EXISTS (
					SELECT FROM miss_ignores i WHERE i.pattern = ANY ($1::text[]) AND lower(m.path) LIKE i.matches)
				ORDER BY path FOR UPDATE)`, pq.StringArray(patterns))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("postgres: ignore: %w", missing(err))
	}
	return removed, nil
}

// RemoveIgnores ignores patterns no longer, all or none: ErrNoIgnore.
func (db *DB) RemoveIgnores(ctx context.Context, patterns []string) error {
	err := inTx(ctx, db.writers, sql.TxOptions{Isolation: sql.LevelReadCommitted}, func(tx *sql.Tx) error {
		for _, p := range patterns {
			n, err := count(ctx, tx, `DELETE FROM miss_ignores WHERE pattern = $1`, p)
			if err != nil {
				return err
			}
			if n == 0 {
				return fmt.Errorf("%q: %w", p, ErrNoIgnore)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("postgres: ignore no longer: %w", missing(err))
	}
	return nil
}
