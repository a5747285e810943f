// The check of redirects within the writers' lock.

package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/lib/pq"

	"pagemap/mapping"
)

// manyRedirects is from how many redirects on a check loads the whole table
// rather than ask the database for every step.
const manyRedirects = 64

// checkLoops follows the redirects that the staged edits may have led astray:
// those written, and those whose targets a new or a removed row answers now.
func (db *DB) checkLoops(ctx context.Context, tx *sql.Tx) error {
	suspects := make(map[string]mapping.Row)
	suspect := func(row mapping.Row) error {
		suspects[row.Pattern] = row
		return nil
	}
	err := scanRows(ctx, tx, `WHERE status IN (301, 302) AND path IN (SELECT path FROM staged WHERE NOT remove)`, suspect)
	if err != nil {
		return err
	}
	// Where an exact row was written, a chain through it starts at it as well.
	err = scanRows(ctx, tx, `
		JOIN (
			SELECT regexp_replace(split_part(path, '?', 1), '/?[*]?$', '') AS base, path LIKE '%/*' AS prefix
			FROM staged WHERE remove OR path LIKE '%/*'
		) s ON left(source, 256) >= left(base, 256) AND left(source, 256) <= left(base || '0', 256)
		WHERE status IN (301, 302) AND CASE
			WHEN prefix THEN starts_with(regexp_replace(source, '[?#].*', '') || '/', base || '/')
			ELSE regexp_replace(source, '/?[*]?([?#].*)?$', '') = base
		END`, suspect)
	if err != nil {
		return err
	}
	return db.checkRedirects(ctx, tx, suspects)
}

func (db *DB) checkRedirects(ctx context.Context, tx *sql.Tx, suspects map[string]mapping.Row) error {
	resolver := db.resolver
	inDatabase := &txRows{ctx: ctx, tx: tx}
	resolver.Rows = inDatabase
	if len(suspects) > manyRedirects {
		table, err := loadTable(ctx, tx)
		if err != nil {
			return err
		}
		resolver.Rows = table
	}
	for _, row := range suspects {
		refusal := resolver.CheckRedirect(row)
		if inDatabase.err != nil {
			return inDatabase.err
		}
		if refusal != nil {
			return fmt.Errorf("%w: %w", ErrLoop, refusal)
		}
	}
	return nil
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
