// Migrations: up, status, too old, too new.

package postgres

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"pagemap/mapping/postgres/pgtest"
)

func TestMigrate(t *testing.T) {
	db := open(t, pgtest.Database(t), "")
	if err := db.CheckSchema(t.Context()); !errors.Is(err, ErrSchemaTooOld) {
		t.Fatalf("CheckSchema without a schema: %v", err)
	}
	before, err := db.Migrations(t.Context())
	if err != nil || len(before) == 0 || !before[0].Applied.IsZero() || !strings.Contains(before[0].SQL, "CREATE TABLE pages") {
		t.Fatalf("Migrations = %+v, %v", before, err)
	}
	if n := one[int](t, db, `SELECT count(*) FROM pg_namespace WHERE nspname = 'pagemap'`); n != 0 {
		t.Fatal("listing migrations made the schema")
	}
	applied, err := db.Migrate(t.Context())
	if err != nil || len(applied) != len(before) {
		t.Fatalf("Migrate = %d migrations, %v", len(applied), err)
	}
	if again, err := db.Migrate(t.Context()); err != nil || len(again) != 0 {
		t.Fatalf("second Migrate = %d migrations, %v", len(again), err)
	}
	if after, err := db.Migrations(t.Context()); err != nil || after[0].Applied.IsZero() {
		t.Fatalf("Migrations = %+v, %v", after, err)
	}
	if err := db.CheckSchema(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, db, `SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace`); n != 0 {
		t.Fatalf("%d objects outside of the schema", n)
	}
	exec(t, db, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	if err := db.CheckSchema(t.Context()); !errors.Is(err, ErrSchemaTooNew) {
		t.Fatalf("CheckSchema of a newer schema: %v", err)
	}
	if _, err := db.Migrate(t.Context()); !errors.Is(err, ErrSchemaTooNew) {
		t.Fatalf("Migrate of a newer schema: %v", err)
	}
}

// The server's own settings change neither what is made nor when it was.
func TestMigrateOddSettings(t *testing.T) {
	admin := open(t, pgtest.Database(t), "")
	for _, set := range []string{`TimeZone = 'Asia/Tokyo'`, `standard_conforming_strings = off`} {
		exec(t, admin, `ALTER DATABASE `+admin.config.Database+` SET `+set)
	}
	db := open(t, admin.dsn, "")
	migrate(t, db)
	list, err := db.Migrations(t.Context())
	if err != nil || time.Since(list[0].Applied).Abs() > time.Hour {
		t.Errorf("applied at %v, %v", list[0].Applied, err)
	}
	write(t, db, "/a%20b 410", "/c 200 wiki:x01")
	for _, row := range [][3]any{{"/x", 301, `/a\b`}, {"/x", 301, `https://www.example.org\@evil.example/`}, {"/%", 410, ""}, {"/x", 200, "wiki:a\x01"}} {
		if _, err := db.writers.ExecContext(t.Context(), `INSERT INTO pages (path, status, source) VALUES ($1, $2, $3)`, row[:]...); pq.As(err, pqerror.CheckViolation) == nil {
			t.Errorf("%q: %v", row, err)
		}
	}
}

func TestMigrateAtOnce(t *testing.T) {
	dsn := pgtest.Database(t)
	var wg sync.WaitGroup
	total := make(chan int, 4)
	for range 4 {
		db := open(t, dsn, "")
		wg.Go(func() {
			applied, err := db.Migrate(t.Context())
			if err != nil {
				t.Error(err)
			}
			total <- len(applied)
		})
	}
	wg.Wait()
	close(total)
	sum := 0
	for n := range total {
		sum += n
	}
	if list, _ := known(); sum != len(list) {
		t.Fatalf("%d migrations applied in all, want %d", sum, len(list))
	}
}

func TestMigrateForeignOwner(t *testing.T) {
	// Somebody who may not create schemas gets one made for him.
	admin := open(t, pgtest.Database(t), "")
	exec(t, admin, `CREATE ROLE migrator LOGIN`)
	exec(t, admin, `CREATE SCHEMA pagemap AUTHORIZATION migrator`)
	db := open(t, strings.Replace(admin.dsn, "user=postgres", "user=migrator", 1), "")
	migrate(t, db)
	write(t, db, "/a 410")
	exec(t, admin, `DROP SCHEMA pagemap CASCADE`)
	exec(t, admin, `DROP ROLE migrator`)
}

func TestOpenRefuses(t *testing.T) {
	for _, o := range []Options{
		{DSN: "port=x"},
		{Schema: "Page Map"},
		{Schema: `x"; DROP`},
		{Schema: strings.Repeat("s", 60)},
	} {
		if db, err := Open(o); err == nil {
			_ = db.Close()
			t.Errorf("Open(%+v) succeeds", o)
		}
	}
}
