// Follower: the table in memory.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"pagemap/mapping"
)

// FollowerOptions of NewFollower.
type FollowerOptions struct {
	Snapshot      string        // file of the snapshot; "": none
	SnapshotFirst bool          // start from the snapshot where there is one, and ask the database afterwards
	SnapshotEvery time.Duration // shortest time between two snapshots while the table changes; 0: 1 minute
	Poll          time.Duration // 0: 2 s
	Listen        bool          // use NOTIFY as a hint; false: poll alone
	Logger        *slog.Logger  // nil: the DB's
}

const (
	// patience is how long the database may take to tell its head, and silence
	// how long it may pause within a longer answer.
	patience = 3 * time.Second
	silence  = 5 * time.Second

	// slowest is the longest time between two attempts while the database is
	// away, and the time after which a load that was refused is tried again
	// although the table has not changed.
	slowest = 30 * time.Second
)

// Follower keeps the table in memory, following the database. Its methods but
// Start and Run are safe for concurrent use.
type Follower struct {
	db    *DB
	o     FollowerOptions
	poke  chan struct{} // a hint that there is something new
	table atomic.Pointer[mapping.Table]

	// The following belong to Start, then to Run.
	at        position
	refused   head      // of the last load that was refused
	refusedAt time.Time // when
	saver     saver

	mu     sync.Mutex // protects health
	health Health
}

// Health tells how the follower stands, for /readyz and metrics.
type Health struct {
	Number       int64 // last change applied
	Rows         int
	Synced       time.Time // when the database last confirmed that nothing newer is there
	FromSnapshot bool      // started from the snapshot and not yet heard from the database
	Err          error     // why it is not following, or nil
}

// NewFollower returns a follower that has loaded nothing yet.
func NewFollower(db *DB, o FollowerOptions) *Follower {
	if o.Poll == 0 {
		o.Poll = 2 * time.Second
	}
	if o.SnapshotEvery == 0 {
		o.SnapshotEvery = time.Minute
	}
	if o.Logger == nil {
		o.Logger = db.logger
	}
	return &Follower{db: db, o: o, poke: make(chan struct{}, 1), saver: saver{
		file: o.Snapshot, schema: db.schema, every: o.SnapshotEvery, logger: o.Logger,
	}}
}

// Table is the table in force; nil before Start has returned.
func (f *Follower) Table() *mapping.Table { return f.table.Load() }

// Health of the follower now.
func (f *Follower) Health() Health {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.health
}

// Start returns once a table is there: loaded from the database or, if that
// cannot be reached, from the snapshot. It fails with ErrSchemaTooOld or
// ErrSchemaTooNew, or when neither is to be had.
func (f *Follower) Start(ctx context.Context) error {
	var notSaved error
	if f.o.SnapshotFirst {
		if notSaved = f.restore(); notSaved == nil {
			return nil
		}
	}
	pool, err := f.db.pool(silence)
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	err = f.sync(ctx, pool)
	f.report(err)
	if err == nil || errors.Is(err, ErrSchemaTooOld) || errors.Is(err, ErrSchemaTooNew) || ctx.Err() != nil {
		return err
	}
	if notSaved == nil {
		notSaved = f.restore()
	}
	if notSaved != nil {
		return errors.Join(err, notSaved)
	}
	f.o.Logger.Warn("started from the snapshot", "number", f.at.Number, "error", err)
	return nil
}

// restore starts from the snapshot.
func (f *Follower) restore() error {
	if f.o.Snapshot == "" {
		return errors.New("postgres: no snapshot is configured")
	}
	at, table, err := readSnapshot(f.o.Snapshot, f.db.schema)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			f.o.Logger.Warn("the snapshot is of no use", "error", err)
		}
		return err
	}
	f.at = at
	f.saver.saved = at
	f.publish(table)
	f.mu.Lock()
	f.health.FromSnapshot = true
	f.mu.Unlock()
	return nil
}

// Run follows the database until ctx ends. Start comes first.
func (f *Follower) Run(ctx context.Context) error {
	pool, err := f.db.pool(silence)
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	if f.o.Listen {
		go f.listen(ctx)
	}
	defer func() { f.saver.save(f.at, f.Table(), true) }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	wait := f.o.Poll
	for {
		f.saver.save(f.at, f.Table(), false)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.poke:
		case <-timer.C:
		}
		err := f.sync(ctx, pool)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.report(err)
		if err == nil {
			wait = f.o.Poll
		} else {
			wait = min(2*wait, max(slowest, f.o.Poll))
		}
		timer.Reset(wait)
	}
}

// errNoAnswer: the database did not tell its head in time.
var errNoAnswer = fmt.Errorf("no answer within %v", patience)

// sync asks the database once for what is new, or for everything.
func (f *Follower) sync(ctx context.Context, pool *sql.DB) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	impatience := time.AfterFunc(patience, func() { cancel(errNoAnswer) })
	defer impatience.Stop()
	err := inTx(ctx, pool, snapshotTx, func(tx *sql.Tx) error {
		h, err := readHead(ctx, tx, f.at.Number)
		if err != nil {
			return err
		}
		impatience.Stop()
		if err := f.db.checkVersion(h.version); err != nil {
			return err
		}
		return f.catchUp(ctx, tx, h)
	})
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return fmt.Errorf("postgres: follow: %w", err)
	}
	return nil
}

// catchUp brings the table to the head.
func (f *Follower) catchUp(ctx context.Context, tx *sql.Tx, h head) error {
	table := f.Table()
	switch {
	case table == nil:
		return f.load(ctx, tx, h, "it is the first time")
	case !h.continues(f.at):
		return f.load(ctx, tx, h, "the log does not go on from where this follower stood")
	case h.Number > f.at.Number:
		changes, err := readChanges(ctx, tx, f.at.Number, h.Number)
		if errors.Is(err, errGap) {
			return f.load(ctx, tx, h, err.Error())
		}
		if err != nil {
			return err
		}
		table = table.Apply(changes)
		f.at = h.position
		f.publish(table)
	}
	if int64(table.Len()) != h.pages {
		return f.load(ctx, tx, h, "the rows are not as many as the database counted")
	}
	return nil
}

// load loads the whole table, and refuses one with other rows than the database
// counted. What was refused is tried again when the head changes, or slowly.
func (f *Follower) load(ctx context.Context, tx *sql.Tx, h head, reason string) error {
	h.token = "" // it belongs to the follower's number
	if f.refused == h && time.Since(f.refusedAt) < slowest {
		return ErrRowCount
	}
	table, err := loadTable(ctx, tx)
	if err != nil {
		return err
	}
	if int64(table.Len()) != h.pages {
		f.refused, f.refusedAt = h, time.Now()
		return fmt.Errorf("%w (%d, not %d)", ErrRowCount, table.Len(), h.pages)
	}
	f.at = h.position
	f.publish(table)
	f.o.Logger.Info("table loaded", "rows", table.Len(), "number", h.Number, "reason", reason)
	return nil
}

// publish puts a table into force that belongs to f.at.
func (f *Follower) publish(table *mapping.Table) {
	f.table.Store(table)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.health.Number, f.health.Rows = f.at.Number, table.Len()
}

// report notes how a sync went, and logs what is news.
func (f *Follower) report(err error) {
	f.mu.Lock()
	before := f.health.Err
	f.health.Err = err
	if err == nil {
		f.health.Synced = time.Now()
		f.health.FromSnapshot = false
	}
	f.mu.Unlock()
	switch {
	case errors.Is(err, ErrRowCount) && !errors.Is(before, ErrRowCount):
		f.o.Logger.Error("the table is refused: the last one keeps serving", "error", err)
	case err != nil && before == nil:
		f.o.Logger.Warn("not following the database", "error", err)
	case err == nil && before != nil:
		f.o.Logger.Info("following the database again", "number", f.at.Number)
	}
}
