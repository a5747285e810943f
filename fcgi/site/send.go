// The answer with a page: variants, validators, headers.

package site

import (
	"errors"
	"io"
	"net/http"
	"time"

	"pagemap/render"
)

// reply is a page about to be sent.
type reply struct {
	doc     *render.Document
	stream  io.ReadSeekCloser // the identity bytes where doc has none
	look    *look
	changed time.Time // of the row; zero: does not count
	now     time.Time
	control string // Cache-Control, or ""
	status  string // Cache-Status, or ""
	link    string // Link, or ""
	want    render.Want
	ready   bool // the document is Pages.Ready's
}

// errPrecondition is answered 412.
var errPrecondition = errors.New("site: precondition failed")

// send makes the answer to a GET or HEAD with a page: 200, 304 or 412. What
// becomes of a Range is left to whoever writes the answer.
func (s *Site) send(q *request, p *reply, to *answer) error {
	doc := p.doc
	ranged := isByteRange(q.ranges)
	accept := q.accept
	if ranged {
		accept = nil
	}
	variant := doc.Select(accept)
	if variant.Wanting && p.ready {
		s.o.Pages.Complete(p.want, doc)
	}
	if variant.Body == nil && doc.Gzip != nil { // it takes brotli alone, which is still to be made
		var err error
		if variant.Body, err = s.encoder.Identity(doc); err != nil {
			return err
		}
	}
	modified := lastModified(doc.Modified, p.changed, p.now)
	v := validators{tag: doc.ETag, selected: variant.ETag, modified: modified}
	outcome := v.evaluate(&q.conditions, ranged, p.now)
	if outcome == http.StatusPreconditionFailed {
		if p.stream != nil {
			p.stream.Close()
		}
		return errPrecondition
	}
	to.stream = p.stream
	to.set("Etag", variant.ETag)
	to.set("Last-Modified", p.look.lastModified(modified))
	to.set("Cache-Control", p.control)
	to.set("Cache-Status", p.status)
	if doc.Varies() {
		to.set("Vary", "Accept-Encoding")
	}
	if outcome == http.StatusNotModified {
		to.status = http.StatusNotModified
		if p.stream != nil {
			p.stream.Close()
			to.stream = nil
		}
		return nil
	}
	to.status = http.StatusOK
	to.set("Link", p.link)
	to.set("Content-Type", doc.Type)
	to.set("Content-Language", doc.Language)
	to.set("Content-Encoding", variant.Encoding)
	to.set("Accept-Ranges", "bytes")
	to.body, to.ranged, to.modified = variant.Body, ranged, modified
	return nil
}

// lastModified is the latest of the times given, in whole seconds and not after
// now; zero where none is known.
func lastModified(source, row, now time.Time) time.Time {
	t := source
	if row.After(t) {
		t = row
	}
	if t.After(now) {
		t = now
	}
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Second)
}
