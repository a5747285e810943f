// Targets: what answers the requests of a script.

package sitetest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"
)

// Target answers requests.
type Target struct {
	Tags []string // what @only and @not of a script name
	Do   func(Request) (*Response, error)
}

// Handler is a handler, called directly with the raw target in RequestURI.
// Tagged "handler", and what is given.
func Handler(h http.Handler, tags ...string) Target {
	do := func(q Request) (*Response, error) {
		r := HTTPRequest(q)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		res := w.Result()
		return &Response{Status: res.StatusCode, Header: res.Header, Body: w.Body.Bytes()}, nil
	}
	return Target{Tags: append([]string{"handler"}, tags...), Do: do}
}

// HTTPRequest is q as a FastCGI boundary hands it on: the raw target is in
// RequestURI, and the URL says nothing.
func HTTPRequest(q Request) *http.Request {
	r := &http.Request{
		Method: q.Method, Proto: q.Proto, ProtoMajor: 1, ProtoMinor: int(q.Proto[len(q.Proto)-1] - '0'),
		RequestURI: q.Target, URL: &url.URL{Path: "/"}, Host: "www.example.org",
		Header: make(http.Header), RemoteAddr: "192.0.2.1:1234",
		Body: io.NopCloser(strings.NewReader(q.Body)), ContentLength: int64(len(q.Body)),
	}
	for _, f := range q.Header {
		if strings.EqualFold(f.Name, "Host") {
			r.Host = f.Value
			continue
		}
		r.Header.Add(f.Name, f.Value)
	}
	return r
}

// Dial is a server that speaks HTTP at an address; host is sent as Host. Every
// request has a connection of its own.
func Dial(network, address, host string, tags ...string) Target {
	do := func(q Request) (*Response, error) {
		conn, err := net.DialTimeout(network, address, 10*time.Second)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			return nil, err
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s %s\r\n", q.Method, q.Target, q.Proto)
		hasHost := false
		for _, f := range q.Header {
			hasHost = hasHost || strings.EqualFold(f.Name, "Host")
			fmt.Fprintf(&b, "%s: %s\r\n", f.Name, f.Value)
		}
		if !hasHost && q.Proto != "HTTP/1.0" {
			fmt.Fprintf(&b, "Host: %s\r\n", host)
		}
		if q.Body != "" {
			fmt.Fprintf(&b, "Content-Length: %d\r\n", len(q.Body))
		}
		b.WriteString("Connection: close\r\n\r\n" + q.Body)
		if _, err := io.WriteString(conn, b.String()); err != nil {
			return nil, err
		}
		return ReadResponse(bufio.NewReader(conn), q.Method)
	}
	return Target{Tags: tags, Do: do}
}

// ReadResponse reads the answer of a request with this method.
func ReadResponse(r *bufio.Reader, method string) (*Response, error) {
	res, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	return &Response{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}
