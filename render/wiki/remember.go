// What is remembered of a wiki that may be slow or down.

package wiki

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"pagemap/render"
)

const (
	maxStale    = 24 * time.Hour // how long a page is shown after the wiki was asked for it last
	recheck     = time.Minute    // when a page is looked at though the wiki told of no change
	absentFor   = time.Second    // how long a page that is not there is not asked for again
	shortWait   = time.Second    // for the wiki, where there is a copy to show
	lockWait    = 200 * time.Millisecond
	maxLoads    = 8    // pages that are asked for at a time while readers wait
	maxRefresh  = 4    // pages that are asked for at a time, behind readers
	maxWaiting  = 64   // readers who wait for pages that are not known
	maxWork     = 1e4  // pages whose last attempt is remembered
	overhead    = 1024 // bytes that a page takes besides its body
	toleratedAt = 2    // failures one after the other that make a wiki count as down
)

var errCrowded = fmt.Errorf("wiki: too many wait for pages that are not known yet: %w", render.ErrUnavailable)

// pointer is what is known of one name. It is immutable.
type pointer struct {
	page    *Page     // nil: there is none
	checked time.Time // when the wiki was asked
}

// attempt is what goes on about one name.
type attempt struct {
	busy    bool      // the wiki is being asked
	failed  bool      // the last attempt, and none has succeeded since
	next    time.Time // not before
	changed time.Time // when the wiki told of a change that is not looked at yet; zero: never
}

// remembered is pages that were asked for before. It implements pages.
type remembered struct {
	wiki    Wiki
	spell   func(string) string
	store   Store
	poll    time.Duration
	timeout time.Duration
	now     func() time.Time
	log     *slog.Logger

	memory  *otter.Cache[string, *pointer]
	flights singleflight.Group
	loads   chan struct{} // one element for each that is under way
	behind  chan struct{} // likewise
	waiting atomic.Int64
	health  health

	begin   sync.Once // of following
	ctx     context.Context
	cancel  context.CancelFunc
	mu      sync.Mutex // protects the rest
	closed  bool
	running sync.WaitGroup
	work    map[string]*attempt
	feed    feed      // as it was last seen; Point "": the wiki tells no changes, or did not yet
	heard   uint64    // number of the last change that was looked at
	doubt   time.Time // what was looked at before is to be looked at again
}

func newRemembered(o *Options, spell func(string) string) (*remembered, error) {
	memory, err := otter.New(&otter.Options[string, *pointer]{
		MaximumWeight: uint64(o.Memory),
		Weigher: func(name string, p *pointer) uint32 {
			n := len(name) + overhead
			if p.page != nil {
				n += cap(p.page.Body) + len(p.page.Title) + len(p.page.Revision)
			}
			return uint32(n)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("wiki: memory of %d bytes: %w", o.Memory, err)
	}
	r := &remembered{
		wiki: o.Wiki, spell: spell, store: o.Store, poll: o.Poll, timeout: o.Timeout, now: o.Now, log: o.Logger,
		memory: memory, loads: make(chan struct{}, maxLoads), behind: make(chan struct{}, maxRefresh), work: map[string]*attempt{},
	}
	if r.store == nil {
		r.store = alone{}
	}
	r.health = health{pause: o.Poll, log: o.Logger}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r, nil
}

// stop ends what goes on in the background.
func (r *remembered) stop() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.running.Wait()
}

// background runs f, unless everything is to stop.
func (r *remembered) background(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.running.Go(f)
	}
}

func (r *remembered) state(ctx context.Context, name string) (State, bool, error) {
	p, stale, err := r.get(ctx, name)
	if err != nil {
		return State{}, false, err
	}
	return p.page.State, stale, nil
}

func (r *remembered) open(ctx context.Context, name string) (*Page, error) {
	p, _, err := r.get(ctx, name)
	if err != nil {
		return nil, err
	}
	return p.page, nil
}

func (r *remembered) known(name string) (State, bool, bool) {
	key := r.spell(name)
	p, ok := r.memory.GetIfPresent(key)
	if now := r.now(); ok && p.page != nil && now.Sub(p.checked) < maxStale {
		return p.page.State, r.look(key, p, now), true
	}
	return State{}, false, false
}

// get returns what is known of a page, or asks the wiki for it.
func (r *remembered) get(ctx context.Context, name string) (p *pointer, stale bool, err error) {
	r.begin.Do(func() { r.background(r.follow) })
	key := r.spell(name)
	p, ok := r.memory.GetIfPresent(key)
	now := r.now()
	switch {
	case !ok:
	case p.page != nil && now.Sub(p.checked) < maxStale:
		return p, r.look(key, p, now), nil
	case p.page == nil && now.Sub(p.checked) < absentFor && !r.told(key, p):
		return nil, false, notFound(name)
	}
	if r.waiting.Add(1) > maxWaiting {
		r.waiting.Add(-1)
		return nil, false, errCrowded
	}
	defer r.waiting.Add(-1)
	loaded := r.flights.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.timeout) // others wait for it, too
		defer cancel()
		return r.load(ctx, key, name)
	})
	select {
	case got := <-loaded:
		if got.Err != nil {
			return nil, false, got.Err
		}
		p = got.Val.(*pointer)
		if p.page == nil {
			return nil, false, notFound(name)
		}
		return p, r.stale(key), nil
	case <-ctx.Done():
		return nil, false, fmt.Errorf("wiki: page %q: %w: %w", name, render.ErrUnavailable, ctx.Err())
	}
}

func notFound(name string) error { return fmt.Errorf("wiki: page %q: %w", name, render.ErrNotFound) }

// look sees to it that a page that is known is looked at again when that is due, and reports whether it is stale.
func (r *remembered) look(key string, p *pointer, now time.Time) (stale bool) {
	down := r.health.down()
	r.mu.Lock()
	w := r.work[key]
	due := now.Sub(p.checked) >= r.limit() || p.checked.Before(r.doubt)
	if w != nil {
		due = (due || w.failed || !w.changed.IsZero()) && !w.busy && !now.Before(w.next)
		stale = w.failed
	}
	if due {
		r.start(key)
	}
	r.mu.Unlock()
	return stale || down
}

// limit is the age at which a page is looked at though nobody told of a change. The caller holds mu.
func (r *remembered) limit() time.Duration {
	if r.feed.Point != "" {
		return max(recheck, r.poll)
	}
	return r.poll
}

// told reports whether the wiki told of a change after p was looked at.
func (r *remembered) told(key string, p *pointer) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.work[key]
	return w != nil && w.changed.After(p.checked)
}

func (r *remembered) stale(key string) bool {
	r.mu.Lock()
	w := r.work[key]
	failed := w != nil && w.failed
	r.mu.Unlock()
	return failed || r.health.down()
}

// attempt is that of a name, made where there is none. The caller holds mu.
func (r *remembered) attempt(key string) *attempt {
	w := r.work[key]
	if w == nil {
		if len(r.work) >= maxWork {
			for key, w := range r.work {
				if !w.busy {
					delete(r.work, key)
				}
			}
		}
		w = &attempt{}
		r.work[key] = w
	}
	return w
}

// start begins to look at a page behind the readers. The caller holds mu.
func (r *remembered) start(key string) {
	w := r.attempt(key)
	if w.busy || r.closed {
		return
	}
	w.busy = true
	r.running.Go(func() { r.refresh(key) })
}

// refresh looks at a page that is known, once in the pool.
func (r *remembered) refresh(key string) {
	select {
	case r.behind <- struct{}{}:
		defer func() { <-r.behind }()
	case <-r.ctx.Done():
		return
	}
	ctx, cancel := context.WithTimeout(r.ctx, r.timeout)
	defer cancel()
	r.mu.Lock()
	changed := r.attempt(key).changed
	r.mu.Unlock()
	err := r.renew(ctx, key, changed)
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.attempt(key)
	w.busy, w.failed = false, err != nil
	w.next = r.now().Add(min(r.poll, 100*time.Millisecond))
	if err != nil {
		w.next = r.now().Add(r.poll)
		return
	}
	if w.changed.Equal(changed) {
		w.changed = time.Time{}
		delete(r.work, key)
	} else {
		w.next = time.Time{}
		r.start(key)
	}
}

// renew takes over what another process has seen since, or asks the wiki.
func (r *remembered) renew(ctx context.Context, key string, since time.Time) error {
	old, _ := r.memory.GetIfPresent(key)
	if old != nil && old.checked.After(since) {
		since = old.checked
	}
	p, unlock := r.await(ctx, key, old, since, r.timeout)
	if p != nil {
		r.memory.Set(key, p)
		return nil
	}
	defer unlock()
	if !r.health.allow(r.now()) {
		return fmt.Errorf("wiki: page %q: left alone for a moment: %w", key, render.ErrUnavailable)
	}
	_, err := r.ask(ctx, key, key, old)
	return err
}

// await returns what the pool knows of a page from after a time, or takes the lock on asking the wiki for it. It waits
// for whoever has the lock.
func (r *remembered) await(ctx context.Context, key string, old *pointer, after time.Time, patience time.Duration) (p *pointer, unlock func()) {
	lock := "lock:" + key
	for end := time.Now().Add(patience); ; {
		if p := r.shared(key, old); p != nil && p.checked.After(after) {
			return p, nil
		}
		if r.store.Lock(lock, r.timeout) {
			return nil, func() { r.store.Unlock(lock) }
		}
		if time.Now().After(end) {
			return nil, func() {}
		}
		select {
		case <-time.After(25 * time.Millisecond):
		case <-ctx.Done():
			return nil, func() {}
		}
	}
}

// load finds a page that this process does not know.
func (r *remembered) load(ctx context.Context, key, name string) (*pointer, error) {
	now := r.now()
	stored := r.shared(key, nil)
	if stored != nil && (stored.page == nil || now.Sub(stored.checked) >= maxStale) {
		stored = nil
	}
	adopt := func(failed bool) (*pointer, error) {
		if failed {
			r.mu.Lock()
			r.attempt(key).failed = true
			r.mu.Unlock()
		}
		r.memory.Set(key, stored)
		return stored, nil
	}
	if stored != nil && r.fresh(key, stored, now) {
		return adopt(false)
	}
	if !r.health.allow(now) {
		if stored != nil {
			return adopt(true)
		}
		return nil, fmt.Errorf("wiki: page %q: left alone for a moment: %w", name, render.ErrUnavailable)
	}
	if stored != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, shortWait)
		defer cancel()
	}
	select {
	case r.loads <- struct{}{}:
		defer func() { <-r.loads }()
	case <-ctx.Done():
		if stored != nil {
			return adopt(false)
		}
		return nil, fmt.Errorf("wiki: page %q: %w: %w", name, render.ErrUnavailable, ctx.Err())
	}
	after := now
	if stored != nil {
		after = stored.checked
	}
	p, unlock := r.await(ctx, key, stored, after, lockWait)
	if p != nil {
		r.memory.Set(key, p)
		return p, nil
	}
	defer unlock()
	p, err := r.ask(ctx, key, name, stored)
	if err != nil && stored != nil {
		return adopt(true)
	}
	return p, err
}

// ask asks the wiki for a page of which old is known, or nil, and remembers what it says.
func (r *remembered) ask(ctx context.Context, key, name string, old *pointer) (*pointer, error) {
	now := r.now()
	page, err := r.question(ctx, name, old)
	if errors.Is(err, render.ErrNotFound) {
		page, err = nil, nil
	}
	r.health.answered(err, now)
	if err != nil {
		r.log.Warn("page of the wiki not read", "page", name, "error", err)
		return nil, err
	}
	p := &pointer{page, now}
	r.memory.Set(key, p)
	if page != nil || old != nil {
		r.share(key, p)
	}
	return p, nil
}

// question asks for a page, and for its body only where it has changed.
func (r *remembered) question(ctx context.Context, name string, old *pointer) (page *Page, err error) {
	defer caught(&err)
	if old != nil && old.page != nil {
		state, err := r.wiki.Stat(ctx, name)
		if err != nil {
			return nil, err
		}
		if same(state, old.page.State) {
			return old.page, nil
		}
	}
	page, err = r.wiki.Open(ctx, name)
	if err == nil && len(page.Body) > maxBody {
		err = fmt.Errorf("wiki: page %q has a body of %d bytes: %w", name, len(page.Body), render.ErrTooLarge)
	}
	return page, err
}

// caught makes an error of a panic: what a wiki answers must not end a process.
func caught(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("wiki: %w: panic: %v\n%s", render.ErrUnavailable, v, debug.Stack())
	}
}

func same(a, b State) bool {
	return a.Name == b.Name && a.Revision == b.Revision && a.Modified.Equal(b.Modified)
}

// health tells whether the wiki answers, so that nobody waits for one that is down.
type health struct {
	pause time.Duration // between attempts while it is down
	log   *slog.Logger

	mu       sync.Mutex
	failures int
	next     time.Time // of the next attempt
}

// down reports whether the wiki counts as down.
func (h *health) down() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failures >= toleratedAt
}

// allow reports whether the wiki may be asked: always while it is up, else by one at a time, now and then.
func (h *health) allow(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failures < toleratedAt {
		return true
	}
	if now.Before(h.next) {
		return false
	}
	h.next = now.Add(h.pause)
	return true
}

// answered takes note of how a question ended. A page that is too large says nothing of the wiki.
func (h *health) answered(err error, now time.Time) {
	failed := err != nil && !errors.Is(err, render.ErrTooLarge)
	h.mu.Lock()
	was := h.failures >= toleratedAt
	if failed {
		h.failures++
		h.next = now.Add(h.pause)
	} else {
		h.failures = 0
	}
	is := h.failures >= toleratedAt
	h.mu.Unlock()
	switch {
	case is && !was:
		h.log.Error("the wiki does not answer: the last good copies are shown", "error", err)
	case was && !is:
		h.log.Info("the wiki answers again")
	}
}
