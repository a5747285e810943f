// The pool's parent: holds the listening socket and the admin listener, and
// starts workers with the settings that were last good.

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"pagemap/cmd/internal/config"
	"pagemap/fcgi/pool"
)

// servePool is the parent of a pool of workers.
func (d *process) servePool(ctx context.Context) error {
	s := d.settings
	l, err := listen(s)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	defer l.Close()
	admin, err := listenAdmin(s.Admin)
	if err != nil {
		return err
	}
	if admin != nil {
		defer admin.Close()
	}
	p, err := pool.New(pool.Options{
		Workers: workers(s), Listener: l.(syscall.Conn), Command: d.workerCommand(s),
		DrainTimeout: workerDrainTime(s), Notify: d.notify, Logger: d.log,
	})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	if admin != nil {
		ready := func(ctx context.Context) health { return poolHealth(ctx, p) }
		background.Go(func() { serveAdmin(running, admin, adminHandler(p, ready), d.log) })
	}
	background.Go(func() {
		d.rereading(running, fixedInPool, func(next *config.Settings) error {
			p.Reload(d.workerCommand(next), workerDrainTime(next))
			return nil
		})
	})
	d.log.Info("pool starts", "listen", l.Addr().String(), "workers", workers(s))
	return p.Run(ctx)
}

// workerDrainTime is after which a worker that drains is taken for stuck.
func workerDrainTime(s *config.Settings) time.Duration { return drainTime(s) + 5*time.Second }

// workerCommand starts workers with these settings. They get them through a
// pipe, descriptor 5, as a settings file: no flag or environment variable can
// say anything else, and a settings file that has gone bad since keeps no worker
// from being started again.
func (d *process) workerCommand(s *config.Settings) pool.Command {
	text := settingsText(s)
	return func(n int) (*exec.Cmd, error) {
		program, err := os.Executable()
		if err != nil {
			return nil, err
		}
		r, w, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("settings: %w", err)
		}
		go func() {
			_, _ = w.WriteString(text) // a worker that dies before it read all is noticed as such
			_ = w.Close()
		}()
		cmd := exec.Command(program, "--worker", strconv.Itoa(n), "--config", "/dev/fd/5")
		cmd.ExtraFiles = []*os.File{r}
		cmd.Env = workerEnviron(os.Environ(), workers(s))
		cmd.Stderr = d.stderr
		return cmd, nil
	}
}

// settingsText writes the settings that are not at their default as a settings file.
func settingsText(s *config.Settings) string {
	var b strings.Builder
	for _, v := range s.Effective() {
		if v.Origin == "default" {
			continue
		}
		if v.Name == "database" {
			v.Value = s.Database // where Effective hides the password
		}
		fmt.Fprintf(&b, "%s = %s\n", v.Name, v.Value)
	}
	return b.String()
}

// workerEnviron is the parent's environment without its settings and without
// what systemd says to the parent alone. The workers share the processors, as
// each is cheaper the fewer of its threads wake each other; a GOMAXPROCS of the
// environment holds for each of them.
func workerEnviron(environ []string, workers int) []string {
	share := (runtime.GOMAXPROCS(0) + workers - 1) / workers
	kept := []string{"GOMAXPROCS=" + strconv.Itoa(share)} // of two values the later counts
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "PAGEMAP_") && !strings.HasPrefix(name, "LISTEN_") && name != "NOTIFY_SOCKET" {
			kept = append(kept, v)
		}
	}
	return kept
}
