// Adding what was counted: batches of traffic.

package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lib/pq"

	"pagemap/mapping/traffic"
)

// TrafficOptions of NewTraffic.
type TrafficOptions struct {
	Days      int // how many days of hits, and of misses since they were last seen, are kept; 0: 400
	MaxMisses int // paths that are kept at most; 0: 50,000
}

// Traffic adds batches, and removes what is too old or too much. It implements
// traffic.Store. Safe for concurrent use.
type Traffic struct {
	o      TrafficOptions
	pool   *sql.DB
	logger *slog.Logger

	mu     sync.Mutex // protects pruned
	pruned time.Time  // when what is too old was last removed
}

// NewTraffic returns a store with connections of its own, which are given up
// when the database hangs. Close it.
func NewTraffic(db *DB, o TrafficOptions) (*Traffic, error) {
	if o.Days == 0 {
		o.Days = 400
	}
	if o.MaxMisses == 0 {
		o.MaxMisses = 50_000
	}
	pool, err := db.pool(batchTimeout)
	if err != nil {
		return nil, err
	}
	return &Traffic{o: o, pool: pool, logger: db.logger}, nil
}

// Close closes the connections.
func (t *Traffic) Close() error { return t.pool.Close() }

// AddTraffic adds a batch in one statement. Behind it, it removes what is too
// much, and every hour what is too old; that this fails is logged, and is no
// reason to bring the batch again.
func (t *Traffic) AddTraffic(ctx context.Context, b traffic.Batch) error {
	added, err := addTraffic(ctx, t.pool, b)
	if err != nil {
		return fmt.Errorf("postgres: traffic: %w", missing(err))
	}
	if added > 0 {
		err = evictMisses(ctx, t.pool, t.o.MaxMisses)
	}
	if err == nil && t.pruneIsDue() {
		err = t.prune(ctx)
	}
	if err != nil {
		t.logger.Warn("old hits and misses not removed", "error", err)
	}
	return nil
}

// addTraffic returns how many paths of misses are new. All writers lock rows in
// the same order: table by table, and within each by key.
func addTraffic(ctx context.Context, q queryer, b traffic.Batch) (added int, err error) {
	var days, hitPatterns, lasts, paths, first, last, referrers, extraDays []string
	var hits, misses, extras []int64
	var own []bool
	for _, h := range b.Hits {
		days = append(days, h.Day.Format(time.DateOnly))
		hitPatterns = append(hitPatterns, h.Pattern)
		hits = append(hits, h.Count)
		lasts = append(lasts, timestamp(h.Last))
	}
	for _, m := range b.Misses {
		paths = append(paths, string(m.Path))
		misses = append(misses, m.Count)
		first = append(first, timestamp(m.First))
		last = append(last, timestamp(m.Last))
		referrers = append(referrers, m.Referrer)
		own = append(own, m.Own)
	}
	for _, e := range b.Overflow {
		extraDays = append(extraDays, e.Day.Format(time.DateOnly))
		extras = append(extras, e.Count)
	}
	err = q.QueryRowContext(ctx, `
		WITH h AS (
			INSERT INTO hits AS t (day, path, hits, last)
			SELECT * FROM unnest($1::date[], $2::text[], $3::bigint[], $4::timestamptz[]) b (day, path, hits, last)
			ORDER BY b.day, b.path COLLATE "C"
			ON CONFLICT (day, path) DO UPDATE SET hits = t.hits + excluded.hits, last = greatest(t.last, excluded.last)
		), m AS (
			INSERT INTO misses AS t (path, hits, first_seen, last_seen, referrer, own)
			SELECT path, hits, first_seen, last_seen, referrer, own FROM (
				SELECT *, lower(path COLLATE "C") AS folded
				FROM unnest($5::text[], $6::bigint[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::boolean[])
					AS b (path, hits, first_seen, last_seen, referrer, own)
				OFFSET 0 -- folded is made once for each path, not for each pattern
			) b
			WHERE folded NOT LIKE ALL (ARRAY(SELECT matches FROM miss_ignores))
			ORDER BY path COLLATE "C"
			ON CONFLICT (path) DO UPDATE SET
				hits = t.hits + excluded.hits,
				first_seen = least(t.first_seen, excluded.first_seen), last_seen = greatest(t.last_seen, excluded.last_seen),
				referrer = CASE WHEN excluded.referrer = '' OR t.own AND NOT excluded.own THEN t.referrer ELSE excluded.referrer END,
				own = t.own OR excluded.own
			RETURNING xmax = 0 AS added
		), o AS (
			INSERT INTO miss_overflow AS t (day, hits)
			SELECT * FROM unnest($11::date[], $12::bigint[]) b (day, hits) ORDER BY b.day
			ON CONFLICT (day) DO UPDATE SET hits = t.hits + excluded.hits
		), d AS (
			INSERT INTO hits_days AS t (day, hits)
			SELECT day, sum(hits) FROM unnest($1::date[], $3::bigint[]) b (day, hits) GROUP BY day ORDER BY day
			ON CONFLICT (day) DO UPDATE SET hits = t.hits + excluded.hits
		)
		SELECT count(*) FROM m WHERE added`,
		pq.StringArray(days), pq.StringArray(hitPatterns), pq.Int64Array(hits), pq.StringArray(lasts),
		pq.StringArray(paths), pq.Int64Array(misses), pq.StringArray(first), pq.StringArray(last), pq.StringArray(referrers), pq.BoolArray(own),
		pq.StringArray(extraDays), pq.Int64Array(extras)).Scan(&added)
	return added, err
}

// timestamp is a time as an element of an array.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999Z07:00") }

// evictMisses removes the least useful misses beyond limit: those that no page
// of the site leads to before those that one does, then those with the fewest
// hits, then those that were last seen longest ago. It waits for no other writer.
func evictMisses(ctx context.Context, q queryer, limit int) error {
	_, err := q.ExecContext(ctx, `
		DELETE FROM misses WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM misses ORDER BY own, hits, last_seen
			LIMIT greatest(0, (SELECT count(*) FROM misses) - $1) FOR UPDATE SKIP LOCKED))`, limit)
	return err
}

// pruneIsDue reports whether an hour has gone since it was so.
func (t *Traffic) pruneIsDue() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.pruned) < time.Hour {
		return false
	}
	t.pruned = time.Now()
	return true
}

// pruneAtOnce is how many rows of hits one statement removes.
const pruneAtOnce = 20_000

// prune removes what is too old. Of hits there may be more, once fewer days are to be kept, than one
// statement removes in its time: what it has removed stays so, and the next time goes on.
func (t *Traffic) prune(ctx context.Context) error {
	for {
		result, err := t.pool.ExecContext(ctx, `
			DELETE FROM hits WHERE ctid = ANY (ARRAY(SELECT ctid FROM hits WHERE day < $1 LIMIT $2))`, t.Oldest(), pruneAtOnce)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n < pruneAtOnce {
			break
		}
	}
	for _, statement := range []string{
		`DELETE FROM hits_days WHERE day < $1`,
		`DELETE FROM miss_overflow WHERE day < $1`,
		`DELETE FROM log_lines WHERE hour < $1`,
		// Batches that are being written have rows of it locked.
		`DELETE FROM misses WHERE path IN (SELECT path FROM misses WHERE last_seen < $1 FOR UPDATE SKIP LOCKED)`,
	} {
		if _, err := t.pool.ExecContext(ctx, statement, t.Oldest()); err != nil {
			return err
		}
	}
	return nil
}

// Oldest is the first day, UTC, of which hits and misses are kept.
func (t *Traffic) Oldest() time.Time {
	return traffic.DayOf(time.Now()).AddDate(0, 0, -t.o.Days)
}
