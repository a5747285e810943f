// The tree's rows: added by the crawl and by auto-add, removed by pruning.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"pagemap/mapping"
)

const fileColumns = `path text COLLATE "C" NOT NULL, source text COLLATE "C"`

// AddFiles adds rows of files (Status 200, a file source) where no row has
// their pattern yet, and leaves every other alone. The change-set's origin is
// auto or populate. Result's Unchanged counts the rows that were there.
func (db *DB) AddFiles(ctx context.Context, cs ChangeSet, rows []mapping.Row) (Result, error) {
	if !cs.Origin.Tree() {
		return Result{}, fmt.Errorf("postgres: add files: origin %s is not of the tree", cs.Origin)
	}
	result, err := db.change(ctx, cs, func(tx *sql.Tx) error {
		if err := stageFiles(ctx, tx, len(rows), func(i int) []any { return []any{rows[i].Pattern, rows[i].Source} }); err != nil {
			return err
		}
		// Nobody waits for the lock where there is nothing to do.
		var some bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM staged s WHERE NOT EXISTS (SELECT FROM pages p WHERE p.path = s.path))`).Scan(&some)
		if err == nil && !some {
			err = errNothing
		}
		return err
	}, func(tx *sql.Tx, r *Result) (err error) {
		r.Added, err = count(ctx, tx, `
			INSERT INTO pages (path, status, source, origin, change)
			SELECT DISTINCT ON (path) path, 200, source, $1, 0 FROM staged s
			WHERE NOT EXISTS (SELECT FROM pages p WHERE p.path = s.path)
			ORDER BY path`, cs.Origin.String())
		return err
	})
	result.Unchanged = len(rows) - result.Added
	if err != nil {
		return Result{}, fmt.Errorf("postgres: add files: %w", err)
	}
	return result, nil
}

// MissingFiles returns which of the patterns have no row yet, in the order of
// the bytes. It changes nothing.
func (db *DB) MissingFiles(ctx context.Context, patterns []string) ([]string, error) {
	var absent []string
	err := inTx(ctx, db.writers, sql.TxOptions{}, func(tx *sql.Tx) error {
		if err := stageFiles(ctx, tx, len(patterns), func(i int) []any { return []any{patterns[i], nil} }); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `
			SELECT DISTINCT path FROM staged s
			WHERE NOT EXISTS (SELECT FROM pages p WHERE p.path = s.path)
			ORDER BY path`)
		return each(rows, err, func() error {
			var pattern string
			err := rows.Scan(&pattern)
			absent = append(absent, pattern)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: missing files: %w", missing(err))
	}
	return absent, nil
}

// RemoveFiles removes the rows with these patterns that are still the tree's
// memory, and leaves every other alone.
func (db *DB) RemoveFiles(ctx context.Context, cs ChangeSet, patterns []string) (Result, error) {
	result, err := db.change(ctx, cs, func(tx *sql.Tx) error {
		return stageFiles(ctx, tx, len(patterns), func(i int) []any { return []any{patterns[i], nil} })
	}, func(tx *sql.Tx, r *Result) (err error) {
		r.Removed, err = count(ctx, tx, `
			DELETE FROM pages p USING staged s
			WHERE p.path = s.path AND p.origin IN ('auto', 'populate')`)
		return err
	})
	result.Unchanged = len(patterns) - result.Removed
	if err != nil {
		return Result{}, fmt.Errorf("postgres: remove files: %w", err)
	}
	return result, nil
}

func stageFiles(ctx context.Context, tx *sql.Tx, n int, row func(int) []any) error {
	return stage(ctx, tx, fileColumns, `path, source`, n, row)
}

// TreeRows yields the rows that are the tree's memory, in the order of their
// patterns' bytes, as one moment's state.
func (db *DB) TreeRows(ctx context.Context) iter.Seq2[mapping.Row, error] {
	return func(yield func(mapping.Row, error) bool) {
		err := inTx(ctx, db.writers, snapshotTx, func(tx *sql.Tx) error {
			return scanRows(ctx, tx, `WHERE origin IN ('auto', 'populate') ORDER BY path`, func(row mapping.Row) error {
				if !yield(row, nil) {
					return errStop
				}
				return nil
			})
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(mapping.Row{}, fmt.Errorf("postgres: tree rows: %w", missing(err)))
		}
	}
}
