// Adder: rows for files that were found without one.

package postgres

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"pagemap/mapping"
)

// AdderOptions of NewAdder.
type AdderOptions struct {
	Author string        // of the change-sets
	Every  time.Duration // between two batches; 0: 1 s
	Limit  int           // rows that wait at most, beyond which new ones are dropped; 0: 10,000
	Logger *slog.Logger  // nil: the DB's
}

// Adder writes rows of origin auto in batches, behind the requests that found
// their files. A row that is dropped comes again with the next request. Safe
// for concurrent use.
type Adder struct {
	db   DB // with a pool of its own while Run runs
	o    AdderOptions
	busy chan struct{} // holds one element while a batch is being written

	mu      sync.Mutex // protects waiting
	waiting map[string]mapping.Row
}

// NewAdder returns an adder that writes once Run is running.
func NewAdder(db *DB, o AdderOptions) *Adder {
	if o.Every == 0 {
		o.Every = time.Second
	}
	if o.Limit == 0 {
		o.Limit = 10000
	}
	if o.Logger == nil {
		o.Logger = db.logger
	}
	return &Adder{db: *db, o: o, busy: make(chan struct{}, 1), waiting: make(map[string]mapping.Row)}
}

// Add takes a row of a file. It never waits for the database.
func (a *Adder) Add(row mapping.Row) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) < a.o.Limit {
		a.waiting[row.Pattern] = row
	}
}

const (
	batchTimeout = 30 * time.Second // how long the database may take for one batch,
	endTimeout   = 2 * time.Second  // and for the last one
)

// Run writes what was added until ctx ends, then the rest. A database that
// hangs holds up neither.
func (a *Adder) Run(ctx context.Context) error {
	pool, err := a.db.pool(batchTimeout)
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	a.db.writers = pool
	ticker := time.NewTicker(a.o.Every)
	defer ticker.Stop()
	var failed error
	for pause := 0; ; pause-- {
		select {
		case <-ctx.Done():
			a.report(failed, a.attempt(context.WithoutCancel(ctx), endTimeout))
			return ctx.Err()
		case <-ticker.C:
		}
		if pause > 0 {
			continue
		}
		err := a.attempt(ctx, batchTimeout)
		if ctx.Err() == nil {
			a.report(failed, err)
			failed = err
		}
		if pause = 0; err != nil {
			pause = 10 // the rows wait
		}
	}
}

// errBusy: a batch that was given up has not ended yet.
var errBusy = errors.New("the database still holds the last batch")

// attempt is flush that returns in time, whether or not the database does.
func (a *Adder) attempt(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	select {
	case a.busy <- struct{}{}:
	default:
		cancel()
		return errBusy
	}
	done := make(chan error, 1)
	go func() {
		defer cancel()
		err := a.flush(ctx)
		<-a.busy
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// report logs a failure once, until there is a success.
func (a *Adder) report(before, err error) {
	if err != nil && before == nil {
		a.o.Logger.Warn("found files wait for the database", "error", err)
	}
}

// flush writes what waits. What fails waits on; a row that the database refuses
// is dropped, and does not hold up the others.
func (a *Adder) flush(ctx context.Context) error {
	a.mu.Lock()
	rows := slices.Collect(maps.Values(a.waiting))
	a.mu.Unlock()
	if len(rows) == 0 {
		return nil
	}
	err := a.write(ctx, rows)
	if refused(err) {
		err = nil
		for _, row := range rows {
			switch each := a.write(ctx, []mapping.Row{row}); {
			case refused(each):
				a.o.Logger.Warn("found file refused", "path", row.Pattern, "error", each)
				a.forget([]mapping.Row{row})
			case each != nil:
				err = errors.Join(err, each)
			}
		}
	}
	return err
}

func (a *Adder) write(ctx context.Context, rows []mapping.Row) error {
	_, err := a.db.AddFiles(ctx, ChangeSet{Author: a.o.Author, Origin: mapping.OriginAuto, Note: "found by a request"}, rows)
	if err == nil {
		a.forget(rows)
	}
	return err
}

func (a *Adder) forget(rows []mapping.Row) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, row := range rows {
		delete(a.waiting, row.Pattern)
	}
}

// refused reports whether the fault is a row's, not the database's.
func refused(err error) bool {
	return pq.As(err, pqerror.CheckViolation, pqerror.NotNullViolation, pqerror.ProgramLimitExceeded,
		pqerror.CharacterNotInRepertoire, pqerror.UntranslatableCharacter) != nil
}
