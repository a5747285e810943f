// Following: order, lost notifications, a server that dies, hangs, goes back.

package postgres

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/postgres/pgtest"
)

// own is a migrated schema on a server of the test's own.
func own(t *testing.T) (*pgtest.Server, *DB) {
	t.Helper()
	s := pgtest.Start(t, pgtest.Options{})
	db := open(t, s.DSN("postgres"), "")
	migrate(t, db)
	return s, db
}

// listeners counts the connections that listen, and does something to each.
func listeners(t testing.TB, db *DB, do string) int {
	t.Helper()
	return one[int](t, db, `SELECT count(`+do+`) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle'`)
}

func TestFollow(t *testing.T) {
	db := site(t)
	write(t, db, "/a 410")
	f := start(t, db, FollowerOptions{Listen: true, Poll: time.Hour})
	if h := f.Health(); !has(f, "/a", "") || h.Number != 1 || h.Rows != 1 || h.Err != nil || h.FromSnapshot || h.Synced.IsZero() {
		t.Fatalf("after Start: %+v", h)
	}
	eventually(t, 10*time.Second, "the listener is connected", func() bool { return listeners(t, db, "*") > 0 })
	write(t, db, "/b 301 /a")
	eventually(t, 10*time.Second, "a change", func() bool { return has(f, "/b", "/a") })
	// Now nothing but notifications wakes the follower.
	before := time.Now()
	write(t, db, "/b 301 /c", "rm /a", "/q?x=1 404")
	eventually(t, 5*time.Second, "three changes", func() bool { return has(f, "/b", "/c") })
	if d := time.Since(before); d > time.Second {
		t.Errorf("a change took %v", d)
	}
	sameTable(t, f, db)
	var rows []mapping.Row
	for i := range 50000 {
		rows = append(rows, file(fmt.Sprintf("/many/%d.html", i)))
	}
	if _, err := db.AddFiles(t.Context(), crawl, rows); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "50,000 rows", func() bool { return f.Table().Len() == 50002 })
}

func TestFollowByPollAlone(t *testing.T) {
	db := site(t)
	f := start(t, db, FollowerOptions{Poll: 20 * time.Millisecond})
	write(t, db, "/a 410")
	eventually(t, 5*time.Second, "the row", func() bool { return has(f, "/a", "") })
}

// The number that is taken first shows first, whoever commits when.
func TestFollowReverseOrder(t *testing.T) {
	db := site(t)
	f := start(t, db, FollowerOptions{Listen: true, Poll: 5 * time.Millisecond})
	for round := range 5 {
		first, err := db.writers.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		// It takes its numbers now and commits later, by plain SQL.
		if _, err := first.Exec(`INSERT INTO pages (path, status) VALUES ($1, 410)`, fmt.Sprintf("/first%d", round)); err != nil {
			t.Fatal(err)
		}
		second := make(chan error, 1)
		go func() {
			_, err := db.Write(t.Context(), maria, edits(t, fmt.Sprintf("/second%d 404", round)))
			second <- err
		}()
		select {
		case err := <-second:
			t.Fatalf("the second writer commits (%v) before the first, who has the earlier number", err)
		case <-time.After(50 * time.Millisecond): // the follower polls meanwhile
		}
		if err := first.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := <-second; err != nil {
			t.Fatal(err)
		}
	}
	// A number that is rolled back is used again.
	lost, err := db.writers.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lost.Exec(`INSERT INTO pages (path, status) VALUES ('/lost', 410)`); err != nil {
		t.Fatal(err)
	}
	if err := lost.Rollback(); err != nil {
		t.Fatal(err)
	}
	write(t, db, "/last 404")
	eventually(t, 5*time.Second, "all rows of both", func() bool { return f.Health().Number == 11 })
	sameTable(t, f, db)
}

func TestFollowLostNotifications(t *testing.T) {
	db := site(t)
	f := start(t, db, FollowerOptions{Listen: true, Poll: time.Hour})
	for round := range 3 {
		path := fmt.Sprintf("/lost%d", round)
		eventually(t, 10*time.Second, "a listener is killed", func() bool { return listeners(t, db, "pg_terminate_backend(pid)") > 0 })
		write(t, db, path+" 404")
		eventually(t, 10*time.Second, "what happened while nobody listened", func() bool { return has(f, path, "") })
	}
}

func TestFollowKilledServer(t *testing.T) {
	t.Parallel()
	s, db := own(t)
	write(t, db, "/a 410")
	f := start(t, db, FollowerOptions{Listen: true, Poll: 50 * time.Millisecond})
	for round := range 2 {
		s.Kill()
		eventually(t, 10*time.Second, "the follower notices", func() bool { return f.Health().Err != nil })
		if !has(f, "/a", "") {
			t.Fatal("the table is gone with the server")
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("/after%d", round)
		eventually(t, 10*time.Second, "a write", func() bool {
			_, err := db.Write(t.Context(), maria, edits(t, path+" 404"))
			return err == nil
		})
		eventually(t, 20*time.Second, "the follower is back", func() bool { return has(f, path, "") && f.Health().Err == nil })
	}
	sameTable(t, f, db)
}

func TestFollowServerThatHangs(t *testing.T) {
	t.Parallel()
	s, db := own(t)
	write(t, db, "/a 410")
	f := start(t, db, FollowerOptions{Poll: 20 * time.Millisecond})
	s.Pause()
	eventually(t, silence+patience+10*time.Second, "the follower notices", func() bool { return f.Health().Err != nil })
	s.Resume()
	write(t, db, "/b 404")
	eventually(t, silence+20*time.Second, "the follower is back", func() bool { return has(f, "/b", "") && f.Health().Err == nil })
}

func TestFollowRowCount(t *testing.T) {
	db := site(t)
	write(t, db, "/a 410", "/b 410", "/c 410")
	f := start(t, db, FollowerOptions{Poll: 20 * time.Millisecond})
	// Rows vanish behind the log's back, and the log is of no help.
	exec(t, db, `ALTER TABLE pages DISABLE TRIGGER USER`)
	exec(t, db, `DELETE FROM pages WHERE path <> '/a'`)
	exec(t, db, `ALTER TABLE pages ENABLE TRIGGER USER`)
	if err := NewFollower(db, FollowerOptions{}).Start(t.Context()); !errors.Is(err, ErrRowCount) {
		t.Fatalf("a new follower takes the short table: %v", err)
	}
	exec(t, db, `ALTER TABLE change_sets DISABLE TRIGGER USER`)
	exec(t, db, `UPDATE change_sets SET token = gen_random_uuid()`)
	eventually(t, 10*time.Second, "the load is refused", func() bool { return errors.Is(f.Health().Err, ErrRowCount) })
	if f.Table().Len() != 3 {
		t.Fatal("the short table serves")
	}
	exec(t, db, `UPDATE state SET pages = 1`) // the way out
	eventually(t, 10*time.Second, "the corrected table", func() bool { return f.Table().Len() == 1 && f.Health().Err == nil })
	// Deletions that arrive as changes always apply.
	write(t, db, "rm /a")
	eventually(t, 10*time.Second, "the empty table", func() bool { return f.Table().Len() == 0 && f.Health().Err == nil })
}

// A follower whose own table has drifted heals by loading.
func TestFollowHeals(t *testing.T) {
	db := site(t)
	write(t, db, "/a 410", "/b 410")
	f := NewFollower(db, FollowerOptions{Poll: 20 * time.Millisecond, Logger: logger(t)})
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.table.Store(f.Table().Apply([]mapping.Change{{Pattern: "/b"}}))
	run(t, f)
	eventually(t, 10*time.Second, "the lost row", func() bool { return has(f, "/b", "") })
	exec(t, db, `ALTER TABLE changes DISABLE TRIGGER USER`)
	for i := range 3 {
		write(t, db, fmt.Sprintf("/gap%d 404", i))
		if i == 0 {
			continue
		}
		exec(t, db, `DELETE FROM changes WHERE number = $1`, 2+i)
	}
	eventually(t, 10*time.Second, "all rows in spite of a gap", func() bool { return has(f, "/gap2", "") })
	sameTable(t, f, db)
}

func TestFollowNewerSchema(t *testing.T) {
	db := site(t)
	write(t, db, "/a 410")
	f := start(t, db, FollowerOptions{Poll: 20 * time.Millisecond})
	exec(t, db, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	eventually(t, 10*time.Second, "not ready", func() bool { return errors.Is(f.Health().Err, ErrSchemaTooNew) })
	if !has(f, "/a", "") {
		t.Error("the table is gone")
	}
	for _, first := range []bool{false, true} {
		snapshot := filepath.Join(t.TempDir(), "snapshot")
		o := FollowerOptions{Snapshot: snapshot, SnapshotFirst: first}
		if err := NewFollower(db, o).Start(t.Context()); !errors.Is(err, ErrSchemaTooNew) {
			t.Errorf("Start with a newer schema: %v", err)
		}
	}
	exec(t, db, `DELETE FROM goose_db_version WHERE version_id = 99999`)
	eventually(t, 60*time.Second, "ready again", func() bool { return f.Health().Err == nil })
}
