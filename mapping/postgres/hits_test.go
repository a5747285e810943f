// Hits and misses: counted, kept, listed, ignored and imported.

package postgres

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/traffic"
)

// counted is a store of traffic on db.
func counted(t testing.TB, db *DB, o TrafficOptions) *Traffic {
	t.Helper()
	tr, err := NewTraffic(db, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() }) // some servers are dead by then
	return tr
}

// add adds what do counts.
func add(t testing.TB, tr *Traffic, do func(*traffic.Tally)) {
	t.Helper()
	tally := traffic.Tally{Hosts: mapping.Hosts{"www.example.org"}}
	do(&tally)
	if err := tr.AddTraffic(t.Context(), tally.Batch()); err != nil {
		t.Fatal(err)
	}
}

// missed are the paths of misses, as they are listed.
func missed(t testing.TB, db *DB) (paths []string) {
	t.Helper()
	for _, m := range all(t, db.Misses(t.Context())) {
		paths = append(paths, fmt.Sprintf("%d %s", m.Count, m.Path))
	}
	return paths
}

func TestHits(t *testing.T) {
	db := site(t)
	tr := counted(t, db, TrafficOptions{})
	write(t, db, "/a 301 /b", "/docs/* 410", "/never 410", "/neverland 404")
	before := one[string](t, db, `SELECT last || ' ' || pages || ' ' || (SELECT max(xmin::text::bigint) FROM pages) FROM state`)
	now := time.Now().UTC().Truncate(time.Microsecond)
	add(t, tr, func(n *traffic.Tally) {
		n.Hit("/a", 2, now.Add(-48*time.Hour))
		n.Hit("/a", 3, now)
		n.Hit("/docs/*", 10, now)
		n.Hit("/file.html", 1, now)
	})
	add(t, tr, func(n *traffic.Tally) { n.Hit("/a", 4, now.Add(-time.Hour).Add(time.Hour)) })
	if err := tr.AddTraffic(t.Context(), traffic.Batch{}); err != nil {
		t.Fatal(err)
	}

	hits := all(t, db.Hits(t.Context(), HitsFilter{}))
	if len(hits) != 3 || hits[0].Pattern != "/docs/*" || hits[0].Hits != 10 || hits[0].Status != 410 ||
		hits[1].Pattern != "/a" || hits[1].Hits != 9 || !hits[1].Last.Equal(now) || hits[1].Source != "/b" ||
		hits[2].Pattern != "/file.html" || hits[2].Status != 0 {
		t.Errorf("Hits = %+v", hits)
	}
	for _, tt := range []struct {
		name   string
		filter HitsFilter
		want   string
	}{
		{"since", HitsFilter{Since: now.AddDate(0, 0, -1), Limit: 2}, "/docs/* 10, /a 7"},
		{"under", HitsFilter{Under: "/docs/"}, "/docs/* 10"},
		{"under and since", HitsFilter{Under: "/a", Since: now}, "/a 7"},
		{"under a part of a name", HitsFilter{Under: "/doc"}, ""},
	} {
		var got []string
		for _, h := range all(t, db.Hits(t.Context(), tt.filter)) {
			got = append(got, fmt.Sprint(h.Pattern, " ", h.Hits))
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	never := all(t, db.NeverHit(t.Context(), HitsFilter{}))
	if len(never) != 2 || never[0].Pattern != "/never" || never[1].Pattern != "/neverland" || !never[0].Last.IsZero() {
		t.Errorf("NeverHit = %+v", never)
	}
	if never := all(t, db.NeverHit(t.Context(), HitsFilter{Since: now.AddDate(0, 0, 1), Under: "/a"})); len(never) != 1 {
		t.Errorf("NeverHit since tomorrow = %+v", never)
	}
	days, err := db.HitsByDay(t.Context(), "/a")
	if err != nil || len(days) != 2 || days[0].Hits != 7 || days[1].Hits != 2 || !days[1].Day.Equal(traffic.DayOf(now.Add(-48*time.Hour))) {
		t.Errorf("HitsByDay = %+v, %v", days, err)
	}
	if since, err := db.HitsSince(t.Context()); err != nil || !since.Equal(days[1].Day) {
		t.Errorf("HitsSince = %v, %v", since, err)
	}

	// A row that goes keeps its hits, and the table knows nothing of all this.
	if after := one[string](t, db, `SELECT last || ' ' || pages || ' ' || (SELECT max(xmin::text::bigint) FROM pages) FROM state`); after != before {
		t.Errorf("counting changed the table: %s, before %s", after, before)
	}
	write(t, db, "rm /a")
	if hits := all(t, db.Hits(t.Context(), HitsFilter{Under: "/a"})); len(hits) != 1 || hits[0].Hits != 9 || hits[0].Status != 0 {
		t.Errorf("hits of a removed row: %+v", hits)
	}
}

func TestMisses(t *testing.T) {
	db := site(t)
	tr := counted(t, db, TrafficOptions{MaxMisses: 5})
	now := time.Now().UTC().Truncate(time.Microsecond)
	early := now.Add(-time.Hour)
	add(t, tr, func(n *traffic.Tally) {
		n.Miss("/x", "https://search.example/?q=1", early)
		n.Miss("/ours", "https://www.example.org/page", early)
		n.Miss("/WP-login.php", "", now)
		n.Miss("/blog/.env", "https://www.example.org/", now)
		n.Miss("/wp-login.php.html", "", now)
		n.Miss(mapping.Path("/"+strings.Repeat("x", 2000)), "", now)
	})
	add(t, tr, func(n *traffic.Tally) {
		n.Miss("/x", "", now)
		n.Miss("/x", "", now)
		n.Miss("/ours", "https://search.example/", now)
	})
	list := all(t, db.Misses(t.Context()))
	if got := fmt.Sprint(missed(t, db)); got != "[2 /ours 3 /x 1 /wp-login.php.html]" {
		t.Fatalf("Misses = %s", got)
	}
	if m := list[0]; !m.Own || m.Referrer != "www.example.org" || !m.First.Equal(early) || !m.Last.Equal(now) {
		t.Errorf("%+v", m)
	}
	if m := list[1]; m.Own || m.Referrer != "search.example" || !m.First.Equal(early) || !m.Last.Equal(now) {
		t.Errorf("%+v", m)
	}
	if n, err := db.MissOverflow(t.Context(), now.AddDate(0, 0, -1)); err != nil || n != 1 {
		t.Errorf("MissOverflow = %d, %v", n, err)
	}

	// Of too many the least useful go.
	add(t, tr, func(n *traffic.Tally) {
		for i := range 10 {
			n.Miss(mapping.Path(fmt.Sprint("/once", i)), "", now.Add(time.Duration(i)*time.Second))
		}
	})
	if got := fmt.Sprint(missed(t, db)); got != "[2 /ours 3 /x 1 /once9 1 /once8 1 /once7]" {
		t.Errorf("after too many: %s", got)
	}
	if err := db.ForgetMisses(t.Context(), []mapping.Path{"/x", "/unknown"}); err != nil {
		t.Fatal(err)
	}
	if n, err := db.AddIgnores(t.Context(), "maria", []string{"/ONCE*7", "/ONCE*7", "/once8"}); err != nil || n != 2 {
		t.Errorf("AddIgnores = %d, %v", n, err)
	}
	add(t, tr, func(n *traffic.Tally) { n.Miss("/once/and/7", "", now) })
	if got := fmt.Sprint(missed(t, db)); got != "[2 /ours 1 /once9]" {
		t.Errorf("after ignoring: %s", got)
	}
	ignores, err := db.Ignores(t.Context())
	if err != nil || len(ignores) < 50 || ignores[0].Author != "pagemap" {
		t.Errorf("Ignores = %d, %v", len(ignores), err)
	}
	if err := db.RemoveIgnores(t.Context(), []string{"/once8", "/unknown"}); err == nil || !strings.Contains(err.Error(), "/unknown") {
		t.Errorf("RemoveIgnores of what is not there: %v", err)
	}
	if err := db.RemoveIgnores(t.Context(), []string{"/ONCE*7", "/once8"}); err != nil {
		t.Error(err)
	}
	add(t, tr, func(n *traffic.Tally) { n.Miss("/once8", "", now) })
	if got := fmt.Sprint(missed(t, db)); got != "[2 /ours 1 /once9 1 /once8]" {
		t.Errorf("no longer ignored: %s", got)
	}
}

func TestParseIgnore(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"/a b*.php", "/a%20b*.php"},
		{"*/%7euser/*", "*/~user/*"},
		{"*.bak", "*.bak"},
		{"/*", ""}, {"*", ""}, {"", ""}, {"a.php", ""}, {"/a//b", ""}, {"/a/../b*", "/b*"}, {"/%zz", ""}, {"/a?b", ""},
		{"/" + strings.Repeat("x", 600), ""},
	} {
		got, err := ParseIgnore(tt.text)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("ParseIgnore(%.40q) = %q, %v", tt.text, got, err)
		}
	}
}

func TestTrafficIsPruned(t *testing.T) {
	db := site(t)
	now := time.Now()
	add(t, counted(t, db, TrafficOptions{Days: 100}), func(n *traffic.Tally) { n.Hit("/recent", 1, now) })
	exec(t, db, `INSERT INTO hits VALUES (current_date - 101, '/old', 1, now()), (current_date - 99, '/young', 1, now())`)
	exec(t, db, `INSERT INTO misses VALUES ('/old', 9, now() - interval '200 days', now() - interval '102 days'), ('/young', 1, now() - interval '200 days', now())`)
	exec(t, db, `INSERT INTO miss_overflow VALUES (current_date - 101, 1), (current_date, 1)`)
	exec(t, db, `INSERT INTO log_lines VALUES (now() - interval '102 days', ''), (now(), '')`)
	// Another process, which has not pruned yet.
	add(t, counted(t, db, TrafficOptions{Days: 100}), func(n *traffic.Tally) { n.Hit("/recent", 1, now) })
	for table, want := range map[string]int{"hits": 2, "misses": 1, "miss_overflow": 1, "log_lines": 1} {
		if n := one[int](t, db, `SELECT count(*) FROM `+table); n != want {
			t.Errorf("%s has %d rows, want %d", table, n, want)
		}
	}
}

// Responders that write at once neither block each other for good nor lose a count.
func TestTrafficAtOnce(t *testing.T) {
	db := site(t)
	const writers, batches, each = 4, 15, 300
	var running sync.WaitGroup
	for w := range writers {
		tr := counted(t, db, TrafficOptions{MaxMisses: 400})
		running.Go(func() {
			r := rand.New(rand.NewPCG(2, uint64(w)))
			for b := range batches {
				var n traffic.Tally
				for range each {
					n.Hit(fmt.Sprint("/", r.IntN(500)), 1, time.Now().AddDate(0, 0, -r.IntN(2)))
					n.Miss(mapping.Path(fmt.Sprint("/m", b*50+r.IntN(300))), "", time.Now())
				}
				if err := tr.AddTraffic(t.Context(), n.Batch()); err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	running.Wait()
	if n := one[int](t, db, `SELECT sum(hits) FROM hits`); n != writers*batches*each {
		t.Errorf("%d hits, want %d", n, writers*batches*each)
	}
	if n := one[int](t, db, `SELECT count(*) FROM misses`); n > 400 {
		t.Errorf("%d misses are kept", n)
	}
}

// A log's lines count once, however the logs are cut and joined.
func TestLogImport(t *testing.T) {
	db := site(t)
	tr := counted(t, db, TrafficOptions{})
	begin := time.Date(2026, 3, 1, 10, 59, 58, 0, time.FixedZone("", 3600))
	// Each log is a range of lines; 3 and 4 are the same text.
	line := func(i int) (time.Time, []byte) {
		if i == 4 {
			i = 3
		}
		at := begin.Add(time.Duration(i) * time.Second)
		return at, fmt.Appendf(nil, "%v GET /%d", at, i%2)
	}
	read := func(l *LogImport, from, to int) (fresh int) {
		t.Helper()
		l.NextLog()
		var n traffic.Tally
		for i := from; i < to; i++ {
			at, text := line(i)
			known, err := l.Known(t.Context(), at, text)
			if err != nil {
				t.Fatal(err)
			}
			if !known {
				fresh++
				n.Hit("/", 1, at)
			}
			if i%3 == 2 { // in the middle
				if err := l.Add(t.Context(), n.Batch()); err != nil {
					t.Fatal(err)
				}
				n = traffic.Tally{}
			}
		}
		if err := l.Add(t.Context(), n.Batch()); err != nil {
			t.Fatal(err)
		}
		return fresh
	}
	for _, tt := range []struct {
		name            string
		from, to, fresh int
	}{
		{"first", 0, 6, 6},
		{"again", 0, 6, 0},
		{"grown", 0, 10, 4},
		{"its end alone", 5, 10, 0},
		{"rotated: the beginning is gone, more at the end", 3, 13, 3},
		{"in two hours, all new", 4000, 8000, 4000},
		{"and again", 3990, 8001, 11},
	} {
		l, err := tr.ImportLogs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if fresh := read(l, tt.from, tt.to); fresh != tt.fresh {
			t.Errorf("%s: %d new lines, want %d", tt.name, fresh, tt.fresh)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := one[int](t, db, `SELECT sum(hits) FROM hits`); n != 13+4011 {
		t.Errorf("%d hits", n)
	}
}

// What a batch costs on a table of a million rows: 10,000 rows of them hit, some
// the first time today.
func BenchmarkAddTraffic(b *testing.B) {
	db := site(b)
	exec(b, db, `INSERT INTO hits SELECT current_date - d, '/docs/section' || i % 50 || '/page-' || i || '.html', 1, now()
		FROM generate_series(1, 1000000) i, generate_series(0, 0) d`)
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n, " rows"), func(b *testing.B) {
			tr := counted(b, db, TrafficOptions{})
			for b.Loop() {
				add(b, tr, func(t *traffic.Tally) {
					for range n {
						i := 1 + rand.IntN(1_100_000)
						t.Hit(fmt.Sprintf("/docs/section%d/page-%d.html", i%50, i), 1, time.Now())
					}
				})
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/row")
		})
	}
	b.Run("10,000 random misses on 50,000", func(b *testing.B) {
		tr := counted(b, db, TrafficOptions{})
		for b.Loop() {
			add(b, tr, func(t *traffic.Tally) {
				for !t.Full() {
					t.Miss(mapping.Path(fmt.Sprintf("/%x.html", rand.Uint64())), "", time.Now())
				}
			})
		}
		b.ReportMetric(float64(one[int](b, db, `SELECT count(*) FROM misses`)), "kept")
	})
}
