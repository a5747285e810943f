// The cache: its options, and the way of a request through the tiers.

package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"pagemap/render"
)

// Defaults of Options.
const (
	DefaultMemoryBytes = 64 << 20
	DefaultPrefix      = "pagemap:"
	DefaultTimeout     = 20 * time.Millisecond
	DefaultFillTimeout = 20 * time.Second
)

// errNoDocument is the error of a fill that returned neither document nor error.
var errNoDocument = errors.New("cache: fill returned no document")

// Options of New. The zero value keeps pages in memory only.
type Options struct {
	// MemoryBytes bounds this process's memory tier, with its overhead: the processes of a pool
	// have one each. 0: DefaultMemoryBytes; below 0: no memory tier.
	MemoryBytes int64

	// Servers are the memcached servers, as "host:port" or "unix:/path/of/socket".
	// Their order does not count. None: no second tier.
	Servers []string

	// HMACKey seals values in memcached; all responders of a pool have the same.
	// It may be empty only if every server is a unix socket or on loopback.
	HMACKey []byte

	// Prefix begins every key in memcached, for servers that are shared with
	// others: 1 to 100 bytes of [!-~]. "": DefaultPrefix.
	Prefix string

	// Timeout is the budget of one memcached operation. 0: DefaultTimeout.
	Timeout time.Duration

	// FillTimeout is the deadline of drawing one page, the wait for another
	// responder included. 0: DefaultFillTimeout.
	FillTimeout time.Duration

	// CompleteAtOnce has every page kept and returned with all its encodings, for a program
	// that fills the cache of others.
	CompleteAtOnce bool

	// Logger is told of servers that fail and return, and of fills and encoders that panic. nil: nobody is.
	Logger *slog.Logger
}

// Cache is the two tiers. It is safe for concurrent use.
type Cache struct {
	memory    *memory    // nil: none
	servers   *memcached // nil: none
	flights   flights
	encoder   *render.Encoder
	completer completer
	drawing   atomic.Int32 // calls of Draw that draw
	atOnce    bool         // complete every page before it is kept
	count     counters
}

// New returns a ready cache. It does not connect to the servers yet; ErrNoHMACKey and
// ErrBadServer are the errors of a wrong setting.
func New(o Options) (*Cache, error) {
	if o.FillTimeout == 0 {
		o.FillTimeout = DefaultFillTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Cache{
		flights: flights{timeout: o.FillTimeout, log: o.Logger, all: make(map[place]*flight)},
		atOnce:  o.CompleteAtOnce,
	}
	c.encoder = new(render.Encoder)
	c.completer = completer{encode: c.encoder.Complete, log: o.Logger, count: &c.count}
	if o.MemoryBytes == 0 {
		o.MemoryBytes = DefaultMemoryBytes
	}
	var err error
	if o.MemoryBytes > 0 {
		if c.memory, err = newMemory(o.MemoryBytes); err != nil {
			return nil, err
		}
	}
	if len(o.Servers) > 0 {
		if c.servers, err = newMemcached(o, c.encoder, &c.count); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Close closes the idle connections to memcached. The cache may still be used.
func (c *Cache) Close() error {
	if c.servers == nil {
		return nil
	}
	return c.servers.close()
}

// origin says where a flight found the document.
type origin uint8

const (
	drawn  origin = iota // by fill, and kept nowhere
	kept                 // by fill, and kept
	memHit               // in memory, at the second look
	mcHit                // in memcached
)

// The members of Cache-Status (RFC 9211).
const (
	statusHit       = "pagemap; hit"
	statusMemcached = "pagemap; hit; detail=memcached"
	statusStored    = "pagemap; fwd=miss; stored"
	statusMiss      = "pagemap; fwd=miss"
	statusCollapsed = "pagemap; fwd=miss; collapsed"
	statusBypass    = "pagemap; fwd=bypass"
)

// fill draws a page.
type fill = func(context.Context) (*render.Document, error)

// Get returns the page that is wanted, or draws it with fill: once for everybody
// who waits in this process, and normally once in the pool. The document is kept
// unless it is Volatile or its Revision is not among the inputs. cacheStatus is the
// value of a Cache-Status header. Errors are fill's own, that of a fill that panicked, and ctx's;
// the cache's own failures are misses.
func (c *Cache) Get(ctx context.Context, w render.Want, fill fill) (doc *render.Document, cacheStatus string, err error) {
	at := placeOf(w)
	if doc, ok := c.ready(at); ok {
		return doc, statusHit, nil
	}
	w.Inputs = slices.Clone(w.Inputs) // the caller may use its slice anew once ctx has ended
	r, shared := c.flights.do(ctx, at, func(ctx context.Context) result { return c.fetch(ctx, at, w, fill) })
	return c.answer(r, shared)
}

// Ready is Get where the page is in memory; elsewhere ok is false, and nothing is counted.
func (c *Cache) Ready(w render.Want) (doc *render.Document, cacheStatus string, ok bool) {
	doc, ok = c.ready(placeOf(w))
	return doc, statusHit, ok
}

// maxDrawing is how many pages Draw draws at once: as many as processors can be busy with, and the rest of
// them waiting for a disk. It bounds the memory that callers without a limit of their own take.
const maxDrawing = 32

// Draw is Get where the page is one to be drawn at once, by the goroutine that calls: it is kept in memory alone,
// nobody draws it just now, and not too many others are drawn. Elsewhere ok is false, and nothing is done.
func (c *Cache) Draw(w render.Want, fill fill) (doc *render.Document, cacheStatus string, ok bool, err error) {
	defer c.drawing.Add(-1)
	if c.drawing.Add(1) > maxDrawing || !c.alone(w) {
		return nil, "", false, nil
	}
	at := placeOf(w)
	r, ok := c.flights.try(at, func(ctx context.Context) result { return c.fetch(ctx, at, w, fill) })
	if !ok {
		return nil, "", false, nil
	}
	doc, cacheStatus, err = c.answer(r, false)
	return doc, cacheStatus, true, err
}

// Complete makes the encodings that a packed document from memory has not got, in the
// background, and puts the complete one in its place: soon, or after a later call.
func (c *Cache) Complete(w render.Want, doc *render.Document) {
	if c.memory != nil && w.Packed && !doc.Complete && c.completer.begin() {
		go c.completeNow(placeOf(w), doc)
	}
}

// ready returns the document that memory has.
func (c *Cache) ready(at place) (*render.Document, bool) {
	doc, ok := c.memory.get(at)
	if !ok {
		return nil, false
	}
	c.count.memoryHits.Add(1)
	return doc, true
}

// alone reports whether memory alone keeps what is wanted.
func (c *Cache) alone(w render.Want) bool { return w.Local && !w.Packed && !c.atOnce }

// answer counts what a flight ended with, and returns it for a reader, who began it or shared it.
func (c *Cache) answer(r result, shared bool) (*render.Document, string, error) {
	switch {
	case r.source == memHit:
		c.count.memoryHits.Add(1)
		return r.doc, statusHit, nil
	case r.source == mcHit:
		c.count.memcachedHits.Add(1)
		return r.doc, statusMemcached, nil
	}
	c.count.misses.Add(1)
	if shared {
		c.count.collapsed.Add(1)
		return r.doc, statusCollapsed, r.err
	}
	switch {
	case r.source == kept:
		return r.doc, statusStored, nil
	case c.memory == nil && c.servers == nil:
		return r.doc, statusBypass, r.err
	}
	return r.doc, statusMiss, r.err
}

// fetch is one flight: the second look, memcached, fill.
func (c *Cache) fetch(ctx context.Context, at place, w render.Want, fill fill) (r result) {
	if doc, ok := c.memory.get(at); ok {
		return result{doc: doc, source: memHit}
	}
	if c.alone(w) {
		doc, err := c.draw(ctx, fill)
		if err == nil && keepable(w, doc) && c.memory.set(at, doc) {
			return result{doc: doc, source: kept}
		}
		return result{doc: doc, err: err}
	}
	doc, locked := c.servers.await(ctx, at)
	if doc != nil {
		if c.atOnce && !doc.Complete {
			if complete, err := c.completer.complete(doc); err == nil {
				doc = complete
				c.servers.set(at.key, doc)
			}
		}
		c.memory.set(at, doc)
		return result{doc: doc, source: mcHit}
	}
	shared := false // memcached has the page now
	if locked {
		defer func() { // also when fill panics
			if !shared {
				c.servers.unlock(at.key)
			}
		}()
	}
	doc, err := c.draw(ctx, fill)
	if err != nil {
		return result{err: err}
	}
	if c.atOnce && keepable(w, doc) {
		if complete, err := c.completer.complete(doc); err == nil {
			doc = complete
		}
	} else {
		doc, _ = c.completer.made(doc, c.encoder.Gzip) // without it where it cannot be made
	}
	if !keepable(w, doc) {
		return result{doc: doc, source: drawn}
	}
	remembered := c.memory.set(at, doc)
	shared = c.servers.set(at.key, doc)
	if !remembered && !shared {
		return result{doc: doc, source: drawn}
	}
	return result{doc: doc, source: kept}
}

// keepable reports whether a document that was drawn is what its inputs name, for good.
func keepable(w render.Want, doc *render.Document) bool {
	return !doc.Volatile && slices.Contains(w.Inputs, doc.Revision)
}

// Peek returns the page with these inputs where a tier has it, and the tier's name: "memory" or
// "memcached". Without it the document is nil; err tells why memcached could not be
// asked, or that its value cannot be believed (ErrRejected). Nothing is drawn or kept, and the page is no
// more in use than before.
func (c *Cache) Peek(inputs ...string) (doc *render.Document, tier string, err error) {
	key := KeyOf(inputs...)
	for _, packed := range []bool{false, true} {
		if doc := c.memory.peek(place{key, packed}); doc != nil {
			return doc, "memory", nil
		}
	}
	if c.servers == nil {
		return nil, "", nil
	}
	doc, err = c.servers.get(place{key, true})
	switch {
	case err == nil:
		return doc, "memcached", nil
	case errors.Is(err, memcache.ErrCacheMiss):
		return nil, "", nil
	}
	return nil, "", fmt.Errorf("cache: looking for a page: %w", err)
}

// draw calls fill and counts how it ends.
func (c *Cache) draw(ctx context.Context, fill fill) (*render.Document, error) {
	c.count.fills.Add(1)
	failed := true // until fill has returned
	defer func() {
		if failed {
			c.count.fillErrors.Add(1)
		}
	}()
	doc, err := fill(ctx)
	if err == nil && doc == nil {
		err = errNoDocument
	}
	if err != nil {
		return nil, fmt.Errorf("cache: drawing a page: %w", err)
	}
	failed = false
	return doc, nil
}
