// One request: its parameters checked, and made harmless for net/http/fcgi.

package fcgi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// request is a request from its BEGIN_REQUEST to its END_REQUEST and, where
// that came first, until its handler has returned.
type request struct {
	id       uint16 // the web server's
	number   uint16 // the library's: another one for each request of a connection
	keep     bool   // the web server wants to keep the connection
	params   []byte
	tooLarge bool // the web server sent more than MaxParams

	method string
	target string // raw REQUEST_URI
	host   string
	length int64 // CONTENT_LENGTH; -1: unknown
	body   *body // nil: none

	over atomic.Bool // END_REQUEST is on its way, or the connection broken

	// Protected by conn.mu.
	complete bool                    // STDIN has ended
	counted  bool                    // among the running ones
	entered  bool                    // the handler was called
	deadline time.Time               // of the handler; zero: none
	cancel   context.CancelCauseFunc // of the handler's context; nil before it was called

	sent bool // bytes of the answer are on the wire; protected by conn.wmu
}

// check reads the parameters, and leaves of them, in their place, those that the
// library gets: with them cgi.RequestFromMap cannot fail, and finds no host and
// no path that it could misread. The library's path is the request's number, by
// which conn.ServeHTTP knows the request again. status is 0, or that of a refusal.
func (q *request) check() (status int) {
	var protocol string
	var chunked bool
	q.length = -1
	lib := q.params[:0] // never ahead of rest: a pair gets no longer
	for rest := q.params; len(rest) > 0; {
		var name, value []byte
		var ok bool
		if name, value, rest, ok = nextPair(rest); !ok {
			return http.StatusBadRequest
		}
		pass := true
		switch string(name) {
		case "REQUEST_METHOD":
			q.method, ok = string(value), isToken(value)
		case "SERVER_PROTOCOL":
			protocol = string(value)
		case "REQUEST_URI":
			q.target, ok, pass = string(value), isTarget(value), false
		case "HTTP_HOST":
			q.host, ok, pass = string(value), len(value) == 0 || isHost(value), false
		case "CONTENT_LENGTH":
			q.length, ok = parseLength(value)
		case "CONTENT_TYPE":
			ok = isFieldValue(value)
		case "HTTP_TRANSFER_ENCODING":
			chunked, ok, pass = true, isFieldValue(value), false
		case "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "HTTP_CONTENT_LENGTH":
			pass = false
		default:
			if field, found := strings.CutPrefix(string(name), "HTTP_"); found {
				ok = isToken([]byte(field)) && isFieldValue(value)
			}
		}
		if !ok {
			return http.StatusBadRequest
		}
		if pass {
			lib = appendPair(lib, name, value)
		}
	}
	if _, _, ok := http.ParseHTTPVersion(protocol); !ok && protocol != "INCLUDED" {
		return http.StatusBadRequest
	}
	if q.method == "" || q.target == "" {
		return http.StatusBadRequest
	}
	if host, _, ok := cutOrigin(q.target); ok {
		if !isHost([]byte(host)) {
			return http.StatusBadRequest
		}
		q.host = host
	}
	if q.length < 0 && !chunked {
		q.length = 0
	}
	q.params = appendPair(lib, []byte("REQUEST_URI"), "/"+strconv.Itoa(int(q.number)))
	return 0
}

// cutOrigin splits an absolute-form target (RFC 9112, section 3.2.2) into its
// authority and the rest, which begins with a slash or is empty. ok is false
// for targets of other forms.
func cutOrigin(target string) (authority, rest string, ok bool) {
	scheme, rest, found := strings.Cut(target, "://")
	if !found || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", "", false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		return rest, "", true
	}
	authority, rest = rest[:end], rest[end:]
	if rest[0] != '/' {
		rest = "/" + rest
	}
	return authority, rest, true
}

// parseLength parses a CONTENT_LENGTH. One beyond 18 digits is as good as the
// largest.
func parseLength(b []byte) (n int64, ok bool) {
	if len(b) == 0 {
		return -1, true
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, _ = strconv.ParseInt(string(b), 10, 64) // out of range is the largest
	return n, true
}

// isToken reports whether b is a token (RFC 9110, section 5.6.2).
func isToken(b []byte) bool {
	for _, c := range b {
		if !isAlnum(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return len(b) > 0
}

// isFieldValue reports whether b has none of the control characters that a
// field value may not have (RFC 9110, section 5.5).
func isFieldValue[T string | []byte](b T) bool {
	for i := range len(b) {
		if c := b[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// isTarget reports whether b has no control characters and no space.
func isTarget(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	return len(b) > 0
}

// isHost reports whether b consists of characters of a name, an address or a
// port (RFC 3986, section 3.2), without user information.
func isHost(b []byte) bool {
	for _, c := range b {
		if !isAlnum(c) && strings.IndexByte("-._~!$&'()*+,;=%:[]", c) < 0 {
			return false
		}
	}
	return len(b) > 0
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
