// The tree's rows, and the adder that brings them.

package postgres

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/postgres/pgtest"
)

var crawl = ChangeSet{Author: "populate", Origin: mapping.OriginPopulate}

func patterns(rows []mapping.Row) string {
	var list []string
	for _, r := range rows {
		list = append(list, r.Pattern)
	}
	return strings.Join(list, " ")
}

func TestFiles(t *testing.T) {
	db := site(t)
	write(t, db, "/a.html 410", "/b.html 200 file:/b.html")
	rows := []mapping.Row{file("/a.html"), file("/b.html"), file("/c.html"), file("/d/"), file("/d/")}
	rows[3].Source, rows[4].Source = "file:/d/index.html", "file:/d/index.html"
	absent, err := db.MissingFiles(t.Context(), []string{"/a.html", "/c.html", "/d/", "/d/"})
	if err != nil || strings.Join(absent, " ") != "/c.html /d/" {
		t.Fatalf("MissingFiles = %v, %v", absent, err)
	}
	r, err := db.AddFiles(t.Context(), crawl, rows)
	if err != nil || r.Added != 2 || r.Unchanged != 3 || r.LastChange != 4 {
		t.Fatalf("AddFiles = %+v, %v", r, err)
	}
	if r, err = db.AddFiles(t.Context(), crawl, rows); err != nil || r != (Result{Unchanged: 5}) {
		t.Fatalf("AddFiles again = %+v, %v", r, err)
	}
	if p, err := db.Page(t.Context(), "/a.html"); err != nil || p.Status != 410 {
		t.Fatalf("a person's row became %+v, %v", p, err)
	}
	if got := patterns(all(t, db.TreeRows(t.Context()))); got != "/c.html /d/" {
		t.Fatalf("TreeRows = %s", got)
	}
	write(t, db, "/d/ 200 file:/d/index.html") // a person keeps it: now it is his
	r, err = db.RemoveFiles(t.Context(), crawl, []string{"/a.html", "/b.html", "/c.html", "/d/", "/nowhere"})
	if err != nil || r.Removed != 1 || r.Unchanged != 4 {
		t.Fatalf("RemoveFiles = %+v, %v", r, err)
	}
	if got := patterns(all(t, db.TreeRows(t.Context()))); got != "" {
		t.Fatalf("TreeRows = %s", got)
	}
	if _, err := db.AddFiles(t.Context(), maria, rows); err == nil {
		t.Fatal("AddFiles with a person's origin succeeds")
	}
	if n := one[int](t, db, `SELECT count(*) FROM change_sets`); n != 4 {
		t.Fatalf("%d change-sets, want 4: empty ones were left", n)
	}
}

// Several responders find the same files at once, and people write meanwhile.
func TestFilesRace(t *testing.T) {
	db := site(t)
	const writers, files = 8, 200
	var wg sync.WaitGroup
	added := make(chan int, writers)
	for w := range writers {
		wg.Go(func() {
			sum := 0
			for batch := range 4 {
				var rows []mapping.Row
				for i := range files / 4 {
					rows = append(rows, file(fmt.Sprintf("/f%d", (batch*files/4+i+w*37)%files)))
				}
				r, err := db.AddFiles(t.Context(), crawl, rows)
				if err != nil {
					t.Error(err)
				}
				sum += r.Added
			}
			added <- sum
		})
	}
	wg.Go(func() {
		for i := range 20 {
			if _, err := db.Write(t.Context(), maria, edits(t, fmt.Sprintf("/f%d 410", i*7))); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	close(added)
	if n := one[int](t, db, `SELECT count(*) FROM pages`); n != files {
		t.Errorf("%d rows, want %d", n, files)
	}
	if n := one[int](t, db, `SELECT count(*) FROM pages WHERE status = 410`); n != 20 {
		t.Errorf("%d rows of the person, want 20", n)
	}
	sum := 0
	for n := range added {
		sum += n
	}
	byPerson := one[int](t, db, `SELECT count(*) FROM changes WHERE old_status IS NULL AND new_origin = 'cli'`)
	if sum+byPerson != files {
		t.Errorf("%d rows added by the crawl and %d by the person, want %d in all", sum, byPerson, files)
	}
	if last := one[int64](t, db, `SELECT last FROM state`); last != one[int64](t, db, `SELECT count(*) FROM changes`) {
		t.Errorf("the log has gaps: last number %d", last)
	}
}

func TestAdder(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t, pgtest.Options{})
	db := open(t, s.DSN("postgres"), "")
	migrate(t, db)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var adders []*Adder
	for range 3 {
		a := NewAdder(db, AdderOptions{Author: "pagemapd", Every: 20 * time.Millisecond, Limit: 6, Logger: logger(t)})
		adders = append(adders, a)
		wg.Go(func() { _ = a.Run(ctx) })
	}
	defer wg.Wait()
	defer cancel()
	count := func(n int) func() bool {
		return func() bool { return one[int](t, db, `SELECT count(*) FROM pages WHERE origin = 'auto'`) == n }
	}
	for _, a := range adders {
		for range 10 {
			a.Add(file("/same"))
		}
		a.Add(file("/not canonical"))
		a.Add(file("/good"))
	}
	eventually(t, 10*time.Second, "no adder holds anything, in spite of a bad row", func() bool {
		sum := 0
		for _, a := range adders {
			a.mu.Lock()
			sum += len(a.waiting)
			a.mu.Unlock()
		}
		return sum == 0
	})
	if !count(2)() {
		t.Fatal("two good rows are not two rows")
	}
	if n := one[int](t, db, `SELECT count(*) FROM changes`); n != 2 {
		t.Errorf("%d changes for 2 rows found by three responders", n)
	}
	s.Kill()
	for i := range 20 { // beyond the limit rows are dropped
		adders[0].Add(file(fmt.Sprintf("/while-down%d", i)))
	}
	time.Sleep(50 * time.Millisecond) // some attempts fail
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "what was found meanwhile is written", count(8))
	adders[1].Add(file("/last"))
	cancel()
	wg.Wait()
	if !count(9)() {
		t.Error("what waited at the end is lost")
	}

	// A server that hangs does not hold up the end.
	a := NewAdder(db, AdderOptions{Every: time.Millisecond, Logger: logger(t)})
	a.Add(file("/hangs"))
	ctx, cancel = context.WithCancel(context.Background())
	s.Pause()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = a.Run(ctx) // it ends with the context's error
	}()
	time.Sleep(20 * time.Millisecond) // a batch is under way
	cancel()
	select {
	case <-ended:
	case <-time.After(4 * endTimeout):
		t.Error("Run does not end while the server hangs")
	}
	s.Resume()
}
