// Rare parts: what of a search's text the index of paths is asked for.

package postgres

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/lib/pq"
)

// sample are some hundred paths, evenly spread over all, as ANALYZE keeps them.
type sample struct {
	mu    sync.Mutex
	read  time.Time
	paths []string // in lower case, as the index has its trigrams; none before the first ANALYZE
}

const (
	sampleAge  = 10 * time.Minute
	sampleSize = 50 // fewer paths tell nothing
	commonPart = 50 // a trigram is common if more than one of so many paths have it
)

// rare is the part of a query's text that the index of paths is asked for: rarest of its text; "" also where
// nothing is known of the paths. The index goes through all rows that have a
// trigram, however few have another: a word that all paths have takes it most of the time.
func (db *DB) rare(ctx context.Context, q *Query) string {
	if q.Text == "" || q.How != Within || q.In == InSource {
		return ""
	}
	s := db.sample
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.read) > sampleAge {
		var paths []string
		err := db.writers.QueryRowContext(ctx, `SELECT histogram_bounds::text::text[] FROM pg_stats
			WHERE schemaname = $1 AND tablename = 'pages' AND attname = 'path'`, db.schema).Scan((*pq.StringArray)(&paths))
		if err != nil {
			return "" // no statistics yet; if it is something else, the search itself will tell
		}
		for i, p := range paths {
			paths[i] = strings.ToLower(p)
		}
		s.read, s.paths = now, paths
	}
	return rarest(q.Text, s.paths)
}

// rarest is the longest part of a text, of two trigrams at least, none of which is common among
// the paths, which are in lower case. "": that is the whole text, or there is none.
func rarest(text string, paths []string) string {
	lower := strings.ToLower(text)
	if len(paths) < sampleSize || len(lower) != len(text) || strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 }) {
		return ""
	}
	best, begin := "", 0
	for i := 0; i <= len(lower)-3; i++ {
		have := 0
		for _, p := range paths {
			if strings.Contains(p, lower[i:i+3]) {
				have++
			}
		}
		if have*commonPart > len(paths) {
			begin = i + 1
		} else if part := text[begin : i+3]; len(part) > max(len(best), 3) {
			best = part
		}
	}
	if len(best) == len(text) {
		return ""
	}
	return best
}
