package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pagemap/cmd/internal/config"
	"pagemap/cmd/internal/serving"
	"pagemap/mapping"
	"pagemap/mapping/verify"
)

// BenchmarkVerify replays 100,000 URLs through the handler over 1,000,000 rows, a
// tenth of them pages whose contents are compared; "s" is the time of one replay, "cpu-s" what it uses of the processors.
func BenchmarkVerify(b *testing.B) {
	root := b.TempDir()
	for i := range 10000 {
		name := filepath.Join(root, fmt.Sprintf("docs/%d/%d.html", i%100, i))
		if i < 100 {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				b.Fatal(err)
			}
		}
		if err := os.WriteFile(name, []byte(strings.Repeat(fmt.Sprintf("<p>Page %d</p>\n", i), 700)), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	table := mapping.NewTable(func(yield func(mapping.Row) bool) {
		for i := range 1000000 {
			row := mapping.Row{Pattern: fmt.Sprintf("/old/%d/%d.html", i%100, i), Status: 301, Source: fmt.Sprintf("/docs/%d/%d.html", i%100, i%10000), Origin: mapping.OriginImport}
			if i < 10000 {
				row = mapping.Row{Pattern: row.Source, Status: 200, Source: "file:" + row.Source, Origin: mapping.OriginPopulate}
			}
			if !yield(row) {
				return
			}
		}
	})
	settings, err := config.Parse([]string{"--tree", root, "--config", os.DevNull}, func(string) string { return "" })
	if err != nil {
		b.Fatal(err)
	}
	h, err := serving.New(serving.Options{Settings: settings, Logger: slog.New(slog.DiscardHandler), Pages: unkept{}, Data: true, Table: func() *mapping.Table { return table }})
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	var urls strings.Builder
	for i := range 100000 {
		if i%10 == 0 {
			fmt.Fprintf(&urls, "/docs/%d/%d.html\n", i/10%100, i/10)
		} else {
			fmt.Fprintf(&urls, "/old/%d/%d.html\n", i*9%100, 10000+i*9)
		}
	}
	v := verify.NewInventory(verify.Options{})
	if _, err := v.Read(b.Context(), "URLs", strings.NewReader(urls.String())); err != nil {
		b.Fatal(err)
	}
	run := verify.RunOptions{Asker: verify.Handler{Handler: http.Handler(h)}}
	all, err := verify.Record(b.Context(), v, run)
	if err != nil {
		b.Fatal(err)
	}
	recorded := filepath.Join(b.TempDir(), "baseline.jsonl")
	f, err := os.Create(recorded)
	if err != nil {
		b.Fatal(err)
	}
	if err := verify.WriteBaseline(f, all); err != nil {
		b.Fatal(err)
	}
	f.Close()
	v = verify.NewInventory(verify.Options{})
	if err := v.ReadFile(b.Context(), recorded, nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		start, used := time.Now(), cpu(b)
		report, err := verify.Run(b.Context(), v, run)
		if err != nil || report.All.URLs != 100000 || report.Verdicts[verify.Same].URLs != 100000 {
			b.Fatalf("%+v, %v", report, err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "s")
		b.ReportMetric((cpu(b) - used).Seconds(), "cpu-s") // the machine may be busy
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
