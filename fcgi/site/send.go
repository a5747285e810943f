// Sending a page: variants, validators, ranges, body.

package site

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"pagemap/render"
)

// reply is a page about to be sent.
type reply struct {
	doc     *render.Document
	stream  io.ReadSeeker // the identity bytes where doc has none
	changed time.Time     // of the row; zero: does not count
	control string        // Cache-Control, or ""
	status  string        // Cache-Status, or ""
	link    string        // Link, or ""
}

// errPrecondition is answered 412.
var errPrecondition = errors.New("site: precondition failed")

// header sets fields of one response, whose values share one allocation.
type header struct {
	http.Header
	values []string
}

func newHeader(w http.ResponseWriter) header {
	return header{w.Header(), make([]string, 0, 12)}
}

// set sets a field by its canonical name; an empty value leaves it out.
func (h *header) set(name, value string) {
	if value == "" {
		return
	}
	h.values = append(h.values, value)
	n := len(h.values)
	h.Header[name] = h.values[n-1 : n : n]
}

// send answers a GET or HEAD with a page, 304, 412 or 416. Where it returns an
// error nothing has been sent.
func (s *Site) send(w http.ResponseWriter, r *http.Request, p reply) error {
	now := s.o.Now()
	doc := p.doc
	ranged := isByteRange(r.Header["Range"])
	body, encoding, tag := doc.Body, "", doc.ETag
	if doc.Gzip != nil && !ranged && prefersGzip(r.Header["Accept-Encoding"]) {
		body, encoding, tag = doc.Gzip, "gzip", doc.ETag+"-gzip"
	}
	v := validators{tag: doc.ETag, selected: tag, modified: lastModified(doc.Modified, p.changed, now)}
	outcome := v.evaluate(r.Header, now)
	if outcome == http.StatusPreconditionFailed {
		return errPrecondition
	}

	h := newHeader(w)
	h.set("Etag", quoted(tag))
	if !v.modified.IsZero() {
		h.set("Last-Modified", v.modified.Format(http.TimeFormat))
	}
	h.set("Cache-Control", p.control)
	h.set("Cache-Status", p.status)
	if doc.Gzip != nil {
		h.set("Vary", "Accept-Encoding")
	}
	if outcome == http.StatusNotModified {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.set("Link", p.link)
	h.Header["Content-Type"] = nil // keeps servers from guessing
	h.set("Content-Type", doc.Type)
	h.set("Content-Language", doc.Language)
	h.set("Content-Encoding", encoding)
	h.set("Accept-Ranges", "bytes")
	if ranged {
		content := p.stream
		if content == nil {
			content = bytes.NewReader(body)
		}
		if done, err := serveRange(w, r, v.modified, content); done || err != nil {
			return err
		}
	}
	if p.stream != nil {
		return s.copy(w, r, p.stream)
	}
	h.set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the reader may have gone
	}
	return nil
}

// copy sends the whole of content.
func (s *Site) copy(w http.ResponseWriter, r *http.Request, content io.ReadSeeker) error {
	n, err := size(content)
	if err != nil {
		clear(w.Header())
		return fmt.Errorf("site: size of a page: %w", err)
	}
	h := w.Header()
	h.Set("Content-Length", strconv.FormatInt(n, 10))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	// A file that grows meanwhile must not send more than was promised. One that
	// shrinks sends less, and the server cuts the connection.
	if sent, err := io.CopyN(w, content, n); err != nil {
		s.o.Logger.Debug("page not sent to its end", "target", r.RequestURI, "sent", sent, "size", n, "err", err)
	}
	return nil
}

// size measures content, and leaves it at its start.
func size(content io.Seeker) (int64, error) {
	n, err := content.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	_, err = content.Seek(0, io.SeekStart)
	return n, err
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
