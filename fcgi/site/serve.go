// The way of a request: target, table, source, page.

package site

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"pagemap/mapping"
	"pagemap/render"
)

// formatVersion is the first input of every key: raised when the list of inputs
// changes its meaning.
const formatVersion = "1"

// allow are the methods of a page.
const allow = "GET, HEAD, OPTIONS"

var errNoTable = fmt.Errorf("site: no page table yet: %w", render.ErrUnavailable)

// serve answers a request, or returns the error that fail answers; then nothing
// has been sent.
func (s *Site) serve(w http.ResponseWriter, r *http.Request) error {
	t, err := mapping.ParseTarget(r.RequestURI)
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
		return s.page(w, r, t, a)
	case a.Location != "":
		s.redirect(w, r, a.Status, a.Location, s.caching.ofRedirect(a, s.o.Now()))
		return nil
	case a.Status == http.StatusGone:
		s.errors.write(w, r, http.StatusGone, a.Suggest, s.pick(r, s.caching.gone))
		return nil
	default:
		return render.ErrNotFound
	}
}

// page answers for a row or a file with status 200, or sends to its spelling.
func (s *Site) page(w http.ResponseWriter, r *http.Request, t mapping.Target, a mapping.Answer) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return otherMethod(w, r)
	}
	ctx := r.Context()
	src := s.o.Sources[a.Source.Kind]
	if src == nil {
		return fmt.Errorf("site: %s has no source: %w", a.Source, render.ErrUnavailable)
	}
	rev, err := src.Stat(ctx, a.Source.Ref)
	if err != nil {
		return fmt.Errorf("site: stat %s: %w", a.Source, err)
	}
	if a.Spelling {
		s.redirect(w, r, a.Status, a.Location, directive{noStore, noStore})
		return nil
	}
	control := s.caching.wiki
	if a.Source.Kind == mapping.SourceFile {
		control = s.caching.file
		switch s.class(a.Source.Ref, rev.Size) {
		case mapping.ClassDenied:
			return render.ErrNotFound
		case mapping.ClassData:
			s.found(a)
			s.redirect(w, r, http.StatusFound, s.o.DataPrefix+rev.Ref, s.caching.found)
			return nil
		}
	}
	s.found(a)

	reply := reply{control: s.pick(r, control), changed: personal(a)}
	if a.Canonical != t.Path {
		reply.link = "<" + string(a.Canonical) + `>; rel="canonical"`
	}
	streamer, _ := src.(render.Streamer)
	if streamer != nil && rev.Size > render.MaxKept {
		return s.stream(w, r, streamer, a, reply)
	}
	inputs := []string{formatVersion, s.o.Settings, string(a.Canonical), "200", a.Source.String(), rev.ID}
	reply.doc, reply.status, err = s.o.Pages.Get(ctx, inputs, func(ctx context.Context) (*render.Document, error) {
		return draw(ctx, src, a.Source.Ref, rev)
	})
	if streamer != nil && errors.Is(err, render.ErrTooLarge) { // it has grown since
		return s.stream(w, r, streamer, a, reply)
	}
	if err != nil {
		return fmt.Errorf("site: page %s: %w", a.Source, err)
	}
	return s.send(w, r, reply)
}

// stream answers with a page that is too large to be kept.
func (s *Site) stream(w http.ResponseWriter, r *http.Request, src render.Streamer, a mapping.Answer, p reply) error {
	doc, body, err := src.Open(r.Context(), a.Source.Ref)
	if err != nil {
		return fmt.Errorf("site: open %s: %w", a.Source, err)
	}
	defer body.Close()
	p.doc, p.stream, p.status = doc, body, "pagemap; fwd=bypass"
	return s.send(w, r, p)
}

// draw renders a page for the key of rev: what is not that revision for good is
// Volatile, so that it is never kept under the key.
func draw(ctx context.Context, src render.Source, ref string, rev render.Revision) (*render.Document, error) {
	doc, err := src.Render(ctx, ref)
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

// class says how the file at ref is served.
func (s *Site) class(ref string, size int64) mapping.Class {
	name, ok := mapping.Path(ref).FileName()
	if !ok {
		return mapping.ClassDenied
	}
	return s.o.Types.Class(name, size, s.o.ImageLimit)
}

// found reports a file without a row.
func (s *Site) found(a mapping.Answer) {
	if a.Found != nil && s.o.Found != nil {
		s.o.Found(*a.Found)
	}
}

// personal is when a person or an import last changed the row that answers; the
// zero time where the tree alone does.
func personal(a mapping.Answer) time.Time {
	if a.TreeRow || a.Changed == 0 {
		return time.Time{}
	}
	return time.UnixMicro(a.Changed)
}

var errMethod = errors.New("site: method not allowed") // answered 405

// otherMethod answers OPTIONS, and refuses the rest (RFC 9110, 9.3.7, 15.5.6).
func otherMethod(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Allow", allow)
	if r.Method != http.MethodOptions {
		return errMethod
	}
	h["Content-Type"] = nil
	w.WriteHeader(http.StatusNoContent)
	return nil
}
