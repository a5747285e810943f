// Findings: what the last check found.

package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"
)

// Finding is what a check found about a row or a file.
type Finding struct {
	Kind    string
	Path    string
	Detail  string
	Command string    // that puts it right
	Since   time.Time // when a check found it first, and every check since; KeepFindings sets it
}

// Checked says when a kind of fault was looked for last.
type Checked struct {
	Kind  string
	At    time.Time
	Found int64
}

// KeepFindings keeps what a check that ended now found of the kinds that it looked
// for, in the place of what an earlier one did.
func (db *DB) KeepFindings(ctx context.Context, kinds []string, found []Finding) error {
	err := inTx(ctx, db.writers, sql.TxOptions{Isolation: sql.LevelReadCommitted}, func(tx *sql.Tx) error {
		// Two checks at once keep theirs one after the other.
		if _, err := tx.ExecContext(ctx, `LOCK TABLE checks IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return err
		}
		err := stage(ctx, tx, `kind text, path text COLLATE "C", detail text, command text`, `kind, path, detail, command`, len(found), func(i int) []any {
			f := &found[i]
			return []any{f.Kind, plainText(f.Path), plainText(f.Detail), plainText(f.Command)}
		})
		if err != nil {
			return err
		}
		for _, statement := range []string{
			`CREATE TEMPORARY TABLE known ON COMMIT DROP AS
				SELECT kind, path, min(since) AS since FROM findings WHERE kind = ANY ($1) GROUP BY kind, path`,
			`DELETE FROM findings WHERE kind = ANY ($1)`,
			`INSERT INTO findings SELECT s.kind, s.path, s.detail, s.command, COALESCE(k.since, now())
				FROM staged s LEFT JOIN known k USING (kind, path) WHERE s.kind = ANY ($1)`,
			`INSERT INTO checks SELECT k, now(), (SELECT count(*) FROM findings WHERE kind = k) FROM unnest($1::text[]) k
				ON CONFLICT (kind) DO UPDATE SET at = excluded.at, found = excluded.found`,
		} {
			if _, err := tx.ExecContext(ctx, statement, pq.StringArray(kinds)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("postgres: keep findings: %w", missing(err))
	}
	return nil
}

// plainText is s as a text of the database can be: UTF-8 without NUL.
func plainText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// Checks returns what was looked for, and when, in the order of the kinds' names.
func (db *DB) Checks(ctx context.Context) ([]Checked, error) {
	rows, err := db.writers.QueryContext(ctx, `SELECT kind, at, found FROM checks ORDER BY kind`)
	var all []Checked
	err = each(rows, err, func() error {
		var c Checked
		err := rows.Scan(&c.Kind, &c.At, &c.Found)
		c.At = c.At.UTC()
		all = append(all, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: checks: %w", missing(err))
	}
	return all, nil
}

// Findings returns the first findings of a kind behind a path, in the order of the
// paths' bytes.
func (db *DB) Findings(ctx context.Context, kind, past string, n int) ([]Finding, error) {
	rows, err := db.writers.QueryContext(ctx, `
		SELECT kind, path, detail, command, since FROM findings WHERE kind = $1 AND path > $2 ORDER BY path LIMIT $3`, kind, past, n)
	var all []Finding
	err = each(rows, err, func() error {
		var f Finding
		err := rows.Scan(&f.Kind, &f.Path, &f.Detail, &f.Command, &f.Since)
		f.Since = f.Since.UTC()
		all = append(all, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: findings: %w", missing(err))
	}
	return all, nil
}
