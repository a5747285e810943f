// Bringing many rows into a transaction with COPY.

package postgres

import (
	"context"
	"database/sql"
	"fmt"
)

// manyStaged is from how many rows on the planner has to know of them.
const manyStaged = 1000

// stage makes the temporary table "staged", which lasts as long as the
// transaction, and copies n rows into it.
func stage(ctx context.Context, tx *sql.Tx, columns, names string, n int, row func(int) []any) error {
	if _, err := tx.ExecContext(ctx, `CREATE TEMPORARY TABLE staged (`+columns+`) ON COMMIT DROP`); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	if err := copyRows(ctx, tx, names, n, row); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	if n < manyStaged {
		return nil
	}
	// Nobody else does it for a temporary table.
	if _, err := tx.ExecContext(ctx, `ANALYZE staged`); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	return nil
}

// copyRows copies n rows into staged.
func copyRows(ctx context.Context, tx *sql.Tx, names string, n int, row func(int) []any) error {
	copyIn, err := tx.PrepareContext(ctx, `COPY staged (`+names+`) FROM STDIN`)
	if err != nil {
		return err
	}
	defer func() { _ = copyIn.Close() }() // the last Exec below has told the outcome
	for i := range n {
		if _, err := copyIn.ExecContext(ctx, row(i)...); err != nil {
			return err
		}
	}
	_, err = copyIn.ExecContext(ctx)
	return err
}

// count runs a statement and returns how many rows it changed.
func count(ctx context.Context, tx *sql.Tx, query string, args ...any) (int, error) {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}
