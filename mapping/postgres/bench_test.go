// Benchmarks, as ratios to what psql needs for the same rows.

package postgres

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/postgres/pgtest"
)

// crawled are rows like those of a tree of documentation.
func crawled(n int) []mapping.Row {
	rows := make([]mapping.Row, n)
	for i := range rows {
		rows[i] = file(fmt.Sprintf("/docs/section%d/chapter%d/page-%d.html", i%50, i%1000, i))
		rows[i].Origin = mapping.OriginPopulate
	}
	return rows
}

// copyFile is a file for \copy of the rows, and its columns.
func copyFile(b *testing.B, rows []mapping.Row) string {
	b.Helper()
	var text bytes.Buffer
	for _, r := range rows {
		fmt.Fprintf(&text, "%s\t%d\t%s\t%s\n", r.Pattern, r.Status, r.Source, r.Origin)
	}
	dir, err := os.MkdirTemp("", "pm")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	name := filepath.Join(dir, "rows")
	if err := os.Chmod(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(name, text.Bytes(), 0o644); err != nil {
		b.Fatal(err)
	}
	return name
}

// median runs do n times and returns the median of what it took.
func median(n int, do func()) time.Duration {
	var took []time.Duration
	for range n {
		start := time.Now()
		do()
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took[n/2]
}

func psql(b *testing.B, db *DB, command string) {
	b.Helper()
	if _, err := pgtest.Shared(b).Run("psql", "-X", "-q", "-d", db.dsn, "-c", command); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkLoad loads 1,000,000 rows; "ratio" is to \copy of the same columns.
func BenchmarkLoad(b *testing.B) {
	db := site(b)
	psql(b, db, `\copy pagemap.pages (path, status, source, origin) FROM `+copyFile(b, crawled(1000000)))
	psql(b, db, `VACUUM ANALYZE pagemap.pages`)
	pool, err := db.pool(silence)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	load := func() {
		f := NewFollower(db, FollowerOptions{})
		if err := f.sync(b.Context(), pool); err != nil {
			b.Fatal(err)
		}
	}
	unload := func() {
		psql(b, db, `\copy (SELECT path, status, source, drop_query, origin, change, changed_at FROM pagemap.pages) TO /dev/null`)
	}
	load()
	unload()
	for b.Loop() {
		mine, theirs := median(5, load), median(5, unload)
		b.ReportMetric(mine.Seconds(), "load-s")
		b.ReportMetric(theirs.Seconds(), "copy-s")
		b.ReportMetric(float64(mine)/float64(theirs), "ratio")
	}
}

// BenchmarkFollow measures from before a write to when the follower has it.
func BenchmarkFollow(b *testing.B) {
	db := site(b)
	if _, err := db.AddFiles(b.Context(), crawl, crawled(100000)); err != nil {
		b.Fatal(err)
	}
	f := start(b, db, FollowerOptions{Listen: true, Poll: time.Hour})
	eventually(b, 10*time.Second, "listening", func() bool { return listeners(b, db, "*") > 0 })
	i := 0
	for b.Loop() {
		i++
		source := fmt.Sprintf("/target%d", i)
		before := time.Now()
		write(b, db, "/changed 302 "+source)
		committed := time.Now()
		for !has(f, "/changed", source) {
			time.Sleep(20 * time.Microsecond)
		}
		b.ReportMetric(float64(committed.Sub(before).Microseconds()), "write-µs")
		b.ReportMetric(float64(time.Since(committed).Microseconds()), "seen-µs")
	}
}

// BenchmarkFollow250k is the same for 250,000 rows in one change-set.
func BenchmarkFollow250k(b *testing.B) {
	db := site(b)
	f := start(b, db, FollowerOptions{Listen: true})
	rows := crawled(250000)
	for b.Loop() {
		psql(b, db, `DELETE FROM pagemap.pages`)
		eventually(b, time.Minute, "empty", func() bool { return f.Table().Len() == 0 })
		if _, err := db.AddFiles(b.Context(), crawl, rows); err != nil {
			b.Fatal(err)
		}
		committed := time.Now()
		for f.Table().Len() != len(rows) {
			time.Sleep(time.Millisecond)
		}
		b.ReportMetric(time.Since(committed).Seconds(), "seen-s")
	}
}

// BenchmarkAddFiles adds 100,000 rows; "ratio" is to \copy of the same rows into
// the same tables with their log.
func BenchmarkAddFiles(b *testing.B) {
	db := site(b)
	rows := crawled(100000)
	name := copyFile(b, rows)
	empty := func() {
		if err := db.wipe(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	timed := func(do func()) time.Duration {
		var took []time.Duration
		for range 5 {
			empty()
			start := time.Now()
			do()
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		return took[2]
	}
	for b.Loop() {
		mine := timed(func() {
			for batch := range slices.Chunk(rows, 10000) {
				if _, err := db.AddFiles(b.Context(), crawl, batch); err != nil {
					b.Fatal(err)
				}
			}
		})
		theirs := timed(func() { psql(b, db, `\copy pagemap.pages (path, status, source, origin) FROM `+name) })
		again := median(3, func() {
			for batch := range slices.Chunk(rows, 10000) {
				if _, err := db.AddFiles(b.Context(), crawl, batch); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.ReportMetric(mine.Seconds(), "add-s")
		b.ReportMetric(theirs.Seconds(), "copy-s")
		b.ReportMetric(again.Seconds(), "again-s")
		b.ReportMetric(float64(mine)/float64(theirs), "ratio")
	}
}

// wipe empties the site as no program may.
func (db *DB) wipe(ctx context.Context) error {
	_, err := db.writers.ExecContext(ctx, `SET session_replication_role = replica;
		TRUNCATE pages, changes, change_sets; UPDATE state SET last = 0, pages = 0; RESET session_replication_role`)
	return err
}

// BenchmarkSnapshot reads a snapshot of 100,000 rows.
func BenchmarkSnapshot(b *testing.B) {
	name := filepath.Join(b.TempDir(), "s")
	if err := saveSnapshot(name, "pagemap", somewhere, mapping.NewTable(slices.Values(crawled(100000)))); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := readSnapshot(name, "pagemap"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWriteSnapshot writes one.
func BenchmarkWriteSnapshot(b *testing.B) {
	name := filepath.Join(b.TempDir(), "s")
	table := mapping.NewTable(slices.Values(crawled(100000)))
	for i := int64(1); b.Loop(); i++ {
		if err := saveSnapshot(name, "pagemap", position{Number: i}, table); err != nil {
			b.Fatal(err)
		}
	}
}
