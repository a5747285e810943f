// A slot: one worker's place, in which a worker is always kept.

package pool

import (
	"context"
	"sync/atomic"
	"time"
)

// slot keeps worker number n running.
type slot struct {
	pool   *Pool
	n      int
	worker atomic.Pointer[worker] // the one that is in its place, nil between two
	next   chan handover
}

// handover puts a ready worker into a slot.
type handover struct {
	worker *worker
	old    chan<- *worker // is sent the one it replaces, nil for none
}

// keep starts the slot's worker again whenever it dies, until ctx ends; then it
// drains it.
func (s *slot) keep(ctx context.Context) {
	log := s.pool.o.Logger.With("worker", s.n)
	var delay time.Duration
	for {
		w := s.worker.Load()
		select {
		case <-ctx.Done():
			s.pool.stop(w)
			return
		case h := <-s.next:
			s.worker.Store(h.worker)
			h.old <- w
			continue
		case <-w.done:
		}
		s.worker.Store(nil)
		lived := time.Since(w.started)
		delay = s.pool.backOff(delay, lived)
		log.Error("worker died", "pid", w.cmd.Process.Pid, "how", w.cmd.ProcessState.String(), "lived", lived, "restart in", delay)
		if !s.restart(ctx, &delay) {
			return
		}
	}
}

// restart puts a new worker into the empty slot: it starts one as often as it
// takes, or takes the one that a reload hands over. It reports false when ctx
// ended first.
func (s *slot) restart(ctx context.Context, delay *time.Duration) bool {
	for {
		timer := time.NewTimer(*delay)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case h := <-s.next:
			timer.Stop()
			s.worker.Store(h.worker)
			h.old <- nil
			return true
		case <-timer.C:
		}
		s.pool.metrics.restarts.Inc()
		w, err := s.pool.launch(ctx, s.n, s.pool.currentGeneration())
		if err == nil {
			s.worker.Store(w)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		*delay = s.pool.backOff(*delay, 0)
		s.pool.o.Logger.Error("worker not started", "worker", s.n, "error", err, "again in", *delay)
	}
}

// backOff is the delay before the next start, when the last delay was this and
// the worker lived so long.
func (p *Pool) backOff(last, lived time.Duration) time.Duration {
	if last == 0 || lived >= p.o.MaxDelay {
		return p.o.MinDelay
	}
	return min(2*last, p.o.MaxDelay)
}

func (p *Pool) currentGeneration() generation {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}
