// WriteOver: an edit of what somebody has looked at.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrEdited is that a row is not any more as somebody saw it who now edits it.
var ErrEdited = errors.New("postgres: somebody else has changed the row meanwhile")

// WriteOver is Write of one edit, unless the row was changed since somebody
// looked at it: seen is the number of the change that had written it then, 0
// where there was no row. ErrEdited, ErrLoop, ErrNoPage.
func (db *DB) WriteOver(ctx context.Context, cs ChangeSet, e Edit, seen int64) (Result, error) {
	result, err := db.write(ctx, cs, []Edit{e}, func(tx *sql.Tx) error {
		var now int64
		err := tx.QueryRowContext(ctx, `SELECT change FROM pages WHERE path = $1`, e.Pattern).Scan(&now)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		if err == nil && now != seen {
			err = ErrEdited
		}
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("postgres: write: %w", err)
	}
	return result, nil
}
