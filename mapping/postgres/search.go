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

	rare string // the part of Text that the index of paths is asked for; "": Text
}

// Search returns the first rows that are found, in the order of their patterns'
// bytes: those after the last one's pattern are the next ones. ErrSlowSearch,
// ErrBadExpression. Where Text has three characters or more beside each other it
// answers at once, by the trigram indexes or because many rows have them.
func (db *DB) Search(ctx context.Context, q Query) ([]mapping.Page, error) {
	n := q.Limit
	if n == 0 {
		n = DefaultLimit
	}
	found, err := db.search(ctx, &q, n)
	if err != nil {
		return nil, fmt.Errorf("postgres: search for %q: %w", q.Text, searchError(ctx, err))
	}
	return found, nil
}

// searchError names what a search's error is: ErrBadExpression, ErrSlowSearch.
func searchError(ctx context.Context, err error) error {
	switch {
	case pq.As(err, pqerror.InvalidRegularExpression) != nil:
		return fmt.Errorf("%w: %w", ErrBadExpression, err)
	case pq.As(err, pqerror.QueryCanceled) != nil && ctx.Err() == nil:
		return ErrSlowSearch
	}
	return missing(err)
}

// search returns the first n rows that are found.
func (db *DB) search(ctx context.Context, q *Query, n int) (found []mapping.Page, err error) {
	if !utf8.ValidString(q.Text) || strings.ContainsRune(q.Text, 0) {
		return nil, errors.New("it is no UTF-8 text: percent-encode bytes of a path")
	}
	places := []Where{q.In}
	switch {
	case q.Text == "":
		places = []Where{InPath}
	case q.In == Anywhere:
		places = []Where{InPath, InSource}
	}
	q.rare = db.rare(ctx, q)
	err = inTx(ctx, db.writers, snapshotTx, func(tx *sql.Tx) error {
		deadline := time.Now().Add(searchTime)
		var patterns []string
		last := ""
		for _, in := range places {
			here := *q
			here.In = in
			if len(patterns) == n {
				last = patterns[n-1]
			}
			more, err := first(ctx, tx, deadline, &here, last, n)
			if err != nil {
				return err
			}
			patterns = append(patterns, more...)
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
	return found, err
}

// fewRows is up to how many rows, by the planner's estimate, are all looked up by
// an index to find the first ones of them. Where there are more, going along the
// paths mostly comes upon enough of them soon.
const fewRows = 50_000

// sourcesAlong is at how many rows the way along the paths looks for a source. The
// rows have to be fetched for it, so where they all lie late the index is better
// after all. Paths are in the index that is gone along: of a million all are looked
// at sooner than the rows with many of them are fetched.
const sourcesAlong = 20_000

// first returns the first n patterns of the rows in which the query's text is found
// at its one place, before the pattern last, if there is one.
func first(ctx context.Context, tx *sql.Tx, deadline time.Time, q *Query, last string, n int) ([]string, error) {
	// Compiling a query takes longer than the query.
	left := max(time.Until(deadline), time.Millisecond) // 0 is no limit
	if _, err := tx.ExecContext(ctx, fmt.Sprint(`SET LOCAL jit = off; SET LOCAL statement_timeout = `, left.Milliseconds())); err != nil {
		return nil, err
	}
	var span where // of the paths that are searched
	span.mustBeUnder(q.Under)
	if q.After != "" {
		span.must(`p.path > $`, q.After)
	}
	if last != "" {
		span.must(`p.path < $`, last)
	}
	indexed, passing := span.with(&q.Filter), span.with(&q.Filter)
	q.mustHaveText(&indexed, true)
	q.mustHaveText(&passing, false)
	many, err := estimate(ctx, tx, &indexed)
	if err != nil {
		return nil, err
	}
	if many > fewRows {
		from := `pages p`
		if q.In == InSource {
			from = fmt.Sprint(`(SELECT * FROM pages p`, span.String(), ` ORDER BY p.path LIMIT `, sourcesAlong, `) p`)
		}
		patterns, err := texts(ctx, tx, `SELECT p.path FROM `+from+passing.String()+` ORDER BY p.path`+limit(n), passing.args)
		if err != nil || len(patterns) == n || q.In != InSource {
			return patterns, err
		}
	}
	// OFFSET 0 has the planner look for the best way to all of them.
	return texts(ctx, tx, `SELECT path FROM (SELECT p.path FROM pages p`+indexed.String()+` OFFSET 0) p ORDER BY path`+limit(n), indexed.args)
}

// estimate is how many rows the planner takes the conditions to select.
func estimate(ctx context.Context, tx *sql.Tx, w *where) (float64, error) {
	var explained string
	if err := tx.QueryRowContext(ctx, `EXPLAIN (FORMAT JSON) SELECT FROM pages p`+w.String(), w.args...).Scan(&explained); err != nil {
		return 0, err
	}
	var plans []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal([]byte(explained), &plans); err != nil || len(plans) == 0 {
		return 0, fmt.Errorf("explain: %q, %w", explained, err)
	}
	return plans[0].Plan.Rows, nil
}

// texts are the texts that a query of one column returns.
func texts(ctx context.Context, tx *sql.Tx, query string, args []any) (list []string, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	err = each(rows, err, func() error {
		list = append(list, "")
		return rows.Scan(&list[len(list)-1])
	})
	return list, err
}

// likeSpecial are the characters that mean something in LIKE's patterns.
var likeSpecial = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// mustHaveText adds the condition of the text in its one place: as an index is
// asked for it, or as rows that go by are, which takes half the time of LIKE.
func (q *Query) mustHaveText(w *where, indexed bool) {
	if q.Text == "" {
		return
	}
	column, also := `p.path`, ``
	if q.In == InSource {
		column, also = `p.source`, ` AND p.source <> 'file:' || p.path` // as the index has it
	}
	switch {
	case q.How == Matches:
		w.must(column+` ~ $`+also, q.Text)
	case q.How == Prefix:
		w.must(column+` LIKE $`+also, likeSpecial.Replace(q.Text)+`%`)
	case indexed && q.In == InPath && q.rare != "":
		w.args = append(w.args, `%`+likeSpecial.Replace(q.rare)+`%`, q.Text)
		w.conditions = append(w.conditions, fmt.Sprintf(`p.path LIKE $%d AND strpos(p.path, $%d) > 0`, len(w.args)-1, len(w.args)))
	case indexed:
		w.must(column+` LIKE $`+also, `%`+likeSpecial.Replace(q.Text)+`%`)
	default:
		w.must(`strpos(`+column+`, $) > 0`+also, q.Text)
	}
}
