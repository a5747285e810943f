// The record of what was handed out.

package edge

import (
	"container/list"
	"time"

	"pagemap/mapping"
)

// page is what a cache may have of one page. The Watch's mutex protects it.
type page struct {
	path     mapping.Path
	identity string // handed out last; "": what was handed out is being forgotten
	answers  *answers
	older    []*answers    // of earlier identities, that may be under way
	last     time.Time     // of the last answer handed out
	looked   time.Time     // when its identity was last known to be right
	place    *list.Element // in Watch.order, whose front was looked at the longest time ago
}

// answers are those of one page and identity.
type answers struct {
	underway int
	sent     func() // one was sent
}

// newAnswers returns a count of answers that is protected by w's mutex.
func (w *Watch) newAnswers() *answers {
	a := &answers{}
	a.sent = func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		a.underway--
	}
	return a
}

// Handed takes note of an answer that a cache may store, and returns the function to
// call once it has been sent. nil: it must not be stored, as too many pages are
// watched already, or no more are (Recall).
func (w *Watch) Handed(path mapping.Path, identity string) (sent func()) {
	now := w.o.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pages[path]
	switch {
	case w.recalled, p == nil && len(w.pages) >= w.o.MaxPages:
		w.stats.Refused++
		return nil
	case p == nil:
		p = &page{path: path, answers: w.newAnswers()}
		p.place = w.order.PushBack(p)
		w.pages[path] = p
	case p.identity != "" && p.identity != identity:
		w.changed(p, now)
	}
	p.identity, p.last = identity, now
	w.lookedAt(p, now)
	p.answers.underway++
	return p.answers.sent
}

// lookedAt notes that the page's identity is right. The caller holds mu.
func (w *Watch) lookedAt(p *page, now time.Time) {
	p.looked = now
	w.order.MoveToBack(p.place)
}

// changed has every cache forget what was handed out of the page. The caller holds mu.
func (w *Watch) changed(p *page, now time.Time) {
	p.older = append(underway(p.older), p.answers)
	p.identity, p.answers = "", w.newAnswers()
	for _, l := range w.lines {
		l.add(p, now, now.Add(w.o.MaxAge+margin))
	}
}

// underway are those of which answers are under way.
func underway(all []*answers) []*answers {
	var left []*answers
	for _, a := range all {
		if a.underway > 0 {
			left = append(left, a)
		}
	}
	return left
}

// drop takes pages off the record that no cache serves any more. The caller holds mu.
func (w *Watch) drop(now time.Time) {
	for path, p := range w.pages {
		if now.Sub(p.last) > w.o.MaxAge+margin && p.answers.underway == 0 && len(underway(p.older)) == 0 {
			w.order.Remove(p.place)
			delete(w.pages, path)
		}
	}
}
