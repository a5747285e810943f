// Ranges of a page's bytes.

package site

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"
)

// errRange is answered 416.
var errRange = errors.New("site: range not satisfiable")

// isByteRange reports whether a Range is one of bytes; another unit is ignored
// (RFC 9110, 14.2).
func isByteRange(lines []string) bool {
	return len(lines) == 1 && strings.HasPrefix(lines[0], "bytes=")
}

// serveRange answers a request with a Range and perhaps an If-Range; the headers
// of the whole answer have been set. It reports false where the Range cannot be
// read: then the whole is to be sent, as if there were none. The preconditions
// have been evaluated, so http.ServeContent, which does the work, sees none.
func serveRange(w http.ResponseWriter, r *http.Request, modified time.Time, content io.ReadSeeker) (bool, error) {
	only := http.Header{"Range": r.Header["Range"]}
	if v := r.Header["If-Range"]; v != nil {
		only["If-Range"] = v
	}
	h := w.Header()
	whole := maps.Clone(h)
	rw := &rangeWriter{ResponseWriter: w, content: content}
	http.ServeContent(rw, &http.Request{Method: r.Method, Header: only}, "", modified, content)
	if !rw.refused {
		return true, nil
	}
	contentRange := h["Content-Range"]
	clear(h)
	if contentRange == nil {
		maps.Copy(h, whole)
		return false, nil
	}
	h["Content-Range"], h["Etag"] = contentRange, whole["Etag"]
	return true, errRange
}

// rangeWriter holds back the plain 416 of http.ServeContent, and makes one of the
// range "-0", which has no bytes.
type rangeWriter struct {
	http.ResponseWriter
	content io.Seeker
	refused bool
}

// WriteHeader implements http.ResponseWriter.
func (w *rangeWriter) WriteHeader(status int) {
	h := w.Header()
	switch {
	case status == http.StatusRequestedRangeNotSatisfiable:
		w.refused = true
	case status == http.StatusPartialContent && h.Get("Content-Length") == "0":
		w.refused = true
		if n, err := size(w.content); err == nil {
			h.Set("Content-Range", fmt.Sprintf("bytes */%d", n))
		}
	default:
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (w *rangeWriter) Write(b []byte) (int, error) {
	if w.refused {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}
