// The back-off: how long a failing server is left alone.

package cache

import (
	"errors"
	"sync"
	"time"
)

// errLeftAlone is the error of an operation that was not tried.
var errLeftAlone = errors.New("cache: server is left alone")

// How long a server is left alone after its first failure, and at most.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 10 * time.Second
)

// patience is one server's back-off. The zero value trusts the server.
type patience struct {
	mu    sync.Mutex    // protects both
	pause time.Duration // 0: the server is trusted
	until time.Time     // with a pause: when one operation may try the server
}

// allow reports whether an operation may be tried, and whether it is the one
// that finds out if the server is back.
func (p *patience) allow(now time.Time) (probe, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.pause == 0:
		return false, true
	case now.Before(p.until):
		return false, false
	}
	p.until = now.Add(p.pause) // the others go on waiting
	return true, true
}

// succeeded notes an operation that was answered. back reports that the
// server was left alone until now.
func (p *patience) succeeded(probe bool) (back bool) {
	if !probe {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pause = 0
	return true
}

// failed notes an operation that failed: the pause begins, or doubles. Of the operations that
// were under way together when a server fails, the first one counts.
// first reports that the server was trusted until now.
func (p *patience) failed(probe bool, now time.Time) (pause time.Duration, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.pause == 0:
		p.pause, first = firstPause, true
	case probe:
		p.pause = min(2*p.pause, lastPause)
	default:
		return p.pause, false
	}
	p.until = now.Add(p.pause)
	return p.pause, first
}

// soon returns how long it is until the server may be tried again, and whether that is worth waiting for: a server
// that fails on and on is not waited for.
func (p *patience) soon(now time.Time) (wait time.Duration, worth bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pause > 2*firstPause {
		return 0, false
	}
	return max(0, p.until.Sub(now)), true
}

// waiting reports whether the server is left alone.
func (p *patience) waiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pause > 0
}
