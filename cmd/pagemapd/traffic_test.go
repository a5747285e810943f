// Hits and misses: what readers ask for reaches the database.

package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pagemap/fcgi/fcgitest"
	"pagemap/mapping/postgres"
	"pagemap/mapping/postgres/pgtest"
)

// ask sends requests for the targets on as many connections, each of them so
// many times.
func ask(t testing.TB, p *program, times int, requests ...fcgitest.Request) {
	t.Helper()
	var clients sync.WaitGroup
	for _, r := range requests {
		clients.Go(func() {
			k := p.keeper()
			defer k.Close()
			for range times {
				if _, err := k.Do(r); err != nil {
					t.Errorf("%s: %v", r.Target, err)
					return
				}
			}
		})
	}
	clients.Wait()
}

// A pool that is stopped has written every hit and miss that its workers counted.
func TestTrafficIsCounted(t *testing.T) {
	dsn := pgtest.Database(t)
	db := migrated(t, dsn)
	moved(t, db, "old", "https://elsewhere.example/", 2)
	tree, paths := pages(t, 2)
	p := startResponder(t, "--tree", tree, "--database", dsn, "--workers", "2", "--site", "https://www.example.org", "--poll", "100ms")
	const each = 200
	from := func(target, referrer string) fcgitest.Request {
		return fcgitest.Request{Target: target, Params: map[string]string{"HTTP_REFERER": referrer}}
	}
	for range 2 { // new connections may go to the other worker
		ask(t, p, each/2,
			from(paths[0], ""), from(paths[1]+"?x=1", ""), from("/old/1", ""),
			from("/missing.html", "https://www.example.org"+paths[0]), from("/wp-login.php", ""), from("/%zz", ""))
	}
	if code := stop(p); code != 0 {
		t.Errorf("exit code %d", code)
	}
	hits := map[string]int64{}
	for h, err := range db.Hits(t.Context(), postgres.HitsFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		hits[h.Pattern] = h.Hits
	}
	if len(hits) != 3 || hits[paths[0]] != each || hits[paths[1]] != each || hits["/old/1"] != each {
		t.Errorf("hits: %v", hits)
	}
	var misses []string
	for m, err := range db.Misses(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		misses = append(misses, fmt.Sprint(m.Path, " ", m.Count, " ", m.Referrer, " ", m.Own))
	}
	if want := fmt.Sprintf("[/missing.html %d www.example.org true]", each); fmt.Sprint(misses) != want {
		t.Errorf("misses: %v, want %s", misses, want)
	}
}

// stop ends a program and returns its exit code.
func stop(p *program) int {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	return p.wait()
}

// Without a database that counts nothing changes for readers, and the end waits
// for nobody.
func TestTrafficDuringOutage(t *testing.T) {
	server := pgtest.Start(t, pgtest.Options{})
	dsn := server.DSN(server.CreateDatabase(t))
	migrated(t, dsn)
	tree, paths := pages(t, 1)
	p := startResponder(t, "--tree", tree, "--database", dsn, "--workers", "1")
	server.Pause()
	defer server.Resume()
	ask(t, p, 100, fcgitest.Request{Target: paths[0]}, fcgitest.Request{Target: "/missing"})
	begun := time.Now()
	if code := stop(p); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("the end took %v", took)
	}
}

func TestTrafficOff(t *testing.T) {
	dsn := pgtest.Database(t)
	db := migrated(t, dsn)
	tree, paths := pages(t, 1)
	p := startResponder(t, "--tree", tree, "--database", dsn, "--workers", "1", "--traffic-days", "0")
	if res := p.get(paths[0]); res.Status != http.StatusOK {
		t.Errorf("status %d", res.Status)
	}
	if _, body := p.ask("/metrics"); strings.Contains(body, "pagemap_traffic") {
		t.Error("there are figures of what is not counted")
	}
	stop(p)
	if since, err := db.HitsSince(t.Context()); err != nil || !since.IsZero() {
		t.Errorf("hits since %v, %v", since, err)
	}
}

// Random paths that nothing answers, with and without counting them: requests
// per second, processor time and memory of the responder, rows that are left. -benchtime 1000000x
// is a million of them.
func BenchmarkRandomMisses(b *testing.B) {
	for _, days := range []int{0, 400} {
		b.Run(fmt.Sprint("traffic-days=", days), func(b *testing.B) {
			dsn := pgtest.Database(b)
			db := migrated(b, dsn)
			tree, _ := pages(b, 1)
			p := startResponder(b, "--tree", tree, "--database", dsn, "--workers", "1", "--log-level", "error", "--traffic-days", strconv.Itoa(days))
			var left atomic.Int64
			left.Store(int64(b.N))
			var clients sync.WaitGroup
			b.ResetTimer()
			for range 8 {
				clients.Go(func() {
					k := p.keeper()
					defer k.Close()
					for left.Add(-1) >= 0 {
						if _, err := k.Do(fcgitest.Request{Target: fmt.Sprintf("/%x/%x.html", rand.Uint32(), rand.Uint64())}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			clients.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
			b.ReportMetric(residentMiB(b, p.cmd.Process.Pid), "MiB")
			code := stop(p)
			b.ReportMetric(float64((p.cmd.ProcessState.UserTime()+p.cmd.ProcessState.SystemTime()).Microseconds())/float64(b.N), "CPU-µs/request")
			if code != 0 {
				b.Errorf("exit code %d", code)
			}
			rows := 0
			for _, err := range db.Misses(b.Context()) {
				if err != nil {
					b.Fatal(err)
				}
				rows++
			}
			b.ReportMetric(float64(rows), "rows")
		})
	}
}

// residentMiB is a process's memory.
func residentMiB(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kib / 1024
}
