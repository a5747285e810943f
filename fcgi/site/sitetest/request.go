// Requests as they go out, byte for byte, and answers as they come back.

package sitetest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Request is a request whose target is sent as it is.
type Request struct {
	Method string
	Target string // raw
	Proto  string // "HTTP/1.1", "HTTP/1.0"
	Header []Field
	Body   string
}

// Field is one line of a header.
type Field struct{ Name, Value string }

// Response is an answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// parse reads what follows the method in a request line of a script.
func (r *Request) parse(method, rest string) error {
	if !methodPattern.MatchString(method) {
		return fmt.Errorf("want a method and a target")
	}
	r.Method, r.Target, r.Proto = method, rest, "HTTP/1.1"
	if i := strings.LastIndex(rest, " HTTP/"); i >= 0 {
		r.Target, r.Proto = rest[:i], rest[i+1:]
	}
	if strings.HasPrefix(r.Target, `"`) {
		raw, err := strconv.Unquote(r.Target)
		if err != nil {
			return err
		}
		r.Target = raw
	}
	r.Target = repeat(r.Target)
	if r.Target == "" {
		return fmt.Errorf("want a method and a target")
	}
	return nil
}

// with returns the request with ${names} replaced.
func (r Request) with(vars *strings.Replacer) Request {
	r.Target = vars.Replace(r.Target)
	header := make([]Field, len(r.Header))
	for i, f := range r.Header {
		header[i] = Field{f.Name, repeat(vars.Replace(f.Value))}
	}
	r.Header = header
	return r
}
