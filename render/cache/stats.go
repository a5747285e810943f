// Counters, for metrics.

package cache

import "sync/atomic"

// Stats are the cache's counters since New, and its present size.
type Stats struct {
	MemoryHits    uint64 // readers answered from memory
	MemcachedHits uint64 // readers answered from memcached
	Misses        uint64 // readers answered by a fill, their own or another's
	Collapsed     uint64 // of the misses: waited for another reader's fill
	Fills         uint64 // pages drawn
	FillErrors    uint64 // of the fills: ended with an error or a panic
	Completed     uint64 // pages whose missing encodings were made
	Stores        uint64 // values sent to memcached
	TooLarge      uint64 // pages too large for memcached
	Rejected      uint64 // values from memcached that could not be believed
	LockWaits     uint64 // fills that waited for another responder's
	Errors        Errors // failed operations on memcached
	Skipped       uint64 // operations not tried: their server is left alone
	Servers       int    // memcached servers configured
	DeadServers   int    // of them: left alone at present
	MemoryEntries int    // pages in memory, about
	MemoryBytes   uint64 // their bytes, with overhead, about
}

// Errors counts failed operations on memcached by kind.
type Errors struct {
	Timeout    uint64 // Options.Timeout was over
	Connection uint64 // refused, reset, closed
	Protocol   uint64 // not an answer of memcached's
	Refused    uint64 // SERVER_ERROR
}

// counters are the countable part of Stats.
type counters struct {
	memoryHits, memcachedHits, misses, collapsed, fills, fillErrors atomic.Uint64
	completed, stores, tooLarge, rejected, lockWaits, skipped       atomic.Uint64
	errTimeout, errConnection, errProtocol, errRefused              atomic.Uint64
}

// Stats returns the counters. They are read one after another, not at one moment.
func (c *Cache) Stats() Stats {
	n := &c.count
	s := Stats{
		MemoryHits:    n.memoryHits.Load(),
		MemcachedHits: n.memcachedHits.Load(),
		Misses:        n.misses.Load(),
		Collapsed:     n.collapsed.Load(),
		Fills:         n.fills.Load(),
		FillErrors:    n.fillErrors.Load(),
		Completed:     n.completed.Load(),
		Stores:        n.stores.Load(),
		TooLarge:      n.tooLarge.Load(),
		Rejected:      n.rejected.Load(),
		LockWaits:     n.lockWaits.Load(),
		Skipped:       n.skipped.Load(),
		Errors: Errors{
			Timeout:    n.errTimeout.Load(),
			Connection: n.errConnection.Load(),
			Protocol:   n.errProtocol.Load(),
			Refused:    n.errRefused.Load(),
		},
	}
	s.MemoryEntries, s.MemoryBytes = c.memory.size()
	if c.servers != nil {
		s.Servers, s.DeadServers = c.servers.health()
	}
	return s
}
