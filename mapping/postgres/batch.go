// Import: many rows at once, as a file has them.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"pagemap/mapping"
)

// Why a plan is not carried out. Tested with errors.Is; the plan comes along.
var (
	ErrConflict     = errors.New("postgres: rows that were made by a person or an import are in the way")
	ErrManyRemovals = errors.New("postgres: it would remove more than a tenth of the rows, which has to be asked for")
)

// Conflict says what becomes of a row that a person or an import made with
// another answer than the batch has for its path.
type Conflict uint8

// What becomes of it. Rows that are the tree's memory are never in the way.
const (
	ConflictFail    Conflict = iota // ErrConflict; nothing is written
	ConflictKeep                    // it stays
	ConflictReplace                 // the batch's row takes its place
)

// Batch is rows that a file has.
type Batch struct {
	Pages    []mapping.Page // from mapping.Hosts.Clean, no pattern twice; their origins count
	Conflict Conflict
	Claim    *Claim // what the file is all of; nil: it only adds to the table
	PlanOptions

	// SkipLoops leaves rows out that would make a loop, and writes the others.
	SkipLoops bool
}

// Claim is what a file is all of: the rows below a path that have one of the
// origins. Those that the file has not are removed; those that it has become as
// it says, with tags and note. Rows of other origins are in the way, unless they
// are the tree's memory, which is never removed.
type Claim struct {
	Under   mapping.Path
	Origins []mapping.Origin
	Force   bool // remove even more than a tenth of the rows claimed, where they are more than 100
}

// manyRemovals is how many removals are too many without force, where they are
// more than a tenth of the rows claimed.
const manyRemovals = 100

// Import plans a batch within the writers' lock, and carries the plan out as one
// change-set, or not at all. A row of the batch without tags or a note, whose
// answer the table has already, leaves those that are there. ErrConflict, ErrLoop,
// ErrManyRemovals; the plan comes with them.
func (db *DB) Import(ctx context.Context, cs ChangeSet, b Batch) (*Plan, error) {
	plan, err := db.carryOut(ctx, cs, &b.PlanOptions, func(tx *sql.Tx) error {
		return stageEdits(ctx, tx, len(b.Pages), func(i int) (string, *mapping.Page, mapping.Origin) {
			return b.Pages[i].Pattern, &b.Pages[i], b.Pages[i].Origin
		})
	}, &scheme{
		judge: func(tx *sql.Tx) error {
			if b.Claim == nil {
				return judgeImport(ctx, tx)
			}
			if err := judgeClaim(ctx, tx, b.Claim); err != nil {
				return err
			}
			return b.Claim.stageRemovals(ctx, tx)
		},
		conflict:  b.Conflict,
		skipLoops: b.SkipLoops,
	})
	if err != nil {
		err = fmt.Errorf("postgres: import: %w", err)
	}
	return plan, err
}

// judgeImport makes met: a verdict on every staged row whose path the table has.
func judgeImport(ctx context.Context, tx *sql.Tx) error {
	const same = `(p.status, p.source, p.drop_query) = (s.status, s.source, s.drop_query)`
	if _, err := tx.ExecContext(ctx, `
		UPDATE staged s SET tags = CASE WHEN s.tags = '{}' THEN p.tags ELSE s.tags END,
			note = CASE WHEN s.note = '' THEN p.note ELSE s.note END
		FROM pages p WHERE p.path = s.path AND `+same+` AND (s.tags = '{}' AND p.tags <> '{}' OR s.note = '' AND p.note <> '')`); err != nil {
		return err
	}
	return judge(ctx, tx, `
		SELECT path, CASE
			WHEN `+same+` AND p.tags = s.tags AND p.note = s.note
				AND (p.origin NOT IN ('auto', 'populate') OR s.origin IN ('auto', 'populate')) THEN 'unchanged'
			WHEN `+same+` OR p.origin IN ('auto', 'populate') THEN 'write'
			ELSE 'conflict'
		END AS verdict FROM staged s JOIN pages p USING (path)`)
}

// judgeClaim is judgeImport for a file that its rows are all of.
func judgeClaim(ctx context.Context, tx *sql.Tx, c *Claim) error {
	return judge(ctx, tx, `
		SELECT path, CASE
			WHEN (p.status, p.source, p.drop_query, p.tags, p.note) = (s.status, s.source, s.drop_query, s.tags, s.note)
				AND (p.origin NOT IN ('auto', 'populate') OR s.origin IN ('auto', 'populate')) THEN 'unchanged'
			WHEN p.origin = ANY ($1) OR p.origin IN ('auto', 'populate') THEN 'write'
			ELSE 'conflict'
		END AS verdict FROM staged s JOIN pages p USING (path)`, originNames(c.Origins))
}

// stageRemovals stages the removal of the rows that are claimed and not there.
func (c *Claim) stageRemovals(ctx context.Context, tx *sql.Tx) error {
	var w where
	w.must(`p.origin = ANY ($) AND p.origin NOT IN ('auto', 'populate')`, originNames(c.Origins))
	w.mustBeUnder(c.Under)
	var claimed int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM pages p`+w.String(), w.args...).Scan(&claimed); err != nil {
		return err
	}
	removed, err := count(ctx, tx, `
		INSERT INTO staged (path, remove) SELECT path, true FROM pages p`+w.String()+`
		AND NOT EXISTS (SELECT FROM staged s WHERE s.path = p.path)`, w.args...)
	if err == nil && removed > manyRemovals && removed > claimed/10 && !c.Force {
		err = stop{fmt.Errorf("%w: %d of %d", ErrManyRemovals, removed, claimed)}
	}
	return err
}
