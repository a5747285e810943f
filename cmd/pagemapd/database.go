// The page table of a database: followed, and told of files without a row.

package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"

	"pagemap/cmd/internal/config"
	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/traffic"
)

// databaseTable follows a database. It implements table.
type databaseTable struct {
	*postgres.Follower
	db      *postgres.DB
	adder   *postgres.Adder
	counter *traffic.Counter  // nil: nothing is counted
	counted *postgres.Traffic // likewise
}

// openTable returns the table that the settings name, loaded. A process that
// lives long listens to the database; another starts from the snapshot where it
// can, and polls.
func openTable(ctx context.Context, s *config.Settings, long bool, log *slog.Logger) (table, error) {
	if s.Embedded() {
		return newMemoryTable(ctx, s, log)
	}
	db, err := postgres.Open(postgres.Options{
		DSN: s.Database, Schema: s.Schema, Hosts: s.Hosts(), IndexNames: s.Index, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	t := &databaseTable{
		Follower: postgres.NewFollower(db, postgres.FollowerOptions{
			Snapshot: s.Snapshot, SnapshotFirst: !long, Poll: s.Poll, Listen: long, Logger: log,
		}),
		db:    db,
		adder: postgres.NewAdder(db, postgres.AdderOptions{Author: author(), Logger: log}),
	}
	if s.TrafficDays > 0 {
		if t.counted, err = postgres.NewTraffic(db, postgres.TrafficOptions{Days: s.TrafficDays}); err != nil {
			_ = db.Close()
			return nil, err
		}
		t.counter = traffic.New(traffic.Options{Store: t.counted, Hosts: s.Hosts(), Logger: log})
	}
	if err := t.Start(ctx); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// close closes the connections.
func (t *databaseTable) close() {
	if t.counted != nil {
		_ = t.counted.Close()
	}
	_ = t.db.Close()
}

// author names this process in the change-sets that it makes.
func author() string {
	host, err := os.Hostname()
	if err != nil {
		return "pagemapd"
	}
	return "pagemapd@" + host
}

// Found implements table.
func (t *databaseTable) Found(row mapping.Row) { t.adder.Add(row) }

// Traffic implements table.
func (t *databaseTable) Traffic() *traffic.Counter { return t.counter }

// run implements table.
func (t *databaseTable) run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { _ = t.Follower.Run(ctx) }) // both end with ctx alone
	running.Go(func() { _ = t.adder.Run(ctx) })
	if t.counter != nil {
		running.Go(func() { t.counter.Run(ctx) })
	}
	running.Wait()
	t.close()
}

// report implements table. A database that is down is no reason to send requests
// elsewhere: the table in memory answers them. One of another schema is.
func (t *databaseTable) report(h *health) {
	state := t.Health()
	h.Table = &tableHealth{Rows: state.Rows, Number: state.Number, Synced: state.Synced, FromSnapshot: state.FromSnapshot}
	switch {
	case errors.Is(state.Err, postgres.ErrSchemaTooNew), errors.Is(state.Err, postgres.ErrSchemaTooOld):
		h.Reasons = append(h.Reasons, state.Err.Error())
	case state.Err != nil:
		h.Warnings = append(h.Warnings, state.Err.Error())
	}
}
