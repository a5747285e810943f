// Small values that the responders of a pool share, beside the documents.

package cache

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// storeMagic begins every value of a Store.
const storeMagic = "PMS1"

// Store is what the responders of a pool know together: values in memcached, which are sealed as documents are
// and may be gone at any time, and locks. A value may be all that is left of a page, so a server that only just failed
// is tried again for it. A value is the magic "PMS1", the HMAC-SHA256 of the rest, the key's hash, and
// the bytes. Values above 1 MiB less 512 bytes are not kept. Without a memcached server, or while it fails, a store is empty, and everybody gets every lock.
type Store struct {
	servers *memcached // nil: none
	name    string
}

// Store returns the store of a name.
func (c *Cache) Store(name string) *Store { return &Store{c.servers, name} }

func (s *Store) key(key string) Key { return KeyOf("store", s.name, key) }

// Get returns the value of a key.
func (s *Store) Get(key string) (value []byte, ok bool) {
	if s.servers == nil {
		return nil, false
	}
	k := s.key(key)
	var item *memcache.Item
	err := s.servers.insist(k, func(c *memcache.Client) (err error) {
		item, err = c.Get(s.servers.prefix + k.String())
		return err
	})
	if err != nil {
		return nil, false
	}
	const head = len(storeMagic) + sha256.Size
	v := item.Value
	if len(v) < head+len(k) || string(v[:len(storeMagic)]) != storeMagic ||
		!hmac.Equal(s.seal(v[head:]), v[len(storeMagic):head]) || !bytes.Equal(v[head:head+len(k)], k[:]) {
		s.servers.count.rejected.Add(1)
		return nil, false
	}
	return v[head+len(k):], true
}

// Set gives a key a value, for a week at most.
func (s *Store) Set(key string, value []byte) {
	if s.servers == nil {
		return
	}
	k := s.key(key)
	rest := append(k[:len(k):len(k)], value...)
	v := append(append([]byte(storeMagic), s.seal(rest)...), rest...)
	if len(v) > maxValue {
		s.servers.count.tooLarge.Add(1)
		return
	}
	_ = s.servers.insist(k, func(c *memcache.Client) error { // counted, and then it is not there
		return c.Set(&memcache.Item{Key: s.servers.prefix + k.String(), Value: v, Expiration: valueTTL})
	})
}

// seal is the HMAC of a value's key and bytes.
func (s *Store) seal(rest []byte) []byte {
	h := hmac.New(sha256.New, s.servers.secret)
	h.Write([]byte(storeMagic))
	h.Write(rest)
	return h.Sum(nil)
}

// Lock takes a lock that ends by itself after so long, in whole seconds at least; it is false where
// somebody else has it.
func (s *Store) Lock(key string, most time.Duration) bool {
	if s.servers == nil {
		return true
	}
	k := s.key(key)
	err := s.servers.do(k, func(c *memcache.Client) error {
		seconds := int32((most + time.Second - 1) / time.Second)
		return c.Add(&memcache.Item{Key: s.servers.lockName(k), Expiration: max(seconds, 1)})
	})
	return !errors.Is(err, memcache.ErrNotStored)
}

// Unlock gives the lock back.
func (s *Store) Unlock(key string) {
	if s.servers != nil {
		s.servers.unlock(s.key(key))
	}
}
