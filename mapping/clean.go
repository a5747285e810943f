// Checking and canonicalising a row that somebody wants to write.

package mapping

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hosts are the site's own hosts: "www.example.org", lower case, with a port only
// where it is not the scheme's own. URLs on them are site paths.
type Hosts []string

// MaxSourceLen is the longest source in bytes, once escaped: a Location header
// of that length and a request's query pass through every server on the way.
const MaxSourceLen = 4096

// Clean validates a row that somebody wants to write and returns it in
// canonical form: pattern, status, source, their combination, the target's
// escaping. Every error is a *RowError: it names the field, its value and the
// way out. Loops over several rows are found by Resolver.CheckRedirect.
func (h Hosts) Clean(p Page) (Page, error) {
	pattern, err := h.cleanPattern(p.Pattern)
	if err != nil {
		return Page{}, err
	}
	source, err := h.cleanSource(p.Row, pattern)
	if err != nil {
		return Page{}, err
	}
	if int(p.Origin) >= len(originNames) {
		return Page{}, &RowError{"origin", p.Origin.String(), "is none of " + strings.Join(originNames[:], ", ")}
	}
	if p.DropQuery && p.Status != 301 && p.Status != 302 {
		return Page{}, &RowError{"drop query", "true", "is only for the redirects 301 and 302: leave it out"}
	}
	p.Pattern, p.Source = pattern.String(), source
	return p, nil
}

func (h Hosts) cleanPattern(raw string) (Pattern, error) {
	text := h.SitePath(strings.TrimSpace(raw))
	if _, ok := cutScheme(text); ok {
		return Pattern{}, &RowError{"path", raw, "is not on a host of this site: write the path alone, or add the host to the site's own"}
	}
	if strings.Contains(text, "#") {
		return Pattern{}, &RowError{"path", raw, `has a fragment, which no request brings: leave it out, or write "%23" for a "#" of a name`}
	}
	pattern, err := ParsePattern(text)
	if err != nil {
		return Pattern{}, &RowError{"path", raw, err.Error()}
	}
	return pattern, nil
}

func (h Hosts) cleanSource(r Row, pattern Pattern) (string, error) {
	var text, problem string
	switch raw := strings.TrimSpace(r.Source); r.Status {
	case 200:
		text, problem = cleanContent(raw)
	case 301, 302:
		if raw == "" {
			problem = `a redirect needs a target: "/path" or "https://..."`
			break
		}
		text, problem = h.cleanTarget(raw)
	case 404:
		if raw != "" {
			problem = "a 404 has no source: leave it empty, or use 410, which may suggest a URL"
		}
	case 410:
		if raw != "" {
			text, problem = h.cleanTarget(raw)
		}
	default:
		return "", &RowError{"status", fmt.Sprint(r.Status), "is none of 200, 301, 302, 404, 410"}
	}
	if problem == "" {
		problem = checkRest(text, r.Status, pattern)
	}
	if problem == "" && len(text) > MaxSourceLen {
		problem = fmt.Sprintf("has %d bytes once escaped, at most %d are allowed", len(text), MaxSourceLen)
	}
	if problem != "" {
		return "", &RowError{"source", r.Source, problem}
	}
	return text, nil
}

// checkRest is what is wrong with a clean source's "/*", or with a target that its
// own row covers.
func checkRest(source string, status uint16, pattern Pattern) (problem string) {
	target, rest := strings.CutSuffix(source, "/*")
	switch {
	case rest && !pattern.Prefix:
		return `ends in "/*", which keeps the rest of a prefix row's match, but the path does not end in "/*": write "%2A" for a star`
	case rest && status == 410:
		return `a 410's suggestion keeps no rest: leave "/*" out`
	case (status == 301 || status == 302) && source == pattern.String():
		return "is the row's own path, so it would redirect for ever: write another target"
	case !pattern.Prefix || status != 301 && status != 302 || !sitePath(source):
		return ""
	}
	path, _, _ := strings.Cut(target, "#")
	path, _, _ = strings.Cut(path, "?")
	if below, ok := strings.CutPrefix(path, string(pattern.Path)); ok && (below == "" || below[0] == '/') {
		return fmt.Sprintf("is covered by the row's own path %q, so it would redirect for ever: write a target outside of it", pattern)
	}
	return ""
}

// cleanContent is the canonical source of a 200.
func cleanContent(raw string) (text, problem string) {
	if ref, ok := strings.CutPrefix(raw, "file:"); ok {
		return cleanFile(ref)
	}
	name, ok := strings.CutPrefix(raw, "wiki:")
	if !ok {
		return "", `a 200 is drawn from "file:/path/in/tree" or "wiki:Page name"; to send readers elsewhere use 301 or 302`
	}
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", `names no page: write "wiki:Page name"`
	case !utf8.ValidString(name):
		return "", "the page's name is not UTF-8"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "", "the page's name has a control character: leave it out"
	}
	return "wiki:" + name, ""
}

func cleanFile(ref string) (text, problem string) {
	path, rest := strings.CutSuffix(ref, "/*")
	if rest && path == "" {
		return "file:/*", ""
	}
	key, clean, err := parsePath(path)
	switch {
	case strings.ContainsAny(path, "?#"):
		return "", `a file's name is written as in a URL: "%3F" for "?", "%23" for "#"`
	case err != nil:
		return "", err.Error() + `; a file is "file:/path/in/tree", its name written as in a URL`
	case !clean:
		return "", fmt.Sprintf(`has "//" or dot segments: write "file:%s"`, key)
	}
	name, ok := key.FileName()
	switch {
	case !ok:
		return "", `no file's name has a slash in it: "%2F" is refused`
	case strings.HasSuffix(string(key), "/"):
		return "", `names a directory: name its index file, as in "file:/dir/index.html"`
	}
	if reason := Denied(name); reason != "" {
		return "", fmt.Sprintf("is never served (%s): name another file", reason)
	}
	if rest {
		key += "/*"
	}
	return "file:" + string(key), ""
}

// cleanTarget is the canonical form of a URL: escaped so that it can stand in a
// Location header (RFC 9110, section 10.2.2), and a site path where it is on one
// of the site's own hosts.
func (h Hosts) cleanTarget(raw string) (text, problem string) {
	for i := range len(raw) {
		if control(raw[i]) {
			return "", fmt.Sprintf("has the control byte %#02x: leave it out", raw[i])
		}
	}
	if strings.Contains(raw, `\`) {
		return "", `has a backslash, which browsers take for a slash: write "/", or "%5C" for a backslash of a name`
	}
	if strings.HasPrefix(raw, "//") {
		return "", `starts with "//", which names a host: write "https://..." or exactly one "/"`
	}
	if strings.HasPrefix(raw, "/") {
		return cleanSitePath(raw)
	}
	if _, ok := cutScheme(raw); !ok {
		return "", `a target starts with "http://", "https://" or exactly one "/"`
	}
	if path := h.SitePath(raw); path != raw {
		return cleanSitePath(path)
	}
	u, problem := splitURL(raw)
	if problem != "" {
		return "", problem
	}
	return escapeURL(u.scheme + "://" + u.host + u.rest), ""
}

func cleanSitePath(raw string) (text, problem string) {
	path, tail := raw, ""
	if i := strings.IndexAny(raw, "?#"); i >= 0 {
		path, tail = raw[:i], raw[i:]
	}
	path, rest := strings.CutSuffix(path, "/*")
	if rest && tail != "" {
		return "", `has a query or a fragment behind "/*": leave one of them out`
	}
	if rest {
		path += "/"
	}
	key, _, err := parsePath(path)
	if err != nil {
		return "", err.Error()
	}
	if rest {
		return string(key) + "*", ""
	}
	return string(key) + escapeURL(tail), ""
}

// rawURL is an absolute http URL in its parts.
type rawURL struct {
	scheme string // "http" or "https"
	host   string // lower case, without the scheme's own port
	rest   string // path, query and fragment as they were written; at least "/"
}

// splitURL takes an absolute http URL apart, and says what is wrong with it.
func splitURL(s string) (u rawURL, problem string) {
	scheme, rest, _ := strings.Cut(s, "://")
	u.scheme = strings.ToLower(scheme)
	u.host, u.rest = rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		u.host, u.rest = rest[:i], rest[i:]
	}
	if strings.Contains(u.host, "@") {
		return u, `has a user name before "@": leave it out`
	}
	u.host = strings.ToLower(u.host)
	for i := range len(u.host) {
		if c := u.host[i]; !hostByte[c] {
			return u, fmt.Sprintf(`the host has the byte %#02x: write a name of other letters in its "xn--" form`, c)
		}
	}
	if u.scheme == "http" {
		u.host = strings.TrimSuffix(u.host, ":80")
	} else {
		u.host = strings.TrimSuffix(u.host, ":443")
	}
	if !strings.HasPrefix(u.rest, "/") {
		u.rest = "/" + u.rest
	}
	parsed, err := url.Parse(escapeURL(u.scheme + "://" + u.host + u.rest))
	if err != nil {
		return u, "is no URL: " + err.Error()
	}
	if parsed.Hostname() == "" {
		return u, "names no host"
	}
	return u, ""
}

// hostByte holds what host and port are written with, IPv6 addresses too.
var hostByte = byteSet(":[]")

// SitePath is what follows the host of a URL on one of the site's own hosts, as
// it was written and at least "/"; any other text comes back as it is.
func (h Hosts) SitePath(url string) string {
	if _, ok := cutScheme(url); !ok {
		return url
	}
	u, problem := splitURL(url)
	if problem != "" || !slices.Contains(h, u.host) {
		return url
	}
	return u.rest
}

// escapeURL escapes what may not stand in a Location header: every byte below
// 0x21 and above 0x7E.
func escapeURL(s string) string {
	plain := func(c byte) bool { return 0x21 <= c && c <= 0x7E }
	i := 0
	for i < len(s) && plain(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	out := append(make([]byte, 0, len(s)+16), s[:i]...)
	for ; i < len(s); i++ {
		if plain(s[i]) {
			out = append(out, s[i])
		} else {
			out = appendEscaped(out, s[i])
		}
	}
	return string(out)
}
