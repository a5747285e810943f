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
	result, err := db.write(ctx, cs, lastOfEach(edits), func(*sql.Tx) error { return nil })
	if err != nil {
		return Result{}, fmt.Errorf("postgres: write: %w", err)
	}
	return result, nil
}

// write makes edits of different patterns, if allowed, which is asked within the
// writers' lock, has nothing against it.
func (db *DB) write(ctx context.Context, cs ChangeSet, edits []Edit, allowed func(*sql.Tx) error) (Result, error) {
	return db.change(ctx, cs, func(tx *sql.Tx) error {
		return stageEdits(ctx, tx, len(edits), func(i int) (string, *mapping.Page, mapping.Origin) {
			return edits[i].Pattern, edits[i].Page, cs.Origin
		})
	}, func(tx *sql.Tx, r *Result) error {
		if err := allowed(tx); err != nil {
			return err
		}
		if err := removalsAreThere(ctx, tx); err != nil {
			return err
		}
		if err := apply(ctx, tx, r, nil); err != nil {
			return err
		}
		r.Unchanged = len(edits) - r.Added - r.Changed - r.Removed
		loops, err := db.findLoops(ctx, tx)
		if err == nil && len(loops) > 0 {
			err = loops[0].err()
		}
		return err
	})
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

// stagedNames are the columns of a staged edit.
const stagedNames = `path, remove, status, source, drop_query, origin, tags, note`

// stageEdits makes staged and copies n edits into it; a nil page is a removal.
func stageEdits(ctx context.Context, tx *sql.Tx, n int, edit func(int) (string, *mapping.Page, mapping.Origin)) error {
	return stage(ctx, tx, `path text COLLATE "C" PRIMARY KEY, remove boolean NOT NULL, status smallint, source text COLLATE "C",
		drop_query boolean, origin text COLLATE "C", tags text[], note text`,
		stagedNames, n, func(i int) []any { return stagedEdit(edit(i)) })
}

// stagedEdit is the values of stagedNames.
func stagedEdit(pattern string, p *mapping.Page, origin mapping.Origin) []any {
	if p == nil {
		return []any{pattern, true, nil, nil, nil, nil, nil, nil}
	}
	tags := p.Tags
	if tags == nil {
		tags = []string{}
	}
	return []any{pattern, false, int64(p.Status), p.Source, p.DropQuery, origin.String(), pq.StringArray(tags), p.Note}
}

// removalsAreThere is ErrNoPage where a row to be removed is not there.
func removalsAreThere(ctx context.Context, tx *sql.Tx) error {
	var absent string
	err := tx.QueryRowContext(ctx, `
		SELECT path FROM staged s
		WHERE remove AND NOT EXISTS (SELECT FROM pages p WHERE p.path = s.path)
		ORDER BY path LIMIT 1`).Scan(&absent)
	switch {
	case err == nil:
		return fmt.Errorf("remove %q: %w", absent, ErrNoPage)
	case errors.Is(err, sql.ErrNoRows):
		return nil
	}
	return err
}

// atOnce is how many rows apply writes with one statement: enough that a
// statement costs nothing, and few enough to show how far it is.
const atOnce = 25000

// apply brings what is staged into the table, and adds to r. It tells progress,
// unless that is nil, how many rows of staged it has been through.
func apply(ctx context.Context, tx *sql.Tx, r *Result, progress func(rows int)) (err error) {
	for from, done := "", 0; ; {
		var to sql.NullString
		var n int
		err := tx.QueryRowContext(ctx, `
			SELECT max(path), count(*) FROM (SELECT path FROM staged WHERE path > $1 ORDER BY path LIMIT $2) s`,
			from, atOnce).Scan(&to, &n)
		if err != nil || n == 0 {
			return err
		}
		for _, step := range []struct {
			counter   *int
			statement string
		}{
			{&r.Removed, `DELETE FROM pages p USING staged s WHERE p.path = s.path AND s.remove AND s.path > $1 AND s.path <= $2`},
			// The trigger turns down an update that changes nothing.
			{&r.Changed, `
				UPDATE pages p
				SET status = s.status, source = s.source, drop_query = s.drop_query, origin = s.origin, tags = s.tags, note = s.note
				FROM staged s WHERE p.path = s.path AND NOT s.remove AND s.path > $1 AND s.path <= $2`},
			{&r.Added, `
				INSERT INTO pages (path, status, source, drop_query, origin, tags, note, change)
				SELECT path, status, source, drop_query, origin, tags, note, 0 FROM staged s
				WHERE NOT remove AND s.path > $1 AND s.path <= $2 AND NOT EXISTS (SELECT FROM pages p WHERE p.path = s.path)
				ORDER BY path`},
		} {
			changed, err := count(ctx, tx, step.statement, from, to.String)
			if err != nil {
				return err
			}
			*step.counter += changed
		}
		from, done = to.String, done+n
		if progress != nil {
			progress(done)
		}
		if n < atOnce {
			return nil
		}
	}
}
