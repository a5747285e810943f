package check

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/tree"
)

// BenchmarkCheck checks 1,000,000 rows: 800,000 crawled ones with their files,
// 150,000 redirects (a third of them chains), 50,000 pages of a wiki. "MiB" is the
// memory that the process holds in the end, the table with it.
func BenchmarkCheck(b *testing.B) {
	root := b.TempDir()
	rows := make([]mapping.Row, 0, 1000000)
	for i := range 800000 {
		path := fmt.Sprintf("/docs/section%d/chapter%d/page-%d.html", i%50, i/50%200, i)
		if i < 10000 {
			if err := os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o755); err != nil {
				b.Fatal(err)
			}
		}
		f, err := os.Create(filepath.Join(root, path))
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
		rows = append(rows, mapping.Row{Pattern: path, Status: 200, Source: "file:" + path, Origin: mapping.OriginPopulate})
	}
	for i := range 150000 {
		row := mapping.Row{Pattern: fmt.Sprintf("/old/section%d/page-%d.html", i%50, i), Status: 301, Source: rows[i].Pattern, Origin: mapping.OriginImport}
		if i%3 == 0 {
			row.Source = fmt.Sprintf("/old/section%d/page-%d.html", (i+1)%50, i+1)
		}
		rows = append(rows, row)
	}
	for i := range 50000 {
		rows = append(rows, mapping.Row{Pattern: fmt.Sprintf("/wiki/page-%d", i), Status: 200, Source: fmt.Sprintf("wiki:Page %d", i), Origin: mapping.OriginImport})
	}
	files, err := tree.Open(root, tree.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer files.Close()
	table := mapping.NewTable(func(yield func(mapping.Row) bool) {
		for _, row := range rows {
			if !yield(row) {
				return
			}
		}
	})
	rows = nil
	debug.FreeOSMemory()
	for b.Loop() {
		start, used := time.Now(), cpu(b)
		report, err := Run(b.Context(), Options{Table: table, Tree: files, IndexNames: index}, func(Finding) error { return nil })
		if err != nil || report.Rows != 1000000 || report.Files != 800000 || report.Found[Chain] != 50000 || report.Total() != 50000 {
			b.Fatalf("%+v, %v", report, err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "s")
		b.ReportMetric((cpu(b) - used).Seconds(), "cpu-s") // the machine may be busy
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys-m.HeapReleased)/(1<<20), "MiB")
	}
}

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
