// The single flight: one reader draws, the others wait for it.

package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"pagemap/render"
)

// Errors of a fill that ended its goroutine, or panicked.
var (
	errNoReturn = errors.New("cache: fill did not return")
	errPanic    = errors.New("cache: fill panicked")
)

// result is what a flight ends with.
type result struct {
	doc    *render.Document
	source origin
	err    error
}

// flight is one drawing under way.
type flight struct {
	done chan struct{} // closed when result is set
	result
}

// flights are the drawings under way.
type flights struct {
	timeout time.Duration // of one flight
	log     *slog.Logger

	mu  sync.Mutex // protects all
	all map[place]*flight
}

// do returns the result of the flight for a place, and whether another reader began
// it. Without one it begins one with fly, in a goroutine that outlives ctx.
func (f *flights) do(ctx context.Context, at place, fly func(context.Context) result) (r result, shared bool) {
	fl, shared := f.enter(at)
	if !shared {
		go f.run(context.WithoutCancel(ctx), at, fl, fly)
	}
	select {
	case <-fl.done:
		return fl.result, shared
	case <-ctx.Done():
		return result{err: ctx.Err()}, shared
	}
}

// try returns the result of fly, unless there is a flight for the place.
func (f *flights) try(at place, fly func(context.Context) result) (r result, ok bool) {
	fl, shared := f.enter(at)
	if shared {
		return result{}, false
	}
	f.run(context.Background(), at, fl, fly)
	return fl.result, true
}

// enter returns the flight for a place, and whether there was one; a new one is to be run.
func (f *flights) enter(at place) (fl *flight, shared bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl, shared = f.all[at]
	if !shared {
		fl = &flight{done: make(chan struct{}), result: result{err: errNoReturn}}
		f.all[at] = fl
	}
	return fl, shared
}

// run ends fl, whatever fly does.
func (f *flights) run(ctx context.Context, at place, fl *flight, fly func(context.Context) result) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer func() {
		if v := recover(); v != nil {
			f.log.Error("drawing a page panicked", "panic", v, "stack", string(debug.Stack()))
			fl.result = result{err: fmt.Errorf("%w: %v", errPanic, v)}
		}
		cancel()
		f.mu.Lock()
		delete(f.all, at)
		f.mu.Unlock()
		close(fl.done)
	}()
	fl.result = fly(ctx)
}
