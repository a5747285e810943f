// Revert: undoing a change-set.

package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// RevertOptions of Revert.
type RevertOptions struct {
	PlanOptions
	Force bool // restore also rows that were changed since
}

// Revert brings every row that a change-set added, changed or removed back to
// what it was before, with its origin, as one change-set, or not at all. Rows
// that are not any more as that change-set left them are the plan's conflicts,
// and stay unless forced. ErrNoChangeSet; ErrLoop, with the plan.
func (db *DB) Revert(ctx context.Context, cs ChangeSet, changeSet int64, o RevertOptions) (*Plan, error) {
	if _, err := db.ChangeSet(ctx, changeSet); err != nil {
		return nil, err
	}
	conflict := ConflictKeep
	if o.Force {
		conflict = ConflictReplace
	}
	plan, err := db.carryOut(ctx, cs, &o.PlanOptions, func(tx *sql.Tx) error {
		return stageEdits(ctx, tx, 0, nil)
	}, &scheme{
		judge:    func(tx *sql.Tx) error { return judgeRevert(ctx, tx, changeSet) },
		conflict: conflict,
	})
	if err != nil {
		err = fmt.Errorf("postgres: revert %d: %w", changeSet, err)
	}
	return plan, err
}

// judgeRevert stages what was before a change-set, and makes met.
func judgeRevert(ctx context.Context, tx *sql.Tx, changeSet int64) error {
	columns := func(prefix string) string {
		return prefix + strings.Join([]string{"status", "source", "drop_query", "origin", "tags", "note"}, ", "+prefix)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO staged (path, remove, status, source, drop_query, origin, tags, note)
		SELECT DISTINCT ON (path) path, old_status IS NULL, `+columns("old_")+`
		FROM changes WHERE change_set = $1 ORDER BY path, number`, changeSet); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `ANALYZE staged`); err != nil {
		return err
	}
	return judge(ctx, tx, `
		SELECT path, CASE
			WHEN (`+columns("p.")+`) IS NOT DISTINCT FROM (`+columns("s.")+`) THEN 'unchanged'
			WHEN (`+columns("p.")+`) IS NOT DISTINCT FROM (`+columns("new_")+`) THEN 'write'
			ELSE 'conflict'
		END AS verdict
		FROM staged s
		JOIN (SELECT DISTINCT ON (path) * FROM changes WHERE change_set = $1 ORDER BY path, number DESC) c USING (path)
		LEFT JOIN pages p USING (path)`, changeSet)
}
