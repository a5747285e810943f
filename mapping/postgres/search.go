// Search: the first rows that a text is found in.

package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"pagemap/mapping"
)

// Errors of Search, tested with errors.Is.
var (
	ErrSlowSearch = errors.New("postgres: the search took more than 2 s: give 3 characters or more that stand beside each other, " +
		"or a path that the rows are under; where that is done, pagemapctl migrate tells what the indexes of searches need")
	ErrBadExpression = errors.New("postgres: bad regular expression")
)

// DefaultLimit is how many rows Search returns where the filter says nothing.
const DefaultLimit = 50

// searchTime is how long the database may take for one search.
const searchTime = 2 * time.Second

// How says how a search's text is meant.
type How uint8

// The ways.
const (
	Within  How = iota // it stands anywhere
	Prefix             // it stands at the beginning
	Matches            // it is a regular expression of PostgreSQL's
)

// Where says what is searched. The source of a row that is the file of its own
// path is not searched: the path says as much.
type Where uint8

// The places.
const (
	Anywhere Where = iota // paths and sources
	InPath
	InSource
)

// Query of Search. Upper and lower case are different, unless an expression
// begins with "(?i)".
type Query struct {
	Filter
	Text string // "": every row is found
	How  How
	In   Where
}

// Search returns the first rows that are found, in the order of their patterns'
// bytes: those after the last one's pattern are the next ones. ErrSlowSearch,
// ErrBadExpression. Where Text has three characters or more beside each other it
// answers at once, by the trigram indexes or because many rows have them.
func (db *DB) Search(ctx context.Context, q Query) ([]mapping.Page, error) {
	places, err := q.wheres()
	if err != nil {
		return nil, fmt.Errorf("postgres: search for %q: %w", q.Text, err)
	}
	n := q.Limit
	if n == 0 {
		n = DefaultLimit
	}
	var found []mapping.Page
	err = inTx(ctx, db.writers, snapshotTx, func(tx *sql.Tx) error {
		var patterns []string
		started := time.Now()
		for _, w := range places {
			if len(patterns) == n {
				w.must(`p.path < $`, patterns[n-1])
			}
			here, err := first(ctx, tx, started, &w, n)
			if err != nil {
				return err
			}
			patterns = append(patterns, here...)
		}
		slices.Sort(patterns)
		var these where
		these.must(`p.path = ANY ($)`, pq.StringArray(slices.Compact(patterns)))
		for page, err := range pages(ctx, tx, &these, n) {
			if err != nil {
				return err
			}
			found = append(found, page)
		}
		return nil
	})
	switch {
	case err == nil:
		return found, nil
	case pq.As(err, pqerror.InvalidRegularExpression) != nil:
		err = fmt.Errorf("%w: %w", ErrBadExpression, err)
	case pq.As(err, pqerror.QueryCanceled) != nil && ctx.Err() == nil:
		err = ErrSlowSearch
	}
	return nil, fmt.Errorf("postgres: search for %q: %w", q.Text, err)
}

// fewRows is up to how many rows, by the planner's estimate, are all looked up to
// find the first ones of them. Where there are more, going along the paths mostly
// comes upon enough of them soon; but all of them may be in one directory.
const fewRows = 20_000

// alongTime is how long the way along the paths may take.
const alongTime = 100 * time.Millisecond

// first returns the first n patterns of the rows that the conditions select. It
// leaves the transaction with what is left of searchTime.
func first(ctx context.Context, tx *sql.Tx, started time.Time, w *where, n int) (patterns []string, err error) {
	within := func(d time.Duration) error {
		d = max(min(d, searchTime-time.Since(started)), time.Millisecond) // 0 is no limit
		_, err := tx.ExecContext(ctx, fmt.Sprint(`SET LOCAL statement_timeout = `, d.Milliseconds()))
		return err
	}
	read := func(d time.Duration, query string) error {
		if err := within(d); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, query, w.args...)
		patterns = nil
		return each(rows, err, func() error {
			patterns = append(patterns, "")
			return rows.Scan(&patterns[len(patterns)-1])
		})
	}
	if err := within(searchTime); err != nil {
		return nil, err
	}
	var explained string
	if err := tx.QueryRowContext(ctx, `EXPLAIN (FORMAT JSON) SELECT FROM pages p`+w.String(), w.args...).Scan(&explained); err != nil {
		return nil, err
	}
	var plans []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal([]byte(explained), &plans); err != nil || len(plans) == 0 {
		return nil, fmt.Errorf("explain: %q, %w", explained, err)
	}
	if plans[0].Plan.Rows > fewRows {
		if _, err := tx.ExecContext(ctx, `SAVEPOINT along`); err != nil {
			return nil, err
		}
		err := read(alongTime, `SELECT p.path FROM pages p`+w.String()+` ORDER BY p.path`+limit(n))
		switch {
		case err == nil:
			return patterns, within(searchTime)
		case pq.As(err, pqerror.QueryCanceled) == nil || ctx.Err() != nil:
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, `ROLLBACK TO SAVEPOINT along`); err != nil {
			return nil, err
		}
	}
	// In this form the planner looks for the best way to all of them.
	err = read(searchTime, `WITH found AS MATERIALIZED (SELECT p.path FROM pages p`+w.String()+`) SELECT path FROM found ORDER BY path`+limit(n))
	return patterns, err
}

// likeSpecial are the characters that mean something in LIKE's patterns.
var likeSpecial = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// wheres are the conditions, one set for each place that is searched: alone each
// has its own best way, and paths need no look at the rows.
func (q *Query) wheres() ([]where, error) {
	if q.Text == "" {
		return []where{q.where()}, nil
	}
	if !utf8.ValidString(q.Text) || strings.ContainsRune(q.Text, 0) {
		return nil, errors.New("it is no UTF-8 text: percent-encode bytes of a path")
	}
	operator, text := `LIKE`, q.Text
	switch q.How {
	case Within:
		text = `%` + likeSpecial.Replace(text) + `%`
	case Prefix:
		text = likeSpecial.Replace(text) + `%`
	case Matches:
		operator = `~`
	}
	var places []where
	if q.In != InSource {
		w := q.where()
		w.must(`p.path `+operator+` $`, text)
		places = append(places, w)
	}
	if q.In != InPath {
		w := q.where()
		w.must(`p.source `+operator+` $ AND p.source <> 'file:' || p.path`, text) // as the index has it
		places = append(places, w)
	}
	return places, nil
}
