// Cache-Control, by answer.

package site

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"pagemap/mapping"
)

// CacheControl is the value of the header Cache-Control for each kind of
// answer. A field left empty has its default.
type CacheControl struct {
	File     string        // 200 of a file: public, max-age=300
	Wiki     string        // 200 of a wiki page: public, max-age=60, stale-while-revalidate=60, stale-if-error=86400
	NewMoved string        // 301 of a row changed less than Settled ago: public, max-age=60
	Moved    string        // 301 of an older row: public, max-age=3600
	Gone     string        // 410: public, max-age=3600
	Found    string        // 302: public, max-age=60
	NotFound string        // 404: public, max-age=30
	Settled  time.Duration // age from which a 301 may stick in browsers; 0: 24 h
}

// noStore is sent with everything that must not be repeated.
const noStore = "no-store"

// directive is one Cache-Control: as it is, for a private answer, and for one
// that the edge may store ("": it may not).
type directive struct{ shared, private, edge string }

// caching is CacheControl, ready for use.
type caching struct {
	file, wiki, newMoved, moved, gone, found, notFound directive
	settled                                            time.Duration
}

func newCaching(c CacheControl, e *Edge) (caching, error) {
	k := caching{settled: c.Settled}
	if k.settled == 0 {
		k.settled = 24 * time.Hour
	}
	for _, f := range []struct {
		to              *directive
		value, fallback string
	}{
		{&k.file, c.File, "public, max-age=300"},
		{&k.wiki, c.Wiki, "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400"},
		{&k.newMoved, c.NewMoved, "public, max-age=60"},
		{&k.moved, c.Moved, "public, max-age=3600"},
		{&k.gone, c.Gone, "public, max-age=3600"},
		{&k.found, c.Found, "public, max-age=60"},
		{&k.notFound, c.NotFound, "public, max-age=30"},
	} {
		v := f.value
		if v == "" {
			v = f.fallback
		}
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
			return k, fmt.Errorf("site: Cache-Control %q: only printable ASCII", v)
		}
		*f.to = directive{shared: v, private: privately(v)}
		if e != nil {
			f.to.edge = stored(v, e.MaxAge)
		}
	}
	return k, nil
}

// stored is the directives of v with the edge's lifetime, or "" where v says that
// nothing is to be stored.
func stored(v string, age time.Duration) string {
	var out []string
	for d := range strings.SplitSeq(v, ",") {
		d = strings.TrimSpace(d)
		switch name, _, _ := strings.Cut(strings.ToLower(d), "="); name {
		case noStore, "no-cache", "private":
			return ""
		case "", "s-maxage":
		default:
			out = append(out, d)
		}
	}
	return strings.Join(append(out, fmt.Sprintf("s-maxage=%d", int(age.Seconds()))), ", ")
}

// privately is the directives of v without those for shared caches, as private.
func privately(v string) string {
	out := []string{"private"}
	for d := range strings.SplitSeq(v, ",") {
		d = strings.TrimSpace(d)
		switch name, _, _ := strings.Cut(strings.ToLower(d), "="); name {
		case noStore:
			return noStore
		case "", "public", "private", "s-maxage", "proxy-revalidate":
		default:
			out = append(out, d)
		}
	}
	return strings.Join(out, ", ")
}

// ofRedirect picks by the redirect's permanence and the age of its youngest row.
func (c *caching) ofRedirect(a mapping.Answer, now time.Time) directive {
	switch {
	case a.Status == http.StatusFound:
		return c.found
	case now.Sub(time.UnixMicro(a.Changed)) < c.settled:
		return c.newMoved
	default:
		return c.moved
	}
}

// control chooses the directive's form: private where the answer may have been
// made for one user, and where there is an edge, which is told otherwise what it
// may store.
func (s *Site) control(q *request, d directive) string {
	if q.private || s.o.Edge != nil {
		return d.private
	}
	return d.shared
}
