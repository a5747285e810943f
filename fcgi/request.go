// One request: its parameters checked, and made harmless for net/http/fcgi.

package fcgi

import (
	"bytes"
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
	params   []byte
	tooLarge bool // the web server sent more than MaxParams

	method  string
	target  string // raw REQUEST_URI
	host    []byte
	length  int64 // CONTENT_LENGTH; -1: unknown
	unusual bool  // a header has a name that web servers do not write: the library may take it for another's
	body    *body // nil: none

	over atomic.Bool // END_REQUEST is on its way, or the connection broken

	// Protected by conn.mu.
	keep     bool                    // the connection is kept; not changed once it is not the open request
	complete bool                    // STDIN has ended
	counted  bool                    // among the running ones
	entered  bool                    // the handler was called
	deadline time.Time               // of the handler; zero: none
	cancel   context.CancelCauseFunc // of the handler's context; nil before it was called

	sent bool // bytes of the answer are on the wire; protected by conn.wmu
}

// check reads the parameters. status is 0, or that of a refusal; what comes after a
// bad one is read too, so that the refusal of HEAD has no body either.
func (q *request) check() (status int) {
	var protocol []byte
	var chunked bool
	q.length = -1
	for rest := q.params; len(rest) > 0; {
		var name, value []byte
		var ok bool
		if name, value, rest, ok = nextPair(rest); !ok {
			return http.StatusBadRequest
		}
		switch string(name) {
		case "REQUEST_METHOD":
			q.method, ok = methodOf(value), isToken(value)
		case "SERVER_PROTOCOL":
			protocol = value
		case "REQUEST_URI":
			q.target, ok = string(value), isTarget(value)
		case "HTTP_HOST":
			q.host, ok = value, len(value) == 0 || isHost(value)
		case "CONTENT_LENGTH":
			q.length, ok = parseLength(value)
		case "CONTENT_TYPE":
			ok = isFieldValue(value)
		case "HTTP_TRANSFER_ENCODING":
			chunked, ok = true, isFieldValue(value)
		case "HTTP_CONTENT_LENGTH":
		default:
			if field, found := bytes.CutPrefix(name, []byte("HTTP_")); found {
				ok = isToken(field) && isFieldValue(value)
				q.unusual = q.unusual || !isParameter(field)
			}
		}
		if !ok {
			status = http.StatusBadRequest
		}
	}
	if status != 0 || !isProtocol(protocol) || q.method == "" || q.target == "" {
		return http.StatusBadRequest
	}
	if host, _, ok := cutOrigin(q.target); ok {
		if !isHost([]byte(host)) {
			return http.StatusBadRequest
		}
		q.host = []byte(host)
	}
	if q.length < 0 && !chunked {
		q.length = 0
	}
	return 0
}

// forLibrary leaves of the parameters, in their place, those that the library
// gets: with them cgi.RequestFromMap cannot fail, and finds no host and no path
// that it could misread. The library's path is the request's number, by which
// conn.ServeHTTP knows the request again.
func (q *request) forLibrary() []byte {
	q.host = bytes.Clone(q.host)
	lib := q.params[:0] // never ahead of rest: a pair gets no longer
	for rest := q.params; len(rest) > 0; {
		var name, value []byte
		name, value, rest, _ = nextPair(rest) // they have been checked
		switch string(name) {
		case "REQUEST_URI", "HTTP_HOST", "HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_LENGTH",
			"SCRIPT_NAME", "PATH_INFO", "QUERY_STRING":
		default:
			lib = appendPair(lib, name, value)
		}
	}
	return appendPair(lib, []byte("REQUEST_URI"), "/"+strconv.Itoa(int(q.number)))
}

// methodOf is a method as a string, without allocating for the usual ones.
func methodOf(b []byte) string {
	switch string(b) {
	case http.MethodGet:
		return http.MethodGet
	case http.MethodHead:
		return http.MethodHead
	}
	return string(b)
}

// isProtocol reports whether b is a SERVER_PROTOCOL.
func isProtocol(b []byte) bool {
	switch string(b) {
	case "HTTP/1.1", "HTTP/2.0", "HTTP/1.0", "INCLUDED":
		return true
	}
	_, _, ok := http.ParseHTTPVersion(string(b))
	return ok
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

// Sets of bytes.
var (
	tokenBytes = byteSet("!#$%&'*+-.^_`|~")
	hostBytes  = byteSet("-._~!$&'()*+,;=%:[]")
)

// byteSet is the ASCII letters, the digits and the bytes of more.
func byteSet(more string) (set [256]bool) {
	for c := range set {
		set[c] = isAlnum(byte(c)) || strings.IndexByte(more, byte(c)) >= 0
	}
	return set
}

// isToken reports whether b is a token (RFC 9110, section 5.6.2).
func isToken(b []byte) bool { return consists(b, &tokenBytes) }

// consists reports whether b has bytes of set and no others.
func consists(b []byte, set *[256]bool) bool {
	for _, c := range b {
		if !set[c] {
			return false
		}
	}
	return len(b) > 0
}

// isParameter reports whether b is spelt as the name of a parameter is
// (RFC 3875, section 4.1.18).
func isParameter(b []byte) bool {
	for _, c := range b {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
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
func isHost(b []byte) bool { return consists(b, &hostBytes) }

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
