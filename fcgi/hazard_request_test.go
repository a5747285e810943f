// Hazards of what a request says.

package fcgi_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"pagemap/fcgi"
	"pagemap/fcgi/fcgitest"
)

// describe answers what a handler sees.
func describe(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s %s host=%s path=%q query=%q url.host=%q", r.Method, r.RequestURI, r.Host, r.URL.Path, r.URL.RawQuery, r.URL.Host)
}

// readBody answers what a handler reads.
func readBody(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%q of %d: %v", b, r.ContentLength, err)
}

func requestHazards() []hazard {
	param := func(name, value string) fcgitest.Request {
		return fcgitest.Request{Params: map[string]string{name: value}}
	}
	stdin := func(length, body string) fcgitest.Request {
		return fcgitest.Request{Method: "POST", Body: body, Params: map[string]string{"CONTENT_LENGTH": length}}
	}
	return []hazard{{
		name: "raw target is missing", handler: describe,
		try: says(fcgitest.Request{Target: "/a%2Fb/../c?x=%zz"},
			`GET /a%2Fb/../c?x=%zz host=example.org path="/a/b/../c" query="x=%zz" url.host=""`),
	}, {
		name: "target that cannot be parsed never arrives", handler: describe,
		try: says(fcgitest.Request{Target: "/a%zz?x"}, `GET /a%zz?x host=example.org path="/a%zz" query="x" url.host=""`),
	}, {
		name: "absolute-form target is a path", handler: describe,
		try: says(fcgitest.Request{Target: "http://www.example.org:80/p?q"},
			`GET http://www.example.org:80/p?q host=www.example.org:80 path="/p" query="q" url.host=""`),
	}, {
		name: "absolute-form target with user information", handler: describe,
		try: status(fcgitest.Request{Target: "http://u@example.org/p"}, 400),
	}, {
		name: "path is read as a host", handler: describe,
		try: says(fcgitest.Request{Target: "//evil.example/x", Params: map[string]string{"HTTP_HOST": ""}},
			`GET //evil.example/x host= path="//evil.example/x" query="" url.host=""`),
	}, {
		name: "path as a host that cannot be parsed", handler: describe,
		try: says(fcgitest.Request{Target: "//evil:bad/x", Params: map[string]string{"HTTP_HOST": ""}},
			`GET //evil:bad/x host= path="//evil:bad/x" query="" url.host=""`),
	}, {
		name: "target with a line break", handler: describe, try: both(
			status(fcgitest.Request{Target: "/a\r\nX: y"}, 400), status(fcgitest.Request{Target: "/a b"}, 400)),
	}, {
		name: "host with a path", handler: describe, try: status(fcgitest.Request{Host: "h/evil?"}, 400),
	}, {
		name: "host with a line break", handler: describe, try: status(fcgitest.Request{Host: "h\r\nX: y"}, 400),
	}, {
		name: "method with a line break", handler: fine, try: status(fcgitest.Request{Method: "GET\r\nX: y"}, 400),
	}, {
		name: "no method", handler: fine, try: status(param("REQUEST_METHOD", ""), 400),
	}, {
		name: "no protocol", handler: fine, try: status(param("SERVER_PROTOCOL", ""), 400),
	}, {
		name: "header with a line break", handler: fine, try: status(param("HTTP_X", "a\r\nSet-Cookie: b"), 400),
	}, {
		name: "header with NUL", handler: fine, try: status(param("HTTP_X", "a\x00b"), 400),
	}, {
		name: "type with a line break", handler: fine, try: status(param("CONTENT_TYPE", "a\nb"), 400),
	}, {
		name: "header name with a space", handler: fine, try: status(param("HTTP_X Y", "a"), 400),
	}, {
		name: "peer's own Content-Length header",
		handler: func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%q %q", r.Header["Content-Length"], r.Header["Transfer-Encoding"])
		},
		try: says(fcgitest.Request{Params: map[string]string{"HTTP_CONTENT_LENGTH": "7", "HTTP_TRANSFER_ENCODING": "chunked"}}, `[] []`),
	}, {
		name: "negative length", handler: fine, try: status(stdin("-5", ""), 400),
	}, {
		name: "length with a sign", handler: fine, try: status(stdin("+5", "hello"), 400),
	}, {
		name: "length that is no number", handler: fine, try: status(stdin("5x", "hello"), 400),
	}, {
		name: "length beyond 64 bits", handler: fine, try: status(stdin("99999999999999999999", ""), 413),
	}, {
		name: "too long a body", handler: readBody, options: fcgi.Options{MaxBody: 4},
		try: status(stdin("5", "hello"), 413),
	}, {
		name: "too long a body of unknown length", handler: readBody, options: fcgi.Options{MaxBody: 4},
		try: status(fcgitest.Request{Method: "POST", Body: "hello",
			Params: map[string]string{"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}}, 413),
	}, {
		name: "body of unknown length looks empty", handler: readBody,
		try: says(fcgitest.Request{Method: "POST", Body: "hello",
			Params: map[string]string{"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}}, `"hello" of -1: <nil>`),
	}, {
		name: "body shorter than its length", handler: readBody,
		try: says(stdin("5", "hel"), `"hel" of 5: unexpected EOF`),
	}, {
		name: "no body under a length", handler: readBody, try: says(stdin("5", ""), `"" of 5: unexpected EOF`),
	}, {
		name: "body longer than its length", handler: readBody, try: says(stdin("3", "hello"), `"hel" of 3: <nil>`),
	}, {
		name: "body without a length", handler: readBody, try: says(stdin("", "hello"), `"" of 0: <nil>`),
	}, {
		name: "parameters that are cut off are dropped", handler: fine,
		try: func(s side) error {
			r := fcgitest.Request{}
			records := r.Records()
			records[1].Content = append(records[1].Content, "\x05\x05short"...)
			c := s.dial()
			if err := c.Send(records...); err != nil {
				return err
			}
			res, err := c.Response(1)
			if err != nil {
				return err
			}
			return want("status", res.Status, 400)
		},
	}, {
		name: "too many parameters", handler: fine, options: fcgi.Options{MaxParams: 64 << 10},
		try: func(s side) error {
			c := s.dial()
			for range 2 { // the connection is kept
				res, err := c.Do(fcgitest.Request{Params: map[string]string{"HTTP_X": strings.Repeat("x", 500_000)}})
				if err != nil {
					return err
				}
				if err := want("status", res.Status, 431); err != nil {
					return err
				}
			}
			res, err := c.Do(fcgitest.Request{})
			if err != nil {
				return err
			}
			return want("body", res.Body, "fine")
		},
	}}
}

func both(a, b func(side) error) func(side) error {
	return func(s side) error { return errors.Join(a(s), b(s)) }
}
