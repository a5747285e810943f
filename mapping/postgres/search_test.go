// Searches, with the indexes and without.

package postgres

import (
	"bytes"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/postgres/pgtest"
)

func TestSearch(t *testing.T) {
	db := site(t)
	write(t, db, "/docs/install.html 301 https://new.example.org/Setup/", "/docs/100%25.html 410", "/a_b 404", "/axb 404", "/docs/* 301 https://docs.example.org/*")
	if _, err := db.Import(t.Context(), imports, Batch{Pages: rows(t, "/news 302 /docs/install.html #old", "populate: /about.html 200 file:/about.html", "/about 200 file:/about.html")}); err != nil {
		t.Fatal(err)
	}
	exec(t, db, `INSERT INTO hits (day, path, hits, last) VALUES ('2026-01-01', '/news', 3, '2026-01-01 10:00Z')`)
	var middle time.Time
	if err := db.writers.QueryRow(`SELECT max(at) FROM change_sets`).Scan(&middle); err != nil {
		t.Fatal(err)
	}
	for _, indexed := range []bool{true, false} {
		if !indexed {
			exec(t, db, `DROP INDEX pages_path_trigrams; DROP INDEX pages_source_trigrams`)
		}
		for _, c := range []struct {
			query Query
			want  string
		}{
			{Query{}, "/a_b /about /about.html /axb /docs/* /docs/100%25.html /docs/install.html /news"},
			{Query{Text: "install"}, "/docs/install.html /news"},
			{Query{Text: "install", In: InPath}, "/docs/install.html"},
			{Query{Text: "install", In: InSource}, "/news"},
			{Query{Text: "Setup"}, "/docs/install.html"},
			{Query{Text: "setup"}, ""},
			{Query{Text: "(?i)SETUP/$", How: Matches}, "/docs/install.html"},
			{Query{Text: `^/(a|d).*\.html$`, How: Matches, In: InPath}, "/about.html /docs/100%25.html /docs/install.html"},
			{Query{Text: "/docs", How: Prefix}, "/docs/* /docs/100%25.html /docs/install.html /news"},
			{Query{Text: "/docs", How: Prefix, In: InSource}, "/news"},
			{Query{Text: "a_b"}, "/a_b"},
			{Query{Text: "0%2"}, "/docs/100%25.html"},
			{Query{Text: `\`}, ""},
			{Query{Text: "file:"}, "/about"},
			{Query{Text: "about", Filter: Filter{Limit: 1}}, "/about"},
			{Query{Text: "about", Filter: Filter{After: "/about"}}, "/about.html"},
			{Query{Text: "docs", Filter: Filter{Status: 302}}, "/news"},
			{Query{Filter: Filter{Tag: "old"}}, "/news"},
			{Query{Filter: Filter{ChangedBy: "ana"}}, "/about /about.html /news"},
			{Query{Filter: Filter{ChangedBy: "nobody"}}, ""},
			{Query{Filter: Filter{Since: middle}}, "/about /about.html /news"},
			{Query{Filter: Filter{NeverHit: true, Status: 302}}, ""},
			{Query{Filter: Filter{NeverHit: true, Under: "/about"}}, "/about"},
			{Query{Filter: Filter{Origins: []mapping.Origin{mapping.OriginPopulate, mapping.OriginAuto}}}, "/about.html"},
		} {
			found, err := db.Search(t.Context(), c.query)
			var got []string
			for _, p := range found {
				got = append(got, p.Pattern)
			}
			if err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("indexed %v: %+v: got %v, want %s, %v", indexed, c.query, got, c.want, err)
			}
		}
	}
	if _, err := db.Search(t.Context(), Query{Text: "(", How: Matches}); !errors.Is(err, ErrBadExpression) {
		t.Errorf("bad expression: %v", err)
	}
	for _, bad := range []string{"\xff", "a\x00"} {
		if _, err := db.Search(t.Context(), Query{Text: bad}); err == nil {
			t.Errorf("%q is searched", bad)
		}
	}
}

// Texts that most rows have are found along the paths, unless they stand together
// at the end; then by the indexes. Either way they are the first ones.
func TestSearchAmongMany(t *testing.T) {
	db := site(t)
	exec(t, db, `INSERT INTO pages (path, status, source)
		SELECT '/p' || to_char(n, 'FM000000') || CASE WHEN n > 50000 THEN '/late' ELSE '' END, 301, '/target' FROM generate_series(1, 80000) n`)
	// "/p0" is common, and the rest of "/p0-zebra" finds both of these.
	exec(t, db, `INSERT INTO pages (path, status, source) VALUES ('/p0-zebra', 410, ''), ('/a/xp0-zebra', 410, '')`)
	exec(t, db, `ANALYZE pages`)
	for text, want := range map[string]string{"target": "/p000001", "late": "/p050001/late", "p079999": "/p079999/late", "/p0-zebra": "/p0-zebra"} {
		found, err := db.Search(t.Context(), Query{Text: text, Filter: Filter{Limit: 3}})
		if err != nil || found[0].Pattern != want {
			t.Errorf("%s: %+v, %v", text, found, err)
		}
		if alone := text == "p079999" || text == "/p0-zebra"; alone && len(found) != 1 || !alone && len(found) != 3 {
			t.Errorf("%s: %d rows", text, len(found))
		}
	}
}

// What takes too long is given up, with advice.
func TestSlowSearch(t *testing.T) {
	t.Parallel()
	db := site(t)
	err := inTx(t.Context(), db.writers, sql.TxOptions{}, func(tx *sql.Tx) error {
		if _, err := tx.Exec(`LOCK TABLE pages`); err != nil {
			return err
		}
		_, err := db.Search(t.Context(), Query{Text: "aaa"})
		return err
	})
	if !errors.Is(err, ErrSlowSearch) {
		t.Error(err)
	}
	if _, err := db.Search(t.Context(), Query{Text: "aaa"}); err != nil {
		t.Errorf("the next search: %v", err)
	}
}

// Who may not install the extension is told, and has a table all the same; once
// it is there, the next migration makes the indexes.
func TestSearchWithoutExtension(t *testing.T) {
	admin := open(t, pgtest.Database(t), "")
	exec(t, admin, `CREATE ROLE modest LOGIN`)
	t.Cleanup(func() {
		_, _ = admin.writers.Exec(`DROP OWNED BY modest CASCADE; DROP ROLE modest`)
	})
	exec(t, admin, `CREATE SCHEMA pagemap AUTHORIZATION modest`)
	var said bytes.Buffer
	db := open(t, strings.Replace(admin.dsn, "user=postgres", "user=modest", 1), "")
	db.logger = slog.New(slog.NewTextHandler(&said, nil))
	migrate(t, db)
	if !strings.Contains(said.String(), "CREATE EXTENSION pg_trgm") {
		t.Errorf("said %q", said.String())
	}
	write(t, db, "/abc 404")
	if found, err := db.Search(t.Context(), Query{Text: "bc"}); err != nil || len(found) != 1 {
		t.Errorf("search: %v, %v", found, err)
	}
	exec(t, admin, `CREATE EXTENSION pg_trgm SCHEMA public`)
	said.Reset()
	migrate(t, db)
	if said.Len() > 0 {
		t.Errorf("said %q", said.String())
	}
	if n := one[int](t, db, `SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'pages_%_trigrams'`); n != 2 {
		t.Errorf("%d indexes", n)
	}
}

// The owner of a database needs no superuser for the extension.
func TestSearchIndexesByOwner(t *testing.T) {
	admin := open(t, pgtest.Database(t), "")
	exec(t, admin, `CREATE ROLE owner LOGIN`)
	t.Cleanup(func() {
		_, _ = admin.writers.Exec(`REASSIGN OWNED BY owner TO postgres; DROP OWNED BY owner CASCADE; DROP ROLE owner`)
	})
	exec(t, admin, `ALTER DATABASE `+admin.config.Database+` OWNER TO owner`)
	var said bytes.Buffer
	db := open(t, strings.Replace(admin.dsn, "user=postgres", "user=owner", 1), "")
	db.logger = slog.New(slog.NewTextHandler(&said, nil))
	migrate(t, db)
	if said.Len() > 0 {
		t.Errorf("said %q", said.String())
	}
}
