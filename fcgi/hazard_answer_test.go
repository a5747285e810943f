// Hazards of what a handler answers.

package fcgi_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"pagemap/fcgi/fcgitest"
)

// exact returns an error unless the answer has the status and exactly the
// length that it declares, or was cut off, if cut.
func exact(method string, code int, cut bool) func(side) error {
	return func(s side) error {
		res, err := s.do(fcgitest.Request{Method: method})
		if err != nil {
			if cut {
				return nil
			}
			return err
		}
		if err := want("status", res.Status, code); err != nil {
			return err
		}
		return want("Content-Length", res.Header.Get("Content-Length"), strconv.Itoa(len(res.Body)))
	}
}

func answerHazards() []hazard {
	header := func(name, value string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(name, value)
			io.WriteString(w, "fine")
		}
	}
	without := func(name string) func(side) error {
		return func(s side) error {
			res, err := s.do(fcgitest.Request{})
			if err != nil {
				return err
			}
			if v, ok := res.Header[name]; ok {
				return fmt.Errorf("header %s: %q", name, v)
			}
			return nil
		}
	}
	return []hazard{{
		name: "no length", handler: fine, try: exact("GET", 200, false),
	}, {
		name: "no body, no length", handler: func(http.ResponseWriter, *http.Request) {}, try: exact("GET", 200, false),
	}, {
		name: "too short a body", handler: header("Content-Length", "5"), try: exact("GET", 500, false),
	}, {
		name: "too long a body", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "4")
			io.WriteString(w, "fine")
			io.WriteString(w, "more")
		}, try: exact("GET", 200, false),
	}, {
		name: "too short a body, partly sent", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "5")
			io.WriteString(w, "fine")
			w.(http.Flusher).Flush()
		}, try: exact("GET", 200, true),
	}, {
		name: "length that is no number", handler: header("Content-Length", "-4"), try: exact("GET", 500, false),
	}, {
		name: "informational status is sent as the final one",
		handler: func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			io.WriteString(w, "fine")
		}, try: says(fcgitest.Request{}, "fine"),
	}, {
		name: "Status header overrides the status", handler: header("Status", "404 Nope"), try: status(fcgitest.Request{}, 200),
	}, {
		name: "Transfer-Encoding", handler: header("Transfer-Encoding", "chunked"), try: without("Transfer-Encoding"),
	}, {
		name: "Connection", handler: header("Connection", "close"), try: without("Connection"),
	}, {
		name: "Trailer", handler: header("Trailer", "X"), try: without("Trailer"),
	}, {
		name: "control character in a header", handler: header("X", "a\x01b"), try: exact("GET", 500, false),
	}, {
		name: "line break in a header", handler: header("X", "a\r\nSet-Cookie: b"), try: exact("GET", 500, false),
	}, {
		name: "header longer than Apache takes", handler: header("X", strings.Repeat("x", 9000)), try: exact("GET", 500, false),
	}, {
		name: "type of nothing is guessed", handler: func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		}, try: without("Content-Type"),
	}, {
		name: "type of compressed bytes is guessed", handler: header("Content-Encoding", "gzip"), try: without("Content-Type"),
	}, {
		name: "header that was changed after WriteHeader", handler: func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			w.Header().Set("X", "late")
			io.WriteString(w, "fine")
		}, try: without("X"),
	}, {
		name: "body of HEAD is sent", handler: fine,
		try: func(s side) error {
			res, err := s.do(fcgitest.Request{Method: "HEAD"})
			if err != nil {
				return err
			}
			if err := want("Content-Length", res.Header.Get("Content-Length"), "4"); err != nil {
				return err
			}
			return want("body", res.Body, "")
		},
	}}
}
