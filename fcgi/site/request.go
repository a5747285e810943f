// A request, whichever way it came.

package site

import (
	"net/http"

	"pagemap/fcgi"
)

// request is all that an answer depends on, besides the site.
type request struct {
	method  string
	target  string // raw
	private bool   // what is answered may be for one user
	prompt  bool   // is answered only where nothing has to be waited for
	secret  string // the header Pagemap-Invalidate

	// Lines of headers; nil: the request does not have it.
	accept []string // Accept-Encoding
	conditions
	ranges, ifRange []string

	referrer    string // Referer, unless it is in rawReferrer
	rawReferrer []byte

	// Of a prompt request: what of it is likely to be the same in the next one.
	acceptText string
	lines      [3]string
}

// of makes q the request that came over net/http.
func (q *request) of(r *http.Request, user func(*http.Request) string) {
	h := r.Header
	*q = request{
		method:  r.Method,
		target:  r.RequestURI,
		private: h["Authorization"] != nil || user != nil && user(r) != "",
		accept:  h["Accept-Encoding"],
		conditions: conditions{
			match: h["If-Match"], noneMatch: h["If-None-Match"],
			modifiedSince: h["If-Modified-Since"], unmodifiedSince: h["If-Unmodified-Since"],
		},
		ranges: h["Range"], ifRange: h["If-Range"],
		acceptText: q.acceptText,
	}
	if lines := h["Referer"]; lines != nil {
		q.referrer = lines[0]
	}
	if lines := h["Pagemap-Invalidate"]; lines != nil {
		q.secret = lines[0]
	}
}

// promptly makes q the request that p asks for, and reports whether it is of the
// usual kind: without a range, without preconditions but those of a reader's
// cache, and without a user that Options.User has to look at.
func (q *request) promptly(p *fcgi.Query, users bool) bool {
	*q = request{method: p.Method, target: p.Target, prompt: true, acceptText: q.acceptText}
	for name, value := range p.Params {
		switch string(name) {
		case "HTTP_ACCEPT_ENCODING":
			if string(value) != q.acceptText {
				q.acceptText = string(value)
			}
			q.lines[0] = q.acceptText
			q.accept = q.lines[0:1]
		case "HTTP_IF_NONE_MATCH":
			q.lines[1] = string(value)
			q.noneMatch = q.lines[1:2]
		case "HTTP_IF_MODIFIED_SINCE":
			q.lines[2] = string(value)
			q.modifiedSince = q.lines[2:3]
		case "HTTP_REFERER":
			q.rawReferrer = value
		case "HTTP_AUTHORIZATION":
			q.private = true
		case "HTTP_PAGEMAP_INVALIDATE":
			q.secret = string(value)
		case "REMOTE_USER":
			if users && len(value) > 0 {
				return false
			}
		case "HTTP_RANGE", "HTTP_IF_RANGE", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE":
			return false
		}
	}
	return true
}

// referer is the header Referer, or "".
func (q *request) referer() string {
	if q.rawReferrer != nil {
		return string(q.rawReferrer)
	}
	return q.referrer
}
