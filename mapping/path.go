// The path key: every spelling of a URL's path, brought to one form.

package mapping

import (
	"errors"
	"fmt"
	"strings"
)

// Path is a path key: the canonical, percent-encoded form of a URL's path, as
// the package comment defines it. It is plain ASCII, starts with "/", and is
// compared as bytes. Only ParseTarget, ParsePath and PathOfFile make one.
// The zero value "" is no path.
type Path string

// Errors of ParseTarget and ParsePath, tested with errors.Is.
var (
	ErrBadPath     = errors.New("mapping: bad path")      // answered 400
	ErrPathTooLong = errors.New("mapping: path too long") // answered 414
)

// MaxPathLen is the longest path, in bytes, that is looked up: of the raw path
// and of its key.
const MaxPathLen = 2048

// maxPinned is how many bytes of a target a key may keep in memory besides its own.
const maxPinned = 256

// Target is what a request asks for: REQUEST_URI, parsed.
type Target struct {
	Path     Path   // the key
	Query    string // raw, after the first "?", without it
	HasQuery bool   // a "?" was there, perhaps with nothing behind it
	Clean    bool   // the raw path had no "//" and no dot segments: its spelling is the key's, percent encoding aside
}

// ParseTarget parses a raw request target in origin form or absolute form
// (RFC 9112, section 3.2), of which scheme and host are dropped. The other
// forms are ErrBadPath. The key, which may be kept, keeps no long query in memory.
func ParseTarget(raw string) (Target, error) {
	path, query, hasQuery := strings.Cut(raw, "?")
	if rest, ok := cutScheme(path); ok {
		if slash := strings.IndexByte(rest, '/'); slash >= 0 {
			path = rest[slash:]
		} else {
			path = "/"
		}
	}
	if len(raw)-len(path) > maxPinned {
		path = strings.Clone(path)
	}
	key, clean, err := parsePath(path)
	return Target{Path: key, Query: query, HasQuery: hasQuery, Clean: clean}, err
}

// ParsePath parses a path without a query, as a person or a file writes it,
// into its key. A raw "?" is an error: in a path it is written "%3F".
func ParsePath(raw string) (Path, error) {
	if i := strings.IndexByte(raw, '?'); i >= 0 {
		return "", fmt.Errorf("%w: a query at byte %d of %q", ErrBadPath, i, clip(raw))
	}
	key, _, err := parsePath(raw)
	return key, err
}

// PathOfFile is the key of a file: name is slash-separated, relative to the
// tree's root, in raw bytes ("a/b c.html" gives "/a/b%20c.html", "." gives
// "/"). It is "" for a name that no URL can ask for: one with control bytes, or
// whose key would be longer than MaxPathLen.
func PathOfFile(name string) Path {
	if name == "." {
		return "/"
	}
	key := make([]byte, 1, len(name)+16)
	key[0] = '/'
	for i := range len(name) {
		key = appendKeyByte(key, name[i])
	}
	if len(key) > MaxPathLen || !canonical(string(key)) {
		return ""
	}
	return Path(key)
}

// FileName is the inverse of PathOfFile, without the leading slash and, for a
// directory's path, without the trailing one ("/" gives "."). It reports false
// for a key that can name no file, such as one with "%2F", and for what is no
// key.
func (p Path) FileName() (string, bool) {
	if !canonical(string(p)) || strings.Contains(string(p), "%2F") {
		return "", false
	}
	name := strings.TrimSuffix(string(p[1:]), "/")
	if name == "" {
		return ".", true
	}
	return unescape(name, false), true
}

// parsePath is the key of a raw path, and whether the raw one was free of "//"
// and dot segments. A raw path that is its own key is returned as it is.
func parsePath(raw string) (key Path, clean bool, err error) {
	switch {
	case len(raw) > MaxPathLen:
		return "", false, fmt.Errorf("%w: %d bytes, at most %d", ErrPathTooLong, len(raw), MaxPathLen)
	case canonical(raw):
		return Path(raw), true, nil
	case raw == "" || raw[0] != '/':
		return "", false, fmt.Errorf(`%w: %q does not start with "/"`, ErrBadPath, clip(raw))
	}
	clean = true
	out := make([]byte, 1, len(raw)+16)
	out[0] = '/'
	segment := 1 // where the segment being written starts in out
	for i := 1; i <= len(raw); i++ {
		if i == len(raw) || raw[i] == '/' {
			switch string(out[segment:]) {
			case "":
				// The second of two slashes, or the end behind a slash.
				clean = clean && i == len(raw)
			case ".":
				out, clean = out[:segment], false
			case "..":
				if segment == 1 {
					return "", false, fmt.Errorf("%w: %q above the root before byte %d of %q", ErrBadPath, "..", i, clip(raw))
				}
				parent := strings.LastIndexByte(string(out[:segment-1]), '/')
				out, clean = out[:parent+1], false
			default:
				if i < len(raw) {
					out = append(out, '/')
				}
			}
			segment = len(out)
			continue
		}
		c := raw[i]
		if c == '%' {
			var ok bool
			if c, ok = unhex(raw, i); !ok {
				return "", false, fmt.Errorf("%w: bad escape at byte %d of %q", ErrBadPath, i, clip(raw))
			}
			i += 2
			if c == '/' {
				out = append(out, "%2F"...)
				continue
			}
		}
		if control(c) {
			return "", false, fmt.Errorf("%w: control byte %#02x at byte %d of %q", ErrBadPath, c, i, clip(raw))
		}
		out = appendKeyByte(out, c)
	}
	if len(out) > MaxPathLen {
		return "", false, fmt.Errorf("%w: %d bytes once escaped, at most %d", ErrPathTooLong, len(out), MaxPathLen)
	}
	return Path(out), clean, nil
}

// canonical reports whether s is a path key, its length aside.
func canonical(s string) bool {
	if s == "" || s[0] != '/' {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '/':
			rest := s[i+1:]
			if len(rest) == 0 || rest[0] > '/' {
				continue
			}
			if rest[0] == '/' || rest[0] == '.' && dotSegment(rest) {
				return false
			}
		case keyByte[c]:
		case c == '%':
			d, ok := unhex(s, i)
			if !ok || d != '/' && keyByte[d] || control(d) || lowerHex(s[i+1]) || lowerHex(s[i+2]) {
				return false
			}
			i += 2
		default:
			return false
		}
	}
	return true
}

// dotSegment reports whether the first segment of s is "." or "..".
func dotSegment(s string) bool {
	segment, _, _ := strings.Cut(s[:min(len(s), 3)], "/")
	return segment == "." || segment == ".."
}

// keyByte holds the bytes that a key shows as they are.
var keyByte = byteSet("!$&'()+,;=:@/")

// byteSet is the unreserved characters (RFC 3986, section 2.3) and those of more.
func byteSet(more string) (set [256]bool) {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	for _, c := range []byte(unreserved + more) {
		set[c] = true
	}
	return set
}

const upperHex = "0123456789ABCDEF"

func appendKeyByte(out []byte, c byte) []byte {
	if keyByte[c] {
		return append(out, c)
	}
	return appendEscaped(out, c)
}

func appendEscaped(out []byte, c byte) []byte {
	return append(out, '%', upperHex[c>>4], upperHex[c&15])
}

// control reports whether c may not occur in a path, escaped or not.
func control(c byte) bool { return c < 0x20 || c == 0x7F }

// lowerHex reports whether the hexadecimal digit c is a lower-case letter.
func lowerHex(c byte) bool { return c >= 'a' }

// unhex decodes the escape "%XX" at s[i].
func unhex(s string, i int) (byte, bool) {
	if i+2 >= len(s) {
		return 0, false
	}
	hi, ok1 := hexDigit(s[i+1])
	lo, ok2 := hexDigit(s[i+2])
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// unescape decodes every escape of s, and "+" to a space where plus says so; an
// escape that is none stays as it is.
func unescape(s string, plus bool) string {
	if !strings.Contains(s, "%") && !(plus && strings.Contains(s, "+")) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if d, ok := unhex(s, i); ok {
				c = d
				i += 2
			}
		} else if c == '+' && plus {
			c = ' '
		}
		out = append(out, c)
	}
	return string(out)
}

// cutScheme returns what follows "http://" or "https://", in any case.
func cutScheme(s string) (rest string, ok bool) {
	for _, scheme := range [...]string{"http://", "https://"} {
		if len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			return s[len(scheme):], true
		}
	}
	return "", false
}

// clip shortens a hostile text for an error.
func clip(s string) string {
	const limit = 120
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
}
