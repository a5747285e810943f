// Screens: the patterns of the next rows that a list shows.

package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// screening looks for the rows of a screen.
type screening struct {
	tx     *sql.Tx
	where  where  // of the query, but for the next two
	never  bool   // the row was never hit
	kind   string // what a check found in it; "": whatever
	list   List
	n      int           // rows that are wanted
	along  time.Duration // that a walk may take
	looked *Place        // where time ran out
}

// past are the conditions, and that a row comes behind a place, if there is one.
func (q *screening) past(at Place) where {
	w := q.where.with(&Filter{})
	than := map[bool]string{false: `>`, true: `<`}[q.list.Back]
	switch {
	case at.Pattern == "":
	case q.list.Order == ByPath:
		w.must(`p.path `+than+` $`, at.Pattern)
	default:
		than := map[bool]string{false: `<`, true: `>`}[q.list.Back]
		w.args = append(w.args, at.Changed, at.Pattern)
		w.conditions = append(w.conditions, fmt.Sprintf(`(p.changed_at, p.path) %s ($%d, $%d)`, than, len(w.args)-1, len(w.args)))
	}
	return w
}

// fewListed is up to how many rows, by the planner's estimate, a list looks up all.
const fewListed = 300

// alongTime is how long the way along an order's index may take where all rows could be looked up instead.
const alongTime = 80 * time.Millisecond

// order is how the rows come.
func (q *screening) order() string {
	switch {
	case q.list.Order == ByChanged && q.list.Back:
		return ` ORDER BY p.changed_at, p.path`
	case q.list.Order == ByChanged:
		return ` ORDER BY p.changed_at DESC, p.path DESC`
	case q.list.Back:
		return ` ORDER BY p.path DESC`
	}
	return ` ORDER BY p.path`
}

// find returns the first patterns, in an order that has an index. Along the index
// enough rows mostly come soon; where they are too far apart, all are looked up. That
// is done at once where the planner takes them to be few.
func (q *screening) find(ctx context.Context) ([]string, error) {
	if err := q.limit(ctx, searchTime); err != nil {
		return nil, err
	}
	w := q.past(Place{q.list.Past, q.list.At})
	if q.kind != "" {
		return q.found(ctx, w)
	}
	many, err := estimate(ctx, q.tx, &w)
	if err != nil {
		return nil, err
	}
	if many > fewListed {
		if _, err := q.tx.ExecContext(ctx, `SAVEPOINT along`); err != nil {
			return nil, err
		}
		within := alongTime
		if many > fewRows { // all of them take long for sure
			within = searchTime / 2
		}
		if err := q.limit(ctx, within); err != nil {
			return nil, err
		}
		var patterns []string
		if q.never {
			patterns, err = q.walk(ctx, w)
		} else {
			patterns, err = texts(ctx, q.tx, `SELECT p.path FROM pages p`+w.String()+q.order()+limit(q.n), w.args)
		}
		if pq.As(err, pqerror.QueryCanceled) == nil || ctx.Err() != nil {
			return patterns, err
		}
		if _, err := q.tx.ExecContext(ctx, `ROLLBACK TO SAVEPOINT along`); err != nil {
			return nil, err
		}
		q.looked = nil
	}
	w = w.with(&Filter{NeverHit: q.never})
	// OFFSET 0 has the planner look for the best way to all of them.
	return texts(ctx, q.tx, `SELECT path FROM (SELECT p.path, p.changed_at FROM pages p`+w.String()+` OFFSET 0) p`+q.order()+limit(q.n), w.args)
}

// limit limits the time of each statement.
func (q *screening) limit(ctx context.Context, within time.Duration) error {
	_, err := q.tx.ExecContext(ctx, fmt.Sprint(`SET LOCAL jit = off; SET LOCAL statement_timeout = `, within.Milliseconds()))
	return err
}

// found goes along the findings of a kind, which have an index in the order of paths, too.
func (q *screening) found(ctx context.Context, w where) ([]string, error) {
	findings := where{args: w.args}
	findings.must(`kind = $`, q.kind)
	order := ` ORDER BY path`
	if q.list.Back {
		order += ` DESC`
	}
	if q.list.Past != "" {
		findings.must(map[bool]string{false: `path > $`, true: `path < $`}[q.list.Back], q.list.Past)
	}
	return texts(ctx, q.tx, `
		SELECT p.path FROM (SELECT path FROM findings`+findings.String()+` GROUP BY path`+order+`) f
		JOIN pages p ON p.path = f.path`+w.String()+strings.Replace(order, `path`, `f.path`, 1)+limit(q.n), findings.args)
}

// Rows of a walk's first and largest step.
const (
	firstStep = 100
	mostStep  = 8000
)

// walk goes along the index, and asks of each row whether it was ever hit: of rows that all were, a full screen
// may be far. It ends when the screen is full or the time is over.
func (q *screening) walk(ctx context.Context, w where) (patterns []string, err error) {
	deadline := time.Now().Add(q.along)
	for step := firstStep; ; step = min(2*step, mostStep) {
		rows, err := q.tx.QueryContext(ctx, `
			SELECT p.path, p.changed_at, NOT EXISTS (SELECT FROM hits h WHERE h.path = p.path)
			FROM (SELECT p.path, p.changed_at FROM pages p`+w.String()+q.order()+limit(step)+`) p`+q.order(), w.args...)
		var last Place
		seen := 0
		err = each(rows, err, func() error {
			var never bool
			if err := rows.Scan(&last.Pattern, &last.Changed, &never); err != nil {
				return err
			}
			if seen++; never && len(patterns) < q.n {
				patterns = append(patterns, last.Pattern)
			}
			return nil
		})
		if err != nil || seen < step || len(patterns) == q.n {
			return patterns, err
		}
		if time.Now().After(deadline) {
			last.Changed = last.Changed.UTC()
			q.looked = &last
			return patterns, nil
		}
		w = q.past(last)
	}
}
