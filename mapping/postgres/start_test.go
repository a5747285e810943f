// Starting without the database.

package postgres

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestStartFromSnapshot(t *testing.T) {
	t.Parallel()
	s, db := own(t)
	write(t, db, "/a 301 https://example.org/ü", "/b 200 wiki:Über uns", "/c/* 410", "/d?x=1&y=2 404")
	snapshot := filepath.Join(t.TempDir(), "snapshot")
	o := FollowerOptions{Snapshot: snapshot, SnapshotEvery: time.Millisecond, Poll: 20 * time.Millisecond, Logger: logger(t)}
	f := NewFollower(db, o)
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop := run(t, f)
	eventually(t, 10*time.Second, "the first snapshot", func() bool { return exists(snapshot) })
	write(t, db, "/e 404")
	eventually(t, 10*time.Second, "the next snapshot", func() bool {
		at, table, err := readSnapshot(snapshot, "pagemap")
		return err == nil && at.Number == 5 && table.Len() == 5
	})
	if info, err := os.Stat(snapshot); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	stop()
	s.Kill()
	down := NewFollower(db, o)
	before := time.Now()
	if err := down.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(before); d > 2*patience {
		t.Errorf("a start without the server took %v", d)
	}
	if h := down.Health(); !h.FromSnapshot || h.Err == nil || h.Number != 5 || h.Rows != 5 || !h.Synced.IsZero() {
		t.Fatalf("health = %+v", h)
	}
	run(t, down)
	if err := NewFollower(db, FollowerOptions{}).Start(t.Context()); err == nil {
		t.Error("a start with neither server nor snapshot succeeds")
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	write(t, db, "/f 404")
	eventually(t, 20*time.Second, "the follower follows", func() bool { return has(down, "/f", "") && !down.Health().FromSnapshot })
	sameTable(t, down, db)
}

// A process that mod_fcgid starts answers from the snapshot at once, and
// catches up by the log.
func TestSnapshotFirst(t *testing.T) {
	db := site(t)
	write(t, db, "/a 410")
	snapshot := filepath.Join(t.TempDir(), "snapshot")
	o := FollowerOptions{Snapshot: snapshot, SnapshotFirst: true, Poll: 20 * time.Millisecond, Logger: logger(t)}
	f := NewFollower(db, o)
	if err := f.Start(t.Context()); err != nil { // none yet: from the database
		t.Fatal(err)
	}
	if f.Health().FromSnapshot {
		t.Fatal("started from a snapshot that is not there")
	}
	run(t, f)()
	write(t, db, "/b 410")
	f = NewFollower(db, o)
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !f.Health().FromSnapshot || has(f, "/b", "") {
		t.Fatal("not started from the snapshot")
	}
	before := f.Table()
	run(t, f)
	eventually(t, 10*time.Second, "the change", func() bool { return has(f, "/b", "") })
	if before.Len() != 1 {
		t.Error("the old table changed")
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
