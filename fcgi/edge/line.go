// Lines: what each cache is still to forget.

package edge

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// line is the invalidations of one cache. The Watch's mutex protects it.
type line struct {
	cache   Cache
	jobs    map[*page]*job
	queue   []*page // whose jobs are ready
	senders int     // goroutines that send them
	failing bool    // the last request failed
}

// stage is how far a change has come.
type stage int

const (
	atOnce    stage = iota // to be sent
	afterSent              // to be sent again once the older answers have been
	onceMore               // to be sent a last time
)

// job is a page's change.
type job struct {
	stage    stage
	due      time.Time // not sent before
	limit    time.Time // from then on no cache serves the old page, and no older answer is waited for
	failures int       // in a row
	change   int       // counts changes, so that a request begun before the last one does not count
	sending  bool      // a request is under way
}

// add has the cache forget the page, which no cache serves from limit on. The
// caller holds mu.
func (l *line) add(p *page, now, limit time.Time) {
	j := l.jobs[p]
	if j == nil {
		j = &job{}
		l.jobs[p] = j
	}
	j.stage, j.due, j.limit, j.failures = atOnce, now, limit, 0
	j.change++
}

// ready reports whether it is time to send. The caller holds mu.
func (j *job) ready(p *page, now time.Time) bool {
	if j.sending || now.Before(j.due) {
		return false
	}
	return j.stage != afterSent || len(underway(p.older)) == 0 || !now.Before(j.limit)
}

// dispatch sends what is due, as far as the cache takes it.
func (w *Watch) dispatch(ctx context.Context, l *line) {
	now := w.o.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(l.queue) > 0 {
		return // those who send come to it
	}
	for p, j := range l.jobs {
		if j.ready(p, now) {
			l.queue = append(l.queue, p)
		}
	}
	// What readers still see comes before what was only to make sure.
	slices.SortFunc(l.queue, func(a, b *page) int { return cmp.Compare(l.jobs[a].stage, l.jobs[b].stage) })
	for ; l.senders < min(maxRequests, len(l.queue)); l.senders++ {
		w.running.Go(func() { w.send(ctx, l) })
	}
}

// send sends what is queued until nothing is.
func (w *Watch) send(ctx context.Context, l *line) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(l.queue) > 0 {
		p := l.queue[0]
		l.queue = l.queue[1:]
		j := l.jobs[p]
		if j == nil || !j.ready(p, w.o.Now()) {
			continue
		}
		change, settled := j.change, len(underway(p.older)) == 0
		j.sending = true
		w.mu.Unlock()
		err := l.cache.forget(ctx, w.client, w.o.Host, w.o.Secret, p.path)
		w.mu.Lock()
		j.sending = false
		w.took(l, err)
		if j.change == change { // else all begins anew
			w.advance(l, p, j, settled, err)
		}
	}
	l.senders--
}

// took notes whether the cache took an invalidation. The caller holds mu.
func (w *Watch) took(l *line, err error) {
	if err == nil {
		w.stats.Sent++
	}
	if l.failing == (err != nil) {
		return
	}
	l.failing = err != nil
	if l.failing {
		w.o.Logger.Warn("cache takes no invalidations; its pages may be outdated by their lifetime", "cache", l.cache.String(), "error", err)
	} else {
		w.o.Logger.Info("cache takes invalidations again", "cache", l.cache.String())
	}
}

// advance brings a change to its next stage. Settled: no older answer was under
// way when the request began. The caller holds mu.
func (w *Watch) advance(l *line, p *page, j *job, settled bool, err error) {
	now := w.o.Now()
	switch {
	case err != nil && !now.Before(j.limit):
		w.stats.Failed++
		delete(l.jobs, p)
	case err != nil:
		j.due = now.Add(firstPause << j.failures)
		j.failures++
	case j.stage == onceMore:
		delete(l.jobs, p)
	case settled || j.stage == afterSent:
		j.stage, j.due, j.failures = onceMore, now.Add(finalPause), 0
	default:
		j.stage, j.failures = afterSent, 0
	}
}
