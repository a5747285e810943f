// Lists of rows as people page through them.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"pagemap/mapping"
)

// Order of a List. Each has an index.
type Order uint8

// The orders.
const (
	ByPath    Order = iota // by the bytes of the patterns
	ByChanged              // the row that was changed last comes first
)

// List is one screen of the rows that a query finds.
type List struct {
	Query           // its After does not count
	Order Order     // of the screens, and of the rows on them
	Past  string    // only rows past the one of this pattern
	At    time.Time // ByChanged, with Past: when that row was changed
	Back  bool      // the screen before Past, not the one behind it
}

// Listed is a row with all that a list shows.
type Listed struct {
	mapping.Page
	Hits   int64     // of the last 30 days
	Last   time.Time // the last hit of these; zero: none
	Faults []Fault   // that the last check found in it
}

// Place is the row's place in a list.
func (l *Listed) Place() Place { return Place{l.Pattern, l.ChangedAt()} }

// Fault is what a check found in a row.
type Fault struct {
	Kind   string
	Detail string
	Old    bool // the row was changed since
}

// HitDays is how many days, today's included, a list's hits are of.
const HitDays = 30

// Place is a row's place in a List.
type Place struct {
	Pattern string
	Changed time.Time
}

// Screen is what List finds.
type Screen struct {
	Rows []Listed
	More bool // there is another screen behind it, on the way back before it
	// Looked is the last row that was looked at where time ran out before the screen was full: the list goes on past it.
	// nil: time sufficed.
	Looked *Place
}

// List returns the rows of a screen. ErrSlowSearch, ErrBadExpression.
func (db *DB) List(ctx context.Context, l List) (s Screen, err error) {
	n := l.Limit
	if n == 0 {
		n = DefaultLimit
	}
	q := screening{list: l, n: n + 1, never: l.NeverHit, along: alongTime}
	l.NeverHit = false
	if l.Order == ByPath && !q.never {
		q.kind, l.Found = l.Found, ""
	}
	l.rare = db.rare(ctx, &l.Query)
	if q.where, err = l.condition(); err != nil {
		return Screen{}, fmt.Errorf("postgres: list: %w", err)
	}
	err = inTx(ctx, db.writers, snapshotTx, func(tx *sql.Tx) error {
		q.tx = tx
		patterns, err := q.find(ctx)
		if err != nil {
			return err
		}
		if s.Looked, s.More = q.looked, len(patterns) > n; s.More {
			patterns = patterns[:n]
		}
		if l.Back {
			slices.Reverse(patterns)
		}
		s.Rows, err = listed(ctx, tx, patterns)
		return err
	})
	if err != nil {
		return Screen{}, fmt.Errorf("postgres: list: %w", searchError(ctx, err))
	}
	return s, nil
}

// listed returns rows with all that belongs to them, in the order of the patterns.
func listed(ctx context.Context, tx *sql.Tx, patterns []string) ([]Listed, error) {
	at := make(map[string]int, len(patterns))
	rows := make([]Listed, len(patterns))
	for i, p := range patterns {
		at[p] = i
	}
	var these where
	these.must(`p.path = ANY ($)`, pq.StringArray(patterns))
	for page, err := range pages(ctx, tx, &these, 0) {
		if err != nil {
			return nil, err
		}
		rows[at[page.Pattern]].Page = page
	}
	found, err := tx.QueryContext(ctx, `
		SELECT path, sum(hits)::bigint, max(last) FROM hits
		WHERE path = ANY ($1) AND day > (now() AT TIME ZONE 'UTC')::date - $2::int GROUP BY path`, pq.StringArray(patterns), HitDays)
	if err := each(found, err, func() error {
		var pattern string
		var r Listed
		if err := found.Scan(&pattern, &r.Hits, &r.Last); err != nil {
			return err
		}
		rows[at[pattern]].Hits, rows[at[pattern]].Last = r.Hits, r.Last.UTC()
		return nil
	}); err != nil {
		return nil, err
	}
	faults, err := tx.QueryContext(ctx, `
		SELECT f.path, f.kind, f.detail, p.changed_at > c.at FROM findings f JOIN checks c USING (kind) JOIN pages p USING (path)
		WHERE f.path = ANY ($1) ORDER BY f.path, f.kind`, pq.StringArray(patterns))
	err = each(faults, err, func() error {
		var pattern string
		var f Fault
		if err := faults.Scan(&pattern, &f.Kind, &f.Detail, &f.Old); err != nil {
			return err
		}
		r := &rows[at[pattern]]
		r.Faults = append(r.Faults, f)
		return nil
	})
	return rows, err
}

// condition is the query as one set of conditions, of its filter and of its text.
func (q *Query) condition() (where, error) {
	if !utf8.ValidString(q.Text) || strings.ContainsRune(q.Text, 0) {
		return where{}, errors.New("it is no UTF-8 text: percent-encode bytes of a path")
	}
	w := q.Filter.where()
	if q.Text == "" {
		return w, nil
	}
	at := len(w.conditions)
	for _, in := range []Where{InPath, InSource} {
		if q.In == Anywhere || q.In == in {
			one := *q
			one.In = in
			one.mustHaveText(&w, true)
		}
	}
	either := strings.Join(w.conditions[at:], `) OR (`)
	w.conditions = append(w.conditions[:at], `((`+either+`))`)
	return w, nil
}

// countTime is how long Count may count.
const countTime = 40 * time.Millisecond

// Count counts the rows that a query finds, up to most; more: there are more than
// n of them.
func (db *DB) Count(ctx context.Context, q Query, most int) (n int, more bool, err error) {
	q.After, q.rare = "", db.rare(ctx, &q)
	w, err := q.condition()
	if err != nil {
		return 0, false, fmt.Errorf("postgres: count: %w", err)
	}
	err = inTx(ctx, db.writers, snapshotTx, func(tx *sql.Tx) error {
		if len(w.conditions) == 0 {
			return tx.QueryRowContext(ctx, `SELECT pages FROM state`).Scan(&n)
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprint(`SET LOCAL statement_timeout = `, countTime.Milliseconds())); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT FROM pages p`+w.String()+limit(most+1)+`) p`, w.args...).Scan(&n)
	})
	if pq.As(err, pqerror.QueryCanceled) != nil && ctx.Err() == nil {
		return 0, true, nil // that many, or so far apart
	}
	if err != nil {
		return 0, false, fmt.Errorf("postgres: count: %w", searchError(ctx, err))
	}
	if n > most && len(w.conditions) > 0 {
		n, more = most, true
	}
	return n, more, nil
}

// Found yields all rows that a query finds, in the order of their patterns' bytes,
// as one moment's state. An error is the last thing it yields.
func (db *DB) Found(ctx context.Context, q Query) iter.Seq2[mapping.Page, error] {
	return yielding("rows", func(yield func(mapping.Page) bool) error {
		w, err := q.condition()
		if err != nil {
			return err
		}
		for page, err := range pages(ctx, db.writers, &w, q.Limit) {
			if err != nil {
				return searchError(ctx, err)
			}
			if !yield(page) {
				return errStop
			}
		}
		return nil
	})
}

// RedirectsTo returns redirects whose target is this one, at most n, in the order of
// their patterns, and whether there are more.
func (db *DB) RedirectsTo(ctx context.Context, target string, n int) (found []mapping.Page, more bool, err error) {
	var w where
	w.must(`p.path IN (SELECT path FROM pages WHERE status IN (301, 302) AND left(source, 256) = left($, 256) AND source = $`+limit(n+1)+`)`, target)
	for page, err := range pages(ctx, db.writers, &w, n+1) {
		if err != nil {
			return nil, false, fmt.Errorf("postgres: redirects to %q: %w", target, err)
		}
		found = append(found, page)
	}
	if more = len(found) > n; more {
		found = found[:n]
	}
	return found, more, nil
}

// Version is a row as a change left it.
type Version struct {
	LoggedChange
	Set LoggedSet // without its counts
}

// Versions returns the last changes of a row, the youngest first; before is the
// number of the change before which to begin, 0 for the last.
func (db *DB) Versions(ctx context.Context, pattern string, before int64, n int) ([]Version, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	rows, err := db.writers.QueryContext(ctx, `
		SELECT c.number, c.path, old_status, old_source, old_drop_query, old_origin, old_tags, old_note,
			new_status, new_source, new_drop_query, new_origin, new_tags, new_note, s.id, s.at, s.author, s.origin, s.note
		FROM (SELECT * FROM changes WHERE path = $1 AND number < $2 ORDER BY number DESC LIMIT $3) c
		JOIN change_sets s ON s.id = c.change_set ORDER BY c.number DESC`, pattern, before, n)
	var list []Version
	err = each(rows, err, func() error {
		var v Version
		var before, after values
		var origin string
		into := append(append([]any{&v.Number, &v.Pattern}, before.into()...), after.into()...)
		err := rows.Scan(append(into, &v.Set.ID, &v.Set.At, &v.Set.Author, &origin, &v.Set.Note)...)
		if err == nil {
			v.Set.At = v.Set.At.UTC()
			v.Set.Origin, err = mapping.ParseOrigin(origin)
		}
		if err == nil {
			v.Old, err = before.page(v.Pattern)
		}
		if err == nil {
			v.New, err = after.page(v.Pattern)
		}
		list = append(list, v)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: versions of %q: %w", pattern, missing(err))
	}
	return list, nil
}

// ListedPage returns one row with all that a list shows: ErrNoPage.
func (db *DB) ListedPage(ctx context.Context, pattern string) (row Listed, err error) {
	err = inTx(ctx, db.writers, snapshotTx, func(tx *sql.Tx) error {
		rows, err := listed(ctx, tx, []string{pattern})
		if err == nil {
			if row = rows[0]; row.Pattern == "" {
				err = ErrNoPage
			}
		}
		return err
	})
	if err != nil {
		return Listed{}, fmt.Errorf("postgres: page %q: %w", pattern, missing(err))
	}
	return row, nil
}

// ChangesPast returns the first changes of a change-set behind one of this number, in
// the order of their numbers.
func (db *DB) ChangesPast(ctx context.Context, changeSet, past int64, n int) ([]LoggedChange, error) {
	var first, last int64
	err := db.writers.QueryRowContext(ctx, `SELECT first, first + added + changed + removed - 1 FROM change_set_counts WHERE change_set = $1`, changeSet).Scan(&first, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("postgres: changes of %d: %w", changeSet, missing(err))
	}
	rows, err := db.writers.QueryContext(ctx, `
		SELECT number, path, old_status, old_source, old_drop_query, old_origin, old_tags, old_note,
			new_status, new_source, new_drop_query, new_origin, new_tags, new_note
		FROM changes WHERE number BETWEEN $1 AND $2 ORDER BY number LIMIT $3`, max(past+1, first), last, n)
	var list []LoggedChange
	err = each(rows, err, func() error {
		var c LoggedChange
		var before, after values
		err := rows.Scan(append(append([]any{&c.Number, &c.Pattern}, before.into()...), after.into()...)...)
		if err == nil {
			c.Old, err = before.page(c.Pattern)
		}
		if err == nil {
			c.New, err = after.page(c.Pattern)
		}
		list = append(list, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: changes of %d: %w", changeSet, missing(err))
	}
	return list, nil
}
