// Batch: what was counted, and the tally that it is made of.

package traffic

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"pagemap/mapping"
)

// The bounds of a batch.
const (
	MaxHits   = 100_000 // rows and days
	MaxMisses = 10_000  // paths
	MaxPath   = 512     // bytes of a missed path
)

// maxOthers is how many missed paths may be such as no page of the site leads to.
const maxOthers = MaxMisses / 5 * 4

// Batch is what was counted since the last one. Its order is the same whoever
// makes it, so that two batches that are written at once do not block each other.
type Batch struct {
	Hits     []Hits  // by day, then pattern
	Misses   []Miss  // by path
	Overflow []Extra // by day: misses that are not among Misses
}

// Hits are those of one row on one day.
type Hits struct {
	Day     time.Time // its beginning, UTC
	Pattern string    // the row's; of a file without a row its path
	Count   int64
	Last    time.Time
}

// Miss is a path that nothing answers.
type Miss struct {
	Path        mapping.Path
	Count       int64
	First, Last time.Time
	Referrer    string // host of a page that leads there, "" where none is known
	Own         bool   // the page is one of the site's own
}

// Extra are the misses of a day that are not counted by path.
type Extra struct {
	Day   time.Time
	Count int64
}

// Tally makes a batch. The zero value counts; a Tally that is Full drops. For one
// goroutine at a time.
type Tally struct {
	Hosts mapping.Hosts // the site's own

	hits     map[rowDay]*Hits
	misses   map[mapping.Path]*Miss
	others   int // of misses: not Own
	overflow map[time.Time]int64
	dropped  int64
}

type rowDay struct {
	day     time.Time
	pattern string
}

// DayOf is the day that a moment belongs to.
func DayOf(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// Full reports whether what comes next may be dropped or go into the overflow.
func (t *Tally) Full() bool {
	return len(t.hits) >= MaxHits || len(t.misses) >= MaxMisses || t.others >= maxOthers
}

// Empty reports whether nothing was counted.
func (t *Tally) Empty() bool { return len(t.hits)+len(t.misses)+len(t.overflow) == 0 }

// Hit counts n hits, of which the last was at the time.
func (t *Tally) Hit(pattern string, n int64, at time.Time) {
	t.addHits(Hits{DayOf(at), pattern, n, at})
}

func (t *Tally) addHits(h Hits) {
	key := rowDay{h.Day, h.Pattern}
	if old := t.hits[key]; old != nil {
		old.Count += h.Count
		old.Last = later(old.Last, h.Last)
		return
	}
	if len(t.hits) >= MaxHits {
		t.dropped += h.Count
		return
	}
	if t.hits == nil {
		t.hits = map[rowDay]*Hits{}
	}
	t.hits[key] = &h
}

// Miss counts a request for a path that nothing answers; the referrer is as the
// client gave it, or "".
func (t *Tally) Miss(path mapping.Path, referrer string, at time.Time) {
	host, own := refer(t.Hosts, referrer)
	t.addMiss(Miss{Path: path, Count: 1, First: at, Last: at, Referrer: host, Own: own})
}

func (t *Tally) addMiss(m Miss) {
	if old := t.misses[m.Path]; old != nil {
		old.Count += m.Count
		if m.First.Before(old.First) {
			old.First = m.First
		}
		old.Last = later(old.Last, m.Last)
		if m.Own && !old.Own {
			t.others--
		}
		if m.Own && !old.Own || old.Referrer == "" {
			old.Referrer, old.Own = m.Referrer, m.Own
		}
		return
	}
	if len(m.Path) > MaxPath || len(t.misses) >= MaxMisses || !m.Own && t.others >= maxOthers {
		t.addOverflow(DayOf(m.Last), m.Count)
		return
	}
	if t.misses == nil {
		t.misses = map[mapping.Path]*Miss{}
	}
	t.misses[m.Path] = &m
	if !m.Own {
		t.others++
	}
}

func (t *Tally) addOverflow(day time.Time, n int64) {
	if t.overflow == nil {
		t.overflow = map[time.Time]int64{}
	}
	t.overflow[day] += n
}

// merge counts what another tally has counted.
func (t *Tally) merge(other *Tally) {
	for _, h := range other.hits {
		t.addHits(*h)
	}
	for _, m := range other.misses {
		t.addMiss(*m)
	}
	for day, n := range other.overflow {
		t.addOverflow(day, n)
	}
	t.dropped += other.dropped
}

// Batch returns what was counted.
func (t *Tally) Batch() Batch {
	b := Batch{Hits: make([]Hits, 0, len(t.hits)), Misses: make([]Miss, 0, len(t.misses))}
	for _, h := range t.hits {
		b.Hits = append(b.Hits, *h)
	}
	slices.SortFunc(b.Hits, func(x, y Hits) int {
		return cmp.Or(x.Day.Compare(y.Day), strings.Compare(x.Pattern, y.Pattern))
	})
	for _, path := range slices.Sorted(maps.Keys(t.misses)) {
		b.Misses = append(b.Misses, *t.misses[path])
	}
	for _, day := range slices.SortedFunc(maps.Keys(t.overflow), time.Time.Compare) {
		b.Overflow = append(b.Overflow, Extra{day, t.overflow[day]})
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// maxHost is the longest name of a host (RFC 1035, section 2.3.4).
const maxHost = 253

// refer is the host of a referrer, and whether it is the site's. What is no URL
// with a host of printable ASCII is "".
func refer(hosts mapping.Hosts, referrer string) (host string, own bool) {
	if referrer == "" {
		return "", false
	}
	own = isOwn(hosts, referrer)
	u, err := url.Parse(referrer)
	if err != nil {
		return "", own
	}
	host = strings.ToLower(u.Hostname())
	if len(host) > maxHost || strings.ContainsFunc(host, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return "", own
	}
	return strings.Clone(host), own
}

// isOwn reports whether the URL is on a host of the site.
func isOwn(hosts mapping.Hosts, url string) bool {
	return url != "" && hosts.SitePath(url) != url
}
