// The way of a request: target, table, source, page.

package site

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"pagemap/mapping"
	"pagemap/render"
)

// formatVersion is the first input of every key: raised when the list of inputs
// changes its meaning.
const formatVersion = "1"

// allow are the methods of a page.
const allow = "GET, HEAD, OPTIONS"

var (
	errNoTable = fmt.Errorf("site: no page table yet: %w", render.ErrUnavailable)
	errMethod  = errors.New("site: method not allowed") // answered 405
)

// ServeHTTP answers a request for a page. It is the one place that logs errors
// and answers them.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchanges.Get().(*exchange)
	defer exchanges.Put(x)
	q, a := &x.request, &x.answer
	q.of(r, s.o.User)
	*a = answer{}
	if err := s.decide(r.Context(), q, a); err != nil {
		s.fail(r.Context(), q, a, err)
	}
	s.write(w, r, q, a)
}

// decide makes the answer to q, or returns the error that fail answers.
func (s *Site) decide(ctx context.Context, q *request, to *answer) error {
	if s.invalidates(q) {
		to.status = http.StatusNoContent
		to.set("Cache-Control", noStore)
		return nil
	}
	t, err := mapping.ParseTarget(q.target)
	if err != nil {
		return err
	}
	rv := s.current()
	if rv == nil {
		return errNoTable
	}
	a := rv.Resolve(t)
	if a.Flag != mapping.FlagNone && s.o.Flagged != nil {
		s.o.Flagged(a.Flag)
	}
	switch {
	case a.Status == http.StatusOK, a.Spelling:
		err = s.page(ctx, q, &t, rv, &a, to)
	case a.Location != "":
		s.redirect(to, a.Status, a.Location, s.control(q, s.caching.ofRedirect(a, s.o.Now())))
		s.o.Traffic.Hit(a.Pattern)
	case a.Status == http.StatusGone:
		to.html(http.StatusGone, s.errors.gone(a.Suggest), s.control(q, s.caching.gone))
		s.o.Traffic.Hit(a.Pattern)
	default:
		err = render.ErrNotFound
	}
	if errors.Is(err, render.ErrNotFound) {
		s.missed(q, t.Path, rv, &a)
	}
	return err
}

// missed tells Options.Traffic of a 404.
func (s *Site) missed(q *request, p mapping.Path, rv *mapping.Resolver, a *mapping.Answer) {
	if a.Flag == mapping.FlagNone && a.Pattern != "" {
		if row, ok := rv.Rows.(*mapping.Table).Get(a.Pattern); ok && row.Status == http.StatusNotFound {
			s.o.Traffic.Hit(a.Pattern)
			return
		}
	}
	s.o.Traffic.Miss(p, q.referer())
}

// invalidates reports whether q is the pool's own DELETE.
func (s *Site) invalidates(q *request) bool {
	return q.method == http.MethodDelete && q.secret != "" && s.o.Edge != nil && s.o.Edge.Secret != "" &&
		subtle.ConstantTimeCompare([]byte(q.secret), []byte(s.o.Edge.Secret)) == 1
}

// page answers for a row or a file with status 200, or sends to its spelling.
func (s *Site) page(ctx context.Context, q *request, t *mapping.Target, rv *mapping.Resolver, a *mapping.Answer, to *answer) error {
	if q.method != http.MethodGet && q.method != http.MethodHead {
		return otherMethod(q, to)
	}
	storable := s.storable(q, a)
	now := s.o.Now()
	l, err := s.look(ctx, q, a, now, storable)
	if err != nil {
		return err
	}
	if a.Spelling {
		s.redirect(to, a.Status, a.Location, noStore)
		return nil
	}
	if l.class == mapping.ClassDenied {
		return render.ErrNotFound
	}
	s.found(a)
	if l.class == mapping.ClassData {
		s.redirect(to, http.StatusFound, s.o.DataPrefix+l.rev.Ref, s.control(q, s.caching.found))
		s.o.Traffic.Hit(patternOf(a))
		return nil
	}
	control := s.controlOf(a)
	p := reply{look: l, changed: personal(a), now: now, control: s.control(q, *control)}
	if a.Canonical != t.Path {
		p.link = "<" + string(a.Canonical) + `>; rel="canonical"`
	}
	src := s.o.Sources[a.Source.Kind]
	if _, ok := src.(render.Streamer); ok && l.rev.Size > render.MaxKept {
		err = s.stream(ctx, q, src, a, &p)
	} else if err = s.draw(ctx, q, src, a, &p); errors.Is(err, render.ErrTooLarge) { // it has grown since
		err = s.stream(ctx, q, src, a, &p)
	}
	if err != nil {
		return err
	}
	if l.rev.Stale {
		p.status = stale(p.status)
	}
	if storable && p.stream == nil && control.edge != "" {
		q.noneMatch, q.modifiedSince = nil, nil // the edge's own, perhaps, who must get the page
		if !p.doc.Volatile && !l.rev.Volatile {
			var watched bool
			to.sent, watched = s.hand(a, l.rev, control)
			if watched && s.current() == rv { // else the invalidation of the new table may have passed already
				p.control = control.edge
			}
		}
	}
	if err := s.send(q, &p, to); err != nil {
		return err
	}
	s.o.Traffic.Hit(patternOf(a))
	return nil
}

// stale is a Cache-Status that tells that the page may be outdated, as its source cannot be asked.
func stale(status string) string {
	status, _, _ = strings.Cut(status, "; detail=")
	return status + "; detail=stale"
}

// controlOf is the Cache-Control of a page.
func (s *Site) controlOf(a *mapping.Answer) *directive {
	if a.Source.Kind == mapping.SourceFile {
		return &s.caching.file
	}
	return &s.caching.wiki
}

// draw takes the page from Options.Pages.
func (s *Site) draw(ctx context.Context, q *request, src render.Source, a *mapping.Answer, p *reply) (err error) {
	p.want = render.Want{
		Inputs: p.look.inputs, Packed: !isByteRange(q.ranges) && render.Packs(q.accept), Local: a.Source.Kind == mapping.SourceFile,
	}
	if p.doc, p.status, p.ready = s.o.Pages.Ready(p.want); p.ready {
		return nil
	}
	page, rev := pageOf(a), p.look.rev
	fill := func(ctx context.Context) (*render.Document, error) { return draw(ctx, src, page, rev) }
	if q.prompt {
		var drawn bool
		if p.doc, p.status, drawn, err = s.o.Pages.Draw(p.want, fill); !drawn {
			return errNotReady
		}
	} else {
		p.doc, p.status, err = s.o.Pages.Get(ctx, p.want, fill)
	}
	if err != nil {
		return fmt.Errorf("site: page %s: %w", a.Source, err)
	}
	return nil
}

// stream opens a page that is too large to be kept.
func (s *Site) stream(ctx context.Context, q *request, src render.Source, a *mapping.Answer, p *reply) (err error) {
	streamer, ok := src.(render.Streamer)
	if !ok {
		return fmt.Errorf("site: page %s: %w", a.Source, render.ErrTooLarge)
	}
	if q.prompt {
		return errNotReady
	}
	if p.doc, p.stream, err = streamer.Open(ctx, pageOf(a)); err != nil {
		return fmt.Errorf("site: open %s: %w", a.Source, err)
	}
	p.status = "pagemap; fwd=bypass"
	return nil
}

// draw renders a page for the key of rev: what is not that revision for good is
// Volatile, so that it is never kept under the key.
func draw(ctx context.Context, src render.Source, page render.Page, rev render.Revision) (*render.Document, error) {
	doc, err := src.Render(ctx, page)
	if err != nil {
		return nil, err
	}
	if (rev.Volatile || doc.Revision != rev.ID) && !doc.Volatile {
		d := *doc
		d.Volatile = true
		doc = &d
	}
	return doc, nil
}

// pageOf is the page that a names, for its source.
func pageOf(a *mapping.Answer) render.Page {
	return render.Page{Path: a.Canonical, Ref: a.Source.Ref}
}

// class says how the file at ref is served.
func (s *Site) class(ref string, size int64) mapping.Class {
	name, ok := mapping.Path(ref).FileName()
	if !ok {
		return mapping.ClassDenied
	}
	return s.o.Types.Class(name, size, s.o.ImageLimit)
}

// found reports a file without a row.
func (s *Site) found(a *mapping.Answer) {
	if a.Found != nil && s.o.Found != nil {
		s.o.Found(*a.Found)
	}
}

// patternOf is the pattern of the row that answered, or that the file without one would have.
func patternOf(a *mapping.Answer) string {
	if a.Found != nil {
		return a.Found.Pattern
	}
	return a.Pattern
}

// personal is when a person or an import last changed the row that answers; the
// zero time where the tree alone does.
func personal(a *mapping.Answer) time.Time {
	if a.TreeRow || a.Changed == 0 {
		return time.Time{}
	}
	return time.UnixMicro(a.Changed)
}

// otherMethod answers OPTIONS, and refuses the rest (RFC 9110, 9.3.7, 15.5.6).
func otherMethod(q *request, to *answer) error {
	if q.method != http.MethodOptions {
		return errMethod
	}
	to.status = http.StatusNoContent
	to.set("Allow", allow)
	return nil
}
