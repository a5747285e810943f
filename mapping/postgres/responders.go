// Responders: what they tell of themselves, and the site's traffic.

package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Report is how a responder stands, and what it has done since its report before.
type Report struct {
	Name     string // "host/worker", the same for the whole life of a place in a pool
	At       time.Time
	Number   int64   // of the last change that its table has
	Rows     int     // of its table
	Requests float64 // in a second
	Cached   float64 // share of the pages asked of its cache that it did not draw, 0 to 1; below 0: none was asked for
}

// keepReports is how long reports are kept.
const keepReports = time.Hour

// Report takes note of how a responder stands now.
func (db *DB) Report(ctx context.Context, r Report) error {
	_, err := db.writers.ExecContext(ctx, `
		WITH old AS (DELETE FROM responders WHERE at < now() - $6::float8 * interval '1 second')
		INSERT INTO responders (name, at, number, rows, requests, cached) VALUES ($1, clock_timestamp(), $2, $3, $4, $5)`,
		r.Name, r.Number, r.Rows, r.Requests, sql.NullFloat64{Float64: r.Cached, Valid: r.Cached >= 0}, keepReports.Seconds())
	if err != nil {
		return fmt.Errorf("postgres: report of %s: %w", r.Name, missing(err))
	}
	return nil
}

// Reports returns the reports since a time, by name and time.
func (db *DB) Reports(ctx context.Context, since time.Time) ([]Report, error) {
	rows, err := db.writers.QueryContext(ctx, `
		SELECT name, at, number, rows, requests, COALESCE(cached, -1) FROM responders WHERE at >= $1 ORDER BY name, at`, since)
	var all []Report
	err = each(rows, err, func() error {
		var r Report
		err := rows.Scan(&r.Name, &r.At, &r.Number, &r.Rows, &r.Requests, &r.Cached)
		r.At = r.At.UTC()
		all = append(all, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: reports: %w", missing(err))
	}
	return all, nil
}

// LastNumber is the number of the table's last change, and how many rows it has.
func (db *DB) LastNumber(ctx context.Context) (number int64, rows int, err error) {
	err = db.writers.QueryRowContext(ctx, `SELECT last, pages FROM state`).Scan(&number, &rows)
	if err != nil {
		err = fmt.Errorf("postgres: state: %w", missing(err))
	}
	return number, rows, err
}

// HitsPerDay returns the hits of all rows on the last n days, UTC, today's last.
func (db *DB) HitsPerDay(ctx context.Context, n int) ([]DayHits, error) {
	rows, err := db.writers.QueryContext(ctx, `
		SELECT d::date, COALESCE(hits, 0) FROM generate_series((now() AT TIME ZONE 'UTC')::date - $1::int + 1, (now() AT TIME ZONE 'UTC')::date, '1 day') d
		LEFT JOIN hits_days ON day = d::date ORDER BY d`, n)
	var days []DayHits
	err = each(rows, err, func() error {
		var d DayHits
		err := rows.Scan(&d.Day, &d.Hits)
		days = append(days, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: hits: %w", missing(err))
	}
	return days, nil
}
