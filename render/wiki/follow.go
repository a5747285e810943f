// Following a wiki that tells what has changed.

package wiki

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"pagemap/render"
)

const (
	keptChanges = 500              // in a feed
	keptFor     = 10 * time.Minute // likewise
)

// feed is what the pool knows of the wiki's changes.
type feed struct {
	Point   string    // where the next question goes on
	Checked time.Time // when the wiki was asked last
	Number  uint64    // of the last change
	From    time.Time // every change since is in Recent
	Recent  []change
}

// change is one page's.
type change struct {
	Name   string // spelled as keys are
	Number uint64
	At     time.Time // when the wiki told of it
}

// follow learns what has changed until everything stops, or the wiki turns out to tell no changes.
// One process of the pool asks the wiki, the others look at what it has found.
func (r *remembered) follow() {
	every := time.NewTicker(max(r.poll/4, time.Millisecond))
	defer every.Stop()
	for {
		f := r.lastFeed()
		if r.now().Sub(f.Checked) >= r.poll {
			var supported bool
			if f, supported = r.askChanges(f); !supported {
				return
			}
		}
		r.learn(f)
		select {
		case <-every.C:
		case <-r.ctx.Done():
			return
		}
	}
}

// lastFeed is the pool's feed, or that of this process where it is newer.
func (r *remembered) lastFeed() feed {
	r.mu.Lock()
	mine := r.feed
	r.mu.Unlock()
	var f feed
	if value, ok := r.store.Get("feed"); ok && json.Unmarshal(value, &f) == nil && !f.Checked.Before(mine.Checked) {
		return f
	}
	return mine
}

// askChanges asks the wiki what has changed, unless another process does.
func (r *remembered) askChanges(f feed) (next feed, supported bool) {
	if !r.store.Lock("lock:feed", r.timeout) {
		return f, true
	}
	defer r.store.Unlock("lock:feed")
	if newer := r.lastFeed(); newer.Checked.After(f.Checked) {
		return newer, true
	}
	now := r.now()
	if !r.health.allow(now) {
		return f, true
	}
	ctx, cancel := context.WithTimeout(r.ctx, r.timeout)
	defer cancel()
	names, point, err := r.changes(ctx, f.Point)
	if err != nil && f.Point != "" && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, render.ErrUnavailable) {
		r.log.Warn("changes of the wiki cannot be followed from where they were", "error", err)
		f = feed{Number: f.Number + 1}
		names, point, err = r.changes(ctx, "")
	}
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return f, false
	case r.ctx.Err() != nil:
		return f, true
	case err != nil:
		r.health.answered(err, now)
		return r.lastFeed(), true
	}
	r.health.answered(nil, now)
	if f.Point == "" {
		f.From = now
	}
	f.Point, f.Checked = point, now
	recent := make([]change, 0, len(f.Recent)+len(names))
	for _, c := range f.Recent {
		if now.Sub(c.At) < keptFor {
			recent = append(recent, c)
		} else {
			f.From = c.At
		}
	}
	at := r.now()
	for _, name := range names {
		f.Number++
		recent = append(recent, change{r.spell(name), f.Number, at})
	}
	if extra := len(recent) - keptChanges; extra > 0 {
		f.From = recent[extra-1].At
		recent = recent[extra:]
	}
	f.Recent = recent
	if value, err := json.Marshal(f); err == nil {
		r.store.Set("feed", value)
	}
	return f, true
}

func (r *remembered) changes(ctx context.Context, since string) (names []string, next string, err error) {
	defer caught(&err)
	return r.wiki.Changes(ctx, since)
}

// learn looks at the changes that are new here, and begins to look at the pages that they are of.
func (r *remembered) learn(f feed) {
	r.mu.Lock()
	first, heard := r.feed.Point == "", r.heard
	r.feed, r.heard = f, f.Number
	gap := f.Number < heard || f.Number > heard && (len(f.Recent) == 0 || f.Recent[0].Number > heard+1)
	switch {
	case first: // what was looked at before has changes that nobody tells
		r.doubt = f.From
	case gap:
		r.doubt = r.now()
	}
	r.mu.Unlock()
	if first || f.Number <= heard {
		return
	}
	changed := map[string]time.Time{}
	for _, c := range f.Recent {
		if c.Number > heard {
			changed[c.Name] = c.At
		}
	}
	for key, p := range r.memory.All() {
		at, ok := changed[key]
		if !ok && p.page != nil {
			at, ok = changed[r.spell(p.page.Name)]
		}
		if ok {
			r.mu.Lock()
			r.attempt(key).changed = at
			r.start(key)
			r.mu.Unlock()
		}
	}
}

// fresh reports whether a page that another process has seen is the present one.
func (r *remembered) fresh(key string, p *pointer, now time.Time) bool {
	if now.Sub(p.checked) < 2*r.poll {
		return true
	}
	r.mu.Lock()
	f := r.feed
	r.mu.Unlock()
	if f.Point == "" || now.Sub(f.Checked) > 3*r.poll || p.checked.Before(f.From) || now.Sub(p.checked) > recheck {
		return false
	}
	own := r.spell(p.page.Name)
	for _, c := range f.Recent {
		if (c.Name == key || c.Name == own) && !c.At.Before(p.checked) {
			return false
		}
	}
	return true
}
