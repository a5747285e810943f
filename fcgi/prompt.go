// Answers that are given before the library sees the request.

package fcgi

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"
)

// Query is a request as Prompt sees it: checked, and without a body.
type Query struct {
	Method string
	Target string // raw REQUEST_URI, in whatever form it came
	params []byte
}

// Params yields the parameters as they came, a header such as Accept-Encoding as
// HTTP_ACCEPT_ENCODING. Of several with one name the last counts. The bytes are
// good until Prompt returns.
func (q *Query) Params(yield func(name, value []byte) bool) {
	for rest := q.params; len(rest) > 0; {
		var name, value []byte
		name, value, rest, _ = nextPair(rest) // they have been checked
		if !yield(name, value) {
			return
		}
	}
}

// Answer is what Prompt answers. It leaves as an answer of the handler would,
// with its length and the date, and HEAD gets no body.
type Answer struct {
	Status int    // at least 200
	Body   []byte // not changed until Sent is called; 204 and 304 have none
	Sent   func() // called when the answer was written to the web server, or could not be; nil: nobody is

	first, head []byte // the status, and the fields
	bad         error  // why they cannot be sent
}

// Set adds a header field. What a handler's header may not have is treated as
// there: left out, or the answer is 500.
func (a *Answer) Set(name, value string) {
	switch name {
	case "Status", "Transfer-Encoding", "Connection", "Trailer", "Content-Length":
		return
	}
	if err := checkField(name, value); err != nil {
		a.bad = err
		return
	}
	a.head = append(a.head, name...)
	a.head = append(a.head, ": "...)
	a.head = append(a.head, value...)
	a.head = append(a.head, "\r\n"...)
}

// prompt asks Prompt for the answer to a request without a body. It reports
// whether there is nothing left to be done.
func (c *conn) prompt(req *request) (done bool) {
	if req.unusual {
		return false
	}
	c.mu.Lock()
	if c.req != req {
		c.mu.Unlock()
		return true // broken meanwhile
	}
	c.limit(req)
	c.mu.Unlock()

	a := &c.given
	c.asked = Query{Method: req.method, Target: req.target, params: req.params}
	*a = Answer{first: a.first, head: a.head[:0]}
	if !c.guarded(req, func() { done = c.s.o.Prompt(&c.asked, a) }) {
		done = true
	} else if done {
		c.give(req, a)
	}
	if a.Sent != nil {
		c.guarded(req, a.Sent)
	}
	*a = Answer{first: a.first, head: reusable(a.head)}
	return done
}

// guarded calls f, and reports whether it returned. If it did not, the request
// gets what one gets whose handler does not.
func (c *conn) guarded(req *request, f func()) (returned bool) {
	defer func() {
		if returned {
			return
		}
		v := recover() // nil after runtime.Goexit
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			c.cut(req, ErrRequestOver)
			return
		}
		c.s.stats.panics.Add(1)
		c.s.o.Logger.Error("prompt answer panicked", "target", req.target, "panic", v, "stack", string(debug.Stack()))
		c.answer(req, http.StatusInternalServerError, ErrRequestOver)
	}()
	f()
	return true
}

// give sends the answer that Prompt gave, if the request is still open.
func (c *conn) give(req *request, a *Answer) {
	if a.Status < 200 || a.Status > 999 {
		a.bad = errors.Join(a.bad, fmt.Errorf("fcgi: status %d", a.Status))
	}
	if a.bad != nil {
		c.s.o.Logger.Error("wrong prompt answer", "target", req.target, "error", a.bad)
		c.answer(req, http.StatusInternalServerError, ErrRequestOver)
		return
	}
	now := time.Now()
	bodiless := a.Status == http.StatusNoContent || a.Status == http.StatusNotModified
	if !bodiless {
		a.head = append(a.head, "Content-Length: "...)
		a.head = strconv.AppendInt(a.head, int64(len(a.Body)), 10)
		a.head = append(a.head, "\r\n"...)
	}
	a.head = append(a.head, "Date: "...)
	a.head = append(a.head, c.s.date.at(now)...)
	a.head = append(a.head, "\r\n\r\n"...)

	c.wmu.Lock()
	defer c.wmu.Unlock()
	if req.over.Load() {
		return
	}
	a.first = append(a.first[:0], "Status: "...)
	a.first = strconv.AppendInt(a.first, int64(a.Status), 10)
	a.first = append(a.first, ' ')
	a.first = append(a.first, http.StatusText(a.Status)...)
	err := c.hold(req, append(a.first, "\r\n"...))
	if err == nil {
		err = c.hold(req, a.head)
	}
	if err == nil && !bodiless && req.method != http.MethodHead {
		err = c.hold(req, a.Body)
	}
	if err == nil {
		_ = c.conclude(req, nil)
	}
}

// dater is the value of the header Date, made once a second.
type dater struct{ latest atomic.Pointer[date] }

type date struct {
	second int64
	text   string
}

func (d *dater) at(now time.Time) string {
	second := now.Unix()
	latest := d.latest.Load()
	if latest == nil || latest.second != second {
		latest = &date{second, now.UTC().Format(http.TimeFormat)}
		d.latest.Store(latest)
	}
	return latest.text
}
