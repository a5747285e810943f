// One call of the handler: what it is given, and what is made of its end.

package fcgi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
)

// ServeHTTP is the handler that the library calls, with the number of the
// request as the path.
func (c *conn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	req := c.enter(r.URL.Path, cancel)
	if req == nil {
		return // over before it began
	}
	defer c.s.release()

	if limit := c.s.o.RequestTimeout; limit > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, limit)
		defer stop()
		defer context.AfterFunc(ctx, func() {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				c.s.stats.timeouts.Add(1)
				c.answer(req, http.StatusServiceUnavailable, context.DeadlineExceeded)
			}
		})()
	}
	c.call(newResponse(w, c, req), req.httpRequest(r, ctx))
}

// enter returns the open request if it has the number and its handler was not
// called yet.
func (c *conn) enter(path string, cancel context.CancelCauseFunc) *request {
	number, _ := strconv.Atoi(strings.TrimPrefix(path, "/"))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.req == nil || int(c.req.number) != number || c.req.entered {
		return nil
	}
	c.req.entered = true
	c.req.cancel = cancel
	return c.req
}

// httpRequest makes of the library's request the one that the handler sees.
func (q *request) httpRequest(r *http.Request, ctx context.Context) *http.Request {
	r = r.WithContext(ctx)
	r.Host = q.host
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
