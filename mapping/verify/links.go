// Links: what a page or a style sheet leads to.

package verify

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// linkAttributes are the attributes that name another resource, by element.
var linkAttributes = map[string]string{
	"a": "href", "area": "href", "link": "href",
	"img": "src", "script": "src", "iframe": "src", "frame": "src", "embed": "src",
	"audio": "src", "video": "src", "source": "src", "track": "src", "input": "src",
	"object": "data", "body": "background", "table": "background", "td": "background",
}

// Links calls found with every link of an HTML page at a URL, as the page writes it
// resolved to a whole URL without its fragment. Links of other schemes than http
// are left out.
func Links(page io.Reader, at *url.URL, found func(*url.URL)) error {
	base := at
	link := func(ref string) {
		if u := resolve(base, ref); u != nil {
			found(u)
		}
	}
	z := html.NewTokenizer(page)
	z.SetMaxBuf(1 << 20)
	style := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); !errors.Is(err, io.EOF) {
				return err
			}
			return nil
		case html.TextToken:
			if style {
				styleLinks(z.Text(), link)
			}
		case html.EndTagToken:
			style = false
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			element := string(name)
			style = element == "style"
			attributes := map[string]string{}
			for more {
				var key, value []byte
				if key, value, more = z.TagAttr(); attributes[string(key)] == "" {
					attributes[string(key)] = string(value)
				}
			}
			switch element {
			case "base":
				if u := resolve(at, attributes["href"]); u != nil && base == at {
					base = u
				}
			case "meta":
				if strings.EqualFold(attributes["http-equiv"], "refresh") {
					if _, ref, ok := cutFold(attributes["content"], "url="); ok {
						link(strings.Trim(strings.TrimSpace(ref), `'"`))
					}
				}
			default:
				if ref, ok := attributes[linkAttributes[element]]; ok && linkAttributes[element] != "" {
					link(ref)
				}
			}
			for candidate := range strings.SplitSeq(attributes["srcset"], ",") {
				if fields := strings.Fields(candidate); len(fields) > 0 {
					link(fields[0])
				}
			}
			styleLinks([]byte(attributes["style"]), link)
		}
	}
}

// styleURL finds url(...) and @import "..." in a style sheet.
var styleURL = regexp.MustCompile(`(?i)url\(\s*(?:"([^"]*)"|'([^']*)'|([^)\s"']*))\s*\)|@import\s+(?:"([^"]*)"|'([^']*)')`)

// styleLinks calls link with every reference of a style sheet.
func styleLinks(sheet []byte, link func(string)) {
	for _, match := range styleURL.FindAllSubmatch(sheet, -1) {
		if ref := bytes.Join(match[1:], nil); len(ref) > 0 { // one of them is not empty
			link(string(ref))
		}
	}
}

func cutFold(s, sep string) (before, after string, found bool) {
	i := strings.Index(strings.ToLower(s), sep)
	if i < 0 || i > len(s)-len(sep) { // lower case may be of another length
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// resolve is the URL that a reference leads to from a page, nil where it is none of
// http. What a path may not hold is escaped, as browsers do; escapes stay as
// they are, bad ones too, which is why the result has no parsed path but Opaque.
func resolve(base *url.URL, ref string) *url.URL {
	ref = strings.TrimFunc(ref, func(r rune) bool { return r <= ' ' })
	ref = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(ref)
	ref, _, _ = strings.Cut(ref, "#")
	to := &url.URL{Scheme: base.Scheme, Host: base.Host}
	path, query, hasQuery := strings.Cut(ref, "?")
	path = strings.ReplaceAll(path, `\`, "/")
	if scheme, rest, ok := cutScheme(path); ok {
		if scheme != "http" && scheme != "https" || !strings.HasPrefix(rest, "//") {
			return nil
		}
		to.Scheme, path = scheme, rest
	}
	basePath := base.Opaque
	switch {
	case strings.HasPrefix(path, "//"):
		host := strings.TrimLeft(path, "/")
		path = "/"
		if i := strings.IndexByte(host, '/'); i >= 0 {
			host, path = host[:i], host[i:]
		}
		host = strings.ToLower(host)
		if host == "" || strings.ContainsFunc(host, func(c rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.-_:[]", c) }) {
			return nil // a user name, or a name of other letters, which is not the site's
		}
		to.Host = host
	case path == "" && !hasQuery:
		path, query = basePath, base.RawQuery
		hasQuery = query != ""
	case path == "":
		path = basePath
	case path[0] != '/':
		path = basePath[:strings.LastIndexByte(basePath, '/')+1] + path
	}
	to.Opaque = escape(removeDots(path), " \"<>`{}^")
	if hasQuery {
		to.RawQuery = escape(query, " \"<>'")
	}
	return to
}

// cutScheme takes the scheme of a reference off.
func cutScheme(s string) (scheme, rest string, ok bool) {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && (c == '+' || c == '-' || c == '.' || '0' <= c && c <= '9'):
		default:
			if i > 0 && c == ':' {
				return strings.ToLower(s[:i]), s[i+1:], true
			}
			return "", s, false
		}
	}
	return "", s, false
}

// removeDots takes "." and ".." segments out, also escaped ones, and keeps empty ones.
func removeDots(path string) string {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	var kept []string
	for i, s := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(s), "%2e", ".") {
		case "..":
			kept = kept[:max(0, len(kept)-1)]
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

// escape writes controls, the bytes of set and those beyond ASCII as %XX.
func escape(s, set string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(set, c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
