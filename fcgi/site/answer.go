// An answer, whichever way it leaves.

package site

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// answer is what a request is answered with: a body or a stream, or neither.
type answer struct {
	status   int
	body     []byte            // 204 and 304 have none, and to HEAD it is not sent
	stream   io.ReadSeekCloser // in place of body, to be closed
	ranged   bool              // a Range is to be looked at
	modified time.Time         // for If-Range
	sent     func()            // see Edge.Handed; nil: nobody is told

	n      int
	fields [maxFields]field // n are set
}

// maxFields is how many header fields an answer has at most, Content-Length aside.
const maxFields = 12

type field struct{ name, value string } // the name canonical

// set adds a header field; an empty value leaves it out.
func (a *answer) set(name, value string) {
	if value != "" {
		a.fields[a.n] = field{name, value}
		a.n++
	}
}

// clear takes back what was set, but the call of sent, which is owed.
func (a *answer) clear() {
	if a.stream != nil {
		a.stream.Close()
	}
	*a = answer{sent: a.sent}
}

// header sets the fields, whose values share one allocation.
func (a *answer) header(h http.Header) {
	h["Content-Type"] = nil // keeps servers from guessing
	values := make([]string, a.n)
	for i, f := range a.fields[:a.n] {
		values[i] = f.value
		h[f.name] = values[i : i+1 : i+1]
	}
}

// write answers over net/http, and reports to Edge.Handed.
func (s *Site) write(w http.ResponseWriter, r *http.Request, q *request, a *answer) {
	defer func() {
		if a.sent != nil {
			_ = http.NewResponseController(w).Flush() // it may be held back until the handler returns
			a.sent()
		}
		if a.stream != nil {
			a.stream.Close()
		}
	}()
	a.header(w.Header())
	if a.ranged {
		content := io.ReadSeeker(a.stream)
		if a.stream == nil {
			content = bytes.NewReader(a.body)
		}
		done, err := serveRange(w, r, a.modified, content)
		if done && err == nil {
			return
		}
		if err != nil {
			a.clear()
			s.fail(r.Context(), q, a, err)
			a.header(w.Header())
		}
	}
	if a.stream != nil {
		if err := s.copy(w, q, a.stream); err != nil {
			clear(w.Header())
			a.clear()
			s.fail(r.Context(), q, a, err)
			a.header(w.Header())
		} else {
			return
		}
	}
	hasBody := a.status != http.StatusNoContent && a.status != http.StatusNotModified
	if hasBody {
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	}
	w.WriteHeader(a.status)
	if hasBody && q.method != http.MethodHead {
		_, _ = w.Write(a.body) // the reader may have gone
	}
}

// copy sends the whole of content. Where it returns an error nothing was sent.
func (s *Site) copy(w http.ResponseWriter, q *request, content io.ReadSeeker) error {
	n, err := size(content)
	if err != nil {
		return fmt.Errorf("site: size of a page: %w", err)
	}
	w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	w.WriteHeader(http.StatusOK)
	if q.method == http.MethodHead {
		return nil
	}
	// A file that grows meanwhile must not send more than was promised. One that
	// shrinks sends less, and the server cuts the connection.
	if sent, err := io.CopyN(w, content, n); err != nil {
		s.o.Logger.Debug("page not sent to its end", "target", q.target, "sent", sent, "size", n, "err", err)
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

// errNotReady is why a request cannot be answered promptly.
var errNotReady = errors.New("site: page not ready")
