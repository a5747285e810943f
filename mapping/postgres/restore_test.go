// Databases that go back, move, or are removed.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/postgres/pgtest"
)

// dump is what pg_dump makes of the schema.
func dump(t *testing.T, s *pgtest.Server, db *DB) []byte {
	t.Helper()
	b, err := s.Run("pg_dump", "-Fc", "-n", db.schema, "-d", s.DSN(db.config.Database))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// restore brings a dump back in place of what is there.
func restore(t *testing.T, s *pgtest.Server, db *DB, dumped []byte) {
	t.Helper()
	if _, err := s.RunInput(dumped, "pg_restore", "--clean", "--if-exists", "-d", s.DSN(db.config.Database)); err != nil {
		t.Fatal(err)
	}
}

func TestFollowRestore(t *testing.T) {
	s, db := pgtest.Shared(t), site(t)
	write(t, db, "/a 410", "/b 404")
	early := dump(t, s, db)
	write(t, db, "/c 404")
	write(t, db, "/d 404", "rm /b")
	running := start(t, db, FollowerOptions{Listen: true, Poll: 20 * time.Millisecond})
	snapshot := filepath.Join(t.TempDir(), "snapshot")
	asleep := NewFollower(db, FollowerOptions{Snapshot: snapshot, SnapshotFirst: true, Poll: 20 * time.Millisecond, Logger: logger(t)})
	if err := asleep.Start(t.Context()); err != nil { // it loads, and looks again only after all is done
		t.Fatal(err)
	}

	restore(t, s, db, early)
	eventually(t, 10*time.Second, "the follower went back", func() bool { return running.Health().Number == 2 && running.Health().Err == nil })
	// More changes than before, so that the old number exists again, with another history.
	for i := range 6 {
		write(t, db, fmt.Sprintf("/new%d 410", i))
	}
	eventually(t, 10*time.Second, "the follower goes on", func() bool { return running.Health().Number == 8 })
	sameTable(t, running, db)
	if asleep.Health().Number != 5 {
		t.Fatalf("the sleeping follower is at %d", asleep.Health().Number)
	}
	run(t, asleep)
	eventually(t, 10*time.Second, "the one that slept follows the other history", func() bool { return asleep.Health().Number == 8 })
	sameTable(t, asleep, db)

	// The site's schema made anew has another identity.
	exec(t, db, `DROP SCHEMA pagemap CASCADE`)
	eventually(t, 10*time.Second, "the follower notices", func() bool { return errors.Is(running.Health().Err, ErrSchemaTooOld) })
	if running.Table().Len() != 8 {
		t.Fatal("the table is gone with the schema")
	}
	migrate(t, db)
	eventually(t, 10*time.Second, "the follower starts over", func() bool { return running.Table().Len() == 0 && running.Health().Err == nil })
	write(t, db, "/a 410")
	eventually(t, 10*time.Second, "the follower goes on", func() bool { return has(running, "/a", "") })
}

func TestFollowPromotedReplica(t *testing.T) {
	t.Parallel()
	primary, db := own(t)
	write(t, db, "/a 410")
	replica := primary.Replica(t)
	onReplica := open(t, replica.DSN("postgres"), "")
	// A follower of the replica itself: no notifications there.
	reader := start(t, onReplica, FollowerOptions{Listen: true, Poll: 20 * time.Millisecond})
	write(t, db, "/b 410")
	eventually(t, 10*time.Second, "the replica's reader", func() bool { return has(reader, "/b", "") })

	// The replica misses the tail, which a follower has seen.
	replica.Stop()
	write(t, db, "/tail1 410")
	write(t, db, "/tail2 410")
	snapshot := filepath.Join(t.TempDir(), "snapshot")
	f := NewFollower(db, FollowerOptions{Snapshot: snapshot, Logger: logger(t)})
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !has(f, "/tail2", "") {
		t.Fatal("the follower did not see the tail")
	}
	run(t, f)() // it writes its snapshot and ends
	primary.Kill()
	if err := replica.Start(); err != nil {
		t.Fatal(err)
	}
	replica.Promote(t)
	for i := range 3 { // beyond the number that the follower stands at
		write(t, onReplica, fmt.Sprintf("/new%d 404", i))
	}
	moved := NewFollower(onReplica, FollowerOptions{Snapshot: snapshot, SnapshotFirst: true, Poll: 20 * time.Millisecond, Logger: logger(t)})
	if err := moved.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := moved.Health(); !has(moved, "/tail2", "") || !h.FromSnapshot {
		t.Fatalf("not started from the snapshot: %+v", h)
	}
	run(t, moved)
	eventually(t, 10*time.Second, "the promoted history", func() bool { return has(moved, "/new2", "") })
	if has(moved, "/tail1", "") {
		t.Error("the lost tail is still there")
	}
	sameTable(t, moved, onReplica)
	eventually(t, 10*time.Second, "the reader follows too", func() bool { return has(reader, "/new2", "") })
}

func TestTwoSites(t *testing.T) {
	dsn := pgtest.Database(t)
	a, b := open(t, dsn, "site_a"), open(t, dsn, "site_b")
	migrate(t, a)
	migrate(t, b)
	fa := start(t, a, FollowerOptions{Listen: true, Poll: 20 * time.Millisecond})
	fb := start(t, b, FollowerOptions{Listen: true, Poll: 20 * time.Millisecond})
	write(t, a, "/x 410")
	write(t, b, "/x 404", "/y 404")
	// One transaction over both has a change-set in each.
	err := inTx(t.Context(), a.writers, sql.TxOptions{}, func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO site_a.pages (path, status) VALUES ('/both', 410); INSERT INTO site_b.pages (path, status) VALUES ('/both', 410)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "both followers", func() bool { return fa.Table().Len() == 2 && fb.Table().Len() == 3 })
	sameTable(t, fa, a)
	sameTable(t, fb, b)
	// A writer of one does not wait for a writer of the other.
	err = inTx(t.Context(), a.writers, sql.TxOptions{}, func(tx *sql.Tx) error {
		if _, err := tx.Exec(`DELETE FROM pages`); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := b.Write(ctx, maria, edits(t, "/z 404"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, a, `DROP SCHEMA site_a CASCADE`)
	if left := one[int](t, a, `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'site_b')`); left != 0 {
		t.Errorf("%d objects left of a removed site", left)
	}
	write(t, b, "/still 404")
}

func TestDumpAndRestore(t *testing.T) {
	s, db := pgtest.Shared(t), site(t)
	write(t, db, "/a 410", "/b 301 /a")
	write(t, db, "rm /a", "/b 301 /c")
	if _, err := db.AddFiles(t.Context(), crawl, []mapping.Row{file("/f")}); err != nil {
		t.Fatal(err)
	}
	// Into another database, as onto another machine; nothing else of it comes along.
	other := open(t, pgtest.Database(t), "")
	exec(t, other, `CREATE EXTENSION pg_trgm SCHEMA public`)
	restore(t, s, other, dump(t, s, db))
	if err := other.CheckSchema(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := start(t, other, FollowerOptions{Poll: 20 * time.Millisecond})
	if h := f.Health(); h.Number != 5 || h.Rows != 2 {
		t.Fatalf("restored: %+v", h)
	}
	if r := write(t, other, "/new 404"); r.LastChange != 6 {
		t.Fatalf("the restored site goes on with number %d, want 6", r.LastChange)
	}
	eventually(t, 10*time.Second, "the new row", func() bool { return has(f, "/new", "") })
	sets, err := other.History(t.Context(), HistoryFilter{Limit: 10})
	if err != nil || len(sets) != 4 || sets[1].Author != "populate" {
		t.Fatalf("history = %+v, %v", sets, err)
	}
	for _, refused := range []string{`TRUNCATE pages`, `DELETE FROM changes`, `INSERT INTO pages (path, status) VALUES ('x', 404)`} {
		if _, err := other.writers.ExecContext(t.Context(), refused); err == nil {
			t.Errorf("the restored site allows %s", refused)
		}
	}
	exec(t, other, `SET search_path = ''; DELETE FROM pagemap.pages WHERE path = '/f'; RESET search_path`)
	eventually(t, 10*time.Second, "a removal by plain SQL", func() bool { _, ok := f.Table().Get("/f"); return !ok })
}
