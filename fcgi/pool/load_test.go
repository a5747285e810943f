// A pool of FastCGI responders under load, while its workers are replaced and killed.

package pool_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
	"pagemap/fcgi/pool"
)

const loadConns = 32

// serveFastCGI is the worker of the role "fastcgi".
func serveFastCGI(member *pool.Member, terminated <-chan os.Signal) {
	socket, err := fcgi.Listen("fd:0", fcgi.ListenOptions{})
	if err != nil {
		fail(err)
	}
	admin := http.NewServeMux()
	admin.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	go http.Serve(member.Admin, admin)
	server := fcgi.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s from %d", r.RequestURI, os.Getpid())
	}), fcgi.Options{})
	go server.Serve(socket)
	go server.Serve(member.Conns)
	if err := member.Ready(); err != nil {
		fail(err)
	}
	select {
	case <-member.Retired:
		server.HandOver(context.Background(), func(c net.Conn) {
			if err := member.HandOver(c); err != nil {
				fail(err)
			}
		})
	case <-terminated:
		server.Shutdown(context.Background())
	case <-member.Orphaned:
		server.Shutdown(context.Background())
	}
}

// load sends requests on kept connections until it is stopped, each client to
// have its answer before it sends the next.
type load struct {
	sent, failed atomic.Int64
	errors       sync.Map // text to struct{}
	stop         func()   // returns when all clients have ended
}

func startLoad(socket string, clients int) *load {
	l := &load{}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	l.stop = func() { cancel(); running.Wait() }
	for c := range clients {
		running.Go(func() {
			k := fcgitest.Keeper{Addr: &net.UnixAddr{Name: socket, Net: "unix"}}
			defer k.Close()
			for i := 0; ctx.Err() == nil; i++ {
				target := fmt.Sprintf("/%d/%d", c, i)
				l.sent.Add(1)
				res, err := k.Do(fcgitest.Request{Target: target})
				if err == nil && (res.Status != 200 || !strings.HasPrefix(res.Body, target+" from ")) {
					err = fmt.Errorf("status %d, %.40q", res.Status, res.Body)
				}
				if err != nil {
					l.failed.Add(1)
					l.errors.Store(err.Error(), struct{}{})
				}
			}
		})
	}
	return l
}

func (l *load) texts() (texts []string) {
	l.errors.Range(func(text, _ any) bool { texts = append(texts, text.(string)); return true })
	return texts
}

// A hundred reloads, each begun when the last one is done, under 32 connections
// that are always busy: at most 1 of 100,000 requests fails.
func TestReloadsUnderLoad(t *testing.T) {
	r := start(t, pool.Options{Workers: 2, Command: command("fastcgi")})
	load := startLoad(r.socket, loadConns)
	begun := time.Now()
	for i := range loadReloads {
		r.Reload(command("fastcgi"), time.Minute)
		r.until("the end of the reload", func() bool { return strings.Count(r.log.String(), "workers replaced") > i })
	}
	for load.sent.Load() < loadRequests {
		time.Sleep(10 * time.Millisecond)
	}
	load.stop()
	t.Logf("%d reloads in %.1f s, %d requests, %d failed", loadReloads, time.Since(begun).Seconds(), load.sent.Load(), load.failed.Load())
	if allowed := load.sent.Load() / 100_000; load.failed.Load() > allowed {
		t.Errorf("%d of %d requests failed, want at most %d: %q", load.failed.Load(), load.sent.Load(), allowed, load.texts())
	}
}

// Killing a worker fails no more requests than the connections it may have had.
func TestKillsUnderLoad(t *testing.T) {
	r := start(t, pool.Options{Workers: 2, Command: command("fastcgi"), MinDelay: 10 * time.Millisecond, MaxDelay: 20 * time.Millisecond})
	load := startLoad(r.socket, loadConns)
	const kills = 5
	for i := range kills {
		time.Sleep(300 * time.Millisecond)
		pid := r.pids()[i%2]
		if err := syscall.Kill(pid, syscall.SIGKILL); pid == 0 || err != nil {
			t.Fatalf("kill %d: %v", pid, err)
		}
		r.until("a new worker", func() bool { now := r.pids(); return now[0] != 0 && now[1] != 0 && now[i%2] != pid })
	}
	load.stop()
	t.Logf("%d requests, %d failed in %d kills: %q", load.sent.Load(), load.failed.Load(), kills, load.texts())
	if failed := load.failed.Load(); failed > kills*loadConns || failed > load.sent.Load()/2 {
		t.Errorf("%d of %d requests failed: more than the killed workers were answering", failed, load.sent.Load())
	}
	for _, text := range load.texts() {
		if strings.Contains(text, "status") || strings.Contains(text, "refused") {
			t.Errorf("a request failed by %q: want none but those that a killed worker was answering", text)
		}
	}
}
