// Plans that are kept until somebody has looked at them.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// Errors of kept plans, tested with errors.Is.
var (
	ErrNoPlan     = errors.New("postgres: no such plan, or it is older than a day")
	ErrPlanTurned = errors.New("postgres: the plan is in another state by now")
)

// PlanState is where a kept plan stands.
type PlanState string

// The states. A plan goes from the first to the second, and with somebody's consent
// to the third and fourth; it may fail from the first and the third. A process that
// dies leaves it in these.
const (
	Planning PlanState = "planning" // it is being made
	Planned  PlanState = "planned"  // it is there to be looked at
	Applying PlanState = "applying" // it is being carried out
	Applied  PlanState = "applied"
	Failed   PlanState = "failed"
)

// KeptPlan is a wish to change many rows, and what would come of it. What wish and
// outcome are made of is for those to say who keep them.
type KeptPlan struct {
	ID      string
	Author  string
	Made    time.Time
	Wish    []byte // JSON
	Input   []byte // a file that belongs to it
	State   PlanState
	Since   time.Time // in that state
	Outcome []byte    // JSON; nil: none yet
	Hash    string    // Plan.Hash
}

// keepPlans is how long plans are kept.
const keepPlans = 24 * time.Hour

// KeepPlan keeps a new plan, in the state Planning, and forgets old ones.
func (db *DB) KeepPlan(ctx context.Context, author string, wish, input []byte) (id string, err error) {
	if input == nil {
		input = []byte{}
	}
	if _, err = db.writers.ExecContext(ctx, `DELETE FROM plans WHERE made_at < $1`, time.Now().Add(-keepPlans)); err == nil {
		err = db.writers.QueryRowContext(ctx, `INSERT INTO plans (author, wish, input) VALUES ($1, $2, $3) RETURNING id`,
			author, string(wish), input).Scan(&id)
	}
	if err != nil {
		return "", fmt.Errorf("postgres: keep plan: %w", missing(err))
	}
	return id, nil
}

// KeptPlan returns a plan: ErrNoPlan.
func (db *DB) KeptPlan(ctx context.Context, id string) (KeptPlan, error) {
	p := KeptPlan{ID: id}
	err := db.writers.QueryRowContext(ctx, `SELECT author, made_at, wish, input, state, since, outcome, hash FROM plans WHERE id = $1`, id).
		Scan(&p.Author, &p.Made, &p.Wish, &p.Input, &p.State, &p.Since, &p.Outcome, &p.Hash)
	if errors.Is(err, sql.ErrNoRows) || pq.As(err, pqerror.InvalidTextRepresentation) != nil {
		err = ErrNoPlan
	}
	if err != nil {
		return p, fmt.Errorf("postgres: plan %q: %w", id, missing(err))
	}
	p.Made, p.Since = p.Made.UTC(), p.Since.UTC()
	return p, nil
}

// TurnPlan brings a plan from one state to another, with what came of it (nil: as
// before) and its hash. ErrPlanTurned: it is not in the first of them.
func (db *DB) TurnPlan(ctx context.Context, id string, from, to PlanState, outcome []byte, hash string) error {
	result, err := db.writers.ExecContext(ctx, `
		UPDATE plans SET state = $3, since = clock_timestamp(), outcome = COALESCE($4, outcome), hash = $5 WHERE id = $1 AND state = $2`,
		id, string(from), string(to), sql.NullString{String: string(outcome), Valid: outcome != nil}, hash)
	if err == nil {
		var n int64
		if n, err = result.RowsAffected(); err == nil && n == 0 {
			err = ErrPlanTurned
		}
	}
	if err != nil {
		return fmt.Errorf("postgres: plan %q from %s to %s: %w", id, from, to, missing(err))
	}
	return nil
}
