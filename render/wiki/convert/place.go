// Place: where a page stands, and what the references in it name from there.

package convert

import (
	"net/url"
	"strings"

	"pagemap/mapping"
)

// Place is where a page stands.
type Place struct {
	Path  mapping.Path  // the page's own
	Base  string        // what its base element says; "" where it has none
	Hosts mapping.Hosts // the site's own: URLs on them are site paths
}

// Resolve is the target of a reference as readers follow it: a site path with its key's spelling, with query and
// fragment as they were written, or an absolute URL. A reference that is no URL comes back with what may not stand
// in one escaped.
func (p Place) Resolve(ref string) string {
	ref = tidy(ref)
	if u, err := url.Parse(ref); err == nil {
		base := &url.URL{Path: "/"}
		if u, err := url.Parse(string(p.Path)); err == nil {
			base = u
		}
		if b, err := url.Parse(tidy(p.Base)); err == nil && p.Base != "" {
			base = base.ResolveReference(b)
			base.Fragment, base.RawFragment = "", ""
		}
		if u.Opaque != "" || u.Scheme != "" && u.Host == "" {
			return ref
		}
		if ref == "" || strings.HasPrefix(ref, "#") {
			base.RawFragment, base.Fragment = u.RawFragment, u.Fragment
			u = base
		} else {
			u = base.ResolveReference(u)
		}
		if u.Scheme == "" && u.Host != "" { // //host/path: of either scheme
			u.Scheme = "https"
		}
		ref = u.String()
	}
	return p.sitePath(ref)
}

// sitePath brings a path of the site, or a URL on one of its hosts, to one spelling.
func (p Place) sitePath(ref string) string {
	ref = p.Hosts.SitePath(ref)
	if !strings.HasPrefix(ref, "/") {
		return ref
	}
	whole, fragment, hasFragment := strings.Cut(ref, "#")
	t, err := mapping.ParseTarget(whole)
	if err != nil {
		return ref
	}
	whole = string(t.Path)
	if t.HasQuery {
		whole += "?" + t.Query
	}
	if hasFragment {
		whole += "#" + fragment
	}
	return whole
}

// tidy is a reference without white space around it and line breaks in it, and with spaces and the like escaped, as
// browsers read one (URL Standard, 4.4).
func tidy(ref string) string {
	ref = strings.Trim(ref, " \t\r\n\f")
	var b strings.Builder
	for i := range len(ref) {
		switch c := ref[i]; {
		case c == '\t' || c == '\n' || c == '\r':
		case c == '%' && (i+2 >= len(ref) || !hex(ref[i+1]) || !hex(ref[i+2])):
			b.WriteString("%25")
		case c <= ' ' || c == 0x7F || strings.IndexByte("\"<>\\^`{|}", c) >= 0:
			const digits = "0123456789ABCDEF"
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func hex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
