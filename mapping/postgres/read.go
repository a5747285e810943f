// Reading whole rows, for maintainers.

package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"pagemap/mapping"
)

// Filter of Pages and Search; zero fields do not filter.
type Filter struct {
	Under     mapping.Path // this path and below
	Status    int
	Origins   []mapping.Origin // one of these
	Tag       string
	ChangedBy string    // the author of the row's last change
	Since     time.Time // changed not before this
	NeverHit  bool      // answered no request that was counted
	Found     string    // the last check found something of this kind in it
	Young     bool      // a 301 that is not settled: changed less than a day ago
	After     string    // only rows that come after this pattern, in the order of the bytes
	Limit     int       // 0: all; for Search DefaultLimit
}

// Page returns one whole row: ErrNoPage.
func (db *DB) Page(ctx context.Context, pattern string) (mapping.Page, error) {
	var w where
	w.must(`p.path = $`, pattern)
	for page, err := range pages(ctx, db.writers, &w, 1) {
		if err != nil {
			return mapping.Page{}, fmt.Errorf("postgres: page %q: %w", pattern, err)
		}
		return page, nil
	}
	return mapping.Page{}, fmt.Errorf("postgres: page %q: %w", pattern, ErrNoPage)
}

// Pages yields whole rows in the order of their patterns (as bytes), as one
// moment's state. An error is the last thing it yields.
func (db *DB) Pages(ctx context.Context, f Filter) iter.Seq2[mapping.Page, error] {
	return func(yield func(mapping.Page, error) bool) {
		w := f.where()
		for page, err := range pages(ctx, db.writers, &w, f.Limit) {
			if err != nil {
				err = fmt.Errorf("postgres: pages: %w", err)
			}
			if !yield(page, err) {
				return
			}
		}
	}
}

// where is the conditions of a query, all of which hold, and their arguments.
type where struct {
	conditions []string
	args       []any
}

// must adds a condition; each $ in it is the argument.
func (w *where) must(condition string, arg any) {
	w.args = append(w.args, arg)
	w.conditions = append(w.conditions, strings.ReplaceAll(condition, "$", fmt.Sprint("$", len(w.args))))
}

func (w *where) String() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return ` WHERE ` + strings.Join(w.conditions, ` AND `)
}

// limit is the clause for at most n rows; 0: all.
func limit(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(` LIMIT `, n)
}

// mustBeUnder keeps the rows at a path, its query rows, and all below it. The outer bounds say no more than the three
// conditions inside, but are one range of the index.
func (w *where) mustBeUnder(path mapping.Path) {
	if base := strings.TrimSuffix(string(path), "/"); base != "" {
		w.must(`p.path >= $ AND p.path < $ || '@' AND (p.path = $ OR p.path >= $ || '/' AND p.path < $ || '0' OR p.path >= $ || '?')`, base)
	}
}

func (f *Filter) where() where {
	var w where
	w.mustBeUnder(f.Under)
	if f.After != "" {
		w.must(`p.path > $`, f.After)
	}
	return w.with(f)
}

// with are the conditions and those of a filter that say nothing of paths.
func (w *where) with(f *Filter) where {
	both := where{slices.Clone(w.conditions), slices.Clone(w.args)}
	if f.Status != 0 {
		both.must(`p.status = $`, f.Status)
	}
	if len(f.Origins) > 0 {
		both.must(`p.origin = ANY ($)`, originNames(f.Origins))
	}
	if f.Tag != "" {
		both.must(`p.tags @> ARRAY[$] AND p.tags <> '{}'`, f.Tag) // as the index has it
	}
	if f.ChangedBy != "" {
		both.must(`p.change IN (SELECT c.number FROM changes c JOIN change_sets s ON s.id = c.change_set WHERE s.author = $)`, f.ChangedBy)
	}
	if !f.Since.IsZero() {
		both.must(`p.changed_at >= $`, f.Since)
	}
	if f.NeverHit {
		both.conditions = append(both.conditions, `NOT EXISTS (SELECT FROM hits h WHERE h.path = p.path)`)
	}
	if f.Found != "" {
		both.must(`p.path IN (SELECT path FROM findings WHERE kind = $)`, f.Found)
	}
	if f.Young {
		both.conditions = append(both.conditions, `p.status = 301 AND p.changed_at > now() - interval '1 day' AND p.origin NOT IN ('auto', 'populate')`)
	}
	return both
}

func originNames(origins []mapping.Origin) pq.StringArray {
	names := make(pq.StringArray, len(origins))
	for i, o := range origins {
		names[i] = o.String()
	}
	return names
}

// pages yields the first rows, at most n, that the conditions select; 0: all.
func pages(ctx context.Context, q queryer, w *where, n int) iter.Seq2[mapping.Page, error] {
	return func(yield func(mapping.Page, error) bool) {
		rows, err := q.QueryContext(ctx, `
			SELECT p.path, p.status, p.source, p.drop_query, p.origin, p.tags, p.note, p.change, p.changed_at, COALESCE(s.author, '')
			FROM (SELECT * FROM pages p`+w.String()+` ORDER BY p.path`+limit(n)+`) p
			LEFT JOIN changes c ON c.number = p.change LEFT JOIN change_sets s ON s.id = c.change_set
			ORDER BY p.path`, w.args...)
		err = each(rows, err, func() error {
			var p mapping.Page
			var origin string
			var at time.Time
			err := rows.Scan(&p.Pattern, &p.Status, &p.Source, &p.DropQuery, &origin, (*pq.StringArray)(&p.Tags), &p.Note, &p.Change, &at, &p.ChangedBy)
			if err != nil {
				return err
			}
			p.Changed = at.UnixMicro()
			if p.Origin, err = mapping.ParseOrigin(origin); err != nil {
				return err
			}
			if !yield(p, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(mapping.Page{}, missing(err))
		}
	}
}
