// RewriteMap: Apache's text maps, which hold 301s alone.

package exchange

import (
	"bufio"
	"fmt"
	"strings"

	"pagemap/mapping"
)

// readRewriteMap reads lines "KEY VALUE".
func (a *account) readRewriteMap() error {
	return a.each(func(line int, text string) {
		words := fields(text)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			return
		}
		if len(words) < 2 {
			a.say(line, Refused, text, "has a key without a value")
			return
		}
		// What stands behind the value is no part of it.
		a.addMapped(line, text, words[0], words[1])
	})
}

// addMapped takes a key and its value.
func (a *account) addMapped(line int, text, key, value string) {
	key = escapeKey(a.below(key))
	if base, ok := strings.CutSuffix(value, "/*"); ok {
		value = base + "/%2A"
	}
	a.add(line, text, mapping.Page{Row: mapping.Row{Pattern: key, Source: a.below(value), Status: 301, Origin: mapping.OriginImport}})
}

// fields are the words between blanks of ASCII: others belong to names.
func fields(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || '\t' <= r && r <= '\r' })
}

// escapeKey escapes what a key has as it is and a pattern reads otherwise.
func escapeKey(key string) string {
	var b strings.Builder
	for i := range len(key) {
		if c := key[i]; c == '*' || c == ' ' || c >= 0x80 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// below is a path without a slash at its beginning as one of the root.
func (a *account) below(path string) string {
	if strings.HasPrefix(path, "/") || strings.Contains(path, "://") {
		return path
	}
	return "/" + path
}

// rewriteMapWriter writes keys as mod_rewrite asks for them, decoded.
type rewriteMapWriter struct{ out *bufio.Writer }

// rewriteMapUse says how Apache is told of a map. A "?" that comes out of a map is
// refused there, so targets with a query of their own are put together again.
const rewriteMapUse = `# Apache, in the server's configuration, where FILE is this file:
#   RewriteEngine On
#   RewriteMap moved "txt:FILE"
#   RewriteCond ${moved:%{REQUEST_URI}} ^([^?]+)\?(.*)$
#   RewriteRule ^ %1?%2 [R=301,NE,QSA,L]
#   RewriteCond ${moved:%{REQUEST_URI}} ^(.+)$
#   RewriteRule ^ %1 [R=301,NE,QSA,L]
`

func newRewriteMapWriter(out *bufio.Writer) *rewriteMapWriter {
	fmt.Fprint(out, rewriteMapUse)
	return &rewriteMapWriter{out}
}

func (w *rewriteMapWriter) write(p mapping.Page) (Left, error) {
	key, reason := mapKey(p)
	switch {
	case reason != "":
		return Left{Reason: reason}, nil
	case strings.Contains(key, " "):
		return Left{Reason: "has a blank in its path, which ends a key there"}, nil
	}
	_, err := fmt.Fprintf(w.out, "%s %s\n", key, p.Source)
	return bare(p), err
}

// mapKey is the decoded path of a row that a map can hold, or why it cannot.
func mapKey(p mapping.Page) (key, reason string) {
	pattern, err := mapping.ParsePattern(p.Pattern)
	switch {
	case err != nil:
		return "", plain(err)
	case p.Status == 200:
		return "", noRedirect
	case p.Status != 301:
		return "", fmt.Sprintf("is %d, and the map holds 301 alone", p.Status)
	case pattern.Prefix:
		return "", "is a prefix, and the map holds paths"
	case pattern.Query != nil:
		return "", "has a query, and the map holds paths"
	case p.DropQuery:
		return "", "drops the request's query, which the map cannot"
	case strings.Contains(p.Pattern, "%25"), strings.Contains(p.Pattern, "%2F"), strings.Contains(p.Pattern, "%3F"), strings.Contains(p.Pattern, "%23"):
		return "", "has an escape in its path that a decoded key cannot"
	}
	// A directory's name has no slash at its end.
	name, ok := mapping.Path(strings.TrimSuffix(p.Pattern, "/") + "/x").FileName()
	if !ok {
		return "", "has a path that cannot be decoded"
	}
	key = "/" + strings.TrimSuffix(name, "x")
	if !strings.HasSuffix(p.Pattern, "/") {
		key = strings.TrimSuffix(key, "/")
	}
	return key, ""
}
