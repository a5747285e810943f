// Completion: the encodings that are made in the background, of pages that are asked for again.

package cache

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"pagemap/render"
)

// rests is how many times as long as it worked a completer then rests.
const rests = 9

// errEncoderPanic is the error of an encoder that panicked.
var errEncoderPanic = errors.New("cache: encoder panicked")

// completer makes missing encodings, those of one document at a time.
type completer struct {
	encode func(*render.Document) (*render.Document, error)
	log    *slog.Logger
	count  *counters
	busy   atomic.Bool // working or resting
}

// complete returns doc with its encodings, and its body.
func (c *completer) complete(doc *render.Document) (complete *render.Document, err error) {
	if complete, err = c.made(doc, c.encode); err == nil {
		c.count.completed.Add(1)
	}
	return complete, err
}

// made returns doc with the encodings that encode makes. Where they cannot be made it is Complete as it is:
// trying again would end the same way.
func (c *completer) made(doc *render.Document, encode func(*render.Document) (*render.Document, error)) (made *render.Document, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v\n%s", errEncoderPanic, v, debug.Stack())
		}
		if err != nil {
			c.log.Error("encodings of a page cannot be made", "etag", doc.ETag, "error", err)
			d := *doc
			d.Complete = true
			made = &d
		}
	}()
	return encode(doc)
}

// begin reports whether work may begin, which it may not while the completer works or rests.
func (c *completer) begin() bool { return !c.busy.Load() && c.busy.CompareAndSwap(false, true) }

// rest ends work that has begun at this time.
func (c *completer) rest(begun time.Time) {
	time.AfterFunc(rests*time.Since(begun), func() { c.busy.Store(false) })
}

// completeNow replaces a document that was found in memory by the complete one, in both
// tiers. The completer has begun.
func (c *Cache) completeNow(at place, doc *render.Document) {
	defer c.completer.rest(time.Now())
	if c.servers != nil {
		if shared, err := c.servers.get(at); err == nil && shared.Complete { // another responder's work
			c.memory.replace(at, shared)
			return
		}
	}
	complete, err := c.completer.complete(doc)
	c.memory.replace(at, complete)
	if err == nil {
		c.servers.set(at.key, complete)
	}
}
