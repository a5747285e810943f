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

// million is a site with 1,000,000 rows: 800,000 of a crawl, in the order of their
// paths as it adds them, and redirects of two lists in no order.
func million(b *testing.B) *DB {
	b.Helper()
	db := site(b)
	rows := crawled(800000)
	slices.SortFunc(rows, func(a, b mapping.Row) int { return strings.Compare(a.Pattern, b.Pattern) })
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 200000 {
		word := words[random.IntN(len(words))]
		pattern := fmt.Sprintf("/archive/%d/msg%06d.html", 1995+random.IntN(15), i)
		if i%2 == 0 {
			pattern = fmt.Sprintf("/shop/%s/item-%d.html", word, i)
		}
		rows = append(rows, mapping.Row{Pattern: pattern, Status: 301, Source: fmt.Sprintf("https://new%d.example.org/handbook/%s-%d/", i%7, word, i), Origin: mapping.OriginImport})
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
