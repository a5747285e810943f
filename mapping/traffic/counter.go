// Counter: counting on the way of every request.

package traffic

import (
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"pagemap/mapping"
)

// Options of New.
type Options struct {
	Store  Store
	Hosts  mapping.Hosts    // the site's own: a miss that a page of theirs leads to is the site's mistake
	Every  time.Duration    // between two batches; 0: 10 s
	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: nobody is told
}

// Counter counts hits and misses, and hands them to a store while Run runs. Hit
// and Miss are for any number of goroutines, wait for nobody, and allocate
// nothing for names that have come lately.
type Counter struct {
	o Options

	hits     sync.Map     // string → *atomic.Int64
	rows     atomic.Int64 // entries of hits
	misses   sync.Map     // string → *missed
	paths    atomic.Int64 // entries of misses
	others   atomic.Int64 // of these: that no page of the site led to when they were made
	overflow atomic.Int64 // misses beyond
	dropped  atomic.Int64 // hits beyond

	stats counters
}

// dead is added to a count that has left its map: whoever still has it in hand
// sees that, and counts anew.
const dead = math.MinInt64 / 2

// missed is one path's count.
type missed struct {
	count    atomic.Int64
	referrer atomic.Pointer[referrer] // nil: none yet
}

type referrer struct {
	host string
	own  bool
}

// New returns a counter.
func New(o Options) *Counter {
	if o.Every == 0 {
		o.Every = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Counter{o: o}
}

// Hit counts an answer of the row with this pattern.
func (c *Counter) Hit(pattern string) {
	for {
		n, ok := c.hits.Load(pattern)
		if !ok {
			if c.rows.Add(1) > MaxHits {
				c.rows.Add(-1)
				c.dropped.Add(1)
				return
			}
			if n, ok = c.hits.LoadOrStore(strings.Clone(pattern), new(atomic.Int64)); ok {
				c.rows.Add(-1)
			}
		}
		if n.(*atomic.Int64).Add(1) > 0 {
			return
		}
		c.hits.CompareAndDelete(pattern, n)
	}
}

// Miss counts a request for a path that nothing answers; the referrer is as the
// client gave it, or "".
func (c *Counter) Miss(path mapping.Path, from string) {
	for {
		v, ok := c.misses.Load(string(path))
		if !ok {
			own := isOwn(c.o.Hosts, from)
			if len(path) > MaxPath || !c.room(own) {
				c.overflow.Add(1)
				return
			}
			if v, ok = c.misses.LoadOrStore(strings.Clone(string(path)), new(missed)); ok {
				c.leave(own)
			}
		}
		m := v.(*missed)
		m.refer(c.o.Hosts, from)
		if m.count.Add(1) > 0 {
			return
		}
		c.misses.CompareAndDelete(string(path), v)
	}
}

// refer takes note of who leads to the path: the first, but the site itself
// before any other.
func (m *missed) refer(hosts mapping.Hosts, from string) {
	if from == "" {
		return
	}
	before := m.referrer.Load()
	if before == nil || !before.own && isOwn(hosts, from) {
		host, own := refer(hosts, from)
		m.referrer.CompareAndSwap(before, &referrer{host, own}) // if it fails, another reader's serves as well
	}
}

// room takes the place of one more missed path, if there is one.
func (c *Counter) room(own bool) bool {
	if c.paths.Add(1) > MaxMisses {
		c.paths.Add(-1)
		return false
	}
	if !own && c.others.Add(1) > maxOthers {
		c.leave(own)
		return false
	}
	return true
}

// leave gives a place back.
func (c *Counter) leave(own bool) {
	c.paths.Add(-1)
	if !own {
		c.others.Add(-1)
	}
}

// drain moves what was counted to the tally. Rows stay known as long as they are
// hit; paths go, and leave their places to others.
func (c *Counter) drain(to *Tally) {
	now := c.o.Now()
	c.hits.Range(func(pattern, value any) bool {
		n := value.(*atomic.Int64)
		if hits := n.Swap(0); hits > 0 {
			to.Hit(pattern.(string), hits, now)
		} else if n.CompareAndSwap(0, dead) {
			c.hits.CompareAndDelete(pattern, value)
			c.rows.Add(-1)
		}
		return true
	})
	c.misses.Range(func(path, value any) bool {
		m := value.(*missed)
		n := m.count.Swap(dead)
		c.misses.CompareAndDelete(path, value)
		c.paths.Add(-1)
		if n > 0 {
			miss := Miss{Path: mapping.Path(path.(string)), Count: n, First: now, Last: now}
			if r := m.referrer.Load(); r != nil {
				miss.Referrer, miss.Own = r.host, r.own
			}
			to.addMiss(miss)
		}
		return true
	})
	c.others.Store(0)
	if n := c.overflow.Swap(0); n > 0 {
		to.addOverflow(DayOf(now), n)
	}
	to.dropped += c.dropped.Swap(0)
}
