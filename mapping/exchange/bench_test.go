// How fast files are read and written.

package exchange

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"pagemap/mapping"
)

// thousands are n redirects as a site that moved has them.
func thousands(n int) []mapping.Page {
	pages := make([]mapping.Page, n)
	for i := range pages {
		pages[i] = page(fmt.Sprintf("/archive/%d/%d/story-of-the-day-%d.html", 1995+i%20, i%12, i), 301, fmt.Sprintf("/news/%d/story-%d", 1995+i%20, i))
	}
	return pages
}

func BenchmarkRead(b *testing.B) {
	const n = 50_000
	for _, f := range Formats() {
		b.Run(string(f), func(b *testing.B) {
			var text bytes.Buffer
			if _, err := Write(&text, f, all(thousands(n)), WriteOptions{}); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				in, err := Read(b.Context(), bytes.NewReader(text.Bytes()), ReadOptions{Format: f, Hosts: hosts})
				if err != nil || len(in.Rows) != n {
					b.Fatalf("%d rows, %v", len(in.Rows), err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	const n = 50_000
	pages := thousands(n)
	for _, f := range Formats() {
		b.Run(string(f), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Write(io.Discard, f, all(pages), WriteOptions{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
