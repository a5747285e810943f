// What a server counts.

package fcgi

import (
	"fmt"
	"sync/atomic"
)

// Stats are a server's counters and, where it says so, its present state.
type Stats struct {
	Connections int    // now open
	InFlight    int    // handlers now running
	Accepted    uint64 // connections
	Requests    uint64 // whose parameters came
	Refused     uint64 // 503 because of MaxRequests
	BadRequests uint64 // 400, 413 and 431
	Timeouts    uint64 // beyond RequestTimeout
	Panics      uint64 // of handlers
	Aborted     uint64 // ABORT_REQUEST

	AcceptErrors uint64 // temporary ones

	// ProtocolErrors are the connections closed for what the web server did, by
	// kind: version, type, id, order, begin, pairs, size, flood, truncated,
	// header timeout, body timeout, write timeout. All kinds are present.
	ProtocolErrors map[string]uint64
}

type counters struct {
	accepted, requests, refused, badRequests, timeouts, panics, aborted, acceptErrors atomic.Uint64

	protocol [kinds]atomic.Uint64
}

// errorKind is a kind of protocol error.
type errorKind int

const (
	badVersion errorKind = iota
	badType
	badID
	badOrder
	badBegin
	badPairs
	tooLarge
	tooMuch
	cutOff
	lateHeader
	lateBody
	lateWrite
	kinds
)

var kindNames = [kinds]string{
	"version", "type", "id", "order", "begin", "pairs", "size", "flood", "truncated",
	"header timeout", "body timeout", "write timeout",
}

// protocolError closes a connection.
type protocolError struct {
	kind   errorKind
	header header
}

func (e *protocolError) Error() string {
	return fmt.Sprintf("fcgi: %s: record of type %d, id %d, %d bytes",
		kindNames[e.kind], e.header.kind, e.header.id, e.header.length)
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	connections := len(s.conns)
	s.mu.Unlock()
	c := &s.stats
	stats := Stats{
		Connections:    connections,
		InFlight:       int(s.running.Load()),
		Accepted:       c.accepted.Load(),
		Requests:       c.requests.Load(),
		Refused:        c.refused.Load(),
		BadRequests:    c.badRequests.Load(),
		Timeouts:       c.timeouts.Load(),
		Panics:         c.panics.Load(),
		Aborted:        c.aborted.Load(),
		AcceptErrors:   c.acceptErrors.Load(),
		ProtocolErrors: map[string]uint64{},
	}
	for kind, name := range kindNames {
		stats.ProtocolErrors[name] = c.protocol[kind].Load()
	}
	return stats
}
