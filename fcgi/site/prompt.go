// Prompt answers: what stands ready, before net/http sees the request.

package site

import (
	"context"
	"net/http"
	"sync"

	"pagemap/fcgi"
)

// exchange is a request and its answer.
type exchange struct {
	request
	answer
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// Prompt answers p as ServeHTTP would, where that takes no waiting: pages that are
// in memory, files that are sent as they are, redirects, and what is missing or wrong. It is fcgi.Options.Prompt.
func (s *Site) Prompt(p *fcgi.Query, to *fcgi.Answer) bool {
	x := exchanges.Get().(*exchange)
	defer exchanges.Put(x)
	q, a := &x.request, &x.answer
	if !q.promptly(p, s.o.User != nil) {
		return false
	}
	*a = answer{}
	ctx := context.Background()
	if err := s.decide(ctx, q, a); err != nil {
		if !simple(err) {
			return false
		}
		s.fail(ctx, q, a, err)
	}
	to.Status, to.Body, to.Sent = a.status, a.body, a.sent
	for _, f := range a.fields[:a.n] {
		to.Set(f.name, f.value)
	}
	return true
}

// simple reports whether an error can be answered without a second look: it is
// the request's, not the site's.
func simple(err error) bool {
	switch statusOf(err) {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestURITooLong:
		return true
	}
	return false
}
