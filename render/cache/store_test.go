// Small values in memcached.

package cache

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"pagemap/render/cache/memcachetest"
)

func TestStore(t *testing.T) {
	server := memcachetest.Start(t, memcachetest.Options{})
	with := func(key string) *Cache {
		return newCache(t, Options{Servers: []string{server.Addr()}, HMACKey: []byte(key), Timeout: patient})
	}
	one, other, stranger := with("secret").Store("wiki"), with("secret").Store("wiki"), with("another").Store("wiki")
	if _, ok := one.Get("page"); ok {
		t.Error("a value is there that nobody set")
	}
	for _, value := range []string{"first", "", "second\x00\n", strings.Repeat("x", 900<<10)} {
		one.Set("page", []byte(value))
		if got, ok := other.Get("page"); !ok || string(got) != value {
			t.Errorf("set %.20q, got %.20q, %t", value, got, ok)
		}
	}
	if _, ok := with("secret").Store("another").Get("page"); ok {
		t.Error("another store has the value")
	}
	if _, ok := stranger.Get("page"); ok {
		t.Error("a value is believed that another secret sealed")
	}
	one.Set("large", bytes.Repeat([]byte("x"), maxValue))
	if _, ok := other.Get("large"); ok {
		t.Error("a value above the limit is kept")
	}
	one.Set("page", []byte("small"))
	k := one.key("page")
	client := one.servers.servers[0].client
	item, err := client.Get(one.servers.prefix + k.String())
	if err != nil {
		t.Fatal(err)
	}
	good := bytes.Clone(item.Value)
	moved := one.key("elsewhere")
	if err := client.Set(&memcache.Item{Key: one.servers.prefix + moved.String(), Value: good}); err != nil {
		t.Fatal(err)
	}
	if _, ok := other.Get("elsewhere"); ok {
		t.Error("a value is believed under another key")
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if err := client.Set(&memcache.Item{Key: one.servers.prefix + k.String(), Value: bad}); err != nil {
			t.Fatal(err)
		}
		if _, ok := other.Get("page"); ok {
			t.Errorf("a value with byte %d changed is believed", i)
		}
		if err := client.Set(&memcache.Item{Key: one.servers.prefix + k.String(), Value: good[:i]}); err != nil {
			t.Fatal(err)
		}
		if _, ok := other.Get("page"); ok {
			t.Errorf("a value cut at byte %d is believed", i)
		}
	}
}

// A server that does not answer for a moment loses no value, and hides none.
func TestStoreInsists(t *testing.T) {
	server := memcachetest.Start(t, memcachetest.Options{})
	c := newCache(t, Options{Servers: []string{server.Addr()}})
	s := c.Store("wiki")
	moment := func(f func()) {
		server.Freeze()
		thawed := make(chan struct{})
		time.AfterFunc(50*time.Millisecond, func() { server.Thaw(); close(thawed) })
		f()
		<-thawed
	}
	moment(func() { s.Set("page", []byte("x")) })
	moment(func() {
		if value, ok := s.Get("page"); !ok || string(value) != "x" {
			t.Errorf("%q, %t; %+v", value, ok, c.Stats())
		}
	})
	if n := c.Stats().Errors.Timeout; n == 0 {
		t.Error("nothing was lost")
	}
}

func TestStoreLock(t *testing.T) {
	server := memcachetest.Start(t, memcachetest.Options{})
	c := newCache(t, Options{Servers: []string{server.Addr()}, Timeout: patient})
	one, other := c.Store("wiki"), c.Store("wiki")
	if !one.Lock("page", time.Millisecond) || other.Lock("page", time.Minute) || !other.Lock("another", time.Minute) {
		t.Error("a lock is not taken, or by two")
	}
	one.Unlock("page")
	if !other.Lock("page", time.Minute) {
		t.Error("a lock that was given back is not taken")
	}
	server.Kill()
	if !one.Lock("page", time.Minute) {
		t.Error("without memcached a lock is not taken")
	}
	one.Set("page", []byte("x"))
	if _, ok := one.Get("page"); ok {
		t.Error("without memcached a value is there")
	}
	none := newCache(t, Options{}).Store("wiki")
	none.Set("page", []byte("x"))
	if _, ok := none.Get("page"); ok || !none.Lock("page", time.Minute) || !none.Lock("page", time.Minute) {
		t.Error("a store without servers keeps something")
	}
	none.Unlock("page")
}
