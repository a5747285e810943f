// Preconditions: If-Match, If-None-Match and the two dates.

package site

import (
	"iter"
	"net/http"
	"strings"
	"time"
)

// validators are what a client's preconditions are compared with.
type validators struct {
	tag      string    // ETag of the identity bytes, without quotes
	selected string    // ETag of the encoding that is about to be sent, in quotes
	modified time.Time // whole seconds; zero: not known
}

// conditions are the lines of a request's preconditions; nil: it does not have the header.
type conditions struct {
	match, noneMatch               []string // If-Match, If-None-Match
	modifiedSince, unmodifiedSince []string // If-Modified-Since, If-Unmodified-Since
}

// evaluate follows RFC 9110, 13.2.2, for GET and HEAD, with a range or without:
// 0 to go on, 304 or 412.
func (v validators) evaluate(c *conditions, ranged bool, now time.Time) int {
	if c.match != nil {
		if !v.matchesStrongly(c.match, ranged) {
			return http.StatusPreconditionFailed
		}
	} else if d, ok := date(c.unmodifiedSince); ok && !v.modified.IsZero() && v.modified.After(d) {
		return http.StatusPreconditionFailed
	}
	if c.noneMatch != nil {
		if v.matchesWeakly(c.noneMatch) {
			return http.StatusNotModified
		}
	} else if d, ok := date(c.modifiedSince); ok && !v.modified.IsZero() && !v.modified.After(d) && !d.After(now) {
		return http.StatusNotModified
	}
	return 0
}

// matchesStrongly compares If-Match. With a range, a tag of another encoding's
// bytes must not match: parts of the two would be put together.
func (v validators) matchesStrongly(lines []string, ranged bool) bool {
	for tag, weak := range tags(lines) {
		if tag == "*" || !weak && (tag == v.selected || !ranged && v.ours(tag)) {
			return true
		}
	}
	return false
}

// matchesWeakly compares If-None-Match (RFC 9110, 8.8.3.2).
func (v validators) matchesWeakly(lines []string) bool {
	for tag := range tags(lines) {
		if tag == "*" || v.ours(tag) {
			return true
		}
	}
	return false
}

// ours reports whether a quoted tag is this page's in any encoding, of ours or
// of a front server that compresses and marks the tag.
func (v validators) ours(tag string) bool {
	opaque := strings.TrimSuffix(strings.TrimPrefix(tag, `"`), `"`)
	rest, ok := strings.CutPrefix(opaque, v.tag)
	return ok && (rest == "" || rest == "-gzip" || rest == "-br")
}

// tags yields the entity tags of a list, quotes included, and whether each is
// weak; "*" is yielded as it is. Reading stops at the first thing that is neither
// (RFC 9110, 8.8.3).
func tags(lines []string) iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		for _, line := range lines {
			for {
				line = strings.TrimLeft(line, " \t,")
				if strings.HasPrefix(line, "*") {
					yield("*", false)
					return
				}
				rest, weak := strings.CutPrefix(line, "W/")
				if !strings.HasPrefix(rest, `"`) {
					break
				}
				end := strings.IndexByte(rest[1:], '"')
				if end < 0 {
					break
				}
				if !yield(rest[:end+2], weak) {
					return
				}
				line = rest[end+2:]
			}
		}
	}
}

// date reads a header of one HTTP date (RFC 9110, 5.6.7).
func date(lines []string) (time.Time, bool) {
	if len(lines) != 1 {
		return time.Time{}, false
	}
	t, err := http.ParseTime(lines[0])
	return t, err == nil
}
