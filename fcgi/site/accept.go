// Accept-Encoding.

package site

import "strings"

// prefersGzip reports whether a client takes gzip at least as gladly as identity
// (RFC 9110, 12.5.3). The lines are those of Accept-Encoding. A client that
// refuses both is sent identity, as if it had not sent the header; an item that
// cannot be read is passed over, and of two for the same coding the gladder counts.
func prefersGzip(lines []string) bool {
	const unset = -1
	gzip, identity, any := unset, unset, unset
	for _, line := range lines {
		for line != "" {
			var item string
			item, line, _ = strings.Cut(line, ",")
			name, params, _ := strings.Cut(item, ";")
			q, ok := quality(params)
			if !ok {
				continue
			}
			switch name = strings.Trim(name, " \t"); {
			case strings.EqualFold(name, "gzip"), strings.EqualFold(name, "x-gzip"):
				gzip = max(gzip, q)
			case strings.EqualFold(name, "identity"):
				identity = max(identity, q)
			case name == "*":
				any = max(any, q)
			}
		}
	}
	if gzip == unset {
		gzip = any
	}
	if identity == unset {
		identity = any
	}
	return gzip > 0 && gzip >= identity
}

// quality reads the weight of an item's parameters in thousandths, 1000 without
// one (RFC 9110, 12.4.2).
func quality(params string) (int, bool) {
	for params != "" {
		var p string
		p, params, _ = strings.Cut(params, ";")
		p = strings.Trim(p, " \t")
		if len(p) < 2 || p[0]|0x20 != 'q' || p[1] != '=' {
			continue
		}
		p = p[2:]
		if p == "" || len(p) > 5 || p[0] != '0' && p[0] != '1' || len(p) > 1 && p[1] != '.' {
			return 0, false
		}
		q, unit := int(p[0]-'0')*1000, 100
		for i := 2; i < len(p); i++ {
			if p[i] < '0' || p[i] > '9' {
				return 0, false
			}
			q += int(p[i]-'0') * unit
			unit /= 10
		}
		return q, q <= 1000
	}
	return 1000, true
}
