// A worker process, as the parent sees it.

package pool

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// worker is one process.
type worker struct {
	cmd     *exec.Cmd
	started time.Time
	drain   time.Duration // it may take so long to drain
	control *net.UnixConn // the parent's end; its closing tells the worker to go
	admin   string        // path of its admin socket
	ready   chan struct{} // closed once it is ready
	done    chan struct{} // closed once it has exited and was waited for
}

// launch starts worker n and waits until it is ready. A worker that does not
// get there is stopped.
func (p *Pool) launch(ctx context.Context, n int, g generation) (*worker, error) {
	w, err := p.start(n, g)
	if err != nil {
		return nil, fmt.Errorf("pool: start worker %d: %w", n, err)
	}
	timeout := time.NewTimer(p.o.ReadyTimeout)
	defer timeout.Stop()
	select {
	case <-w.ready:
		return w, nil
	case <-w.done:
		return nil, fmt.Errorf("pool: worker %d ended before it was ready: %s", n, w.cmd.ProcessState)
	case <-timeout.C:
		p.stop(w)
		return nil, fmt.Errorf("pool: worker %d was not ready within %s", n, p.o.ReadyTimeout)
	case <-ctx.Done():
		p.stop(w)
		return nil, ctx.Err()
	}
}

// start starts the process of worker n.
func (p *Pool) start(n int, g generation) (_ *worker, err error) {
	cmd, err := g.command(n)
	if err != nil {
		return nil, err
	}
	given := cmd.ExtraFiles
	defer func() {
		for _, f := range given {
			f.Close()
		}
	}()
	control, controlFile, err := controlPair()
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	defer controlFile.Close()
	admin := filepath.Join(p.dir, strconv.FormatUint(p.serial.Add(1), 10))
	adminFile, err := listenFile(admin)
	if err != nil {
		control.Close()
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	defer adminFile.Close()

	cmd.Stdin = p.socket
	cmd.ExtraFiles = append([]*os.File{controlFile, adminFile}, given...)
	// A process group of its own: Ctrl-C is for the parent alone, which then
	// drains the workers.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.mu.Lock()
	err = cmd.Start()
	p.mu.Unlock()
	if err != nil {
		control.Close()
		os.Remove(admin)
		return nil, err
	}
	w := &worker{
		cmd: cmd, started: time.Now(), drain: g.drain, control: control, admin: admin,
		ready: make(chan struct{}), done: make(chan struct{}),
	}
	heard := make(chan struct{})
	go func() {
		p.listen(w)
		close(heard)
	}()
	go func() {
		_ = cmd.Wait() // how it ended stands in ProcessState
		<-heard        // the connections that it handed over last
		control.Close()
		os.Remove(admin)
		close(w.done)
	}()
	return w, nil
}

// listen takes what the worker says until it is gone.
func (p *Pool) listen(w *worker) {
	isReady := false
	for {
		what, conn, err := receive(w.control)
		if err != nil {
			return
		}
		switch {
		case what == sayReady && !isReady:
			isReady = true
			close(w.ready)
		case what == sayConn && conn != nil:
			p.pass(conn)
		}
		if conn != nil {
			conn.Close()
		}
	}
}

// pass gives a connection, that a retired worker handed over, to the worker that
// was started last. Without any it is closed, with conn.
func (p *Pool) pass(conn *os.File) {
	var to *worker
	if p.stopping.Load() {
		return // the others drain, too
	}
	for _, s := range p.slots {
		if w := s.worker.Load(); w != nil && (to == nil || w.started.After(to.started)) {
			to = w
		}
	}
	if to == nil {
		return
	}
	if err := send(to.control, sayConn, conn); err != nil {
		p.o.Logger.Warn("connection not handed over", "pid", to.cmd.Process.Pid, "error", err)
	}
}

// retire drains a worker that another has replaced: it hands its kept
// connections over before it is stopped.
func (p *Pool) retire(w *worker) {
	if w == nil {
		return
	}
	if err := send(w.control, sayRetire, nil); err != nil {
		p.o.Logger.Warn("worker hands nothing over", "pid", w.cmd.Process.Pid, "error", err)
		p.stop(w)
		return
	}
	p.await(w)
}

// stop drains a worker and returns when it is gone; nil is gone already.
func (p *Pool) stop(w *worker) {
	if w == nil {
		return
	}
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.o.Logger.Error("stop worker", "pid", w.cmd.Process.Pid, "error", err)
	}
	p.await(w)
}

// await returns when a worker that was told to drain is gone, and sees to it
// that it is.
func (p *Pool) await(w *worker) {
	timeout := time.NewTimer(w.drain)
	defer timeout.Stop()
	select {
	case <-w.done:
	case <-timeout.C:
		p.o.Logger.Error("worker did not drain in time and is killed", "pid", w.cmd.Process.Pid, "time", w.drain)
		_ = w.cmd.Process.Kill()
		<-w.done
	}
}

// listenFile listens on a unix socket for somebody else.
func listenFile(path string) (*os.File, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	l.SetUnlinkOnClose(false)
	f, err := l.File()
	if err != nil {
		os.Remove(path)
	}
	return f, err
}
