// Plan: what many edits come to, before they are made.

package postgres

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lib/pq"

	"pagemap/mapping"
)

// PlanOptions of everything that plans.
type PlanOptions struct {
	DryRun   bool           // undo what was done, so that there is only the plan
	Show     int            // differences that the plan tells of
	Hash     string         // carry out only a plan with this Hash; "": any
	Progress func(rows int) // called now and then with the rows gone through; nil: not
}

// Plan is what becomes of the table, or would.
type Plan struct {
	Result                   // ChangeSet and LastChange are 0 unless it was carried out
	Kept        int          // conflicts that stay as they are
	Replaced    int          // conflicts that do not; they count as added, changed or removed as well
	LeftOut     int          // rows that would make a loop
	Conflicts   []Difference // all of them, in the order of the patterns
	Loops       []Loop       // what was found until there was none
	Differences []Difference // the first ones that are written, in the order of the patterns
	Hash        string       // of the rows that are written, and of those that they take the place of
}

// ErrOtherPlan is that the table has changed so that the plan would be another
// than the one that was asked for; the new one comes with it.
var ErrOtherPlan = errors.New("postgres: the table has changed: the plan is not any more the one that was looked at")

// Difference is a row as it is and as it shall be. The pages have neither Change,
// Changed nor ChangedBy.
type Difference struct {
	Pattern string
	Old     *mapping.Page // nil: added
	New     *mapping.Page // nil: removed
}

// scheme is how a plan is made.
type scheme struct {
	judge     func(tx *sql.Tx) error // makes the table met, by judge; it may stage more
	conflict  Conflict
	skipLoops bool
}

// stop is an error with which a plan is complete, but not carried out.
type stop struct{ error }

func (s stop) Unwrap() error { return s.error }

// errDry rolls back a dry run.
var errDry = errors.New("dry run")

// carryOut stages edits, and then within the writers' lock makes a plan of them
// and carries it out. Where an error is about what is planned, the plan comes
// with it.
func (db *DB) carryOut(ctx context.Context, cs ChangeSet, o *PlanOptions, prepare func(*sql.Tx) error, s *scheme) (*Plan, error) {
	plan := &Plan{}
	result, err := db.change(ctx, cs, prepare, func(tx *sql.Tx, r *Result) error {
		err := db.plan(ctx, tx, plan, o, s)
		changeSet := r.ChangeSet
		*r = plan.Result
		r.ChangeSet = changeSet
		if err == nil && o.DryRun {
			err = errDry
		}
		return err
	})
	switch halt := (stop{}); {
	case err == nil:
		plan.Result = result
	case errors.Is(err, errDry):
		err = nil
	case errors.As(err, &halt):
		err = halt.error
	default:
		return nil, err
	}
	return plan, err
}

// judge makes the table met: path, and verdict, which is 'unchanged', 'write' or
// 'conflict'. Staged paths that it has not are written.
func judge(ctx context.Context, tx *sql.Tx, query string, args ...any) error {
	if _, err := tx.ExecContext(ctx, `CREATE TEMPORARY TABLE met (path text COLLATE "C" NOT NULL, verdict text NOT NULL) ON COMMIT DROP`); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO met `+query, args...); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `ANALYZE met`)
	return err
}

// plan leaves in staged what is to be written, and writes it.
func (db *DB) plan(ctx context.Context, tx *sql.Tx, p *Plan, o *PlanOptions, s *scheme) error {
	halt := s.judge(tx)
	if halt != nil && !errors.As(halt, &stop{}) {
		return halt
	}
	var err error
	if p.Conflicts, err = differences(ctx, tx, `WHERE path IN (SELECT path FROM met WHERE verdict = 'conflict')`, 0); err != nil {
		return err
	}
	conflicts := len(p.Conflicts)
	if s.conflict == ConflictReplace {
		p.Replaced = conflicts
	} else {
		p.Kept = conflicts
		if _, err = count(ctx, tx, `DELETE FROM staged s USING met m WHERE m.path = s.path AND m.verdict = 'conflict'`); err != nil {
			return err
		}
	}
	if p.Unchanged, err = count(ctx, tx, `DELETE FROM staged s USING met m WHERE m.path = s.path AND m.verdict = 'unchanged'`); err != nil {
		return err
	}
	if halt == nil && conflicts > 0 && s.conflict == ConflictFail {
		halt = stop{ErrConflict}
	}
	if p.Hash, err = hashStaged(ctx, tx); err != nil {
		return err
	}
	if halt == nil && o.Hash != "" && o.Hash != p.Hash {
		halt = stop{ErrOtherPlan}
	}
	looping, err := db.writePlan(ctx, tx, p, o)
	if halt == nil && len(p.Loops) > 0 && (looping || !s.skipLoops) {
		halt = stop{p.Loops[0].err()}
	}
	if err == nil {
		err = halt
	}
	return err
}

// writePlan writes what is staged, looks for loops, and writes anew without the
// rows that make them, until there are none. It reports true for a loop that
// nothing staged makes.
func (db *DB) writePlan(ctx context.Context, tx *sql.Tx, p *Plan, o *PlanOptions) (looping bool, err error) {
	unchanged := p.Unchanged
	for {
		if _, err := tx.ExecContext(ctx, `SAVEPOINT unwritten`); err != nil {
			return false, err
		}
		p.Result = Result{Unchanged: unchanged}
		if o.Show > 0 {
			if p.Differences, err = differences(ctx, tx, ``, o.Show); err != nil {
				return false, err
			}
		}
		if err := apply(ctx, tx, &p.Result, o.Progress); err != nil {
			return false, err
		}
		loops, err := db.findLoops(ctx, tx)
		if err != nil || len(loops) == 0 {
			return false, err
		}
		p.Loops = append(p.Loops, loops...)
		var through []string
		for _, l := range loops {
			through = append(through, l.Through...)
		}
		if len(through) == 0 {
			return true, nil
		}
		if _, err := tx.ExecContext(ctx, `ROLLBACK TO SAVEPOINT unwritten`); err != nil {
			return false, err
		}
		n, err := count(ctx, tx, `DELETE FROM staged WHERE path = ANY ($1)`, pq.StringArray(through))
		if err != nil {
			return false, err
		}
		p.LeftOut += n
	}
}

// differences returns the first staged edits that a condition selects, at most n,
// beside the rows that are there; 0: all.
func differences(ctx context.Context, tx *sql.Tx, condition string, n int) ([]Difference, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT path, p.status, p.source, p.drop_query, p.origin, p.tags, p.note, s.status, s.source, s.drop_query, s.origin, s.tags, s.note
		FROM (SELECT * FROM staged `+condition+` ORDER BY path`+limit(n)+`) s LEFT JOIN pages p USING (path) ORDER BY path`)
	var list []Difference
	err = each(rows, err, func() error {
		var d Difference
		var before, after values
		if err := rows.Scan(append(append([]any{&d.Pattern}, before.into()...), after.into()...)...); err != nil {
			return err
		}
		var err1, err2 error
		d.Old, err1 = before.page(d.Pattern)
		d.New, err2 = after.page(d.Pattern)
		list = append(list, d)
		return errors.Join(err1, err2)
	})
	return list, err
}

// hashStaged is a hash of what is staged and of the rows that are there.
func hashStaged(ctx context.Context, tx *sql.Tx) (hash string, err error) {
	err = tx.QueryRowContext(ctx, `
		SELECT md5(count(*) || ' ' || COALESCE(sum(hashtextextended(s::text || ' ' || COALESCE(p.change, 0), 0)), 0)
			|| ' ' || COALESCE(sum(hashtextextended(s::text || ' ' || COALESCE(p.change, 0), 1)), 0))
		FROM staged s LEFT JOIN pages p USING (path)`).Scan(&hash)
	return hash, err
}
