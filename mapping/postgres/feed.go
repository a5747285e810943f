// The feed: the table as a whole, and what changed since.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"pagemap/mapping"
)

// position is a place in one database's log. The zero value is nowhere: a
// follower there has to load the table.
type position struct {
	Identity string `json:"identity"` // of the schema
	Number   int64  `json:"number"`   // of the last change; 0: none yet
	Token    string `json:"token"`    // of that change's set; "" for none
}

// head is what the database says of itself, at one moment.
type head struct {
	position
	pages   int64 // rows of the table
	version int64 // of the schema
	token   string
}

// readHead reads the head; its field token is that of the change with the
// follower's number, "" where the log has none.
func readHead(ctx context.Context, tx *sql.Tx, number int64) (h head, err error) {
	err = tx.QueryRowContext(ctx, `
		SELECT s.identity, s.last, s.pages,
			COALESCE((SELECT t.token::text FROM changes c JOIN change_sets t ON t.id = c.change_set WHERE c.number = s.last), ''),
			COALESCE((SELECT t.token::text FROM changes c JOIN change_sets t ON t.id = c.change_set WHERE c.number = $1), ''),
			COALESCE((SELECT max(version_id) FROM goose_db_version WHERE is_applied), 0)
		FROM state s`, number).Scan(&h.Identity, &h.Number, &h.pages, &h.Token, &h.token, &h.version)
	if errors.Is(err, sql.ErrNoRows) {
		err = errors.New("the schema has no state: a restore has not ended, or was cut short")
	}
	return h, missing(err)
}

// continues reports whether the log that h tells of goes on from p.
func (h head) continues(p position) bool {
	return p.Identity == h.Identity && p.Number <= h.Number && p.Token == h.token
}

// loadTable reads the whole table.
func loadTable(ctx context.Context, tx *sql.Tx) (*mapping.Table, error) {
	var err error
	table := mapping.NewTable(func(yield func(mapping.Row) bool) {
		err = scanRows(ctx, tx, ``, func(row mapping.Row) error {
			if !yield(row) {
				return errStop
			}
			return nil
		})
	})
	return table, err
}

// errGap: the log is not whole.
var errGap = errors.New("a number is missing in the log")

// readChanges reads the changes after the number from up to the number to.
func readChanges(ctx context.Context, tx *sql.Tx, from, to int64) ([]mapping.Change, error) {
	query, err := tx.PrepareContext(ctx, `
		SELECT number, CASE WHEN new_status IS NULL THEN path END, `+newRowBytes+`
		FROM changes WHERE number > $1 AND number <= $2 ORDER BY number`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = query.Close() }() // its rows have told the outcome
	rows, err := query.QueryContext(ctx, from, to)
	var changes []mapping.Change
	var number int64
	var removed sql.NullString
	var b sql.RawBytes
	last := from
	err = each(rows, err, func() error {
		if err := rows.Scan(&number, &removed, &b); err != nil {
			return err
		}
		if number != last+1 {
			return fmt.Errorf("%w: %d follows %d", errGap, number, last)
		}
		last = number
		if removed.Valid {
			changes = append(changes, mapping.Change{Pattern: removed.String})
			return nil
		}
		row, err := decodeRow(b)
		changes = append(changes, mapping.Change{Pattern: row.Pattern, Row: &row})
		return err
	})
	if err == nil && last != to {
		err = fmt.Errorf("%w: it ends with %d, not %d", errGap, last, to)
	}
	return changes, err
}
