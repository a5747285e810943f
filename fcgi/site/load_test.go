// What a request costs the responder, over a socket, against bare net/http/fcgi.

package site_test

import (
	"fmt"
	"net"
	"net/http"
	nethttpfcgi "net/http/fcgi"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pagemap/fcgi/fcgitest"
	"pagemap/fcgi/site"
	"pagemap/mapping"
)

// clientEnv makes the test binary a client that loads a responder.
const clientEnv = "SITE_TEST_CLIENT"

func TestMain(m *testing.M) {
	if os.Getenv(clientEnv) == "" {
		os.Exit(m.Run())
	}
	n, _ := strconv.Atoi(os.Args[2])
	if err := fcgitest.Load("unix", os.Args[1], 8, n, fcgitest.Request{Params: fcgitest.AsApache()}, os.Args[3:]...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// load has another process get n pages from a unix socket.
func load(t testing.TB, addr net.Addr, n int, targets ...string) {
	t.Helper()
	client := exec.Command(os.Args[0], append([]string{addr.String(), strconv.Itoa(n)}, targets...)...)
	client.Env = append(os.Environ(), clientEnv+"=1")
	if out, err := client.CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
}

// TestHotAllocations: a page that stands ready costs next to no allocations, from
// the socket and back.
func TestHotAllocations(t *testing.T) {
	const n, limit = 5000, 5
	s := newStack(t, func(_ *stack, o *site.Options) { o.LookFor = 0 })
	addr := listen(t, s, s.Prompt)
	load(t, addr, 100, "/docs/guide.html")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	load(t, addr, n, "/docs/guide.html")
	runtime.ReadMemStats(&after)
	each := float64(after.Mallocs-before.Mallocs) / n
	t.Logf("%.1f allocations a request", each)
	if each > limit {
		t.Errorf("%.1f allocations, want at most %d", each, limit)
	}
}

// BenchmarkLoad gets pages on kept connections over a unix socket, by clients in
// another process: cpu-ns/op is the responder's alone.
func BenchmarkLoad(b *testing.B) {
	page := []byte(strings.Repeat("<p>0123456789</p>", 600)) // 10 KB
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(page)))
		w.Write(page)
	})
	var missing []string
	for i := range 5000 {
		missing = append(missing, fmt.Sprintf("/no/such/%x/page-%d.html", i*7919, i))
	}
	for _, bench := range []struct {
		name    string
		targets []string
	}{
		{"bare", nil},
		{"handler", []string{"/docs/hot.html"}},
		{"hot", []string{"/docs/hot.html"}},
		{"redirect", []string{"/moved"}},
		{"missing", missing},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s := newStack(b, func(_ *stack, o *site.Options) { o.LookFor, o.Now = 0, nil })
			if err := s.world.Write("docs/hot.html", string(page)); err != nil {
				b.Fatal(err)
			}
			crawled := func(name string) mapping.Page {
				return mapping.Page{Row: mapping.Row{Pattern: name, Status: 200, Source: "file:" + name, Origin: mapping.OriginPopulate}}
			}
			s.table.Store(tableOf(append(s.world.Pages, crawled("/docs/hot.html"), crawled("/about.html"))...))
			var addr net.Addr
			switch bench.name {
			case "bare":
				dir := b.TempDir()
				l, err := net.Listen("unix", filepath.Join(dir, "s"))
				if err != nil {
					b.Fatal(err)
				}
				defer l.Close()
				go func() { _ = nethttpfcgi.Serve(l, bare) }()
				addr, bench.targets = l.Addr(), []string{"/docs/hot.html"}
			case "handler":
				addr = listen(b, s, nil)
			default:
				addr = listen(b, s, s.Prompt)
			}
			b.ReportAllocs()
			b.ResetTimer()
			begin := cpuTime()
			load(b, addr, b.N, bench.targets...)
			b.ReportMetric(float64(cpuTime()-begin)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpuTime is the processor time of this process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
