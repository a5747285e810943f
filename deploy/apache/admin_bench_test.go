// The admin page of a large site, while readers are at work.

package apache_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkAdminPages asks for every page of the admin page through the whole stack, on 1,000,000 rows with hits of several
// days, 100,000 misses and findings, while readers ask for a page of the site half as often as they could. It reports
// the 95th percentile of the time to the first byte, by page, in milliseconds.
func BenchmarkAdminPages(b *testing.B) {
	s := upAdmin(b, adminOptions{way: "basic", rows: fillLarge, files: map[string]string{
		"tree/hot.html": "<!DOCTYPE html><title>hot</title>" + strings.Repeat("<p>Some ten thousand bytes of text.</p>\n", 256),
	}})
	ask := func(path string) time.Duration {
		req, err := http.NewRequestWithContext(b.Context(), "GET", s.URL+"/pagemap-admin/"+path, nil)
		if err != nil {
			b.Fatal(err)
		}
		req.SetBasicAuth("maria", "pass-maria")
		begun := time.Now()
		res, err := http.DefaultClient.Do(req)
		took := time.Since(begun)
		if err != nil {
			b.Fatal(err)
		}
		defer res.Body.Close()
		if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
			b.Fatalf("%s: %d %v\n%s", path, res.StatusCode, err, body)
		}
		return took
	}
	for range 100 { // each responder counts progress in the background when it is first asked
		ask("")
		time.Sleep(100 * time.Millisecond)
	}
	most := read(b, s.Addr, 0, func() { time.Sleep(5 * time.Second) })
	for b.Loop() {
		var report strings.Builder
		rate := read(b, s.Addr, most/2, func() {
			for _, p := range adminPages() {
				took := make([]time.Duration, 40)
				for i := range took {
					took[i] = ask(p.path())
				}
				slices.Sort(took)
				fmt.Fprintf(&report, "%-16s p50 %v, p95 %v\n", p.name, took[20].Round(time.Millisecond/10), took[37].Round(time.Millisecond/10))
				b.ReportMetric(float64(took[37].Microseconds())/1000, p.name+"-ms")
			}
		})
		b.Logf("readers: %.0f a second, at most %.0f\n%s", rate, most, &report)
	}
}

// read has four readers ask for a page so many times a second in all, 0: as often as they can, until do has returned. Each asks
// on eight connections at once, as browsers do. It returns how often they did.
func read(b *testing.B, addr string, rate float64, do func()) float64 {
	const readers, connections = 4, 8
	var stop atomic.Bool
	var answers atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	for i := range readers {
		all.Go(func() {
			var at [connections]connection
			for n := 0; !stop.Load(); n++ {
				if rate > 0 { // each at a moment of its own
					time.Sleep(time.Until(begun.Add(time.Duration(float64((n*readers+i)*connections) / rate * float64(time.Second)))))
				}
				for k := range at {
					if err := at[k].ask(addr); err != nil {
						b.Errorf("a reader: %v", err)
						return
					}
				}
				for k := range at {
					if err := at[k].answer(); err != nil {
						b.Errorf("a reader: %v", err)
						return
					}
				}
				answers.Add(connections)
			}
			for k := range at {
				at[k].close()
			}
		})
	}
	do()
	stop.Store(true)
	all.Wait()
	return float64(answers.Load()) / time.Since(begun).Seconds()
}

// connection is a reader's. It does little work beside that of the servers.
type connection struct {
	net.Conn // nil: there is none yet
	r        *bufio.Reader
}

// hot is a request for a page.
var hot = []byte("GET /hot.html HTTP/1.1\r\nHost: " + host + "\r\n\r\n")

func (c *connection) ask(addr string) (err error) {
	if c.Conn == nil {
		if c.Conn, err = net.Dial("tcp", addr); err != nil {
			return err
		}
		c.r = bufio.NewReaderSize(c.Conn, 64<<10)
	}
	_, err = c.Write(hot)
	return err
}

func (c *connection) answer() error {
	last, err := skipPage(c.r)
	if last {
		c.close()
	}
	return err
}

func (c *connection) close() {
	if c.Conn != nil {
		c.Conn.Close()
		c.Conn = nil
	}
}

// skipPage reads a page, and reports whether it is the connection's last one.
func skipPage(r *bufio.Reader) (last bool, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return false, err
		}
		switch text := bytes.TrimSpace(line); {
		case first && !bytes.HasPrefix(text, []byte("HTTP/1.1 200 ")):
			return false, fmt.Errorf("the answer begins with %q", text)
		case bytes.HasPrefix(text, []byte("Content-Length: ")):
			if length, err = strconv.Atoi(string(text[len("Content-Length: "):])); err != nil {
				return false, err
			}
		case bytes.Equal(text, []byte("Connection: close")):
			last = true
		case len(text) == 0 && length == 0:
			return false, errors.New("a page without a length")
		case len(text) == 0:
			_, err := r.Discard(length)
			return last, err
		}
	}
}

// fillLarge fills a database.
func fillLarge(b testing.TB, dsn string) {
	db, err := sql.Open("postgres", dsn+" search_path=pagemap")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	exec := func(query string) {
		b.Helper()
		if _, err := db.ExecContext(b.Context(), query); err != nil {
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
	exec(`VACUUM ANALYZE`) // as it would be done sooner or later, beside what is measured
	exec(`CHECKPOINT`)
}

// adminPages are the admin page's pages, each with an address of it, another one each time.
func adminPages() []adminPage {
	random := rand.New(rand.NewPCG(1, 2))
	row := func() string {
		i := random.IntN(1_000_000)
		return fmt.Sprintf("/%s/section%d/page-%d.html", []string{"docs", "news", "api", "archive"}[i%4], i%200, i)
	}
	return []adminPage{
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
}

type adminPage struct {
	name string
	path func() string
}
