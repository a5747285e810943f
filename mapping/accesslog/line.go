// Line: one request, as a log tells of it.

package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// ErrBadLine is the error of a line in another format, for errors.Is. Its text
// says what was expected where.
var ErrBadLine = errors.New("accesslog: not a line of the common or combined format")

// Line is one request.
type Line struct {
	Time     time.Time
	Host     string // the virtual host, lower case without a port; "" where the format has none
	Client   string // address or name
	User     string // "" for "-"
	Method   string // "" with Target where no request was read
	Target   string // as the client sent it: a path, or a whole URL
	Protocol string // "HTTP/1.1"; "" for HTTP/0.9, whose requests name none
	Status   int
	Bytes    int64  // of the body; 0 for "-"
	Referrer string // "" for "-", and in the common format
	Agent    string // likewise
}

const timeLayout = "02/Jan/2006:15:04:05 -0700"

// Parse parses a line without its end. Its error is ErrBadLine.
func Parse(text []byte) (Line, error) {
	var l Line
	// The user's name may hold any byte: the time is looked for first.
	var open int
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(" ["))
		if i < 0 {
			return Line{}, fmt.Errorf("%w: no [day/month/year:hour:minute:second zone]", ErrBadLine)
		}
		open = at + i
		at = open + 2
		if len(text) > at+len(timeLayout) && text[at+len(timeLayout)] == ']' {
			var err error
			if l.Time, err = time.Parse(timeLayout, string(text[at:at+len(timeLayout)])); err == nil {
				break
			}
		}
	}
	if err := l.parseClient(string(text[:open])); err != nil {
		return Line{}, err
	}
	rest := text[open+2+len(timeLayout)+1:]
	request, rest, ok := quoted(rest)
	if !ok {
		return Line{}, fmt.Errorf(`%w: no "request" behind the time`, ErrBadLine)
	}
	l.parseRequest(request)
	status, rest := field(rest)
	n, err := strconv.ParseUint(status, 10, 16)
	if err != nil || n < 100 || n > 999 {
		return Line{}, fmt.Errorf("%w: the status is %q", ErrBadLine, clip(status))
	}
	l.Status = int(n)
	size, rest := field(rest)
	if size != "-" {
		if l.Bytes, err = strconv.ParseInt(size, 10, 64); err != nil || l.Bytes < 0 {
			return Line{}, fmt.Errorf("%w: the number of bytes is %q", ErrBadLine, clip(size))
		}
	}
	if referrer, rest, ok := quoted(rest); ok {
		l.Referrer = given(referrer)
		if agent, _, ok := quoted(rest); ok {
			l.Agent = given(agent)
		}
	}
	return l, nil
}

// parseClient parses what precedes the time.
func (l *Line) parseClient(head string) error {
	fields := strings.SplitN(head, " ", 4)
	if len(fields) == 4 {
		// A virtual host, or a user's name with a space in it.
		if host, ok := virtualHost(fields[0]); ok {
			l.Host = host
			fields = strings.SplitN(strings.Join(fields[1:], " "), " ", 3)
		} else {
			fields = strings.SplitN(head, " ", 3)
		}
	}
	if len(fields) != 3 || fields[0] == "" {
		return fmt.Errorf("%w: want client, ident and user before the time, not %q", ErrBadLine, clip(head))
	}
	l.Client, l.User = fields[0], given(fields[2])
	return nil
}

// virtualHost takes a host:port apart; an address of version 6 is none.
func virtualHost(s string) (string, bool) {
	if _, err := netip.ParseAddr(s); err == nil {
		return "", false
	}
	colon := strings.LastIndexByte(s, ':')
	if colon <= 0 {
		return "", false
	}
	if _, err := strconv.ParseUint(s[colon+1:], 10, 16); err != nil {
		return "", false
	}
	return strings.ToLower(s[:colon]), true
}

// parseRequest takes the request line apart (RFC 9112, section 3).
func (l *Line) parseRequest(s string) {
	method, target, ok := strings.Cut(s, " ")
	if !ok || !token(method) {
		return
	}
	protocol := ""
	if space := strings.LastIndexByte(target, ' '); space >= 0 && strings.HasPrefix(target[space+1:], "HTTP/") {
		target, protocol = target[:space], target[space+1:]
	}
	if target != "" {
		l.Method, l.Target, l.Protocol = method, target, protocol
	}
}

// token reports whether s may be a method's name: letters, "-" and "_".
func token(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

// given is s, or "" for the "-" that stands for nothing.
func given(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// field cuts the field off that begins behind spaces.
func field(b []byte) (string, []byte) {
	b = bytes.TrimLeft(b, " ")
	end := bytes.IndexByte(b, ' ')
	if end < 0 {
		end = len(b)
	}
	return string(b[:end]), b[end:]
}

// quoted cuts the quoted field off that begins behind spaces, its escapes undone.
func quoted(b []byte) (value string, rest []byte, ok bool) {
	b = bytes.TrimLeft(b, " ")
	if len(b) == 0 || b[0] != '"' {
		return "", b, false
	}
	b = b[1:]
	end := 0
	for escaped := false; end < len(b) && (escaped || b[end] != '"'); end++ {
		escaped = !escaped && b[end] == '\\'
	}
	if end == len(b) {
		return "", nil, false
	}
	return unescape(b[:end]), b[end+1:], true
}

// escapes are those of one letter.
var escapes = map[byte]byte{'"': '"', '\\': '\\', 'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'v': '\v'}

// unescape undoes a quoted field's escapes; others stay as they are.
func unescape(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			out = append(out, b[i])
			continue
		}
		if c, ok := escapes[b[i+1]]; ok {
			out = append(out, c)
			i++
			continue
		}
		if b[i+1] == 'x' && i+3 < len(b) {
			if n, err := strconv.ParseUint(string(b[i+2:i+4]), 16, 8); err == nil {
				out = append(out, byte(n))
				i += 3
				continue
			}
		}
		out = append(out, '\\')
	}
	return string(out)
}

// clip shortens what an error quotes.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "..."
	}
	return s
}
