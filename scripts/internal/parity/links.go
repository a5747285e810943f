// The internal links of an HTML page, resolved as a browser does.

package main

import (
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
)

// linkAttributes are the attributes that name another resource of the page, by element.
var linkAttributes = map[string]string{
	"a": "href", "area": "href", "link": "href",
	"img": "src", "script": "src", "iframe": "src", "frame": "src", "embed": "src",
	"audio": "src", "video": "src", "source": "src", "track": "src", "input": "src",
	"object": "data", "body": "background", "table": "background", "td": "background", "form": "action",
}

// links calls found with the request target (path and query) of every link of
// the page at target that stays on the site.
func links(page io.Reader, target string, found func(string)) error {
	base := target
	z := html.NewTokenizer(page)
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); !errors.Is(err, io.EOF) {
				return err
			}
			return nil
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			element := string(name)
			attributes := map[string]string{}
			for more {
				var key, value []byte
				key, value, more = z.TagAttr()
				attributes[string(key)] = string(value)
			}
			ref, ok := attributes[linkAttributes[element]]
			if element == "base" {
				ref, ok = attributes["href"]
			}
			if element == "meta" && strings.EqualFold(attributes["http-equiv"], "refresh") {
				_, ref, ok = cutFold(attributes["content"], "url=")
				ref = strings.Trim(ref, `'"`)
			}
			if !ok {
				continue
			}
			to, internal := resolve(base, ref)
			switch {
			case element == "base" && !internal:
				return nil // every relative link leaves the site
			case element == "base":
				base = to
			case internal:
				found(to)
			}
		}
	}
}

func cutFold(s, sep string) (before, after string, found bool) {
	i := strings.Index(strings.ToLower(s), sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// resolve returns what a browser asks the site for when it follows ref on the
// page at base, by the rules of the WHATWG URL standard for http; false if ref
// leaves the site.
func resolve(base, ref string) (target string, internal bool) {
	ref = strings.TrimFunc(ref, func(r rune) bool { return r <= ' ' })
	ref = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(ref)
	ref, _, _ = strings.Cut(ref, "#")
	path, query, hasQuery := strings.Cut(ref, "?")
	path = strings.ReplaceAll(path, `\`, "/")
	if scheme(path) || strings.HasPrefix(path, "//") {
		return "", false
	}
	basePath, baseQuery, baseHasQuery := strings.Cut(base, "?")
	switch {
	case path == "" && !hasQuery:
		path, query, hasQuery = basePath, baseQuery, baseHasQuery
	case path == "":
		path = basePath
	case path[0] != '/':
		path = basePath[:strings.LastIndexByte(basePath, '/')+1] + path
	}
	target = escape(removeDots(path), " \"#<>?`{}^")
	if hasQuery {
		target += "?" + escape(query, " \"#<>'")
	}
	return target, true
}

// scheme reports whether s begins with a URL's scheme and a colon.
func scheme(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && (c == '+' || c == '-' || c == '.' || '0' <= c && c <= '9'):
		default:
			return i > 0 && c == ':'
		}
	}
	return false
}

// removeDots takes "." and ".." segments out, also escaped ones, and keeps empty segments.
func removeDots(path string) string {
	segments := strings.Split(path[1:], "/")
	var kept []string
	for i, s := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(s), "%2e", ".") {
		case "..":
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
			if last {
				kept = append(kept, "")
			}
		case ".":
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, s)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// escape writes controls, the bytes of set and those beyond ASCII as %XX; an
// escape that is there stays, also a bad one.
func escape(s, set string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c >= 0x7f || strings.IndexByte(set, c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
