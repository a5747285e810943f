package admin

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pagemap/mapping/tree"
)

// BenchmarkPages asks for every page of the admin page, on 1,000,000 rows with hits
// of several days, 100,000 misses and findings. It reports the 95th percentile of the time
// to the whole answer, by page.
func BenchmarkPages(b *testing.B) {
	w := newWorld(b, nil)
	fill(b, w)
	w.admin.Close()
	tr, err := tree.Open(b.TempDir(), tree.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer tr.Close()
	w.start(tr)
	for b.Loop() {
		for _, m := range measure(b, w) {
			b.Log(m)
			b.ReportMetric(float64(m.p95.Microseconds())/1000, m.page+"-ms")
		}
	}
}

// fill fills the database.
func fill(b testing.TB, w *world) {
	sqlDB, err := sql.Open("postgres", w.dsn+" search_path=pagemap")
	if err != nil {
		b.Fatal(err)
	}
	defer sqlDB.Close()
	exec := func(query string) {
		b.Helper()
		if _, err := sqlDB.ExecContext(b.Context(), query); err != nil {
			b.Fatal(err)
		}
	}
	for from := 0; from < 1_000_000; from += 100_000 { // ten change-sets
		exec(fmt.Sprintf(`BEGIN; SELECT begin_change_set('crawl', 'populate', 'a large site'); INSERT INTO pages (path, status, source, origin, tags, change)
			SELECT p, CASE i %% 50 WHEN 0 THEN 301 WHEN 1 THEN 410 WHEN 2 THEN 302 ELSE 200 END,
				CASE i %% 50 WHEN 0 THEN '/docs/section1/page-51.html' WHEN 1 THEN '' WHEN 2 THEN 'https://new.example/' || i ELSE 'file:' || p END,
				CASE WHEN i %% 50 < 3 THEN 'import' ELSE 'populate' END, CASE i %% 1000 WHEN 0 THEN '{old,news}'::text[] ELSE '{}' END, 0
			FROM (SELECT i, '/' || (ARRAY['docs','news','api','archive'])[1 + i %% 4] || '/section' || i %% 200 || '/page-' || i || '.html' AS p
				FROM generate_series(%d, %d) i) x; COMMIT`, from, from+99_999))
	}
	exec(`INSERT INTO hits SELECT current_date - d, path, 1 + abs(hashtext(path)) % 50, now() - d * interval '1 day' FROM pages, generate_series(0, 2) d
		WHERE abs(hashtext(path)) % 3 = 0`)
	exec(`INSERT INTO hits_days SELECT day, sum(hits) FROM hits GROUP BY day`)
	exec(`INSERT INTO misses SELECT '/' || (ARRAY['docs','old','cgi'])[1 + i % 3] || '/pages-' || i || '.htm', 1 + i % 97, now() - interval '9 days', now() - i * interval '1 second', 'forum.example', i % 9 = 0
		FROM generate_series(1, 100000) i`)
	exec(`INSERT INTO findings SELECT 'chain', path, 'a chain', 'pagemapctl explain ' || path, now() FROM pages WHERE status = 301`)
	exec(`INSERT INTO checks VALUES ('chain', now(), 20000)`)
	exec(`INSERT INTO responders SELECT 'web' || n, now() - s * interval '10 seconds', 1000000, 1000000, 100, 0.9 FROM generate_series(1, 8) n, generate_series(0, 359) s`)
	exec(`ANALYZE`)
}

// measured is how long a page took.
type measured struct {
	page     string
	p50, p95 time.Duration
}

func (m measured) String() string {
	return fmt.Sprintf("%-16s p50 %v, p95 %v", m.page, m.p50.Round(time.Millisecond/10), m.p95.Round(time.Millisecond/10))
}

// measure asks for every page.
func measure(b testing.TB, w *world) (all []measured) {
	random := rand.New(rand.NewPCG(1, 2))
	row := func() string {
		i := random.IntN(1_000_000)
		return fmt.Sprintf("/%s/section%d/page-%d.html", []string{"docs", "news", "api", "archive"}[i%4], i%200, i)
	}
	pages := []struct {
		name string
		path func() string
	}{
		{"front", func() string { return "" }},
		{"pages", func() string { return "pages" }},
		{"pages-past", func() string { return "pages?past=" + row() }},
		{"pages-changed", func() string {
			return fmt.Sprint("pages?order=changed&past=", row(), "&at=", time.Now().UnixMicro())
		}},
		{"pages-text", func() string { return fmt.Sprint("pages?q=page-", random.IntN(1_000_000)) }},
		{"pages-common", func() string { return "pages?q=section" }},
		{"pages-status", func() string { return "pages?status=410&past=" + row() }},
		{"pages-under", func() string { return fmt.Sprint("pages?under=/news/section", random.IntN(200)) }},
		{"pages-undecided", func() string { return "pages?undecided=1&past=" + row() }},
		{"pages-never", func() string { return "pages?never=1&past=" + row() }},
		{"pages-tag", func() string { return "pages?tag=old" }},
		{"pages-found", func() string { return "pages?found=chain" }},
		{"pages-young", func() string { return "pages?found=young" }},
		{"pages-by", func() string { return "pages?by=crawl" }},
		{"page", func() string { return "page?path=" + row() }},
		{"page-target", func() string { return "page?path=/docs/section1/page-51.html" }},
		{"check", func() string { return "page/check?status=301&source=/nowhere&path=" + row() }},
		{"ask", func() string { return "ask?url=" + row() }},
		{"ask-miss", func() string { return fmt.Sprint("ask?url=/docs/section1/pages-", random.IntN(1000)) }},
		{"misses", func() string { return "misses" }},
		{"misses-under", func() string { return "misses?under=/old/" }},
		{"ignored", func() string { return "ignored" }},
		{"changes", func() string { return "changes" }},
		{"change", func() string { return "changes/1" }},
		{"change-past", func() string { return fmt.Sprint("changes/1?past=", random.IntN(1_000_000)) }},
		{"findings", func() string { return "findings?kind=chain" }},
		{"bulk", func() string { return "bulk?under=/news/" }},
	}
	w.get("") // progress is counted in the background
	time.Sleep(3 * time.Second)
	for _, p := range pages {
		took := make([]time.Duration, 40)
		for i := range took {
			path := p.path()
			begun := time.Now()
			w.get(path)
			took[i] = time.Since(begun)
		}
		slices.Sort(took)
		all = append(all, measured{p.name, took[20], took[37]})
	}
	return all
}
