// Workers that die, are replaced, and end.

package pool_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pagemap/fcgi/pool"
)

func TestAnswersFromSharedSocket(t *testing.T) {
	r := start(t, pool.Options{Workers: 3, Command: command("http")})
	pids := r.pids()
	if slices.Contains(pids, 0) || len(slices.Compact(slices.Sorted(slices.Values(pids)))) != 3 {
		t.Fatalf("workers %v: want three", pids)
	}
	for range 20 {
		body, err := r.get("/")
		var pid int
		if _, scanErr := fmt.Sscanf(body, "http %d", &pid); err != nil || scanErr != nil || !slices.Contains(pids, pid) {
			t.Fatalf("answer %q, %v: want one of %v", body, err, pids)
		}
	}
}

func TestKilledWorkerIsRestarted(t *testing.T) {
	r := start(t, pool.Options{Workers: 2, Command: command("http")})
	before := r.pids()
	if err := syscall.Kill(before[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if _, err := r.get("/"); err != nil {
			t.Fatalf("while a worker is gone: %v", err)
		}
	}
	r.until("a new worker", func() bool {
		now := r.pids()
		return now[0] != 0 && now[0] != before[0] && now[1] == before[1]
	})
}

// A request on its way to a killed worker is lost; those that wait in the
// socket's queue are not.
func TestQueueSurvivesKill(t *testing.T) {
	r := start(t, pool.Options{Workers: 1, Command: command("http"), MinDelay: 300 * time.Millisecond})
	lost := make(chan error, 1)
	go func() {
		_, err := r.get("/?sleep=10s")
		lost <- err
	}()
	time.Sleep(100 * time.Millisecond) // for the request to arrive
	syscall.Kill(r.pids()[0], syscall.SIGKILL)
	if err := <-lost; err == nil {
		t.Error("the request that the killed worker was answering has an answer")
	}
	if _, err := r.get("/"); err != nil {
		t.Errorf("a request while there was no worker: %v", err)
	}
}

func TestCrashLoopBacksOff(t *testing.T) {
	r := start(t, pool.Options{Workers: 1, Command: crashAfterFirst(t), MinDelay: 20 * time.Millisecond, MaxDelay: 200 * time.Millisecond})
	syscall.Kill(r.pids()[0], syscall.SIGKILL)
	r.until("six failed starts", func() bool { return strings.Count(r.log.String(), "worker not started") >= 6 })
	for _, delay := range []string{"40ms", "80ms", "160ms", "200ms"} {
		if !strings.Contains(r.log.String(), `again in`+`"=`+delay) {
			t.Errorf("no delay of %s in the log:\n%s", delay, r.log)
		}
	}
	// A reload brings a command that works.
	r.Reload(command("http"), time.Minute)
	r.until("a worker", func() bool { return r.pids()[0] != 0 })
}

// crashAfterFirst starts one good worker, then crashing ones.
func crashAfterFirst(t *testing.T) pool.Command {
	starts := 0
	return func(n int) (*exec.Cmd, error) {
		if starts++; starts == 1 {
			return command("http")(n)
		}
		return command("crash")(n)
	}
}

func TestReload(t *testing.T) {
	r := start(t, pool.Options{Workers: 2, Command: command("http")})
	before := r.pids()
	r.Reload(command("second"), time.Minute)
	r.until("the end of the reload", func() bool { return strings.Contains(r.log.String(), "workers replaced") })
	for i, pid := range r.pids() {
		if pid == 0 || pid == before[i] {
			t.Errorf("worker %d: pid %d after, %d before", i+1, pid, before[i])
		}
	}
	for _, pid := range before {
		if alive(pid) {
			t.Errorf("old worker %d lives", pid)
		}
	}
	if body, err := r.get("/"); err != nil || !strings.HasPrefix(body, "second ") {
		t.Errorf("answer %q, %v: want one of the new command's", body, err)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if want := []string{"READY=1", "RELOADING=1", "READY=1", "STOPPING=1"}; !slices.Equal(r.states.list(), want) {
		t.Errorf("states %v, want %v", r.states.list(), want)
	}
}

func TestFailedReloadKeepsWorkers(t *testing.T) {
	for _, test := range []struct{ name, role, log string }{
		{"new one dies", "crash", "ended before it was ready: exit status 7"},
		{"new one never gets ready", "mute", "was not ready within 3s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := start(t, pool.Options{Workers: 2, Command: command("http"), ReadyTimeout: 3 * time.Second})
			before := r.pids()
			r.Reload(command(test.role), time.Minute)
			r.until("the end of the reload", func() bool { return strings.Contains(r.log.String(), "reload stopped") })
			if now := r.pids(); !slices.Equal(now, before) {
				t.Errorf("workers %v, want the old ones %v", now, before)
			}
		})
	}
}

func TestReloadsCoalesce(t *testing.T) {
	r := start(t, pool.Options{Workers: 2, Command: command("http")})
	for i := range 100 {
		r.Reload(command("generation"+strconv.Itoa(i)), time.Minute)
	}
	r.until("the last generation", func() bool {
		body, err := r.get("/")
		return err == nil && strings.HasPrefix(body, "generation99 ") && strings.Count(r.log.String(), "workers replaced") > 0
	})
	if n := strings.Count(r.log.String(), "workers replaced"); n > 3 {
		t.Errorf("100 reloads at once were carried out %d times", n)
	}
}

func TestStubbornWorkerIsKilled(t *testing.T) {
	r := start(t, pool.Options{Workers: 1, Command: command("stubborn"), DrainTimeout: 200 * time.Millisecond})
	pid := r.pids()[0]
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Errorf("worker %d lives", pid)
	}
}

func TestStopDrains(t *testing.T) {
	r := start(t, pool.Options{Workers: 2, Command: command("http")})
	pids := r.pids()
	answer := make(chan error, 1)
	go func() {
		_, err := r.get("/?sleep=500ms")
		answer <- err
	}()
	time.Sleep(100 * time.Millisecond) // for the request to arrive
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if err := <-answer; err != nil {
		t.Errorf("the request being answered: %v", err)
	}
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("worker %d lives", pid)
		}
	}
}

// A worker that hangs is replaced as any other, after its time to drain.
func TestHungWorkerIsReplaced(t *testing.T) {
	r := start(t, pool.Options{Workers: 2, Command: command("http"), DrainTimeout: 200 * time.Millisecond})
	before := r.pids()
	if err := syscall.Kill(before[0], syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	r.Reload(command("second"), time.Minute)
	r.until("the end of the reload", func() bool { return strings.Contains(r.log.String(), "workers replaced") })
	for i, pid := range r.pids() {
		if pid == 0 || pid == before[i] || alive(before[i]) {
			t.Errorf("worker %d: pid %d after, %d before", i+1, pid, before[i])
		}
	}
}

// A reload brings the time that its workers have to drain.
func TestReloadedWorkersDrainInTheirTime(t *testing.T) {
	r := start(t, pool.Options{Workers: 1, Command: command("http"), DrainTimeout: 50 * time.Millisecond})
	r.Reload(command("second"), time.Minute)
	r.until("the end of the reload", func() bool { return strings.Contains(r.log.String(), "workers replaced") })
	answer := make(chan error, 1)
	go func() {
		_, err := r.get("/?sleep=1s")
		answer <- err
	}()
	time.Sleep(200 * time.Millisecond) // for the request to arrive
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if err := <-answer; err != nil {
		t.Errorf("the request being answered: %v", err)
	}
}

func TestFirstStartFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p, err := pool.New(pool.Options{Workers: 2, Listener: l.(*net.TCPListener), Command: command("crash"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("Run: %v, want the worker's exit status", err)
	}
}

// A pool that is stopped before it has begun ends without an error.
func TestStoppedBeforeItStarts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := pool.New(pool.Options{Workers: 2, Listener: l.(*net.TCPListener), Command: command("http"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l.Close()
	if err := p.Run(ctx); err != nil {
		t.Error(err)
	}
}

// Without descriptors no worker can be started; the parent lives on and starts
// them once it has some again.
func TestParentSurvivesExhaustedDescriptors(t *testing.T) {
	r := start(t, pool.Options{Workers: 1, Command: command("http"), MinDelay: 20 * time.Millisecond, MaxDelay: 50 * time.Millisecond})
	pid := r.pids()[0]
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = 4
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	syscall.Kill(pid, syscall.SIGKILL)
	deadline := time.Now().Add(10 * time.Second)
	for !strings.Contains(r.log.String(), "too many open files") && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.log.String(), "too many open files") {
		t.Fatalf("no start failed:\n%s", r.log)
	}
	r.until("a worker", func() bool { return r.pids()[0] != 0 })
}

// Starting workers must leave the shared socket in non-blocking mode: in
// blocking mode an accept that lost the race would hang in another worker.
func TestSocketStaysNonBlocking(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	socket := l.(*net.TCPListener)
	p, err := pool.New(pool.Options{Workers: 2, Listener: socket, Command: command("http"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	nonBlocking := func() bool {
		raw, err := socket.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var flags int
		if err := raw.Control(func(fd uintptr) { flags, err = unix.FcntlInt(fd, unix.F_GETFL, 0) }); err != nil {
			t.Fatal(err)
		}
		return flags&unix.O_NONBLOCK != 0
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	for i := range 2000 {
		if !nonBlocking() {
			t.Errorf("look %d: the socket blocks", i)
			break
		}
		time.Sleep(time.Millisecond / 2)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestMetricsAreMerged(t *testing.T) {
	r := start(t, pool.Options{Workers: 2, Command: command("http")})
	for range 10 {
		if _, err := r.get("/"); err != nil {
			t.Fatal(err)
		}
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum, workers, up := 0.0, map[string]bool{}, 0.0
	for _, f := range families {
		for _, m := range f.Metric {
			switch f.GetName() {
			case "test_answers_total":
				sum += m.GetCounter().GetValue()
				workers[m.Label[0].GetName()+"="+m.Label[0].GetValue()] = true
			case "pagemap_pool_workers":
				up = m.GetGauge().GetValue()
			}
		}
	}
	if sum != 10 || !workers["worker=1"] || !workers["worker=2"] || up != 2 {
		t.Errorf("answers %v by %v, %v workers: want 10 by worker=1 and worker=2, 2 workers", sum, workers, up)
	}
}

func TestOrphansDrain(t *testing.T) {
	parent, err := command("parent")(0)
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	parent.Env = append(parent.Env, "TMPDIR="+temp)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pids [2]int
	_, scanErr := fmt.Fscan(out, &pids[0], &pids[1])
	parent.Process.Kill()
	parent.Wait()
	if scanErr != nil {
		t.Fatal(scanErr)
	}
	for _, pid := range pids {
		for deadline := time.Now().Add(10 * time.Second); processRuns(pid); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("worker %d outlives its parent", pid)
			}
		}
	}
}

// processRuns reports whether a process that is not our child runs: one that ended
// may remain as a zombie where nobody reaps orphans.
func processRuns(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
