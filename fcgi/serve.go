// One call of the handler: what it is given, and what is made of its end.

package fcgi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// ServeHTTP is the handler that the library calls, with the number of the
// request as the path. To a request that is over the library has nothing to add,
// and its number may be another one's by now: its goroutine ends here.
func (c *conn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !c.serve(w, r) {
		runtime.Goexit()
	}
}

// serve has the handler answer a request, and reports whether it is still open.
func (c *conn) serve(w http.ResponseWriter, r *http.Request) (open bool) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	req := c.enter(r.URL.Path, cancel)
	if req == nil {
		return false // over before it began
	}
	defer c.s.release()
	c.call(newResponse(w, c, req), req.httpRequest(r, requestContext{ctx, req.deadline}))
	return !req.over.Load()
}

// enter returns the open request if it has the number and its handler was not
// called yet. Its time begins.
func (c *conn) enter(path string, cancel context.CancelCauseFunc) *request {
	number, _ := strconv.Atoi(strings.TrimPrefix(path, "/"))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.req == nil || int(c.req.number) != number || c.req.entered {
		return nil
	}
	c.req.entered = true
	c.req.cancel = cancel
	c.limit(c.req)
	return c.req
}

// limit begins the time of a request. The caller holds mu.
func (c *conn) limit(req *request) {
	if limit := c.s.o.RequestTimeout; limit > 0 {
		req.deadline = time.Now().Add(limit)
		c.watch(limit)
	}
}

// watch has the open request looked at after d, or before. The timer runs on when
// the request ends, for the next one: on a busy connection it is set once in a
// RequestTimeout. The caller holds mu.
func (c *conn) watch(d time.Duration) {
	switch {
	case c.watched:
	case c.watcher == nil:
		c.watcher = time.AfterFunc(d, c.look)
	default:
		c.watcher.Reset(d)
	}
	c.watched = true
}

// look ends the open request if its time is over. Where Prompt is at it, it ends the
// connection too, which nobody reads before Prompt returns.
func (c *conn) look() {
	c.mu.Lock()
	c.watched = false
	req := c.req
	if req == nil || req.deadline.IsZero() {
		c.mu.Unlock()
		return
	}
	left, cancel := time.Until(req.deadline), req.cancel
	if left > 0 {
		c.watch(left)
	}
	if left <= 0 && cancel == nil {
		req.keep, c.last = false, true
	}
	c.mu.Unlock()
	if left <= 0 {
		c.s.stats.timeouts.Add(1)
		if cancel != nil {
			cancel(context.DeadlineExceeded)
		}
		c.answer(req, http.StatusServiceUnavailable, context.DeadlineExceeded)
	}
}

// requestContext is a handler's context. What ends it at its deadline is the
// connection's timer.
type requestContext struct {
	context.Context
	deadline time.Time // zero: none
}

func (c requestContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

func (c requestContext) Err() error {
	if errors.Is(context.Cause(c.Context), context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return c.Context.Err()
}

// httpRequest makes of the library's request the one that the handler sees.
func (q *request) httpRequest(r *http.Request, ctx context.Context) *http.Request {
	r = r.WithContext(ctx)
	r.Host = string(q.host)
	r.RequestURI = q.target
	r.URL = targetURL(q.target)
	r.ContentLength = q.length
	r.Body = http.NoBody
	if q.body != nil {
		r.Body = q.body
	}
	return r
}

// targetURL reads the path and query of a target, never a host. Of a target
// that cannot be parsed, the path is the raw one.
func targetURL(target string) *url.URL {
	if _, rest, ok := cutOrigin(target); ok {
		target = rest
	}
	if u, err := url.ParseRequestURI(target); err == nil && u.Scheme == "" && u.Host == "" {
		return u
	}
	path, query, _ := strings.Cut(target, "?")
	return &url.URL{Path: path, RawQuery: query}
}

// call calls the handler, and never panics.
func (c *conn) call(w *response, r *http.Request) {
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover() // nil after runtime.Goexit
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			c.cut(w.req, ErrRequestOver)
		} else {
			c.s.stats.panics.Add(1)
			c.s.o.Logger.Error("handler panicked", "target", r.RequestURI, "panic", v, "stack", string(debug.Stack()))
			w.fail()
		}
	}()
	c.s.handler.ServeHTTP(w, r)
	w.finish()
	returned = true
}
