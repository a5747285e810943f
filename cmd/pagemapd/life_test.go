// A process's life: how it is started, what signals do to it, how it ends.

package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pagemap/fcgi/fcgitest"
	"pagemap/mapping/postgres/pgtest"
)

// spawn starts the program as mod_fcgid does: with a listening socket as
// descriptor 0 and nothing said about it.
func spawn(t *testing.T, args ...string) *program {
	t.Helper()
	p := command(t, args...)
	p.socket = filepath.Join(dir(t), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: p.socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.SetUnlinkOnClose(false)
	if p.cmd.Stdin, err = l.File(); err != nil {
		t.Fatal(err)
	}
	defer p.cmd.Stdin.(*os.File).Close()
	return p.start()
}

func TestSpawned(t *testing.T) {
	const rows = 100_000
	dsn := pgtest.Database(t)
	db := migrated(t, dsn)
	files(t, db, "old", rows-1)
	moved(t, db, "moved", "/elsewhere", 1)
	snapshot := filepath.Join(dir(t), "snapshot")
	args := []string{"--database", dsn, "--snapshot", snapshot, "--poll", "100ms"}
	first := startResponder(t, append(args, "--workers", "1")...)
	first.signal(syscall.SIGTERM) // at its end it writes the snapshot
	if code := first.wait(); code != 0 {
		t.Fatalf("exit code %d", code)
	}

	begun := time.Now()
	p := spawn(t, args...)
	res := p.get("/moved/0")
	took := time.Since(begun)
	if res.Status != 301 {
		t.Fatalf("status %d, log\n%s", res.Status, p.log)
	}
	t.Logf("first answer after %s, at %d rows", took, rows)
	if took > time.Second*slowness {
		t.Errorf("the first answer took %s, want 1 s at most", took)
	}

	// It is not told of changes, and finds them by itself.
	moved(t, db, "new", "/elsewhere", 1)
	eventually(t, 5*time.Second, "a change", func() bool { return p.get("/new/0").Status == 301 })

	// mod_fcgid sends SIGTERM twice, and SIGKILL after 8 s.
	begun = time.Now()
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != 0 || time.Since(begun) > 2*time.Second*slowness {
		t.Errorf("exit code %d after %s, want 0 at once", code, time.Since(begun))
	}
}

// Without a snapshot the database is asked.
func TestSpawnedWithoutSnapshot(t *testing.T) {
	dsn := pgtest.Database(t)
	moved(t, migrated(t, dsn), "old", "/elsewhere", 10)
	p := spawn(t, "--database", dsn, "--snapshot", filepath.Join(dir(t), "none"))
	if res := p.get("/old/3"); res.Status != 301 {
		t.Errorf("status %d", res.Status)
	}
}

// A request that is being answered when SIGTERM comes is answered.
func TestStopAnswersWhatWasBegun(t *testing.T) {
	tree, paths := pages(t, 1)
	p := startResponder(t, "--tree", tree, "--workers", "1")
	conn, err := fcgitest.Dial(&net.UnixAddr{Name: p.socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := fcgitest.Request{Target: paths[0]}
	records := request.Records()
	if err := conn.Send(records[0]); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // for the record to arrive
	p.signal(syscall.SIGTERM)
	p.logged("draining")
	if err := conn.Send(records[1:]...); err != nil {
		t.Fatal(err)
	}
	if res, err := conn.Response(1); err != nil || res.Status != 200 {
		t.Errorf("the request begun before SIGTERM: %+v, %v", res, err)
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(p.socket); err == nil {
		t.Error("the socket is left behind")
	}
}

// settingsFile writes a settings file and returns the flag that names it.
func settingsFile(t *testing.T, file, text string) []string {
	write(t, file, text)
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--config", file}
}

func TestReread(t *testing.T) {
	for _, test := range []struct{ name, workers string }{
		{"one process", "1"},
		{"pool", "2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree, paths := pages(t, 1)
			file := filepath.Join(dir(t), "pagemap.conf")
			settings := "tree = " + tree + "\n"
			p := startResponder(t, append(settingsFile(t, file, settings+"cache-file = max-age=1\n"), "--workers", test.workers)...)
			control := func() string { return p.get(paths[0]).Header.Get("Cache-Control") }
			if control() != "max-age=1" {
				t.Fatalf("Cache-Control %q", control())
			}

			write(t, file, settings+"cache-file = max-age=2\nnonsense = 1\n")
			p.signal(syscall.SIGHUP)
			p.logged("the old ones stay in force")
			if control() != "max-age=1" {
				t.Errorf("Cache-Control %q after a bad file, want the old one", control())
			}
			if test.workers == "2" {
				// A worker that is started meanwhile has the old settings, too.
				for _, w := range p.pids() {
					_ = syscall.Kill(w, syscall.SIGKILL)
				}
				p.logged("worker died")
				eventually(t, 10*time.Second, "workers with the old settings", func() bool {
					k := p.keeper()
					defer k.Close()
					res, err := k.Do(fcgitest.Request{Target: paths[0]})
					return err == nil && res.Header.Get("Cache-Control") == "max-age=1"
				})
			}

			write(t, file, settings+"cache-file = max-age=3\nsocket-mode = 0600\n")
			p.signal(syscall.SIGHUP)
			eventually(t, 20*time.Second, "the new settings", func() bool { return control() == "max-age=3" })
			p.logged("takes effect at the next start")
			if !strings.Contains(p.log.String(), "setting=socket-mode") {
				t.Errorf("no word of the setting that stays:\n%s", p.log)
			}
		})
	}
}

// pids are the process numbers of a pool's two workers.
func (p *program) pids() (pids []int) {
	p.t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, task := range tasks {
		children, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		for field := range strings.FieldsSeq(string(children)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	if len(pids) != 2 {
		p.t.Fatalf("workers %v: want two", pids)
	}
	return pids
}

func TestPoolTellsAndEnds(t *testing.T) {
	tree, paths := pages(t, 3)
	p := startResponder(t, "--tree", tree, "--workers", "2", "--connection-ttl", "2s")
	for range 20 {
		for _, path := range paths {
			if res := p.get(path); res.Status != 200 {
				t.Fatalf("%s: %d", path, res.Status)
			}
		}
	}
	write(t, tree+"/two.html", "one spelling")
	write(t, tree+"/TWO.html", "another")
	if res := p.get("/Two.html"); res.Status != 404 {
		t.Fatalf("/Two.html: %d, want 404 as it is ambiguous", res.Status)
	}
	// After it: a worker that had to list the directory for this one would not see the two at once.
	if res := p.get("/none"); res.Status != 404 {
		t.Fatalf("/none: %d", res.Status)
	}
	for prefix, want := range map[string]float64{
		`pagemap_requests_total{status="200"`: 60,
		`pagemap_requests_total{status="404"`: 2,
		`pagemap_request_seconds_count`:       62,
		`pagemap_fcgi_requests_total`:         62,
		`pagemap_table_rows`:                  2 * 3,
		`pagemap_flagged_answers_total`:       1,
		`pagemap_pool_workers`:                2,
	} {
		if got := p.metric(prefix); got != want {
			t.Errorf("metric %s: %v, want %v", prefix, got, want)
		}
	}
	for _, prefix := range []string{`go_goroutines{worker="1"}`, `go_goroutines{worker="2"}`, `go_goroutines{worker="parent"}`, `process_open_fds{worker="1"}`} {
		if p.metric(prefix) < 1 {
			t.Errorf("metric %s is missing", prefix)
		}
	}
	if status, body := p.ask("/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz: %d %q", status, body)
	}
	if h := p.health(); !h.Ready || len(h.Workers) != 2 || h.Workers[1].Worker != 2 || h.Workers[1].Table.Rows != 3 {
		t.Errorf("/readyz: %+v", h)
	}
	pids := p.pids()
	kept := p.keeper()
	defer kept.Close()
	if _, err := kept.Do(fcgitest.Request{Target: paths[0]}); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGTERM)
	eventually(t, 20*time.Second, "new connections refused", func() bool {
		c, err := net.Dial("unix", p.socket)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	if res, err := kept.Do(fcgitest.Request{Target: paths[0]}); err != nil || res.Status != 200 || kept.Dials != 1 {
		t.Errorf("while new connections are refused, a kept one: %v, %v, %d dials", res, err, kept.Dials)
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit code %d, log\n%s", code, p.log)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
			t.Errorf("worker %d is left behind: %v", pid, err)
		}
	}
}

// A parent that is killed takes its workers with it, and frees the address.
func TestParentKilled(t *testing.T) {
	tree, paths := pages(t, 1)
	p := startResponder(t, "--tree", tree, "--workers", "2")
	p.signal(syscall.SIGKILL)
	<-p.done
	p.logged("parent is gone")
	again := command(t, "--tree", tree, "--workers", "2", "--listen", "unix:"+p.socket)
	again.socket = p.socket
	again.start()
	eventually(t, 20*time.Second, "the next pool on the same socket", func() bool {
		k := again.keeper()
		defer k.Close()
		res, err := k.Do(fcgitest.Request{Target: paths[0]})
		return err == nil && res.Status == 200
	})
}

// systemd starts the pool with the socket, and is told how it is.
func TestSystemd(t *testing.T) {
	tree, paths := pages(t, 1)
	d := dir(t)
	notified, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: d + "/n", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notified.Close()
	state := func() string {
		buf := make([]byte, 1024)
		if err := notified.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := notified.Read(buf)
		if err != nil {
			t.Fatalf("systemd was told nothing: %v", err)
		}
		return string(buf[:n])
	}
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: d + "/s", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	file, err := socket.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()

	p := command(t, "--listen", "systemd", "--tree", tree, "--workers", "2")
	p.socket = d + "/s"
	program := p.cmd.Args
	// LISTEN_PID is known to the process that becomes the program.
	p.cmd.Path, p.cmd.Args = "/bin/sh", append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`}, program...)
	p.cmd.Env = append(p.cmd.Env, "LISTEN_FDS=1", "NOTIFY_SOCKET="+d+"/n")
	p.cmd.ExtraFiles = []*os.File{file}
	p.start()
	if s := state(); s != "READY=1" {
		t.Fatalf("first state %q", s)
	}
	if res := p.get(paths[0]); res.Status != 200 {
		t.Errorf("status %d", res.Status)
	}
	p.signal(syscall.SIGHUP)
	if s := state(); !strings.HasPrefix(s, "RELOADING=1\nMONOTONIC_USEC=") {
		t.Errorf("state %q after SIGHUP", s)
	}
	if s := state(); s != "READY=1" {
		t.Errorf("state %q after the reload", s)
	}
	p.signal(syscall.SIGTERM)
	if s := state(); s != "STOPPING=1" {
		t.Errorf("state %q after SIGTERM", s)
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(d + "/s"); err != nil {
		t.Errorf("systemd's socket was removed: %v", err)
	}
}
