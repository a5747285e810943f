// The check of redirects within the writers' lock.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lib/pq"

	"pagemap/mapping"
)

// manyRedirects is from how many redirects on a check loads the whole table
// rather than ask the database for every step.
const manyRedirects = 64

// manyPrefixes is how many removals and prefix rows are staged at most for the
// redirects that lead to them to be asked for; beyond, every redirect is checked.
const manyPrefixes = 1000

// Loop is a redirect that would come back to itself, or go too far.
type Loop struct {
	*mapping.ChainError
	Through []string // the rows of the batch that make it so: the redirect alone, if it is one of them
}

// findLoops follows the redirects that the staged edits, which are in the table
// by now, may have led astray: those written, and those whose targets a new or a
// removed row answers now. It returns what is wrong in the order of the patterns.
func (db *DB) findLoops(ctx context.Context, tx *sql.Tx) ([]Loop, error) {
	suspects, err := suspects(ctx, tx)
	if err != nil || len(suspects) == 0 {
		return nil, err
	}
	resolver := db.resolver
	inDatabase := &txRows{ctx: ctx, tx: tx}
	resolver.Rows = inDatabase
	if len(suspects) > manyRedirects {
		table, err := loadTable(ctx, tx)
		if err != nil {
			return nil, err
		}
		resolver.Rows = table
	}
	var loops []Loop
	for _, pattern := range slices.Sorted(maps.Keys(suspects)) {
		refusal := resolver.CheckRedirect(suspects[pattern])
		if inDatabase.err != nil {
			return nil, inDatabase.err
		}
		var loop Loop
		if !errors.As(refusal, &loop.ChainError) {
			continue
		}
		if loop.Through, err = staged(ctx, tx, pattern); err == nil && loop.Through == nil {
			loop.Through, err = staged(ctx, tx, loop.Chain...)
		}
		if err != nil {
			return nil, err
		}
		loops = append(loops, loop)
	}
	return loops, nil
}

// err is ErrLoop, naming the chain.
func (l *Loop) err() error { return fmt.Errorf("%w: %w", ErrLoop, l.ChainError) }

// staged returns those of the patterns that staged edits have.
func staged(ctx context.Context, tx *sql.Tx, of ...string) (patterns []string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT path FROM staged WHERE path = ANY($1) ORDER BY path`, pq.StringArray(of))
	err = each(rows, err, func() error {
		patterns = append(patterns, "")
		return rows.Scan(&patterns[len(patterns)-1])
	})
	return patterns, err
}

// suspects are the redirects that findLoops follows, by their patterns.
func suspects(ctx context.Context, tx *sql.Tx) (map[string]mapping.Row, error) {
	suspects := make(map[string]mapping.Row)
	suspect := func(row mapping.Row) error {
		suspects[row.Pattern] = row
		return nil
	}
	var wide int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM staged WHERE remove OR path LIKE '%/*'`).Scan(&wide); err != nil {
		return nil, err
	}
	if wide > manyPrefixes {
		return suspects, scanRows(ctx, tx, `WHERE status IN (301, 302)`, suspect)
	}
	err := scanRows(ctx, tx, `WHERE status IN (301, 302) AND path IN (SELECT path FROM staged WHERE NOT remove)`, suspect)
	if err != nil || wide == 0 {
		return suspects, err
	}
	// Where an exact row was written, a chain through it starts at it as well.
	return suspects, scanRows(ctx, tx, `
		JOIN (
			SELECT regexp_replace(split_part(path, '?', 1), '/?[*]?$', '') AS base, path LIKE '%/*' AS prefix
			FROM staged WHERE remove OR path LIKE '%/*'
		) s ON left(source, 256) >= left(base, 256) AND left(source, 256) <= left(base || '0', 256)
		WHERE status IN (301, 302) AND CASE
			WHEN prefix THEN starts_with(regexp_replace(source, '[?#].*', '') || '/', base || '/')
			ELSE regexp_replace(source, '/?[*]?([?#].*)?$', '') = base
		END`, suspect)
}

// txRows is the table as a transaction sees it. It knows no case folding, which
// the check of redirects does without.
type txRows struct {
	ctx context.Context
	tx  *sql.Tx
	err error // the first one; afterwards the table looks empty
}

// Fold implements mapping.Rows.
func (r *txRows) Fold(p mapping.Path) []mapping.Row {
	base := strings.TrimSuffix(string(p), "/")
	return r.rows(`WHERE path = $1 OR path = $1 || '/'
		OR path >= $1 || '?' AND path < $1 || '@' OR path >= $1 || '/?' AND path < $1 || '/@'`, base)
}

// LongestPrefix implements mapping.Rows.
func (r *txRows) LongestPrefix(p mapping.Path) (mapping.Row, bool) {
	var patterns []string
	for i, c := range string(p) + "/" {
		if c == '/' {
			patterns = append(patterns, string(p)[:i]+"/*")
		}
	}
	rows := r.rows(`WHERE path = ANY($1) ORDER BY octet_length(path) DESC LIMIT 1`, pq.StringArray(patterns))
	if len(rows) == 0 {
		return mapping.Row{}, false
	}
	return rows[0], true
}

func (r *txRows) rows(rest string, args ...any) (found []mapping.Row) {
	if r.err != nil {
		return nil
	}
	r.err = scanRows(r.ctx, r.tx, rest, func(row mapping.Row) error {
		found = append(found, row)
		return nil
	}, args...)
	return found
}
