// Benchmark of searches on 1,000,000 rows.

package postgres

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkSearch searches 1,000,000 rows for the first 50 that have a text, of each
// kind in turn in paths and sources, in paths, and in sources. "cpu" is the time of
// the processor that the server took, for a machine that does more than that.
func BenchmarkSearch(b *testing.B) {
	db := million(b)
	db.writers.SetMaxOpenConns(1)
	random := rand.New(rand.NewPCG(1, 2))
	texts := map[string][]string{
		"common": strings.Fields("html .html page page- docs /docs/ chapter section ter handbook https example.org archive shop item- msg new -1 /item 000 /section new1 tutorial"),
		"none":   strings.Fields("zzz qqq-x no_such page_1 .HTML Section xhtml /docs/x 9.php item-x newest.example msg99999x chapter1000/ section50"),
	}
	for i := range 50 { // of one place among the paths each, some of a fifth of them
		texts["region"] = append(texts["region"], fmt.Sprintf("section%d/", i), fmt.Sprint("section", 1+i%9), fmt.Sprint("chapter", random.IntN(1000)),
			fmt.Sprintf("/archive/%d/", 1995+i%15), "/shop/"+words[i%len(words)], fmt.Sprintf("new%d.", i%7))
		texts["rare"] = append(texts["rare"], fmt.Sprint("page-", random.IntN(800000)), fmt.Sprint("msg", 100000+random.IntN(100000)), fmt.Sprintf("%s-%d", words[i%len(words)], random.IntN(200000)))
	}
	rows, err := db.writers.QueryContext(b.Context(), `
		SELECT CASE status WHEN 301 THEN source ELSE path END FROM pages TABLESAMPLE BERNOULLI (1) REPEATABLE (1)`)
	err = each(rows, err, func() error {
		var text string
		err := rows.Scan(&text)
		n := 3 + random.IntN(10)
		if from := random.IntN(len(text)); err == nil && from+n <= len(text) && len(texts["cut out"]) < 300 {
			texts["cut out"] = append(texts["cut out"], text[from:from+n])
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	server := one[int](b, db, `SELECT pg_backend_pid()`)
	for b.Loop() {
		var all, allUsed []time.Duration
		for kind, list := range texts {
			var took, used []time.Duration
			slow := map[time.Duration]string{}
			for i, text := range list {
				before, started := processorTime(b, server), time.Now()
				if _, err := db.Search(b.Context(), Query{Text: text, In: Where(i % 3)}); err != nil {
					b.Error(err)
				}
				took, used = append(took, time.Since(started)), append(used, processorTime(b, server)-before)
				slow[used[i]] = fmt.Sprintf("%v %q in %d", used[i].Round(time.Millisecond), text, i%3)
			}
			p50, p95, slowest := part(used, 50), part(used, 95), slices.Max(used)
			b.Logf("%s: p50 %.1f ms, p95 %.1f ms; cpu p50 %.1f ms, p95 %.1f ms, most %s", kind, part(took, 50), part(took, 95), p50, p95, slow[slowest])
			all, allUsed = append(all, took...), append(allUsed, used...)
		}
		b.ReportMetric(part(all, 50), "p50-ms")
		b.ReportMetric(part(all, 95), "p95-ms")
		b.ReportMetric(part(all, 100), "max-ms")
		b.ReportMetric(part(allUsed, 95), "cpu-p95-ms")
		b.ReportMetric(part(allUsed, 100), "cpu-max-ms")
	}
}

// part is the value in ms below which that many per cent of the values are.
func part(values []time.Duration, percent int) float64 {
	slices.Sort(values)
	return float64(values[(len(values)-1)*percent/100].Microseconds()) / 1000
}

// processorTime is how long a process was on a processor.
func processorTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	var ns int64
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err == nil {
		_, err = fmt.Sscan(string(text), &ns)
	}
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(ns)
}
