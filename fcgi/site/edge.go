// The edge: what a cache in front of the site may store, and how it is told to forget it.

package site

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"pagemap/mapping"
	"pagemap/render"
)

// MaxEdgeAge is the longest Edge.MaxAge: it bounds how long a page whose
// invalidation was lost is served.
const MaxEdgeAge = 5 * time.Second

// Edge is a shared cache in front of the site that one pool of responders, and
// nobody else, invalidates. The package comment says what it may store.
type Edge struct {
	// MaxAge is the s-maxage of what may be stored, in whole seconds, at most
	// MaxEdgeAge. 0: MaxEdgeAge.
	MaxAge time.Duration

	// Secret is the value of the header Pagemap-Invalidate with which a DELETE for
	// any path is answered 204, so that the edge forgets what it stored under the
	// path. "": none is.
	Secret string

	// Handed is called before an answer that the edge may store leaves, with the
	// page's own path and what Site.Identity said of it at that moment. The function
	// that it returns is called once the answer was written to the web server, or
	// could not be. If it returns nil, the edge must not store the answer. nil:
	// nobody is told.
	Handed func(path mapping.Path, identity string) (sent func())
}

// check checks e and fills in its defaults.
func (e *Edge) check() error {
	if e.MaxAge == 0 {
		e.MaxAge = MaxEdgeAge
	}
	if e.MaxAge < time.Second || e.MaxAge > MaxEdgeAge || e.MaxAge%time.Second != 0 {
		return fmt.Errorf("site: edge lifetime %s: want whole seconds, 1 to %d", e.MaxAge, MaxEdgeAge/time.Second)
	}
	return nil
}

// storable reports whether the edge may store the page that answers q, as far as
// that can be told before its source is looked at.
func (s *Site) storable(q *request, a *mapping.Answer) bool {
	if s.o.Edge == nil || q.private || q.ranges != nil || a.Spelling || a.Queried {
		return false
	}
	path, _, _ := strings.Cut(q.target, "?")
	return path == string(a.Canonical)
}

// hand tells Edge.Handed of a page that the edge may store, and reports whether
// it may.
func (s *Site) hand(a *mapping.Answer, rev render.Revision, control *directive) (sent func(), ok bool) {
	if s.o.Edge.Handed == nil {
		return nil, true
	}
	sent = s.o.Edge.Handed(a.Canonical, s.identity(a, rev, control))
	return sent, sent != nil
}

// identity is what Identity says of a page.
func (s *Site) identity(a *mapping.Answer, rev render.Revision, control *directive) string {
	changed := int64(0)
	if !a.TreeRow {
		changed = a.Changed
	}
	return strings.Join([]string{
		s.o.Settings, control.edge, strconv.FormatInt(changed, 36), a.Source.String(), rev.ID,
	}, "\x00")
}

// Identity names all that decides what a path answers now: the row's source and
// change, the settings, the lifetimes, and the source's revision, for which the
// source is looked at anew. Two identities of one path are equal if its answers
// to the edge are. storable reports whether the edge may store what the path
// answers; if it may not, identity is "", and whatever the edge has of the path
// is outdated.
func (s *Site) Identity(ctx context.Context, path mapping.Path) (identity string, storable bool) {
	rv := s.current()
	if rv == nil {
		return "", false
	}
	a := rv.Resolve(mapping.Target{Path: path, Clean: true})
	q := &request{target: string(path)}
	if a.Status != http.StatusOK || !s.storable(q, &a) {
		return "", false
	}
	l, err := s.look(ctx, q, &a, s.o.Now(), true)
	if err != nil || l.class != mapping.ClassPage || l.rev.Volatile || l.rev.Size > render.MaxKept {
		return "", false
	}
	control := s.controlOf(&a)
	return s.identity(&a, l.rev, control), control.edge != ""
}
