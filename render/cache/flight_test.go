package cache

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pagemap/render"
)

type contextKey struct{}

// begin starts n readers of one page whose fill is held until release is closed.
func begin(ctx context.Context, c *Cache, n int, fill func(context.Context) (*render.Document, error)) (wait func() []error, release chan struct{}) {
	release = make(chan struct{})
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			_, _, errs[i] = c.Get(ctx, plain(usualInputs()), func(ctx context.Context) (*render.Document, error) {
				<-release
				return fill(ctx)
			})
		})
	}
	return func() []error { wg.Wait(); return errs }, release
}

// TestFlightPanic: a fill that panics, or ends its goroutine, is an error for everybody
// who waits, and the next reader draws again.
func TestFlightPanic(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fill  func(context.Context) (*render.Document, error)
		check func(error) bool
	}{
		{"panic", func(context.Context) (*render.Document, error) { panic("boom") }, func(err error) bool {
			return errors.Is(err, errPanic) && strings.HasSuffix(err.Error(), "panicked: boom")
		}},
		{"nil panic", func(context.Context) (*render.Document, error) { panic(nil) }, func(err error) bool {
			return errors.Is(err, errPanic)
		}},
		{"exit", func(context.Context) (*render.Document, error) { runtime.Goexit(); return nil, nil }, func(err error) bool {
			return errors.Is(err, errNoReturn)
		}},
		{"nothing", func(context.Context) (*render.Document, error) { return nil, nil }, func(err error) bool {
			return errors.Is(err, errNoDocument)
		}},
		{"error", func(context.Context) (*render.Document, error) { return nil, render.ErrNotFound }, func(err error) bool {
			return errors.Is(err, render.ErrNotFound)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logged bytes.Buffer
				c := newCache(t, Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
				wait, release := begin(t.Context(), c, 5, tt.fill)
				synctest.Wait()
				close(release)
				for i, err := range wait() {
					if !tt.check(err) {
						t.Errorf("reader %d: %v", i, err)
					}
				}
				if panicked := strings.Contains(tt.name, "panic"); strings.Contains(logged.String(), "flight_test.go") != panicked {
					t.Errorf("logged %q", &logged)
				}
				if s := c.Stats(); s.Fills != 1 || s.FillErrors != 1 || s.Misses != 5 || s.Collapsed != 4 {
					t.Errorf("stats %+v", s)
				}
				if _, status, err := c.Get(t.Context(), plain(usualInputs()), fillWith(usualDocument())); err != nil || status != statusStored {
					t.Errorf("the next reader: %q, %v", status, err)
				}
			})
		})
	}
}

// TestFlightCancel: who goes away takes nothing from the others, nor does who began.
func TestFlightCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, Options{})
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "value"))
		var fillErr error
		var value any
		first, release := begin(ctx, c, 1, func(ctx context.Context) (*render.Document, error) {
			fillErr, value = ctx.Err(), ctx.Value(contextKey{})
			return usualDocument(), nil
		})
		synctest.Wait()
		second, _ := begin(t.Context(), c, 3, func(context.Context) (*render.Document, error) {
			t.Error("a second fill")
			return nil, nil
		})
		synctest.Wait()
		cancel()
		if err := first()[0]; !errors.Is(err, context.Canceled) {
			t.Errorf("who went away: %v", err)
		}
		close(release)
		for i, err := range second() {
			if err != nil {
				t.Errorf("waiter %d: %v", i, err)
			}
		}
		if fillErr != nil || value != "value" {
			t.Errorf("fill's context: %v, value %v", fillErr, value)
		}
		if _, status, err := c.Get(t.Context(), plain(usualInputs()), noFill(t)); err != nil || status != statusHit {
			t.Errorf("afterwards: %q, %v", status, err)
		}
	})
}

// TestFillTimeout: a fill that hangs ends with its own deadline.
func TestFillTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, Options{FillTimeout: 3 * time.Second})
		start := time.Now()
		_, _, err := c.Get(t.Context(), plain(usualInputs()), func(ctx context.Context) (*render.Document, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
