// Templates of URLs.

package remote

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	place   = "{page}"
	maxName = 1024 // bytes
)

// template is a URL with a place for a page's name.
type template struct {
	base          url.URL    // scheme and host
	before, after string     // of the place, in the path, escaped
	key           string     // of the query's parameter in which the place is; "": it is in the path
	start, end    string     // of that parameter's value, around the place
	query         url.Values // the other parameters; nil: any
}

// parseTemplate reads a template.
func parseTemplate(s string) (template, error) {
	fail := func(why string) (template, error) {
		return template{}, fmt.Errorf("template %q: %s", s, why)
	}
	if strings.Count(s, place) != 1 {
		return fail("{page} has to be in it, once")
	}
	u, err := url.Parse(s)
	if err != nil {
		return template{}, fmt.Errorf("template: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Contains(u.Host, "{") {
		return fail("it has to begin with http:// or https:// and a host")
	}
	if u.User != nil {
		return fail("credentials do not belong into a URL")
	}
	t := template{base: url.URL{Scheme: u.Scheme, Host: u.Host}}
	if t.query, err = url.ParseQuery(u.RawQuery); err != nil {
		return template{}, fmt.Errorf("template %q: %w", s, err)
	}
	if before, after, ok := strings.Cut(u.Path, place); ok {
		t.before, t.after = (&url.URL{Path: before}).EscapedPath(), (&url.URL{Path: after}).EscapedPath()
		return t, nil
	}
	t.before = u.EscapedPath()
	for key, values := range t.query {
		if start, end, ok := strings.Cut(values[0], place); ok {
			t.key, t.start, t.end = key, start, end
			delete(t.query, key)
			return t, nil
		}
	}
	return fail("{page} has to be in the path, or in a parameter's value")
}

// bare is the template without parameters that the place is not in.
func (t template) bare() template {
	t.query = url.Values{}
	return t
}

// lenient is the template with whatever other parameters.
func (t template) lenient() template {
	t.query = nil
	return t
}

// url is a page's URL.
func (t template) url(name string) *url.URL {
	u := t.base
	escaped := t.before
	query := url.Values{}
	for k, v := range t.query {
		query[k] = v
	}
	if t.key != "" {
		query.Set(t.key, t.start+name+t.end)
	} else {
		parts := strings.Split(name, "/")
		for i, part := range parts {
			parts[i] = url.PathEscape(part)
		}
		escaped += strings.Join(parts, "/") + t.after
	}
	u.RawQuery = query.Encode()
	u.RawPath = escaped
	u.Path, _ = url.PathUnescape(escaped) // it was escaped here
	return &u
}

// name is the name in a URL that the template may have made.
func (t template) name(u *url.URL) (string, bool) {
	if u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" || u.User != nil || !strings.EqualFold(u.Host, t.base.Host) {
		return "", false
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", false
	}
	escaped := u.EscapedPath()
	var name string
	if t.key != "" {
		if escaped != t.before || len(query[t.key]) != 1 {
			return "", false
		}
		name = query.Get(t.key)
		delete(query, t.key)
		if len(name) < len(t.start)+len(t.end) || !strings.HasPrefix(name, t.start) || !strings.HasSuffix(name, t.end) {
			return "", false
		}
		name = name[len(t.start) : len(name)-len(t.end)]
	} else {
		if len(escaped) < len(t.before)+len(t.after) || !strings.HasPrefix(escaped, t.before) || !strings.HasSuffix(escaped, t.after) {
			return "", false
		}
		parts := strings.Split(escaped[len(t.before):len(escaped)-len(t.after)], "/")
		for i, part := range parts {
			if parts[i], err = url.PathUnescape(part); err != nil || strings.Contains(parts[i], "/") {
				return "", false
			}
		}
		name = strings.Join(parts, "/")
	}
	if t.query == nil {
		return name, true
	}
	for k, v := range t.query {
		if strings.Join(query[k], "\x00") != strings.Join(v, "\x00") {
			return "", false
		}
		delete(query, k)
	}
	return name, len(query) == 0
}

// possible reports that a name may be one, whatever the wiki.
func possible(name string) bool {
	if len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return false
	}
	// "" and "." are cleaned too, and so are empty parts.
	return name != "." && !strings.HasPrefix(name, "../") && name != ".." && !strings.HasPrefix(name, "/") && path.Clean(name) == name
}
