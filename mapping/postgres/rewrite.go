// Rewrite: one thing done to all rows that a query finds.

package postgres

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/lib/pq"

	"pagemap/mapping"
)

// Rewriting is what is to be done to which rows.
type Rewriting struct {
	Query
	// Do says what becomes of a row: no edit, it stays. Its pages must come from
	// mapping.Hosts.Clean; their origins count. An error is why the row cannot be
	// rewritten; it stays.
	Do func(mapping.Page) ([]Edit, error)
	// Conflict says what becomes of a row that the query does not find, made by a
	// person or an import, in whose place an edit is.
	Conflict Conflict
	PlanOptions
}

// Refusal is a row that stays, and why.
type Refusal struct {
	Pattern string `json:"path"`
	Reason  string `json:"reason"`
}

// maxRefusals is how many refusals are told; the others are counted.
const maxRefusals = 10_000

// Refusals are the rows that stay for a reason.
type Refusals struct {
	First []Refusal `json:"first"`
	All   int       `json:"all"`
}

func (r *Refusals) add(pattern, reason string) {
	if r.All++; len(r.First) < maxRefusals {
		r.First = append(r.First, Refusal{pattern, reason})
	}
}

// Rewrite plans what becomes of the rows that the query finds within the writers'
// lock, and carries the plan out as one change-set, or not at all. A row whose edits
// meet those of an earlier one is refused. ErrConflict, ErrLoop, ErrOtherPlan,
// ErrBadExpression; all but the last with the plan.
func (db *DB) Rewrite(ctx context.Context, cs ChangeSet, r Rewriting) (*Plan, Refusals, error) {
	w, err := r.condition()
	if err != nil {
		return nil, Refusals{}, fmt.Errorf("postgres: rewrite: %w", err)
	}
	var refused Refusals
	plan, err := db.carryOut(ctx, cs, &r.PlanOptions, func(tx *sql.Tx) error {
		return stageEdits(ctx, tx, 0, nil)
	}, &scheme{
		judge: func(tx *sql.Tx) error {
			others, err := r.stage(ctx, tx, &w, &refused)
			if err != nil {
				return err
			}
			return judge(ctx, tx, `
				SELECT path, CASE
					WHEN (p.status, p.source, p.drop_query, p.origin, p.tags, p.note)
						IS NOT DISTINCT FROM (s.status, s.source, s.drop_query, s.origin, s.tags, s.note) THEN 'unchanged'
					WHEN path = ANY ($1) AND p.origin NOT IN ('auto', 'populate') THEN 'conflict'
					ELSE 'write'
				END AS verdict FROM staged s JOIN pages p USING (path)`, pq.StringArray(others))
		},
		conflict: r.Conflict,
	})
	if err != nil {
		err = fmt.Errorf("postgres: rewrite: %w", searchError(ctx, err))
	}
	return plan, refused, err
}

// stage stages the edits of the rows that the conditions select. others are the
// patterns of edits that are not of these rows.
func (r *Rewriting) stage(ctx context.Context, tx *sql.Tx, w *where, refused *Refusals) (others []string, err error) {
	if _, err := tx.ExecContext(ctx, `CREATE TEMPORARY TABLE chosen (path text COLLATE "C" PRIMARY KEY) ON COMMIT DROP`); err != nil {
		return nil, err
	}
	chosen, err := count(ctx, tx, `INSERT INTO chosen SELECT p.path FROM pages p`+w.String(), w.args...)
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `ANALYZE chosen`); err != nil {
		return nil, err
	}
	staged := make(map[string]struct{}, chosen)
	for last, done := "", 0; done < chosen; done += atOnce {
		var next where
		next.must(`p.path IN (SELECT path FROM chosen WHERE path > $ ORDER BY path`+limit(atOnce)+`)`, last)
		var edits []Edit
		for page, err := range pages(ctx, tx, &next, 0) {
			if err != nil {
				return nil, err
			}
			last = page.Pattern
			todo, err := r.Do(page)
			if err != nil {
				refused.add(page.Pattern, err.Error())
				continue
			}
			if twice := firstOf(staged, todo); twice != "" {
				refused.add(page.Pattern, "another row's change is at "+twice+" already")
				continue
			}
			for _, e := range todo {
				staged[e.Pattern] = struct{}{}
				if e.Pattern != page.Pattern {
					others = append(others, e.Pattern)
				}
			}
			edits = append(edits, todo...)
		}
		err := copyRows(ctx, tx, stagedNames, len(edits), func(i int) []any {
			var origin mapping.Origin
			if p := edits[i].Page; p != nil {
				origin = p.Origin
			}
			return stagedEdit(edits[i].Pattern, edits[i].Page, origin)
		})
		if err != nil {
			return nil, err
		}
		if r.Progress != nil {
			r.Progress(min(done+atOnce, chosen))
		}
	}
	_, err = tx.ExecContext(ctx, `ANALYZE staged`)
	if err != nil {
		return nil, err
	}
	// Edits in the place of rows that are found as well are not in the way of these.
	kept := others[:0]
	rows, err := tx.QueryContext(ctx, `SELECT o FROM unnest($1::text[]) o WHERE NOT EXISTS (SELECT FROM chosen WHERE path = o)`, pq.StringArray(others))
	err = each(rows, err, func() error {
		kept = append(kept, "")
		return rows.Scan(&kept[len(kept)-1])
	})
	return kept, err
}

// firstOf is the first of the edits' patterns that is staged, or "".
func firstOf(staged map[string]struct{}, edits []Edit) string {
	for _, e := range edits {
		if _, ok := staged[e.Pattern]; ok {
			return e.Pattern
		}
	}
	return ""
}
