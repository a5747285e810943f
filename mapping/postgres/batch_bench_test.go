// Benchmarks of imports, their way back, and searches, on 1,000,000 rows.

package postgres

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pagemap/mapping"
)

// million is a site with 1,000,000 rows, as a crawl and years of moves leave it.
func million(b *testing.B) *DB {
	b.Helper()
	db := site(b)
	rows := crawled(1000000)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range rows {
		if random.IntN(5) == 0 {
			rows[i].Status, rows[i].Source, rows[i].Origin = 301, fmt.Sprintf("https://new%d.example.org/handbook/%s-%d/", i%7, words[random.IntN(len(words))], i), mapping.OriginImport
		}
	}
	started := time.Now()
	psql(b, db, `DROP INDEX pagemap.pages_path_trigrams, pagemap.pages_source_trigrams`) // faster made afterwards
	psql(b, db, `\copy pagemap.pages (path, status, source, origin) FROM `+copyFile(b, rows))
	psql(b, db, `SELECT pagemap.make_search_indexes()`)
	psql(b, db, `VACUUM ANALYZE pagemap.pages`)
	psql(b, db, `ANALYZE pagemap.changes`)
	b.Logf("1,000,000 rows in %v", time.Since(started).Round(time.Second))
	return db
}

var words = strings.Fields("install upgrade reference tutorial library network archive release security download mailing contributor printing storage monitor")

// quarter are 250,000 redirects as an old site's list has them.
func quarter() []mapping.Page {
	pages := make([]mapping.Page, 250000)
	for i := range pages {
		pages[i].Row = mapping.Row{
			Pattern: fmt.Sprintf("/articles/%d/%s/%d.html", 1998+i%20, words[i%len(words)], i), Status: 301,
			Source: fmt.Sprintf("/news/%s/%d/", words[i/7%len(words)], i), Origin: mapping.OriginImport,
		}
	}
	return pages
}

// BenchmarkImport imports 250,000 rows into 1,000,000; "ratio" is to \copy of the
// same rows into the same tables with their log. Then it imports them again, which
// changes nothing, and reverts them.
func BenchmarkImport(b *testing.B) {
	db := million(b)
	pages := quarter()
	rows := make([]mapping.Row, len(pages))
	for i := range pages {
		rows[i] = pages[i].Row
	}
	name := copyFile(b, rows)
	remove := func() {
		psql(b, db, `DELETE FROM pagemap.pages WHERE path LIKE '/articles/%'`)
		psql(b, db, `VACUUM ANALYZE pagemap.pages`)
	}
	cs := ChangeSet{Author: "maria", Origin: mapping.OriginImport}
	for b.Loop() {
		var mine, theirs []time.Duration
		for range 3 {
			started := time.Now()
			psql(b, db, `\copy pagemap.pages (path, status, source, origin) FROM `+name)
			theirs = append(theirs, time.Since(started))
			remove()
			started = time.Now()
			plan, err := db.Import(b.Context(), cs, Batch{Pages: pages})
			if err != nil || plan.Added != len(pages) {
				b.Fatalf("%+v, %v", plan, err)
			}
			mine = append(mine, time.Since(started))
			started = time.Now()
			if again, err := db.Import(b.Context(), cs, Batch{Pages: pages}); err != nil || again.Unchanged != len(pages) {
				b.Fatalf("%+v, %v", again, err)
			}
			b.ReportMetric(time.Since(started).Seconds(), "again-s")
			started = time.Now()
			if back, err := db.Revert(b.Context(), cs, plan.ChangeSet, RevertOptions{}); err != nil || back.Removed != len(pages) {
				b.Fatalf("%+v, %v", back, err)
			}
			b.ReportMetric(time.Since(started).Seconds(), "revert-s")
			psql(b, db, `VACUUM ANALYZE pagemap.pages`)
		}
		slices.Sort(mine)
		slices.Sort(theirs)
		b.ReportMetric(mine[1].Seconds(), "import-s")
		b.ReportMetric(theirs[1].Seconds(), "copy-s")
		b.ReportMetric(float64(mine[1])/float64(theirs[1]), "ratio")
	}
}

// BenchmarkSearch searches 1,000,000 rows for texts of 3 to 12 characters cut out
// of their paths and targets.
func BenchmarkSearch(b *testing.B) {
	db := million(b)
	var texts []string
	random := rand.New(rand.NewPCG(1, 2))
	rows, err := db.writers.QueryContext(b.Context(), `
		SELECT CASE status WHEN 301 THEN source ELSE path END FROM pages TABLESAMPLE BERNOULLI (1) REPEATABLE (1)`)
	err = each(rows, err, func() error {
		var text string
		err := rows.Scan(&text)
		n := 3 + random.IntN(10)
		if from := random.IntN(len(text) + 1); err == nil && from+n <= len(text) {
			texts = append(texts, text[from:from+n])
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	random.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	texts = append(texts[:300], "zzz", "no such thing", "tutorial-77", "/page-99999", "new6.example", "-1-", "9.h")
	for b.Loop() {
		took := map[time.Duration]string{}
		for i, text := range texts {
			started := time.Now()
			if _, err := db.Search(b.Context(), Query{Text: text, In: Where(i % 3)}); err != nil {
				b.Error(err)
			}
			took[time.Since(started)] = fmt.Sprintf("%q in %d", text, i%3)
		}
		sorted := slices.Sorted(func(yield func(time.Duration) bool) {
			for d := range took {
				if !yield(d) {
					return
				}
			}
		})
		for _, d := range sorted[len(sorted)-5:] {
			b.Logf("slowest: %v %s", d, took[d])
		}
		b.ReportMetric(float64(sorted[len(sorted)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(sorted[len(sorted)*95/100].Microseconds())/1000, "p95-ms")
		b.ReportMetric(float64(sorted[len(sorted)-1].Microseconds())/1000, "max-ms")
	}
}
