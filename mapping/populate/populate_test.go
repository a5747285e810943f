// Tests of the crawl into a real database.

package populate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/postgres/pgtest"
	"pagemap/mapping/tree"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// site makes a tree of files, name → content, "-> " for symlinks.
func site(t testing.TB, files map[string]string) (string, *tree.Tree) {
	t.Helper()
	root, err := os.MkdirTemp("", "pm")
	must(t, err)
	must(t, os.Chmod(root, 0o755)) // for unprivileged
	t.Cleanup(func() { os.RemoveAll(root) })
	for name, content := range files {
		write(t, root, name, content)
	}
	tr, err := tree.Open(root, tree.Options{})
	must(t, err)
	t.Cleanup(func() { tr.Close() })
	return root, tr
}

func write(t testing.TB, root, name, content string) {
	t.Helper()
	full := filepath.Join(root, name)
	must(t, os.MkdirAll(filepath.Dir(full), 0o755))
	if target, ok := strings.CutPrefix(content, "-> "); ok {
		must(t, os.Symlink(target, full))
		return
	}
	must(t, os.WriteFile(full, []byte(content), 0o644))
}

// unprivileged makes root's goroutine, until the test ends, a user to whom not everything is readable.
func unprivileged(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	runtime.LockOSThread()
	_, err := unix.SetfsuidRetUid(65534)
	must(t, err)
	t.Cleanup(func() {
		_, err := unix.SetfsuidRetUid(0)
		must(t, err)
		runtime.UnlockOSThread()
	})
}

// database is an empty page table.
func database(t testing.TB) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(postgres.Options{DSN: pgtest.Database(t)})
	must(t, err)
	t.Cleanup(func() { db.Close() })
	_, err = db.Migrate(t.Context())
	must(t, err)
	return db
}

// dump lists the table: "path source origin".
func dump(t testing.TB, db *postgres.DB) []string {
	t.Helper()
	var rows []string
	for p, err := range db.Pages(t.Context(), postgres.Filter{}) {
		must(t, err)
		rows = append(rows, fmt.Sprintf("%s %s %s", p.Pattern, p.Source, p.Origin))
	}
	return rows
}

func wantRows(t testing.TB, db *postgres.DB, want ...string) {
	t.Helper()
	if got := dump(t, db); !slices.Equal(got, want) {
		t.Errorf("table:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// numbers of a report: files, added, unchanged, vanished, pruned.
func wantNumbers(t testing.TB, r *Report, want ...int) {
	t.Helper()
	if got := []int{r.Files, r.Added, r.Unchanged, r.Vanished.Total, r.Pruned}; !slices.Equal(got, want) {
		t.Errorf("files, added, unchanged, vanished, pruned: %v, want %v", got, want)
	}
}

func TestRun(t *testing.T) {
	root, tr := site(t, map[string]string{
		"index.html": "home", "index.htm": "second", "a b%.html": "x", "dir/index.html": "x", "dir/file.zip": "x",
		"kept.html": "x", ".git/x": "x",
	})
	db := database(t)
	wiki := mapping.Page{Row: mapping.Row{Pattern: "/kept.html", Status: 200, Source: "wiki:Kept"}}
	_, err := db.Write(t.Context(), postgres.ChangeSet{Author: "ann", Origin: mapping.OriginCLI}, []postgres.Edit{{Pattern: wiki.Pattern, Page: &wiki}})
	must(t, err)

	var last Progress
	o := Options{
		Tree: tr, Store: db, BatchSize: 2, Author: "ann", Note: "first crawl",
		Progress: func(p Progress) { last = p },
	}
	dry := o
	dry.DryRun = true
	r, err := Run(t.Context(), dry)
	must(t, err)
	wantNumbers(t, r, 6, 5, 1, 0, 0)
	wantRows(t, db, "/kept.html wiki:Kept cli")

	r, err = Run(t.Context(), o)
	must(t, err)
	wantNumbers(t, r, 6, 5, 1, 0, 0)
	if !r.Complete || r.Pages != 5 || r.Data != 1 || last != (Progress{Files: 6, Added: 5}) {
		t.Errorf("%+v, %+v", r, last)
	}
	crawled := []string{
		"/ file:/index.html populate",
		"/a%20b%25.html file:/a%20b%25.html populate",
		"/dir/ file:/dir/index.html populate",
		"/dir/file.zip file:/dir/file.zip populate",
		"/index.htm file:/index.htm populate",
		"/kept.html wiki:Kept cli",
	}
	wantRows(t, db, crawled...)
	page, err := db.Page(t.Context(), "/dir/")
	must(t, err)
	if page.ChangedBy != "ann" {
		t.Errorf("changed by %q", page.ChangedBy)
	}

	r, err = Run(t.Context(), o)
	must(t, err)
	wantNumbers(t, r, 6, 0, 6, 0, 0)
	wantRows(t, db, crawled...)

	write(t, root, "new.html", "x")
	r, err = Run(t.Context(), o)
	must(t, err)
	wantNumbers(t, r, 7, 1, 6, 0, 0)
	wantRows(t, db, append(crawled, "/new.html file:/new.html populate")...)
}

func TestPrune(t *testing.T) {
	files := map[string]string{"linked": "-> dir", "dir/below.html": "x", "person.html": "x", "private/x.html": "x"}
	for i := range 10 {
		files[fmt.Sprintf("%d.html", i)] = "x"
	}
	root, tr := site(t, files)
	db := database(t)
	o := Options{Tree: tr, Store: db, BatchSize: 2}
	_, err := Run(t.Context(), o)
	must(t, err)
	auto := []mapping.Row{{Pattern: "/linked/below.html", Source: "file:/linked/below.html", Status: 200}}
	_, err = db.AddFiles(t.Context(), postgres.ChangeSet{Origin: mapping.OriginAuto}, auto)
	must(t, err)
	person := mapping.Page{Row: mapping.Row{Pattern: "/person.html", Status: 200, Source: "file:/9.html"}}
	_, err = db.Write(t.Context(), postgres.ChangeSet{Origin: mapping.OriginAdmin}, []postgres.Edit{{Pattern: person.Pattern, Page: &person}})
	must(t, err)

	for _, name := range []string{"0.html", "1.html", "2.html", "person.html"} {
		must(t, os.Remove(filepath.Join(root, name)))
	}
	write(t, root, "private/.htaccess", "Require all denied")
	tr, err = tree.Open(root, tree.Options{})
	must(t, err)
	defer tr.Close()
	o.Tree = tr
	r, err := Run(t.Context(), o)
	must(t, err)
	wantNumbers(t, r, 8, 0, 8, 4, 0)
	want := []Finding{
		{"/0.html", string(tree.Missing)}, {"/1.html", string(tree.Missing)}, {"/2.html", string(tree.Missing)},
		{"/private/x.html", string(tree.Restricted)},
	}
	if !slices.Equal(r.Vanished.Findings, want) {
		t.Errorf("vanished: %v", r.Vanished.Findings)
	}

	before := dump(t, db)
	o.Prune, o.DryRun = true, true
	r, err = Run(t.Context(), o)
	must(t, err)
	wantNumbers(t, r, 8, 0, 8, 4, 4)
	wantRows(t, db, before...)

	o.DryRun = false
	r, err = Run(t.Context(), o)
	must(t, err)
	wantNumbers(t, r, 8, 0, 8, 4, 4)
	wantRows(t, db, "/3.html file:/3.html populate", "/4.html file:/4.html populate", "/5.html file:/5.html populate",
		"/6.html file:/6.html populate", "/7.html file:/7.html populate", "/8.html file:/8.html populate", "/9.html file:/9.html populate",
		"/dir/below.html file:/dir/below.html populate", "/linked/below.html file:/linked/below.html auto", "/person.html file:/9.html admin")

	r, err = Run(t.Context(), o)
	must(t, err)
	wantNumbers(t, r, 8, 0, 8, 0, 0)
}

// TestPruneOfAnEmptyTree is what an unmounted file system looks like.
func TestPruneOfAnEmptyTree(t *testing.T) {
	_, full := site(t, map[string]string{"a.html": "x", "b.html": "x", "c.html": "x"})
	_, empty := site(t, map[string]string{"a.html": "x"})
	db := database(t)
	_, err := Run(t.Context(), Options{Tree: full, Store: db})
	must(t, err)
	o := Options{Tree: empty, Store: db, Prune: true}
	r, err := Run(t.Context(), o)
	if !errors.Is(err, ErrTooMany) || r.Pruned != 0 || len(dump(t, db)) != 3 {
		t.Errorf("%v, %+v", err, r)
	}
	o.Force = true
	r, err = Run(t.Context(), o)
	must(t, err)
	wantNumbers(t, r, 1, 0, 1, 2, 2)
	wantRows(t, db, "/a.html file:/a.html populate")
}

// TestPruneOfAnotherTree: that it has more files than the right one is no excuse.
func TestPruneOfAnotherTree(t *testing.T) {
	_, right := site(t, map[string]string{"a.html": "x", "b.html": "x"})
	_, other := site(t, map[string]string{"1.html": "x", "2.html": "x", "3.html": "x", "4.html": "x"})
	for _, dry := range []bool{true, false} {
		db := database(t)
		_, err := Run(t.Context(), Options{Tree: right, Store: db})
		must(t, err)
		r, err := Run(t.Context(), Options{Tree: other, Store: db, Prune: true, DryRun: dry})
		if !errors.Is(err, ErrTooMany) || r.Pruned != 0 || r.Added != 4 {
			t.Errorf("dry run %v: %v, %+v", dry, err, r)
		}
	}
}

// TestPruneUnread: a part of the tree that cannot be read has not vanished.
func TestPruneUnread(t *testing.T) {
	root, tr := site(t, map[string]string{"a.html": "x", "b.html": "x", "c.html": "x", "dir/x.html": "x"})
	db := database(t)
	_, err := Run(t.Context(), Options{Tree: tr, Store: db})
	must(t, err)
	must(t, os.Remove(filepath.Join(root, "c.html")))
	must(t, os.Chmod(filepath.Join(root, "dir"), 0))
	t.Cleanup(func() { os.Chmod(filepath.Join(root, "dir"), 0o755) })
	unprivileged(t)
	r, err := Run(t.Context(), Options{Tree: tr, Store: db, Prune: true})
	if !errors.Is(err, ErrUnread) || r.Pruned != 0 || len(dump(t, db)) != 4 {
		t.Errorf("%v, %+v", err, r)
	}
}

// TestPruneUnreadFile: a file that cannot be read keeps its row and nothing else from being pruned.
func TestPruneUnreadFile(t *testing.T) {
	root, tr := site(t, map[string]string{"a.html": "x", "b.html": "x", "c.html": "x"})
	db := database(t)
	_, err := Run(t.Context(), Options{Tree: tr, Store: db})
	must(t, err)
	must(t, os.Remove(filepath.Join(root, "c.html")))
	must(t, os.Chmod(filepath.Join(root, "a.html"), 0))
	unprivileged(t)
	r, err := Run(t.Context(), Options{Tree: tr, Store: db, Prune: true})
	must(t, err)
	wantNumbers(t, r, 1, 0, 1, 1, 1)
	wantRows(t, db, "/a.html file:/a.html populate", "/b.html file:/b.html populate")
}

// TestStopped ends a run between two batches; the next goes on.
func TestStopped(t *testing.T) {
	files := map[string]string{}
	for i := range 30 {
		files[fmt.Sprintf("%02d.html", i)] = "x"
	}
	_, tr := site(t, files)
	db := database(t)
	ctx, stop := context.WithCancel(t.Context())
	o := Options{Tree: tr, Store: db, BatchSize: 7, Prune: true, Progress: func(p Progress) {
		if p.Added == 14 {
			stop()
		}
	}}
	r, err := Run(ctx, o)
	if !errors.Is(err, ErrStopped) || !errors.Is(err, context.Canceled) || r.Complete || r.Added != 14 {
		t.Errorf("%v, %+v", err, r)
	}
	if n := len(dump(t, db)); n != 14 {
		t.Errorf("%d rows", n)
	}
	r, err = Run(t.Context(), o)
	must(t, err)
	wantNumbers(t, r, 30, 16, 14, 0, 0)
}

// TestStoreFails: the database's error comes back, also while the crawl goes on.
func TestStoreFails(t *testing.T) {
	files := map[string]string{}
	for i := range 30 {
		files[fmt.Sprintf("%02d.html", i)] = "x"
	}
	_, tr := site(t, files)
	db, err := postgres.Open(postgres.Options{DSN: pgtest.Database(t)}) // without a schema
	must(t, err)
	defer db.Close()
	for _, dry := range []bool{false, true} {
		r, err := Run(t.Context(), Options{Tree: tr, Store: db, BatchSize: 2, DryRun: dry})
		if !errors.Is(err, postgres.ErrSchemaTooOld) || r.Complete || r.Added != 0 {
			t.Errorf("%v, %+v", err, r)
		}
	}
}

func TestReport(t *testing.T) {
	root, tr := site(t, map[string]string{
		"index.html": "x", "Index.html": "x", "image.png": "x", "x.zip": "x", "prog.php": "x", "page.html~": "x", ".git/a": "x",
		"out": "-> /etc", "in": "-> dir", "broken": "-> none", "dir/.htaccess": "RewriteEngine On\nREWRITEENGINE Off\nErrorDocument 404 \x1b[31m\n",
		"private/.htaccess": "Require all denied", "new\nline": "x",
	})
	must(t, os.WriteFile(filepath.Join(root, "large.png"), make([]byte, mapping.DefaultImageLimit+1), 0o644))
	rows, r, err := Rows(t.Context(), tr)
	must(t, err)
	var got []string
	for _, row := range rows {
		got = append(got, row.Pattern+" "+row.Source)
		if row.Status != 200 || row.Origin != mapping.OriginPopulate {
			t.Errorf("row %+v", row)
		}
	}
	want := []string{"/Index.html file:/Index.html", "/image.png file:/image.png", "/ file:/index.html", "/large.png file:/large.png", "/x.zip file:/x.zip"}
	if !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}

	var text bytes.Buffer
	must(t, r.WriteText(&text, 10))
	wantText := `5 files: 3 pages, 2 data resources
5 added, 0 unchanged, 0 vanished, 0 pruned

Refused
  1 broken symlink
    /broken  none
  1 dotfile
    /.git/
  1 leftover
    /page.html~

Needing a decision
  2 no longer honoured: rewriteengine
    /dir/.htaccess  line 1: RewriteEngine On
    /dir/.htaccess  line 2: REWRITEENGINE Off
  1 linked directory, not crawled: its URLs answer
    /in/  leads to dir
  1 name that no URL can spell
    "new\nline"
  1 names that differ in case alone: other spellings answer 404
    /  /Index.html /index.html
  1 no longer honoured: errordocument
    /dir/.htaccess  line 3: ErrorDocument 404 ?[31m
  1 program source
    /prog.php
  1 restricted by .htaccess
    /private/  /private/.htaccess line 1: Require all denied
  1 symlink out of the tree
    /out  /etc
`
	if text.String() != wantText {
		t.Errorf("%s\nwant\n%s", text.String(), wantText)
	}
	coded, err := json.Marshal(r)
	must(t, err)
	var again Report
	must(t, json.Unmarshal(coded, &again))
	if fmt.Sprint(again.Decisions) != fmt.Sprint(r.Decisions) || again.Files != 5 || !again.Complete || !bytes.Contains(coded, []byte(`{"kind":"leftover","total":1,"findings":[{"path":"/page.html~"}]}`)) {
		t.Errorf("%s", coded)
	}
}

func TestReportIsCapped(t *testing.T) {
	files := map[string]string{}
	for i := range maxFindings + 20 {
		files[fmt.Sprintf("%d.php", i)] = ""
	}
	_, tr := site(t, files)
	_, r, err := Rows(t.Context(), tr)
	must(t, err)
	var text bytes.Buffer
	must(t, r.WriteText(&text, 5))
	if g := r.Decisions[0]; g.Total != maxFindings+20 || len(g.Findings) != maxFindings || !strings.HasSuffix(text.String(), "\n    and 115 more\n") {
		t.Errorf("%d, %d:\n%s", g.Total, len(g.Findings), &text)
	}
}

// BenchmarkRun compares a run with find over the tree and a \copy of the same rows.
func BenchmarkRun(b *testing.B) {
	const files = 100_000
	root, tr := site(b, nil)
	for i := range 100 {
		must(b, os.Mkdir(fmt.Sprintf("%s/directory%d", root, i), 0o755))
		for j := range files / 100 {
			must(b, os.WriteFile(fmt.Sprintf("%s/directory%d/page%d.html", root, i, j), nil, 0o644))
		}
	}
	server := pgtest.Shared(b)
	migrated := func() (name string, db *postgres.DB) {
		name = server.CreateDatabase(b)
		db, err := postgres.Open(postgres.Options{DSN: server.DSN(name)})
		must(b, err)
		b.Cleanup(func() { db.Close() })
		_, err = db.Migrate(b.Context())
		must(b, err)
		return name, db
	}
	b.Run("find and copy", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			name, _ := migrated()
			b.StartTimer()
			rows, err := exec.Command("find", root, "-type", "f", "-printf", `/%P\t200\tfile:/%P\tpopulate\t0\n`).Output()
			must(b, err)
			_, err = server.RunInput(rows, "psql", "-X", "-q", "-d", server.DSN(name), "-c",
				`\copy pagemap.pages (path, status, source, origin, change) FROM pstdin`)
			must(b, err)
		}
	})
	b.Run("populate", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			_, db := migrated()
			b.StartTimer()
			r, err := Run(b.Context(), Options{Tree: tr, Store: db})
			if err != nil || r.Added != files {
				b.Fatal(r, err)
			}
		}
	})
}
