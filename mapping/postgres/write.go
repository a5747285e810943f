// Write: people's edits.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"pagemap/mapping"
)

// ChangeSet says who changes the table, from where and why.
type ChangeSet struct {
	Author string
	Origin mapping.Origin // also of the rows written
	Note   string
}

// Edit is one wish: the page as it shall be, or its removal.
type Edit struct {
	Pattern string        // canonical
	Page    *mapping.Page // nil: remove. Of its fields Status, Source, DropQuery, Tags and Note count.
}

// Result of a write. Edits that change nothing get no number.
type Result struct {
	ChangeSet  int64 // 0: nothing changed
	Added      int
	Changed    int
	Removed    int
	Unchanged  int
	LastChange int64 // number of the table's last change; 0: nothing changed
}

// errNothing rolls back a transaction that would leave an empty change-set.
var errNothing = errors.New("nothing to change")

// Write makes all edits in one transaction as one change-set, or none; of two
// edits of one pattern the later counts. The pages must come from
// mapping.Hosts.Clean. ErrLoop (naming the loop), ErrNoPage on removing what is
// not there.
func (db *DB) Write(ctx context.Context, cs ChangeSet, edits []Edit) (Result, error) {
	edits = lastOfEach(edits)
	result, err := db.change(ctx, cs, func(tx *sql.Tx) error {
		return stage(ctx, tx,
			`path text COLLATE "C" PRIMARY KEY, remove boolean NOT NULL, status smallint, source text COLLATE "C", drop_query boolean, tags text[], note text`,
			`path, remove, status, source, drop_query, tags, note`, len(edits), func(i int) []any {
				e := edits[i]
				if e.Page == nil {
					return []any{e.Pattern, true, nil, nil, nil, nil, nil}
				}
				tags := e.Page.Tags
				if tags == nil {
					tags = []string{}
				}
				return []any{e.Pattern, false, int64(e.Page.Status), e.Page.Source, e.Page.DropQuery, pq.StringArray(tags), e.Page.Note}
			})
	}, func(tx *sql.Tx, r *Result) error {
		if err := apply(ctx, tx, cs.Origin, r); err != nil {
			return err
		}
		r.Unchanged = len(edits) - r.Added - r.Changed - r.Removed
		return db.checkLoops(ctx, tx)
	})
	if err != nil {
		return Result{}, fmt.Errorf("postgres: write: %w", err)
	}
	return result, nil
}

// lastOfEach keeps the last edit of every pattern.
func lastOfEach(edits []Edit) []Edit {
	last := make(map[string]int, len(edits))
	for i, e := range edits {
		last[e.Pattern] = i
	}
	if len(last) == len(edits) {
		return edits
	}
	kept := make([]Edit, 0, len(last))
	for i, e := range edits {
		if last[e.Pattern] == i {
			kept = append(kept, e)
		}
	}
	return kept
}

// change runs prepare, then do within the writers' lock, in one transaction.
func (db *DB) change(ctx context.Context, cs ChangeSet, prepare func(*sql.Tx) error, do func(*sql.Tx, *Result) error) (Result, error) {
	var r Result
	err := inTx(ctx, db.writers, sql.TxOptions{Isolation: sql.LevelReadCommitted}, func(tx *sql.Tx) error {
		if err := prepare(tx); err != nil {
			return err
		}
		held := time.AfterFunc(patience, func() {
			db.logger.Warn("waiting for another writer's transaction to end; pg_stat_activity shows whose", "schema", db.schema)
		})
		err := tx.QueryRowContext(ctx, `SELECT begin_change_set($1, $2, $3)`, cs.Author, cs.Origin.String(), cs.Note).Scan(&r.ChangeSet)
		held.Stop()
		if err != nil {
			return err
		}
		if err := do(tx, &r); err != nil {
			return err
		}
		if r.Added+r.Changed+r.Removed == 0 {
			return errNothing
		}
		return tx.QueryRowContext(ctx, `SELECT last FROM state`).Scan(&r.LastChange)
	})
	if errors.Is(err, errNothing) {
		r.ChangeSet, err = 0, nil
	}
	return r, missing(err)
}

// apply brings what is staged into the table.
func apply(ctx context.Context, tx *sql.Tx, origin mapping.Origin, r *Result) error {
	var absent string
	err := tx.QueryRowContext(ctx, `
		SELECT path FROM staged s
		WHERE remove AND NOT EXISTS (SELECT FROM pages p WHERE p.path = s.path)
		ORDER BY path LIMIT 1`).Scan(&absent)
	switch {
	case err == nil:
		return fmt.Errorf("remove %q: %w", absent, ErrNoPage)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	r.Removed, err = count(ctx, tx, `DELETE FROM pages p USING staged s WHERE p.path = s.path AND s.remove`)
	if err != nil {
		return err
	}
	// The trigger turns down an update that changes nothing.
	r.Changed, err = count(ctx, tx, `
		UPDATE pages p
		SET status = s.status, source = s.source, drop_query = s.drop_query, origin = $1, tags = s.tags, note = s.note
		FROM staged s WHERE p.path = s.path AND NOT s.remove`, origin.String())
	if err != nil {
		return err
	}
	r.Added, err = count(ctx, tx, `
		INSERT INTO pages (path, status, source, drop_query, origin, tags, note, change)
		SELECT path, status, source, drop_query, $1, tags, note, 0 FROM staged s
		WHERE NOT remove AND NOT EXISTS (SELECT FROM pages p WHERE p.path = s.path)
		ORDER BY path`, origin.String())
	return err
}
