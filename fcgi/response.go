// The http.ResponseWriter of a handler: checks, counts and holds an answer before anything of it is sent.

package fcgi

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
)

const (
	holdSize      = 64 << 10 // bytes of a body that are held to know its length
	maxHeaderLine = 8180     // Apache gives up at 8190
)

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// response stands before the library's http.ResponseWriter. Its methods may be
// called by several goroutines, and after the handler has returned.
type response struct {
	c      *conn
	req    *request
	head   bool
	header http.Header // the handler's; read once, by WriteHeader

	mu        sync.Mutex          // protects the rest
	w         http.ResponseWriter // the library's
	code      int                 // 0: WriteHeader was not called
	bad       error               // the header cannot be sent
	declared  int64               // Content-Length; -1: none
	written   int64               // bytes of the body
	held      *bytes.Buffer       // a body of undeclared length, while it fits; nil: none so far
	committed bool                // the library has the header
	done      bool                // the handler has returned
}

func newResponse(w http.ResponseWriter, c *conn, req *request) *response {
	return &response{c: c, req: req, w: w, header: http.Header{}, head: req.method == http.MethodHead, declared: -1}
}

func (w *response) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. Informational statuses are
// ignored: FastCGI has no place for them.
func (w *response) WriteHeader(code int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(code)
}

func (w *response) writeHeader(code int) {
	if code < 100 || code > 999 {
		panic(fmt.Sprintf("fcgi: status %d", code))
	}
	if code < 200 || w.code != 0 || w.done {
		return
	}
	w.code = code
	w.bad = w.copyHeader()
}

// copyHeader gives the library what of the header may be sent.
func (w *response) copyHeader() error {
	to := w.w.Header()
	for name, values := range w.header {
		name = http.CanonicalHeaderKey(name)
		switch name {
		case "Status", "Transfer-Encoding", "Connection", "Trailer", "Content-Length":
			continue // Content-Length is for commit to set
		}
		for _, v := range values {
			if err := checkField(name, v); err != nil {
				return err
			}
		}
		to[name] = values
	}
	if v := w.header.Get("Content-Length"); v != "" {
		n, ok := parseLength([]byte(v))
		if !ok {
			return fmt.Errorf("fcgi: Content-Length %q", v)
		}
		w.declared = n
	}
	return nil
}

// checkField says why a header field cannot be sent.
func checkField(name, value string) error {
	switch {
	case !isFieldValue(value):
		return fmt.Errorf("fcgi: control character in header %s: %q", name, value)
	case len(name)+len(": ")+len(value) > maxHeaderLine:
		return fmt.Errorf("fcgi: header %s of %d bytes", name, len(value))
	}
	return nil
}

// Write implements http.ResponseWriter. It fails with ErrRequestOver once the
// request is over, and with http.ErrContentLength beyond the declared length.
func (w *response) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done || w.req.over.Load() {
		return 0, ErrRequestOver
	}
	w.writeHeader(http.StatusOK)
	switch {
	case w.bad != nil:
		return 0, w.bad
	case !w.bodyAllowed():
		return 0, http.ErrBodyNotAllowed
	case w.declared >= 0 && w.written+int64(len(p)) > w.declared:
		return 0, http.ErrContentLength
	}
	if w.written == 0 {
		w.sniff(p)
	}
	w.written += int64(len(p))
	if w.head {
		return len(p), nil
	}
	if !w.committed && w.declared < 0 && w.written <= holdSize {
		if w.held == nil {
			w.held = bodies.Get().(*bytes.Buffer)
		}
		return w.held.Write(p)
	}
	if err := w.commit(); err != nil {
		return 0, err
	}
	return w.c.write(w.req, p)
}

func (w *response) bodyAllowed() bool {
	return w.code != http.StatusNoContent && w.code != http.StatusNotModified
}

// sniff sets the type of a body that begins with p, as net/http does, so that
// the library does not do it for answers without a body, too.
func (w *response) sniff(p []byte) {
	h := w.w.Header()
	if _, ok := h["Content-Type"]; !ok && h.Get("Content-Encoding") == "" && len(p) > 0 {
		h.Set("Content-Type", http.DetectContentType(p))
	}
}

// commit gives the header to the library, and sends what is held of the body after it.
func (w *response) commit() error {
	if w.committed {
		return nil
	}
	w.committed = true
	h := w.w.Header()
	if w.declared >= 0 && w.code != http.StatusNoContent {
		h.Set("Content-Length", strconv.FormatInt(w.declared, 10))
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // the library shall not guess
	}
	w.w.WriteHeader(w.code)
	_, err := w.w.Write(nil)
	if err == nil && w.held != nil {
		_, err = w.c.write(w.req, w.held.Bytes())
	}
	return err
}

// Flush implements http.Flusher: what was written goes to the web server. The
// length of the answer is then unknown, unless it was declared.
func (w *response) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done || w.req.over.Load() {
		return
	}
	w.writeHeader(http.StatusOK)
	if w.bad != nil || w.commit() != nil {
		return
	}
	_ = w.c.flush(w.req)
}

// finish ends the answer when the handler has returned.
func (w *response) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.end()
	if w.req.over.Load() {
		return
	}
	w.writeHeader(http.StatusOK)
	err := w.bad
	if w.bodyAllowed() && !w.head && w.written < w.declared {
		err = errors.Join(err, fmt.Errorf("fcgi: body of %d bytes under Content-Length %d", w.written, w.declared))
	}
	if err != nil {
		w.c.s.o.Logger.Error("handler gave a wrong answer", "target", w.req.target, "error", err)
		w.breakOff()
		return
	}
	if w.declared < 0 && !w.committed && (!w.head || w.written > 0) {
		w.declared = w.written
	}
	_ = w.commit()
}

// fail ends the answer when the handler has panicked.
func (w *response) fail() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.breakOff()
	w.end()
}

// breakOff answers 500, or breaks the connection where a part of another answer
// was sent.
func (w *response) breakOff() {
	if !w.c.answer(w.req, http.StatusInternalServerError, ErrRequestOver) {
		w.c.cut(w.req, ErrRequestOver)
	}
}

// end lets go of everything: the library's side belongs to the library again.
func (w *response) end() {
	w.done = true
	if w.held != nil {
		w.held.Reset()
		bodies.Put(w.held)
		w.held = nil
	}
}
