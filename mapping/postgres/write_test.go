// Edits by people, through Write and by plain SQL.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"pagemap/mapping"
	"pagemap/mapping/postgres/pgtest"
)

func TestWrite(t *testing.T) {
	db := site(t)
	r := write(t, db, "/a 200 wiki:A", "/b 301 /a", "/c 410")
	if r.Added != 3 || r.LastChange != 3 || r.ChangeSet == 0 {
		t.Fatalf("first write: %+v", r)
	}
	e := set(t, "/b 302 /c?x#y")
	e.Page.Tags, e.Page.Note, e.Page.DropQuery = []string{"old", `qu"o,te`}, "a note\tüber", true
	r, err := db.Write(t.Context(), maria, append(edits(t, "/a 200 wiki:A", "rm /c", "/d 404"), e))
	if err != nil || r.Added != 1 || r.Changed != 1 || r.Removed != 1 || r.Unchanged != 1 || r.LastChange != 6 {
		t.Fatalf("second write: %+v, %v", r, err)
	}
	p, err := db.Page(t.Context(), "/b")
	if err != nil {
		t.Fatal(err)
	}
	want := *e.Page
	if p.Source != want.Source || p.Status != 302 || !p.DropQuery || p.Note != want.Note || fmt.Sprint(p.Tags) != fmt.Sprint(want.Tags) ||
		p.ChangedBy != "maria" || p.Origin != mapping.OriginCLI || p.Change < 4 || p.Changed == 0 {
		t.Fatalf("page = %+v", p)
	}
	if r := write(t, db, "/a 200 wiki:A"); r != (Result{Unchanged: 1}) {
		t.Fatalf("write of what is there: %+v", r)
	}
	if r := write(t, db, "/a 410", "/a 200 wiki:B", "/a 200 wiki:C"); r.Changed != 1 {
		t.Fatalf("three edits of one row: %+v", r)
	}
	_, err = db.Write(t.Context(), maria, edits(t, "/e 404", "rm /nowhere"))
	if !errors.Is(err, ErrNoPage) || !strings.Contains(err.Error(), "/nowhere") {
		t.Fatalf("removing what is not there: %v", err)
	}
	if _, err := db.Page(t.Context(), "/e"); !errors.Is(err, ErrNoPage) {
		t.Fatalf("a failed write left a page: %v", err)
	}
	sets, err := db.History(t.Context(), HistoryFilter{Limit: 10})
	if err != nil || len(sets) != 3 || sets[0].Changed != 1 || sets[1].Added+sets[1].Changed+sets[1].Removed != 3 || sets[1].Author != "maria" || sets[1].Note != "by hand" {
		t.Fatalf("history = %+v, %v", sets, err)
	}
	if older, err := db.History(t.Context(), HistoryFilter{Before: sets[0].ID, Limit: 1}); err != nil || len(older) != 1 || older[0].ID != sets[1].ID {
		t.Fatalf("older history = %+v, %v", older, err)
	}
	log := all(t, db.Changes(t.Context(), sets[1].ID))
	for i, c := range log {
		if c.Number != int64(4+i) {
			t.Errorf("change %d has number %d", i, c.Number)
		}
	}
	if c := log[0]; c.Pattern != "/c" || c.Old == nil || c.Old.Status != 410 || c.New != nil {
		t.Errorf("removal = %+v", c)
	}
	if c := log[1]; c.Old.Source != "/a" || c.New.Source != "/c?x#y" || len(c.New.Tags) != 2 || len(c.Old.Tags) != 0 {
		t.Errorf("change = %+v, old %+v, new %+v", c, c.Old, c.New)
	}
	if c := log[2]; c.Old != nil || c.New.Status != 404 {
		t.Errorf("addition = %+v", c)
	}
}

func TestPages(t *testing.T) {
	db := site(t)
	write(t, db, "/docs/b 404", "/docs 410", "/docs/a 301 /docs", "/docs?x=1 404", "/docsx 404", "/docs/* 302 /new/*", "/Docs/a 404")
	e := set(t, "/t 404")
	e.Page.Tags = []string{"keep"}
	if _, err := db.Write(t.Context(), ChangeSet{Origin: mapping.OriginImport}, []Edit{e}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		filter Filter
		want   string
	}{
		{Filter{}, "/Docs/a /docs /docs/* /docs/a /docs/b /docs?x=1 /docsx /t"},
		{Filter{Under: "/"}, "/Docs/a /docs /docs/* /docs/a /docs/b /docs?x=1 /docsx /t"},
		{Filter{Under: "/docs"}, "/docs /docs/* /docs/a /docs/b /docs?x=1"},
		{Filter{Under: "/docs/", Status: 301}, "/docs/a"},
		{Filter{Origins: []mapping.Origin{mapping.OriginImport, mapping.OriginAuto}}, "/t"},
		{Filter{Tag: "keep"}, "/t"},
		{Filter{Limit: 2}, "/Docs/a /docs"},
	} {
		var got []string
		for _, p := range all(t, db.Pages(t.Context(), c.filter)) {
			got = append(got, p.Pattern)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: got %v, want %s", c.filter, got, c.want)
		}
	}
	for range db.Pages(t.Context(), Filter{}) {
		break // the connection comes back
	}
	if n := db.writers.Stats().InUse; n != 0 {
		t.Errorf("%d connections in use after a break", n)
	}
}

func TestLoops(t *testing.T) {
	db := site(t)
	for _, c := range []struct {
		name   string
		before []string
		edits  []string
		loop   string // what the refusal names; "" for none
	}{
		{name: "two rows", before: []string{"/a 301 /b"}, edits: []string{"/b 301 /a"}, loop: "/a"},
		{name: "in one write", edits: []string{"/a 301 /b", "/b 301 /c", "/c 302 /a"}, loop: "/c"},
		{name: "chain that ends", before: []string{"/a 301 /b"}, edits: []string{"/b 301 /c", "/c 410"}},
		{name: "the way out in one write", before: []string{"/a 301 /b", "/b 404"}, edits: []string{"/a 404", "/b 301 /a"}},
		{name: "own host", before: []string{"/a 301 /b"}, edits: []string{"/b 301 https://www.example.org/a"}, loop: "/b"},
		{name: "through a prefix row", before: []string{"/old/* 301 /new/*"}, edits: []string{"/new/* 301 /old/*"}, loop: "/old/*"},
		{name: "a target below a new prefix row", before: []string{"/new/a 301 /docs/a"}, edits: []string{"/docs/* 301 /new/*"}, loop: "/docs/*"},
		{name: "a prefix row beside the target", before: []string{"/new/a 301 /docs-a/a"}, edits: []string{"/docs/* 301 /new/*"}},
		{name: "uncovered by a removal", before: []string{"/b 404", "/a 301 /b", "/b/* 301 /a"}, edits: []string{"rm /b"}, loop: "/b/*"},
		{name: "index twin", before: []string{"/d/ 301 /e"}, edits: []string{"/e 301 /d/index.html"}, loop: "/d/"},
		{name: "a file ends the chain", before: []string{"/a 301 /b"}, edits: []string{"/c 301 /a"}},
		{name: "too long a chain", before: []string{"/1 301 /2", "/2 301 /3", "/3 301 /4", "/4 301 /5", "/5 301 /6", "/6 301 /7", "/7 301 /8", "/8 301 /9", "/9 301 /x"},
			edits: []string{"/0 301 /1", "/00 301 /0"}, loop: "/00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, many := range []bool{false, true} {
				exec(t, db, `DELETE FROM pages`)
				if len(c.before) > 0 {
					write(t, db, c.before...)
				}
				list := edits(t, c.edits...)
				if many { // beyond manyRedirects the table is loaded
					for i := range 2 * manyRedirects {
						list = append(list, set(t, fmt.Sprintf("/many/%d 302 https://example.org/%d", i, i)))
					}
				}
				_, err := db.Write(t.Context(), maria, list)
				switch {
				case c.loop == "" && err != nil:
					t.Errorf("many %v: %v", many, err)
				case c.loop != "" && (!errors.Is(err, ErrLoop) || !strings.Contains(err.Error(), c.loop)):
					t.Errorf("many %v: want a loop through %s, got %v", many, c.loop, err)
				case c.loop != "" && one[int](t, db, `SELECT count(*) FROM pages`) != len(c.before):
					t.Errorf("many %v: a refused write left rows", many)
				}
			}
		})
	}
}

// Where very much is removed, every redirect is looked at.
func TestLoopsAmongMany(t *testing.T) {
	db := site(t)
	write(t, db, "/b 404", "/a 301 /b", "/b/* 301 /a")
	exec(t, db, `INSERT INTO pages (path, status) SELECT '/many/' || n, 410 FROM generate_series(1, $1::int) n`, manyPrefixes)
	list := edits(t, "rm /b")
	for i := range manyPrefixes {
		list = append(list, edits(t, fmt.Sprint("rm /many/", i+1))...)
	}
	if _, err := db.Write(t.Context(), maria, list); !errors.Is(err, ErrLoop) || !strings.Contains(err.Error(), "/b/*") {
		t.Errorf("want a loop through /b/*, got %v", err)
	}
	if r, err := db.Write(t.Context(), maria, list[1:]); err != nil || r.Removed != manyPrefixes {
		t.Errorf("%+v, %v", r, err)
	}
}

// Edits with psql are logged, numbered and counted like all others.
func TestPlainSQL(t *testing.T) {
	s, db := pgtest.Shared(t), site(t)
	name := db.config.Database
	psql := func(statements string) {
		t.Helper()
		if _, err := s.SQL(name, statements); err != nil {
			t.Fatal(err)
		}
	}
	f := start(t, db, FollowerOptions{Listen: true})
	psql(`INSERT INTO pagemap.pages (path, status) VALUES ('/a', 410), ('/b', 404)`)
	psql(`BEGIN; UPDATE pagemap.pages SET status = 404 WHERE path = '/a'; SAVEPOINT s; DELETE FROM pagemap.pages; ROLLBACK TO s;
		INSERT INTO pagemap.pages (path, status, source) VALUES ('/c', 301, '/a'), ('/b', 410, '')
			ON CONFLICT (path) DO UPDATE SET status = excluded.status, source = excluded.source;
		INSERT INTO pagemap.pages (path, status) VALUES ('/b', 404), ('/d', 404) ON CONFLICT DO NOTHING; COMMIT`)
	psql(`UPDATE pagemap.pages SET status = status`) // changes nothing
	psql(`UPDATE pagemap.pages SET note = 'x' WHERE path = '/nowhere'`)
	psql(`SELECT pagemap.begin_change_set('ana', 'admin', 'why'); DELETE FROM pagemap.pages WHERE path = '/a'`)
	psql(`BEGIN; SELECT pagemap.begin_change_set('ana', 'admin', 'why'); DELETE FROM pagemap.pages WHERE path = '/b'; COMMIT`)
	psql("COPY pagemap.pages (path, status, source, origin) FROM STDIN;\n/x\t200\tfile:/x\timport\n/y\t404\t\tcli\n\\.\n")
	if got := one[string](t, db, `SELECT string_agg(number || c.path || COALESCE(old_status, 0) || '-' || COALESCE(new_status, 0) || s.author, ' ' ORDER BY number)
		FROM changes c JOIN change_sets s ON s.id = c.change_set`); got != "1/a0-410postgres 2/b0-404postgres 3/a410-404postgres 4/c0-301postgres "+
		"5/b404-410postgres 6/d0-404postgres 7/a404-0postgres 8/b410-0ana 9/x0-200postgres 10/y0-404postgres" {
		t.Errorf("log = %s", got)
	}
	eventually(t, 10e9, "the follower sees all", func() bool { return f.Health().Number == 10 })
	sameTable(t, f, db)
}

// Rows come back from a copy of the table, which has their old numbers.
func TestPlainSQLRowsFromACopy(t *testing.T) {
	db := site(t)
	write(t, db, "/a 410", "/b 410", "/c 410")
	exec(t, db, `CREATE TABLE public.saved AS SELECT * FROM pages`)
	write(t, db, "rm /c")
	exec(t, db, `INSERT INTO pages SELECT * FROM public.saved ORDER BY path ON CONFLICT DO NOTHING`)
	if r := write(t, db, "/d 410"); r.LastChange != 6 {
		t.Errorf("the next change is %d, want 6", r.LastChange)
	}
	if gaps := one[int64](t, db, `SELECT max(number) - count(*) FROM changes`); gaps != 0 {
		t.Errorf("%d numbers are missing in the log", gaps)
	}
}

// A role that only reads follows, but reaches the log and the lock by no function.
func TestReader(t *testing.T) {
	owner := site(t)
	write(t, owner, "/a 410")
	exec(t, owner, `CREATE ROLE reader LOGIN`)
	t.Cleanup(func() {
		_, _ = owner.writers.Exec(`DROP OWNED BY reader; DROP ROLE reader`)
	})
	exec(t, owner, `GRANT USAGE ON SCHEMA pagemap TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA pagemap TO reader`)
	db := open(t, strings.Replace(owner.dsn, "user=postgres", "user=reader", 1), "")
	f := start(t, db, FollowerOptions{Listen: true})
	write(t, owner, "/b 410")
	eventually(t, 10*time.Second, "the reader's follower", func() bool { return has(f, "/b", "") })
	for _, statement := range []string{
		`SELECT begin_change_set('x', 'cli', '')`,
		`SELECT log_begin()`,
		`SELECT log_end(1, 1, 'pagemap')`,
		`SELECT nextval('change_number')`,
		`CREATE TEMPORARY TABLE own (LIKE pages); CREATE TRIGGER t AFTER INSERT ON own REFERENCING NEW TABLE AS new_rows
			FOR EACH STATEMENT EXECUTE FUNCTION pages_log_insert()`,
		`CREATE TEMPORARY TABLE own2 (); CREATE TRIGGER t BEFORE INSERT ON own2 FOR EACH STATEMENT EXECUTE FUNCTION pages_lock()`,
		`DELETE FROM pages`,
		`SELECT FROM state FOR UPDATE`,
	} {
		if _, err := db.writers.ExecContext(t.Context(), statement); pq.As(err, pqerror.InsufficientPrivilege) == nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// A responder's role need not own the schema.
func TestWriter(t *testing.T) {
	owner := site(t)
	exec(t, owner, `CREATE ROLE writer LOGIN`)
	t.Cleanup(func() {
		_, _ = owner.writers.Exec(`DROP OWNED BY writer; DROP ROLE writer`)
	})
	exec(t, owner, `GRANT USAGE ON SCHEMA pagemap TO writer;
		GRANT SELECT ON ALL TABLES IN SCHEMA pagemap TO writer;
		GRANT INSERT, UPDATE, DELETE ON pages TO writer;
		GRANT USAGE ON SEQUENCE change_number TO writer;
		GRANT EXECUTE ON FUNCTION begin_change_set TO writer`)
	db := open(t, strings.Replace(owner.dsn, "user=postgres", "user=writer", 1), "")
	write(t, db, "/a 410", "/b 301 /c")
	write(t, db, "/b 301 /d", "rm /a")
	if r, err := db.AddFiles(t.Context(), crawl, []mapping.Row{file("/f"), file("/b")}); err != nil || r.Added != 1 {
		t.Errorf("AddFiles: %+v, %v", r, err)
	}
	if r, err := db.RemoveFiles(t.Context(), crawl, []string{"/f"}); err != nil || r.Removed != 1 {
		t.Errorf("RemoveFiles: %+v, %v", r, err)
	}
	if sets, err := db.History(t.Context(), HistoryFilter{Limit: 10}); err != nil || len(sets) != 4 || sets[2].Author != "maria" {
		t.Errorf("History: %+v, %v", sets, err)
	}
}

// A writer who waits says so, and ends with his context.
func TestWriteWaits(t *testing.T) {
	t.Parallel()
	db := site(t)
	said := make(chan string, 10)
	db.logger = slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		said <- string(p)
		return len(p), nil
	}), nil))
	err := inTx(t.Context(), db.writers, sql.TxOptions{}, func(tx *sql.Tx) error {
		if _, err := tx.Exec(`INSERT INTO pages (path, status) VALUES ('/open', 404)`); err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := db.Write(ctx, maria, edits(t, "/a 410"))
			done <- err
		}()
		select {
		case line := <-said:
			if !strings.Contains(line, "another writer") {
				t.Errorf("said %q", line)
			}
		case <-time.After(10 * time.Second):
			t.Error("it waits in silence")
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) && pq.As(err, pqerror.QueryCanceled) == nil {
			t.Errorf("it ended with %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, db, "/b 410")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestPlainSQLWithFewRights(t *testing.T) {
	db := site(t)
	exec(t, db, `CREATE ROLE editor`)
	exec(t, db, `GRANT USAGE ON SCHEMA pagemap TO editor`)
	exec(t, db, `GRANT SELECT, INSERT, UPDATE, DELETE ON pages TO editor`)
	exec(t, db, `GRANT USAGE ON SEQUENCE change_number TO editor`)
	exec(t, db, `GRANT EXECUTE ON FUNCTION begin_change_set TO editor`)
	conn, err := db.writers.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`SET SESSION AUTHORIZATION editor`,
		`INSERT INTO pagemap.pages (path, status) VALUES ('/a', 410)`,
		`UPDATE pagemap.pages SET status = 404`,
		`DELETE FROM pagemap.pages`,
		`SELECT pagemap.begin_change_set('editor', 'cli', 'with a reason')`,
	} {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if _, err := conn.ExecContext(t.Context(), `INSERT INTO pagemap.changes (number, change_set, path, changed_at) VALUES (9, 1, '/a', now())`); pq.As(err, pqerror.InsufficientPrivilege) == nil {
		t.Errorf("an editor writes the log: %v", err)
	}
	if _, err := conn.ExecContext(t.Context(), `RESET SESSION AUTHORIZATION`); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if author := one[string](t, db, `SELECT DISTINCT author FROM change_sets`); author != "editor" {
		t.Errorf("author = %s", author)
	}
	exec(t, db, `DROP OWNED BY editor`)
	exec(t, db, `DROP ROLE editor`)
}
