// Handing over: batches to a store, in the background.

package traffic

import (
	"context"
	"sync/atomic"
	"time"
)

// Store keeps what was counted.
type Store interface {
	// AddTraffic adds a batch to what is there, whole or not at all.
	AddTraffic(context.Context, Batch) error
}

const (
	batchTimeout = 30 * time.Second // how long the store may take for a batch,
	endTimeout   = 4 * time.Second  // and for what is left at the end
)

// Stats are a counter's figures since New.
type Stats struct {
	Batches  uint64 // taken by the store
	Failed   uint64 // not taken; their counts come again
	Rows     uint64 // hits' rows and days in the batches taken
	Paths    uint64 // missed paths in them
	Overflow uint64 // misses in them that are not counted by path
	Dropped  uint64 // hits that are not counted, for want of room
}

type counters struct{ batches, failed, rows, paths, overflow, dropped atomic.Uint64 }

// Stats returns the figures. They are read one after another, not at one moment.
func (c *Counter) Stats() Stats {
	n := &c.stats
	return Stats{
		Batches: n.batches.Load(), Failed: n.failed.Load(), Rows: n.rows.Load(), Paths: n.paths.Load(),
		Overflow: n.overflow.Load(), Dropped: n.dropped.Load(),
	}
}

// Run hands over what is counted until ctx ends, and then what is left. It is
// called once.
func (c *Counter) Run(ctx context.Context) {
	ticker := time.NewTicker(c.o.Every)
	defer ticker.Stop()
	h := &handover{Counter: c, waiting: &Tally{Hosts: c.o.Hosts}}
	for {
		select {
		case <-ctx.Done():
			h.end()
			return
		case err := <-h.done:
			h.settle(err)
		case <-ticker.C:
			c.drain(h.waiting)
			if h.sent == nil {
				h.send(batchTimeout)
			}
		}
	}
}

// handover is what Run keeps in mind.
type handover struct {
	*Counter
	waiting *Tally     // counted, for the next batch
	sent    *Tally     // what the store has been given and has not answered for; nil: nothing
	done    chan error // tells what became of it
	failing bool       // the last batch failed
}

// send gives the store what waits, unless that is nothing. It does not wait for
// the answer: a database may hang, whatever its context says.
func (h *handover) send(timeout time.Duration) {
	if lost := h.waiting.dropped; lost > 0 {
		h.stats.dropped.Add(uint64(lost))
		h.waiting.dropped = 0
	}
	if h.waiting.Empty() {
		return
	}
	h.sent, h.waiting = h.waiting, &Tally{Hosts: h.o.Hosts}
	batch, done := h.sent.Batch(), make(chan error, 1)
	h.done = done
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		done <- h.o.Store.AddTraffic(ctx, batch)
	}()
}

// settle takes note of what became of the batch that was sent.
func (h *handover) settle(err error) {
	sent := h.sent
	h.sent, h.done = nil, nil
	if err != nil {
		h.stats.failed.Add(1)
		if !h.failing {
			h.o.Logger.Warn("hits and misses wait for the database", "error", err)
		}
		h.failing = true
		h.waiting.merge(sent)
		return
	}
	if h.failing {
		h.o.Logger.Info("hits and misses are written again")
	}
	h.failing = false
	h.stats.batches.Add(1)
	h.stats.rows.Add(uint64(len(sent.hits)))
	h.stats.paths.Add(uint64(len(sent.misses)))
	for _, n := range sent.overflow {
		h.stats.overflow.Add(uint64(n))
	}
}

// end hands over what is left, within endTimeout.
func (h *handover) end() {
	deadline := time.NewTimer(endTimeout)
	defer deadline.Stop()
	for last := false; !last; {
		if h.sent == nil {
			h.drain(h.waiting)
			h.send(endTimeout)
			last = true
		}
		if h.sent == nil {
			return
		}
		select {
		case err := <-h.done:
			h.settle(err)
		case <-deadline.C:
			h.o.Logger.Warn("hits and misses of the last moments are lost: the database did not answer")
			return
		}
	}
	if !h.waiting.Empty() {
		h.o.Logger.Warn("hits and misses of the last moments are lost: the database did not take them")
	}
}
