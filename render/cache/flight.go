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

// flights are the drawings under way, by key.
type flights struct {
	timeout time.Duration // of one flight
	log     *slog.Logger

	mu  sync.Mutex // protects all
	all map[Key]*flight
}

// do returns the result of the flight for key, and whether another reader began
// it. Without one it begins one with fly, in a goroutine that outlives ctx.
func (f *flights) do(ctx context.Context, key Key, fly func(context.Context) result) (r result, shared bool) {
	f.mu.Lock()
	fl, shared := f.all[key]
	if !shared {
		fl = &flight{done: make(chan struct{}), result: result{err: errNoReturn}}
		f.all[key] = fl
		go f.run(context.WithoutCancel(ctx), key, fl, fly)
	}
	f.mu.Unlock()
	select {
	case <-fl.done:
		return fl.result, shared
	case <-ctx.Done():
		return result{err: ctx.Err()}, shared
	}
}

// run ends fl, whatever fly does.
func (f *flights) run(ctx context.Context, key Key, fl *flight, fly func(context.Context) result) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer func() {
		if v := recover(); v != nil {
			f.log.Error("drawing a page panicked", "panic", v, "stack", string(debug.Stack()))
			fl.result = result{err: fmt.Errorf("%w: %v", errPanic, v)}
		}
		cancel()
		f.mu.Lock()
		delete(f.all, key)
		f.mu.Unlock()
		close(fl.done)
	}()
	fl.result = fly(ctx)
}
