// Watch: looking at what was handed out, until it is no longer served.

package edge

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"pagemap/mapping"
)

// Options of New.
type Options struct {
	Caches []string      // URLs for ParseCache; at least one
	Host   string        // the site's public name, with its port where it has one
	Secret string        // that the pool's own requests carry: at least MinSecret characters
	MaxAge time.Duration // lifetime of what the caches store

	// Identity tells what names a page's answer now, and whether a cache may store
	// it (site.Site.Identity).
	Identity func(ctx context.Context, path mapping.Path) (identity string, storable bool)
	// State is a comparable value that is another one once any page may have
	// changed otherwise than by its file. It is asked for often.
	State func() any

	MaxPages int              // watched at a time; 0: 128 if there is an Apache among the caches, else 4,096
	Every    time.Duration    // between two looks at one page; 0: 500 ms
	Now      func() time.Time // nil: time.Now
	Logger   *slog.Logger     // nil: slog.DiscardHandler
}

const (
	step       = 20 * time.Millisecond // between two looks at State, and at what is due
	margin     = time.Second           // for what passes between an answer's making and its storing
	finalPause = time.Second           // before the last invalidation of a change
	firstPause = 50 * time.Millisecond // after a first failure
	dropEvery  = time.Second
	restFactor = 4 // rest after looks at all pages, in times of what they took
)

// MinSecret is how many characters a secret has at least.
const MinSecret = 16

// ErrSecret is returned by New and CheckSecret.
var ErrSecret = fmt.Errorf("edge: a secret has at least %d characters, of ! to ~ alone; for one: openssl rand -hex 32", MinSecret)

// CheckSecret returns ErrSecret for one that is too short, or cannot stand in a
// header.
func CheckSecret(secret string) error {
	if len(secret) < MinSecret {
		return ErrSecret
	}
	for _, c := range []byte(secret) {
		if c < '!' || c > '~' {
			return ErrSecret
		}
	}
	return nil
}

// Stats are a Watch's counters.
type Stats struct {
	Pages   int    // watched
	Pending int    // changes that a cache has not been told of in full
	Sent    uint64 // invalidations that a cache took
	Failed  uint64 // changes that a cache could not be told of in time
	Refused uint64 // answers not to be stored, as too many pages are watched
}

// Watch keeps caches exact. Its methods but Run are safe for concurrent use.
type Watch struct {
	o       Options
	client  *http.Client
	state   any            // Options.State at the last look at all pages; looking's
	running sync.WaitGroup // looking, and requests to caches

	mu       sync.Mutex // protects the rest
	pages    map[mapping.Path]*page
	order    *list.List // of *page
	lines    []*line
	stats    Stats // but for Pages and Pending
	recalled bool
}

// New returns a Watch, which does nothing before Run.
func New(o Options) (*Watch, error) {
	if len(o.Caches) == 0 || o.Host == "" || o.Identity == nil || o.State == nil || o.MaxAge <= 0 {
		return nil, errors.New("edge: Options.Caches, Host, MaxAge, Identity and State are needed")
	}
	if err := CheckSecret(o.Secret); err != nil {
		return nil, err
	}
	if o.Every == 0 {
		o.Every = 500 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	w := &Watch{o: o, client: client(o.Host), state: o.State(), pages: map[mapping.Path]*page{}, order: list.New()}
	for _, text := range o.Caches {
		c, err := ParseCache(text)
		if err != nil {
			return nil, err
		}
		w.lines = append(w.lines, &line{cache: c, jobs: map[*page]*job{}})
	}
	if w.o.MaxPages == 0 {
		w.o.MaxPages = 4096
		if slices.ContainsFunc(w.lines, func(l *line) bool { return !l.cache.purge }) {
			w.o.MaxPages = 128
		}
	}
	return w, nil
}

// Run watches until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	defer w.client.CloseIdleConnections()
	defer w.running.Wait()
	// A source that hangs holds up the looks, not the telling of what is known.
	w.running.Go(func() { w.looking(ctx) })
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	var dropped time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, l := range w.lines {
			w.dispatch(ctx, l)
		}
		if now := w.o.Now(); now.Sub(dropped) >= dropEvery {
			dropped = now
			w.mu.Lock()
			w.drop(now)
			w.mu.Unlock()
		}
	}
}

// looking looks at the pages, until ctx ends.
func (w *Watch) looking(ctx context.Context) {
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	var rested time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := w.o.Now()
		if s := w.o.State(); s != w.state && !now.Before(rested) {
			w.state = s
			w.look(ctx, w.due(now))
			end := w.o.Now()
			rested = end.Add(restFactor * end.Sub(now))
		} else {
			w.look(ctx, w.due(now.Add(-w.o.Every)))
		}
	}
}

// seen is a page and its identity at one moment.
type seen struct {
	page     *page
	identity string
}

// due are the pages that were looked at no later than then, the longest ago first.
func (w *Watch) due(then time.Time) []seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []seen
	for e := w.order.Front(); e != nil; e = e.Next() {
		p := e.Value.(*page)
		if p.looked.After(then) {
			break
		}
		all = append(all, seen{p, p.identity})
	}
	return all
}

// look looks at pages, and acts on those that have changed.
func (w *Watch) look(ctx context.Context, pages []seen) {
	for _, s := range pages {
		at := w.o.Now()
		identity, storable := w.o.Identity(ctx, s.page.path)
		if ctx.Err() != nil {
			return // then nothing is known
		}
		w.mu.Lock()
		switch p := s.page; {
		case p.identity != s.identity: // handed out anew meanwhile, which was looked at
		case p.identity != "" && (!storable || identity != p.identity):
			w.changed(p, w.o.Now())
			w.lookedAt(p, at)
		default:
			w.lookedAt(p, at)
		}
		w.mu.Unlock()
	}
}

// Recall has the caches forget all that was handed out, and waits until they have
// or ctx ends. From now on nothing is to be stored. A responder whose place is taken by
// one with other settings calls it; Run goes on meanwhile.
func (w *Watch) Recall(ctx context.Context) error {
	now := w.o.Now()
	w.mu.Lock()
	w.recalled = true
	for _, p := range w.pages {
		if p.identity != "" {
			w.changed(p, now)
		}
	}
	w.mu.Unlock()
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	for w.Stats().Pending > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("edge: recall: %w", ctx.Err())
		case <-ticker.C:
		}
	}
	return nil
}

// Stats are the counters now.
func (w *Watch) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Pages = len(w.pages)
	for _, l := range w.lines {
		s.Pending += len(l.jobs)
	}
	return s
}
