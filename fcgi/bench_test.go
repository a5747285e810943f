// What the boundary costs and saves against bare net/http/fcgi.

package fcgi_test

import (
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
)

// BenchmarkPage gets a page of 10 KB on kept connections over a unix socket, by
// clients in another process: cpu-ns/op is the responder's alone.
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
		{"prompt", func() side {
			return behind(b, h, fcgi.Options{Logger: slog.New(slog.DiscardHandler), Prompt: func(q *fcgi.Query, a *fcgi.Answer) bool {
				a.Status, a.Body = 200, page
				a.Set("Content-Type", "text/html; charset=utf-8")
				return true
			}})
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			client := exec.Command(os.Args[0], bench.start().addr.String(), strconv.Itoa(b.N))
			client.Env = append(os.Environ(), roleEnv+"=client")
			b.ReportAllocs()
			b.ResetTimer()
			begin := cpuTime()
			if out, err := client.CombinedOutput(); err != nil {
				b.Fatal(err, string(out))
			}
			b.ReportMetric(float64(cpuTime()-begin)/float64(b.N), "cpu-ns/op")
		})
	}
}

// getPages gets n pages from the unix socket at path, on 8 connections at once.
func getPages(path string, n int) error {
	return fcgitest.Load("unix", path, 8, n, fcgitest.Request{Params: fcgitest.AsApache()}, "/library/functions.html")
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
