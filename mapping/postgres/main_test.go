// What the tests share.

package postgres

import (
	"context"
	"iter"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/postgres/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// open opens a schema of a database; it is closed when the test ends.
func open(t testing.TB, dsn, schema string) *DB {
	t.Helper()
	db, err := Open(Options{DSN: dsn, Schema: schema, IndexNames: []string{"index.html"}, Hosts: mapping.Hosts{"www.example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // some servers are dead by then
	return db
}

// site is a migrated schema in a database of its own.
func site(t testing.TB) *DB {
	t.Helper()
	db := open(t, pgtest.Database(t), "")
	migrate(t, db)
	return db
}

func migrate(t testing.TB, db *DB) {
	t.Helper()
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// logger writes to the test's log.
func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

var maria = ChangeSet{Author: "maria", Origin: mapping.OriginCLI, Note: "by hand"}

// set is the edit that a person writes as "/a 301 /b"; the source may be left out.
func set(t testing.TB, line string) Edit {
	t.Helper()
	parts := strings.SplitN(line, " ", 3)
	status := map[string]uint16{"200": 200, "301": 301, "302": 302, "404": 404, "410": 410}[parts[1]]
	p := mapping.Page{Row: mapping.Row{Pattern: parts[0], Status: status, Origin: mapping.OriginCLI}}
	if len(parts) > 2 {
		p.Source = parts[2]
	}
	p, err := mapping.Hosts{"www.example.org"}.Clean(p)
	if err != nil {
		t.Fatal(err)
	}
	return Edit{Pattern: p.Pattern, Page: &p}
}

func edits(t testing.TB, lines ...string) []Edit {
	t.Helper()
	var list []Edit
	for _, line := range lines {
		if pattern, ok := strings.CutPrefix(line, "rm "); ok {
			list = append(list, Edit{Pattern: pattern})
		} else {
			list = append(list, set(t, line))
		}
	}
	return list
}

// write makes edits that must succeed.
func write(t testing.TB, db *DB, lines ...string) Result {
	t.Helper()
	r, err := db.Write(t.Context(), maria, edits(t, lines...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// file is the row of a file.
func file(pattern string) mapping.Row {
	return mapping.Row{Pattern: pattern, Status: 200, Source: "file:" + pattern}
}

// exec runs a statement on the schema, as plain SQL.
func exec(t testing.TB, db *DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.writers.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// one is the single value of a query.
func one[T any](t testing.TB, db *DB, query string, args ...any) (v T) {
	t.Helper()
	if err := db.writers.QueryRowContext(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// all collects what an iterator yields.
func all[T any](t testing.TB, seq iter.Seq2[T, error]) (list []T) {
	t.Helper()
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

// eventually waits until something is so.
func eventually(t testing.TB, within time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// start starts a follower that runs until the test ends.
func start(t testing.TB, db *DB, o FollowerOptions) *Follower {
	t.Helper()
	if o.Logger == nil {
		o.Logger = logger(t)
	}
	f := NewFollower(db, o)
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	run(t, f)
	return f
}

// run runs a follower, and returns how to end it, which the test's end does too.
func run(t testing.TB, f *Follower) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = f.Run(ctx) // it ends with the context's error
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// has reports whether the follower's table has the row, with this source.
func has(f *Follower, pattern, source string) bool {
	row, ok := f.Table().Get(pattern)
	return ok && row.Source == source
}

// sameTable fails unless the follower's table is the database's.
func sameTable(t testing.TB, f *Follower, db *DB) {
	t.Helper()
	pages := all(t, db.Pages(t.Context(), Filter{}))
	if f.Table().Len() != len(pages) {
		t.Fatalf("follower has %d rows, database %d", f.Table().Len(), len(pages))
	}
	for _, p := range pages {
		if row, ok := f.Table().Get(p.Pattern); !ok || row != p.Row {
			t.Fatalf("follower has %+v, database %+v", row, p.Row)
		}
	}
}
