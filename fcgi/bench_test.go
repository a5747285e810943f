// What the boundary costs and saves against bare net/http/fcgi.

package fcgi_test

import (
	"log/slog"
	"net/http"
	"syscall"
	"testing"
	"time"

	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
)

// BenchmarkPage gets a page of 10 KB on one kept connection over a unix socket.
// The client is the same for both and part of what is measured.
func BenchmarkPage(b *testing.B) {
	page := pattern(10_000)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Length", "10000")
		w.Write(page)
	})
	for _, bench := range []struct {
		name  string
		start func() side
	}{
		{"bare", func() side { return bare(b, h) }},
		{"boundary", func() side { return behind(b, h, fcgi.Options{Logger: slog.New(slog.DiscardHandler)}) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := bench.start().dial()
			var request []byte
			for _, r := range (fcgitest.Request{Target: "/library/functions.html"}).Records() {
				request = append(request, r.Bytes()...)
			}
			buf := make([]byte, 64<<10)
			b.ReportAllocs()
			begin := cpuTime()
			for b.Loop() {
				if _, err := c.Write(request); err != nil {
					b.Fatal(err)
				}
				for got := 0; ; { // END_REQUEST is the last record
					n, err := c.Conn.Read(buf[got:])
					if err != nil {
						b.Fatal(err)
					}
					got += n
					if got > 10_000 && buf[got-16] == 1 && buf[got-15] == fcgitest.End {
						break
					}
				}
			}
			b.ReportMetric(float64(cpuTime()-begin)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpuTime is the processor time of this process, which other processes on the
// machine change less than the time that passes.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRefusal gets the 503 of a server that is full.
func BenchmarkRefusal(b *testing.B) {
	hold, begun := make(chan struct{}), make(chan struct{})
	s := behind(b, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		begun <- struct{}{}
		<-hold
	}), fcgi.Options{MaxRequests: 1, RequestTimeout: -1, Logger: slog.New(slog.DiscardHandler)})
	if err := s.dial().Send(fcgitest.Request{}.Records()...); err != nil {
		b.Fatal(err)
	}
	<-begun
	defer close(hold)
	c := s.dial()
	b.ReportAllocs()
	for b.Loop() {
		if res, err := c.Do(fcgitest.Request{}); err != nil || res.Status != 503 {
			b.Fatal(res, err)
		}
	}
}
