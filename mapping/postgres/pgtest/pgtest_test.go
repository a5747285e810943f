// The server's life: kill, restart, pause, dump, replica.

package pgtest

import (
	"os"
	"testing"
	"time"
)

func TestMain(m *testing.M) { os.Exit(Run(m)) }

func sqlOn(t *testing.T, s *Server, db, statements string) string {
	t.Helper()
	out, err := s.SQL(db, statements)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestServerLife(t *testing.T) {
	s := Start(t, Options{TCP: true})
	sqlOn(t, s, "postgres", "CREATE TABLE a AS SELECT 1 AS n; CHECKPOINT")
	s.Kill()
	if s.answers() {
		t.Fatal("a killed server answers")
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	r := s.Replica(t)
	sqlOn(t, s, "postgres", "INSERT INTO a VALUES (2)")
	for deadline := time.Now().Add(20 * time.Second); sqlOn(t, r, "postgres", "SELECT count(*) FROM a") != "2"; {
		if time.Now().After(deadline) {
			t.Fatal("the replica does not follow")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := r.SQL("postgres", "INSERT INTO a VALUES (3)"); err == nil {
		t.Fatal("a replica takes writes")
	}
	s.Stop()
	r.Promote(t)
	sqlOn(t, r, "postgres", "INSERT INTO a VALUES (3)")
	if out, err := r.Run("psql", "-X", "-A", "-t", "-d", r.DSN("postgres"), "-c", "SELECT sum(n) FROM a"); err != nil || string(out) != "6\n" {
		t.Fatalf("sum = %q, %v", out, err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if out, err := s.Run("psql", "-X", "-A", "-t", "-d", s.TCPDSN("postgres"), "-c", "SELECT count(*) FROM a"); err != nil || string(out) != "2\n" {
		t.Fatalf("count over TCP = %q, %v", out, err)
	}
}

func TestPause(t *testing.T) {
	s := Start(t, Options{})
	s.Pause()
	if s.answers() {
		t.Error("a paused server answers")
	}
	s.Resume()
	if !s.answers() {
		t.Error("a resumed server does not answer")
	}
}

func TestDatabasesAreApart(t *testing.T) {
	a, b := Database(t), Database(t)
	if a == b {
		t.Fatalf("two tests share %q", a)
	}
}
