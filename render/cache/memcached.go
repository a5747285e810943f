// The second tier: documents and locks in memcached.

package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"pagemap/render"
)

// What memcached is given.
const (
	maxItem  = 1 << 20          // its largest item, with overhead, in bytes
	maxValue = maxItem - 512    // the largest value that is sent
	valueTTL = 7 * 24 * 60 * 60 // seconds; above 30 days it would be a date
	lockTTL  = 5                // seconds
	lockWait = 200 * time.Millisecond
)

// memcached is the second tier.
type memcached struct {
	servers []*server
	secret  []byte
	prefix  string
	encoder *render.Encoder
	count   *counters
	log     *slog.Logger
}

// newMemcached checks the options that concern memcached.
func newMemcached(o Options, encoder *render.Encoder, count *counters) (*memcached, error) {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if len(o.Prefix) > 100 {
		return nil, fmt.Errorf("cache: prefix of keys %q: longer than 100 bytes", o.Prefix)
	}
	for _, b := range []byte(o.Prefix) {
		if b < '!' || b > '~' {
			return nil, fmt.Errorf("cache: prefix of keys %q: a byte outside [!-~]", o.Prefix)
		}
	}
	servers, err := newServers(o.Servers, o.Timeout)
	if err != nil {
		return nil, err
	}
	for _, s := range servers {
		if !s.local && len(o.HMACKey) == 0 {
			return nil, fmt.Errorf("cache: server %q: %w", s.name, ErrNoHMACKey)
		}
	}
	return &memcached{servers: servers, secret: o.HMACKey, prefix: o.Prefix, encoder: encoder, count: count, log: o.Logger}, nil
}

// await returns the document for a place. Where there is none it returns nil, and whether
// it took the key's lock, after a wait for whoever holds it.
func (m *memcached) await(ctx context.Context, at place) (doc *render.Document, locked bool) {
	if m == nil {
		return nil, false
	}
	var over <-chan time.Time // the wait, once it has begun
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 32*time.Millisecond) {
		doc, err := m.get(at)
		if doc != nil || !errors.Is(err, memcache.ErrCacheMiss) {
			return doc, false // a failing server, or a planted value, makes nobody wait
		}
		if err := m.lock(at.key); !errors.Is(err, memcache.ErrNotStored) {
			return nil, err == nil
		}
		if over == nil {
			over = time.After(lockWait)
			m.count.lockWaits.Add(1)
		}
		select {
		case <-time.After(pause):
		case <-over:
			return nil, false
		case <-ctx.Done():
			return nil, false
		}
	}
}

// get returns the document for a place, its body only where that is needed there, or an error: memcache.ErrCacheMiss,
// ErrRejected, or that of the operation.
func (m *memcached) get(at place) (doc *render.Document, err error) {
	var item *memcache.Item
	err = m.do(at.key, func(c *memcache.Client) (err error) {
		item, err = c.Get(m.prefix + at.key.String())
		return err
	})
	if err != nil {
		return nil, err
	}
	doc, err = decode(m.encoder, m.secret, at, item.Value)
	if err != nil {
		m.count.rejected.Add(1)
	}
	return doc, err
}

// set sends the document and reports whether memcached has it now.
func (m *memcached) set(key Key, doc *render.Document) bool {
	if m == nil {
		return false
	}
	if valueLen(doc) > maxValue {
		m.count.tooLarge.Add(1)
		return false
	}
	item := &memcache.Item{
		Key:        m.prefix + key.String(),
		Value:      encode(m.secret, key, doc),
		Expiration: valueTTL,
	}
	if m.do(key, func(c *memcache.Client) error { return c.Set(item) }) != nil {
		return false
	}
	m.count.stores.Add(1)
	return true
}

// lock takes the key's lock; memcache.ErrNotStored if another holds it.
func (m *memcached) lock(key Key) error {
	item := &memcache.Item{Key: m.lockName(key), Expiration: lockTTL}
	return m.do(key, func(c *memcache.Client) error { return c.Add(item) })
}

// unlock removes the key's lock. One that stays expires soon.
func (m *memcached) unlock(key Key) {
	_ = m.do(key, func(c *memcache.Client) error { return c.Delete(m.lockName(key)) })
}

func (m *memcached) lockName(key Key) string { return m.prefix + "lock:" + key.String() }

// do runs one operation on the key's server, unless that is left alone.
func (m *memcached) do(key Key, op func(*memcache.Client) error) error {
	s := pick(m.servers, key)
	probe, ok := s.patience.allow(time.Now())
	if !ok {
		m.count.skipped.Add(1)
		return errLeftAlone
	}
	err := op(s.client)
	if m.alive(err) {
		if s.patience.succeeded(probe) {
			m.log.Info("memcached server is back", "server", s.name)
		}
		return err
	}
	if pause, first := s.patience.failed(probe, time.Now()); first {
		m.log.Warn("memcached server is left alone", "server", s.name, "for", pause, "error", err)
	}
	_ = s.client.Close() // the idle connections are likely no better
	return err
}

// insist is do, but tries an operation up to three times on a server that has failed only just now. It takes
// 300 ms longer at most, and no longer on a server that has failed for a while.
func (m *memcached) insist(key Key, op func(*memcache.Client) error) error {
	err := m.do(key, op)
	for range 2 {
		wait, worth := pick(m.servers, key).patience.soon(time.Now())
		if answered(err) || !worth {
			break
		}
		time.Sleep(wait)
		err = m.do(key, op)
	}
	return err
}

// answered reports whether err is what a server said, or nil.
func answered(err error) bool {
	return err == nil || errors.Is(err, memcache.ErrCacheMiss) || errors.Is(err, memcache.ErrNotStored) || errors.Is(err, errRefused)
}

// alive reports whether an operation that ended with err had an answer, and
// counts the failures.
func (m *memcached) alive(err error) bool {
	if answered(err) {
		if errors.Is(err, errRefused) {
			m.count.errRefused.Add(1)
		}
		return true
	}
	var connect *memcache.ConnectTimeoutError
	var broken *net.OpError
	switch {
	case errors.As(err, &connect), errors.Is(err, os.ErrDeadlineExceeded):
		m.count.errTimeout.Add(1)
	case errors.As(err, &broken), errors.Is(err, errClosed):
		m.count.errConnection.Add(1)
	default:
		m.count.errProtocol.Add(1)
	}
	return false
}

// health returns the number of servers, and of those left alone.
func (m *memcached) health() (all, dead int) {
	for _, s := range m.servers {
		if s.patience.waiting() {
			dead++
		}
	}
	return len(m.servers), dead
}

// close closes the idle connections.
func (m *memcached) close() error {
	var errs []error
	for _, s := range m.servers {
		errs = append(errs, s.client.Close())
	}
	return errors.Join(errs...)
}
