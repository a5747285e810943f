// Responders that die, restart and are replaced while readers ask.

package apache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pagemap/deploy/apache"
)

// load is readers who ask for pages, each on a kept connection, until stop.
type load struct {
	requests atomic.Int64
	quit     chan struct{}
	done     sync.WaitGroup

	mu     sync.Mutex // for failed
	failed []failure
}

// failure is a request that was not answered as it should be.
type failure struct {
	begun, ended time.Time
	err          error
}

func startLoad(s *stack, readers int) *load {
	return startLoadOf(s, readers, []string{"/", "/about.html", "/docs/guide.html", "/style.css", "/moved", "/nothing"}, []int{200, 200, 200, 200, 301, 404})
}

// startLoadOf is startLoad of other pages, which answer as want says.
func startLoadOf(s *stack, readers int, targets []string, want []int) *load {
	l := &load{quit: make(chan struct{})}
	for i := range readers {
		l.done.Go(func() {
			client := http.Client{
				Transport:     &http.Transport{DisableCompression: true},
				Timeout:       30 * time.Second,
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			}
			defer client.CloseIdleConnections()
			for n := i; ; n++ {
				select {
				case <-l.quit:
					return
				default:
				}
				k := n % len(targets)
				l.requests.Add(1)
				begun := time.Now()
				if err := ask(&client, s.URL+targets[k], want[k]); err != nil {
					l.mu.Lock()
					l.failed = append(l.failed, failure{begun, time.Now(), err})
					l.mu.Unlock()
				}
			}
		})
	}
	return l
}

// ask makes one request that must have this status and its whole body.
func ask(client *http.Client, url string, status int) error {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return err
	}
	req.Host = host
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	switch {
	case err != nil:
		return fmt.Errorf("GET %s: body: %w", url, err)
	case res.StatusCode != status:
		return fmt.Errorf("GET %s: status %d, want %d", url, res.StatusCode, status)
	case res.ContentLength >= 0 && n != res.ContentLength:
		return fmt.Errorf("GET %s: %d bytes of %d", url, n, res.ContentLength)
	}
	return nil
}

// stop ends the readers and returns the requests that failed, of how many.
func (l *load) stop() (failed []failure, requests int64) {
	close(l.quit)
	l.done.Wait()
	return l.failed, l.requests.Load()
}

// Replacing all workers again and again costs no reader anything.
func TestReloadUnderLoad(t *testing.T) {
	const signals = 100
	between := int64(1000) // requests from one signal to the next
	if raceEnabled {
		between = 100
	}
	s := up(t, options{})
	l := startLoad(s, 32)
	before := s.daemon.workers(t)
	for n := range int64(signals) {
		eventually(t, 30*time.Second, "the readers to go on", func() bool { return l.requests.Load() >= n*between })
		if err := s.daemon.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, 30*time.Second, "the readers to go on", func() bool { return l.requests.Load() >= signals*between })
	failed, requests := l.stop()
	t.Logf("%d SIGHUPs in %d requests: %d failures", signals, requests, len(failed))
	if len(failed) > int(requests/100_000) {
		t.Errorf("%d of %d requests failed, first %v", len(failed), requests, failed[0].err)
	}
	for _, pid := range before {
		if processExists(pid) {
			t.Errorf("worker %d was never replaced", pid)
		}
	}
}

// A worker that is killed takes with it only what it was answering: no request that
// begins once it is gone fails.
func TestKillUnderLoad(t *testing.T) {
	const readers, kills = 16, 5
	s := up(t, options{})
	l := startLoad(s, readers)
	type death struct{ killed, gone time.Time }
	var deaths []death
	for range kills {
		begun := l.requests.Load()
		eventually(t, 20*time.Second, "the readers to go on", func() bool { return l.requests.Load() > begun+20*readers })
		pids := s.daemon.workers(t)
		if len(pids) == 0 {
			t.Fatal("no workers")
		}
		d := death{killed: time.Now()}
		if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for processExists(pids[0]) && time.Since(d.killed) < 10*time.Second {
			time.Sleep(100 * time.Microsecond) // short, as what begins before it is seen may have reached the worker
		}
		d.gone = time.Now()
		deaths = append(deaths, d)
		eventually(t, 10*time.Second, "another worker in its place", func() bool {
			now := s.daemon.workers(t)
			return len(now) == 2 && !slices.Contains(now, pids[0])
		})
	}
	begun := l.requests.Load()
	eventually(t, 20*time.Second, "the readers to go on", func() bool { return l.requests.Load() > begun+20*readers })
	failed, requests := l.stop()
	t.Logf("%d kills in %d requests: %d failures", kills, requests, len(failed))
	cost := make([]int, kills)
	for _, f := range failed {
		// It failed by the first death after it began.
		n := slices.IndexFunc(deaths, func(d death) bool { return f.begun.Before(d.gone) })
		if n < 0 {
			t.Errorf("%v: began %s after the last worker was gone", f.err, f.begun.Sub(deaths[kills-1].gone))
			continue
		}
		cost[n]++
		if early := deaths[n].killed.Sub(f.ended); early > 0 {
			t.Errorf("%v: failed %s before a worker was killed", f.err, early)
		}
	}
	for n, c := range cost {
		// Each waits for one answer at a time, and may meet the dying worker once more, on a connection of
		// Apache's that is closed a moment later than the one that failed.
		if c > 2*readers {
			t.Errorf("kill %d cost %d requests", n+1, c)
		}
	}
}

// Between two requests on Apache's pooled connections the whole pool is replaced.
func TestRestartBetweenRequests(t *testing.T) {
	s := up(t, options{})
	for range 3 {
		for range 5 {
			if r := get(t, s.Addr, "GET", "/about.html"); r.StatusCode != 200 {
				t.Fatalf("status %d", r.StatusCode)
			}
		}
		s.daemon.stop(t)
		if r := get(t, s.Addr, "GET", "/about.html"); r.StatusCode != 503 {
			t.Errorf("without responders: status %d, want 503", r.StatusCode)
		}
		os.Remove(s.socket())
		s.daemon = startDaemon(t, "--config", s.settings)
		s.daemon.awaitSocket(t, s.socket())
		if r := get(t, s.Addr, "GET", "/about.html"); r.StatusCode != 200 {
			t.Errorf("first request after the restart: status %d", r.StatusCode)
		}
	}
}

// A responder that hangs costs its readers the time Apache waits, and nobody else
// anything once it goes on.
func TestHangingResponder(t *testing.T) {
	s := up(t, options{timeout: 2})
	pids := s.daemon.workers(t)
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	r := get(t, s.Addr, "GET", "/about.html")
	if r.StatusCode != 504 {
		t.Errorf("status %d, want 504", r.StatusCode)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the answer took %s", took)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if r := get(t, s.Addr, "GET", "/about.html"); r.StatusCode != 200 {
			t.Errorf("once it goes on: status %d", r.StatusCode)
		}
	}
}

// A body that nobody reads does not stand in the way of the next request.
func TestUnreadBodies(t *testing.T) {
	const size = 5 << 20
	for _, way := range []apache.Way{apache.Socket, apache.FCGID} {
		t.Run(string(way), func(t *testing.T) {
			s := up(t, options{way: way})
			for _, target := range []string{"/about.html", "/moved", "/nothing"} {
				for name, head := range map[string]string{
					"length":  fmt.Sprintf("Content-Length: %d\r\n", size),
					"chunked": "Transfer-Encoding: chunked\r\n",
				} {
					t.Run(name+target, func(t *testing.T) {
						status := post(t, s.Addr, target, head, size)
						// A body that is announced as too large is refused as such; mod_fcgid counts a chunked one, too, and says 500.
						want := map[string]int{"/about.html": 405, "/moved": 301, "/nothing": 404}[target]
						if status != want && status != 413 && (status != 500 || way != apache.FCGID) {
							t.Errorf("POST %s: status %d, want %d or 413", target, status, want)
						}
						for range 20 {
							if r := get(t, s.Addr, "GET", "/about.html"); r.StatusCode != 200 {
								t.Fatalf("GET after POST %s: status %d", target, r.StatusCode)
							}
						}
					})
				}
			}
			t.Run("cut off", func(t *testing.T) {
				c, err := net.Dial("tcp", s.Addr)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(c, "POST /moved HTTP/1.1\r\nHost: %s\r\nContent-Length: 100000\r\n\r\nhalf", host)
				c.Close()
				for range 20 {
					if r := get(t, s.Addr, "GET", "/about.html"); r.StatusCode != 200 {
						t.Fatalf("status %d", r.StatusCode)
					}
				}
			})
		})
	}
}

// post sends a body of so many bytes and returns the status. The server may answer,
// and close, before it has read all.
func post(t testing.TB, addr, target, head string, size int) int {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n", target, host, head)
	go func() {
		chunk := strings.Repeat("x", 64<<10)
		for sent := 0; sent < size; sent += len(chunk) {
			if strings.HasPrefix(head, "Transfer") {
				fmt.Fprintf(c, "%x\r\n%s\r\n", len(chunk), chunk)
			} else if _, err := io.WriteString(c, chunk); err != nil {
				return
			}
		}
		if strings.HasPrefix(head, "Transfer") {
			io.WriteString(c, "0\r\n\r\n")
		}
	}()
	var version string
	var status int
	if _, err := fmt.Fscan(c, &version, &status); err != nil {
		t.Fatalf("POST %s: %v", target, err)
	}
	return status
}

// Readers who go away in the middle of a large page leave nothing behind.
func TestReadersGoAway(t *testing.T) {
	s := up(t, options{more: map[string]string{"workers": "1"}})
	get(t, s.Addr, "GET", "/big.html")
	goroutines := func() int { return s.metric(t, "go_goroutines") }
	base := goroutines()
	for range 50 {
		c, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET /big.html HTTP/1.1\r\nHost: %s\r\n\r\n", host)
		if _, err := io.ReadFull(c, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	// Connections that Apache keeps have a goroutine each, for their ttl.
	eventually(t, 20*time.Second, "the goroutines to end", func() bool { return goroutines() <= base+2 })
	if r := get(t, s.Addr, "GET", "/about.html"); r.StatusCode != 200 {
		t.Errorf("status %d", r.StatusCode)
	}
}

// Apache's own restart loses no request either, whichever way.
func TestApacheReloadUnderLoad(t *testing.T) {
	s := up(t, options{})
	l := startLoad(s, 8)
	for range 3 {
		time.Sleep(500 * time.Millisecond) // readers are answered meanwhile
		s.Reload()
	}
	time.Sleep(500 * time.Millisecond)
	failed, requests := l.stop()
	if len(failed) > 0 {
		t.Errorf("%d of %d requests failed, first %v", len(failed), requests, failed[0].err)
	}
}

// Twice as many readers as mod_fcgid has processes all get their page.
func TestFCGIDBusy(t *testing.T) {
	s := up(t, options{way: apache.FCGID})
	l := startLoad(s, 32)
	time.Sleep(3 * time.Second) // the load is what is tested
	failed, requests := l.stop()
	t.Logf("32 readers, 16 processes: %d requests, %d failures", requests, len(failed))
	if len(failed) > 0 {
		t.Errorf("%d of %d requests failed, first %v", len(failed), requests, failed[0].err)
	}
}

// metric is a number from the admin pages, of the one worker.
func (s *stack) metric(t testing.TB, name string) int {
	t.Helper()
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(s.dir, "admin.sock"))
		},
	}}
	res, err := client.Get("http://admin/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			var n float64
			if _, err := fmt.Sscan(value, &n); err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// processExists reports whether a process is there; one that was killed is gone once its parent knows, which is
// when all its threads have ended and all that it had open is closed.
func processExists(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
