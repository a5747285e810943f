// Misses as people page through them.

package postgres

import (
	"context"
	"fmt"
	"strings"

	"pagemap/mapping"
	"pagemap/mapping/traffic"
)

// MissesQuery asks for misses.
type MissesQuery struct {
	Under mapping.Path // what is below this directory
	Own   bool         // only those that pages of the site lead to
	Past  *MissPlace   // only those behind this one; nil: from the first
	Limit int
}

// MissPlace is a miss's place in the order of misses: those that pages of the site
// lead to come first, and of these and the others those with most hits.
type MissPlace struct {
	Own  bool
	Hits int64
	Path mapping.Path
}

// MissesPast returns the next misses.
func (db *DB) MissesPast(ctx context.Context, q MissesQuery) ([]traffic.Miss, error) {
	var w where
	if q.Under != "" {
		w.must(`path LIKE $`, likeSpecial.Replace(strings.TrimSuffix(string(q.Under), "/"))+`/%`)
	}
	if q.Own {
		w.conditions = append(w.conditions, `own`)
	}
	if p := q.Past; p != nil {
		w.args = append(w.args, p.Own, p.Hits, string(p.Path))
		i := len(w.args)
		w.conditions = append(w.conditions, fmt.Sprintf(`(NOT own, -hits, path) > (NOT $%d::boolean, -$%d::bigint, $%d::text)`, i-2, i-1, i))
	}
	var list []traffic.Miss
	for m, err := range db.misses(ctx, w.String()+` ORDER BY NOT own, -hits, path`+limit(q.Limit), w.args...) {
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// MissGroup is the misses of a directory.
type MissGroup struct {
	Dir   string // "/docs/"; "/" for the paths of the site's first level
	Paths int
	Hits  int64
}

// MissGroups returns the directories of the first level that have most misses, by
// hits, and how many misses there are in all.
func (db *DB) MissGroups(ctx context.Context, n int) (groups []MissGroup, all int, err error) {
	rows, err := db.writers.QueryContext(ctx, `
		SELECT dir, count(*), sum(hits)::bigint, sum(count(*)) OVER () FROM misses GROUP BY dir ORDER BY 3 DESC, dir LIMIT $1`, n)
	err = each(rows, err, func() error {
		var g MissGroup
		err := rows.Scan(&g.Dir, &g.Paths, &g.Hits, &all)
		groups = append(groups, g)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("postgres: misses: %w", missing(err))
	}
	return groups, all, nil
}
