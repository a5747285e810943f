// Negotiation: which encoding of a document a client is sent.

package render

import "strings"

// Variant is a document in one encoding, as it is sent.
type Variant struct {
	Body     []byte
	Encoding string // Content-Encoding; "" for identity
	ETag     string // the field's value: strong, in quotes
	Wanting  bool   // the client would rather have had an encoding that the document has not got yet
}

// What ends the ETags of encodings, before the closing quote.
const (
	gzipSuffix   = "-gzip"
	brotliSuffix = "-br"
)

// Packs reports whether a client with these lines of Accept-Encoding takes gzip or brotli as gladly as identity:
// the packed form of a document is the one for it.
func Packs(acceptEncoding []string) bool {
	if len(acceptEncoding) == 0 {
		return false
	}
	w := weigh(acceptEncoding)
	return w.takes(w.gzip) || w.takes(w.brotli)
}

// Select returns the variant for a client with these lines of Accept-Encoding; without any it
// is identity, which has no bytes where the document is in the packed form. The package comment has the rules. It does
// not allocate where SetETag set the ETag.
func (d *Document) Select(acceptEncoding []string) Variant {
	identity, gzip, brotli := d.tags()
	if d.Complete && d.Gzip == nil && d.Brotli == nil || len(acceptEncoding) == 0 {
		return Variant{Body: d.Body, ETag: identity}
	}
	w := weigh(acceptEncoding)
	takesGzip, takesBrotli := w.takes(w.gzip), w.takes(w.brotli)
	v := Variant{Body: d.Body, ETag: identity}
	switch {
	case d.Brotli != nil && takesBrotli && (d.Gzip == nil || w.brotli >= w.gzip):
		v = Variant{Body: d.Brotli, Encoding: "br", ETag: brotli}
	case d.Gzip != nil && takesGzip:
		v = Variant{Body: d.Gzip, Encoding: "gzip", ETag: gzip}
	}
	v.Wanting = !d.Complete && (d.Brotli == nil && takesBrotli && w.brotli >= w.gzip || d.Gzip == nil && takesGzip)
	return v
}

// Varies reports whether what is sent depends on Accept-Encoding, now or once the
// document is Complete: its answers then have "Vary: Accept-Encoding".
func (d *Document) Varies() bool {
	return d.Gzip != nil || d.Brotli != nil || encodable(d.Type, d.Body)
}

// SetETag sets the ETag of a document that is being made.
func (d *Document) SetETag(tag string) {
	d.ETag = tag
	d.quoted = `"` + tag + `""` + tag + gzipSuffix + `""` + tag + brotliSuffix + `"`
}

// tags returns the ETags of the variants, in quotes.
func (d *Document) tags() (identity, gzip, brotli string) {
	n := len(d.ETag) + len(`""`)
	if len(d.quoted) != 3*n+len(gzipSuffix)+len(brotliSuffix) || d.quoted[1:n-1] != d.ETag { // set by hand
		c := Document{}
		c.SetETag(d.ETag)
		return c.tags()
	}
	g := n + n + len(gzipSuffix)
	return d.quoted[:n], d.quoted[n:g], d.quoted[g:]
}

// weights are how glad a client is of each encoding, in thousandths; below 0: it said nothing of it.
type weights struct{ identity, gzip, brotli int }

// takes reports whether an encoding of this weight is taken as gladly as identity.
func (w weights) takes(weight int) bool { return weight > 0 && weight >= w.identity }

// weigh reads the lines of Accept-Encoding (RFC 9110, 12.5.3).
func weigh(lines []string) weights {
	const unset = -1
	w, others := weights{unset, unset, unset}, unset
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
			case strings.EqualFold(name, "br"):
				w.brotli = max(w.brotli, q)
			case strings.EqualFold(name, "gzip"), strings.EqualFold(name, "x-gzip"):
				w.gzip = max(w.gzip, q)
			case strings.EqualFold(name, "identity"):
				w.identity = max(w.identity, q)
			case name == "*":
				others = max(others, q)
			}
		}
	}
	for _, q := range [...]*int{&w.identity, &w.gzip, &w.brotli} {
		if *q == unset {
			*q = others
		}
	}
	return w
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
