// Package pool runs several responder processes on one listening socket.
//
// # Processes
//
// A parent holds the listening socket and starts the workers, which are the same
// program in another role. Each worker has three descriptors of the parent:
//
//	0  the listening socket, as FastCGI's own convention has it
//	3  the control socket: the worker says on it that it is ready, and reads
//	   end-of-file when the parent is no more
//	4  a listening unix socket on which the worker serves its private admin
//	   pages (health, metrics), which the parent asks for
//
// All workers accept on the one socket, so the kernel's queue of connections
// belongs to no worker: when one is killed, only the requests that it was
// answering are lost; while one is replaced, connections wait in the queue or go
// to another. The parent itself never accepts.
//
// # Life of a worker
//
// At the start all workers must get ready; otherwise Run stops them and fails,
// since what keeps the first ones from starting needs a person. From then on
// Run never fails: a worker that dies is started again, after a delay that
// doubles from MinDelay to MaxDelay and falls back once a worker has lived for
// MaxDelay. A worker that cannot be started, because descriptors or memory are
// exhausted for example, is one that died at once.
//
// # Replacing
//
// Reload replaces the workers one after another: a new one is started, and when
// it is ready the old one is told to retire; it has DrainTimeout before SIGKILL.
// So there is never less than the full number, and never more than one above
// it. A new worker that is not ready within ReadyTimeout is stopped, its old one
// stays, and the replacing ends there. Reloads that arrive meanwhile become one.
//
// A web server keeps its connections, and sends the next request on one without
// asking. Whoever closes such a connection, however quickly after an answer, meets
// a request on its way now and then. So a retiring worker closes none: it hands
// each, between two requests, over to the parent (SCM_RIGHTS), which gives it to
// the worker started last. Bytes that have arrived meanwhile go with it.
//
// # End
//
// When Run's context ends, all workers are drained (SIGTERM, and SIGKILL after
// DrainTimeout), and Run returns. Run's copy of the listening socket is closed at
// once: with the caller's closed, too, new connections are refused instead of
// waiting. When the parent is killed, its workers see end-of-file on their
// control sockets and drain by themselves.
package pool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Command returns a fresh command for worker n, counted from 1. The pool sets
// its Stdin, puts two descriptors in front of its ExtraFiles, and closes the
// ExtraFiles once the command was started.
type Command func(n int) (*exec.Cmd, error)

// Options of New.
type Options struct {
	Workers  int          // how many processes; at least 1
	Listener syscall.Conn // the listening socket: *net.UnixListener, *net.TCPListener
	Command  Command

	ReadyTimeout time.Duration // for a new worker to get ready; default 1 minute
	DrainTimeout time.Duration // for a worker to drain before SIGKILL; default 1 minute
	MinDelay     time.Duration // before a worker that died is started again; default 100 ms
	MaxDelay     time.Duration // to which that delay grows; default 30 s

	Notify func(state string) // is told sd_notify(3) states: READY=1, RELOADING=1, STOPPING=1; nil: nobody
	Logger *slog.Logger       // nil: slog.Default()
}

// Pool is the parent's side of the pool. Its methods are safe for concurrent use.
type Pool struct {
	o       Options
	socket  *os.File      // descriptor 0 of every worker
	dir     string        // private directory of the workers' admin sockets
	serial  atomic.Uint64 // of the workers, names their admin sockets
	slots   []*slot
	reloads chan generation // holds the latest one asked for and not yet begun

	mu      sync.Mutex // protects current, and socket from being closed while a worker gets it
	current generation // of which a worker last got ready

	stopping atomic.Bool // Run's context has ended
	metrics  metrics
}

// generation is the workers of one command.
type generation struct {
	command Command
	drain   time.Duration // for one of them to drain before SIGKILL
}

// New returns a pool that has started nothing yet.
func New(o Options) (*Pool, error) {
	if o.Workers < 1 {
		return nil, fmt.Errorf("pool: %d workers", o.Workers)
	}
	for d, standard := range map[*time.Duration]time.Duration{
		&o.ReadyTimeout: time.Minute, &o.DrainTimeout: time.Minute,
		&o.MinDelay: 100 * time.Millisecond, &o.MaxDelay: 30 * time.Second,
	} {
		if *d == 0 {
			*d = standard
		}
	}
	if o.Notify == nil {
		o.Notify = func(string) {}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	p := &Pool{o: o, current: generation{o.Command, o.DrainTimeout}, reloads: make(chan generation, 1)}
	for n := range o.Workers {
		p.slots = append(p.slots, &slot{pool: p, n: n + 1, next: make(chan handover)})
	}
	p.metrics = newMetrics(p)
	return p, nil
}

// Run starts the workers and keeps them until ctx ends, then drains them. It
// fails only when the workers cannot be started in the first place.
func (p *Pool) Run(ctx context.Context) error {
	var err error
	if p.socket, err = duplicate(p.o.Listener); err != nil {
		if ctx.Err() != nil { // whoever ended it may have closed the socket, too
			return nil
		}
		return fmt.Errorf("pool: listening socket: %w", err)
	}
	defer p.socket.Close()
	if p.dir, err = os.MkdirTemp("", "pagemap-pool-"); err != nil {
		return fmt.Errorf("pool: %w", err)
	}
	defer os.RemoveAll(p.dir)

	if err := p.startAll(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	p.o.Notify("READY=1")
	p.o.Logger.Info("pool is ready", "workers", len(p.slots))
	var running sync.WaitGroup
	for _, s := range p.slots {
		running.Go(func() { s.keep(ctx) })
	}
	running.Go(func() { p.reloading(ctx) })
	<-ctx.Done()
	p.stopping.Store(true)
	p.mu.Lock()
	p.socket.Close() // nobody shall wait in its queue for workers that accept no more
	p.mu.Unlock()
	p.o.Notify("STOPPING=1")
	running.Wait()
	return nil
}

// startAll starts the first worker of every slot; all get ready, or none stays.
func (p *Pool) startAll(ctx context.Context) error {
	starting, startCtx := errgroup.WithContext(ctx)
	for _, s := range p.slots {
		starting.Go(func() error {
			w, err := p.launch(startCtx, s.n, p.current)
			if err == nil {
				s.worker.Store(w)
			}
			return err
		})
	}
	err := starting.Wait()
	if err == nil {
		return nil
	}
	var stopping sync.WaitGroup
	for _, s := range p.slots {
		if w := s.worker.Load(); w != nil {
			stopping.Go(func() { p.stop(w) })
		}
	}
	stopping.Wait()
	return err
}

// Reload asks for all workers to be replaced by those that c starts, with a
// DrainTimeout of their own, and returns at once. Workers are restarted with c, too, as soon as one that c started got
// ready. Of several reloads that were not begun yet, the last one counts.
func (p *Pool) Reload(c Command, drainTimeout time.Duration) {
	for {
		select {
		case p.reloads <- generation{c, drainTimeout}:
			return
		default:
		}
		select {
		case <-p.reloads:
		default:
		}
	}
}

// reloading carries out the reloads until ctx ends.
func (p *Pool) reloading(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-p.reloads:
			p.o.Notify(reloadingState())
			begun := time.Now()
			switch err := p.replaceAll(ctx, next); {
			case ctx.Err() != nil:
				return
			case err != nil:
				p.metrics.reloads.WithLabelValues("failed").Inc()
				p.o.Logger.Error("reload stopped; the workers not yet replaced stay", "error", err)
			default:
				p.metrics.reloads.WithLabelValues("done").Inc()
				p.o.Logger.Info("workers replaced", "took", time.Since(begun))
			}
			p.o.Notify("READY=1")
		}
	}
}

// replaceAll replaces the workers one after another.
func (p *Pool) replaceAll(ctx context.Context, next generation) error {
	for _, s := range p.slots {
		w, err := p.launch(ctx, s.n, next)
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.current = next
		p.mu.Unlock()
		old := make(chan *worker, 1)
		select {
		case s.next <- handover{w, old}:
			p.retire(<-old)
		case <-ctx.Done():
			p.stop(w)
			return ctx.Err()
		}
	}
	return nil
}

// reloadingState is RELOADING=1 with the time that systemd's Type=notify-reload
// asks for.
func reloadingState() string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return "RELOADING=1"
	}
	return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000)
}

// duplicate returns a file of the listening socket. It does not use the
// listener's own File: starting a process with that one puts the socket, which
// all workers share, into blocking mode, and a worker's accept would hang.
func duplicate(l syscall.Conn) (*os.File, error) {
	if l == nil {
		return nil, errors.New("none given")
	}
	raw, err := l.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var dupErr error
	if err := raw.Control(func(original uintptr) {
		fd, dupErr = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 3)
	}); err != nil {
		return nil, err
	}
	if dupErr != nil {
		return nil, os.NewSyscallError("fcntl", dupErr)
	}
	return os.NewFile(uintptr(fd), "listening socket"), nil
}
