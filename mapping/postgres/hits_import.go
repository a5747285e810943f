// Importing hits: which lines of an access log are new.

package postgres

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"pagemap/mapping/traffic"
)

// lockPause is how long an import waits before it asks again whether another one has ended.
const lockPause = 200 * time.Millisecond

// LogImport takes in access logs, each line once. For every line it keeps a part
// of its hash, by the hour in which the line was written. A line that comes
// again, in the same log or in one that has grown, was rotated, joined or
// compressed, is known; one that a log itself has twice counts twice. For one
// goroutine; two imports at once wait for each other. Close it.
type LogImport struct {
	t     *Traffic
	lock  *sql.Conn
	hours map[time.Time]*logHour
}

// logHour is an hour of the log that is being read.
type logHour struct {
	known map[uint64]int // lines that earlier logs had, and how often they have not come again yet
	added []byte         // hashes of new lines, not written yet
}

// ImportLogs begins an import. It waits for another one to end.
func (t *Traffic) ImportLogs(ctx context.Context) (*LogImport, error) {
	lock, err := t.pool.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("postgres: import of logs: %w", err)
	}
	if err := lockLogs(ctx, lock); err != nil {
		return nil, errors.Join(fmt.Errorf("postgres: import of logs: %w", missing(err)), lock.Close())
	}
	return &LogImport{t: t, lock: lock, hours: map[time.Time]*logHour{}}, nil
}

// lockLogs takes a lock of the session, which ends with it in any case. It asks again and again, as a
// connection on which nothing is heard for long is given up.
func lockLogs(ctx context.Context, session *sql.Conn) error {
	for {
		var locked bool
		err := session.QueryRowContext(ctx, `SELECT pg_try_advisory_lock('log_lines'::regclass::oid::bigint)`).Scan(&locked)
		if err != nil || locked {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPause):
		}
	}
}

// Close ends the import.
func (l *LogImport) Close() error {
	_, err := l.lock.ExecContext(context.Background(), `SELECT pg_advisory_unlock('log_lines'::regclass::oid::bigint)`)
	return errors.Join(err, l.lock.Close())
}

// NextLog begins another log: the lines of those before it are known. What is
// new of them must have been added.
func (l *LogImport) NextLog() { clear(l.hours) }

// Known reports whether an earlier log had the line, which was written at the time.
func (l *LogImport) Known(ctx context.Context, at time.Time, line []byte) (bool, error) {
	hour := at.UTC().Truncate(time.Hour)
	h := l.hours[hour]
	if h == nil {
		var hashes []byte
		err := l.lock.QueryRowContext(ctx, `SELECT hashes FROM log_lines WHERE hour = $1`, hour).Scan(&hashes)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return false, fmt.Errorf("postgres: import of logs: %w", err)
		}
		h = &logHour{known: make(map[uint64]int, len(hashes)/8)}
		for ; len(hashes) >= 8; hashes = hashes[8:] {
			h.known[binary.BigEndian.Uint64(hashes)]++
		}
		l.hours[hour] = h
	}
	sum := sha256.Sum256(line)
	hash := binary.BigEndian.Uint64(sum[:])
	switch h.known[hash] {
	case 0:
		h.added = append(h.added, sum[:8]...)
		return false, nil
	case 1:
		delete(h.known, hash)
	default:
		h.known[hash]--
	}
	return true, nil
}

// Add adds the hits and misses of the lines that have been new since the last
// Add, and remembers these lines, in one transaction.
func (l *LogImport) Add(ctx context.Context, b traffic.Batch) error {
	err := inTx(ctx, l.t.pool, sql.TxOptions{Isolation: sql.LevelReadCommitted}, func(tx *sql.Tx) error {
		for hour, h := range l.hours {
			if len(h.added) == 0 {
				continue
			}
			_, err := tx.ExecContext(ctx, `
				INSERT INTO log_lines AS t (hour, hashes) VALUES ($1, $2)
				ON CONFLICT (hour) DO UPDATE SET hashes = t.hashes || excluded.hashes`, hour, h.added)
			if err != nil {
				return err
			}
		}
		_, err := addTraffic(ctx, tx, b)
		return err
	})
	if err != nil {
		return fmt.Errorf("postgres: import of logs: %w", missing(err))
	}
	for _, h := range l.hours {
		h.added = nil
	}
	if err := evictMisses(ctx, l.t.pool, l.t.o.MaxMisses); err != nil {
		return fmt.Errorf("postgres: import of logs: %w", err)
	}
	return nil
}
