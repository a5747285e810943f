package cache

import (
	"strconv"
	"testing"

	"pagemap/render/cache/memcachetest"
)

func BenchmarkKey(b *testing.B) {
	in := usualInputs()
	b.ReportAllocs()
	for b.Loop() {
		KeyOf(in...)
	}
}

func BenchmarkMemoryHit(b *testing.B) {
	c := newCache(b, Options{})
	fill := fillWith(usualDocument())
	get(b, c, usualInputs(), fill, statusStored)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		inputs := usualInputs()
		for pb.Next() {
			if _, status, _ := c.Get(b.Context(), inputs, fill); status != statusHit {
				b.Error(status)
			}
		}
	})
}

func BenchmarkMemcachedHit(b *testing.B) {
	mc := memcachetest.Start(b, memcachetest.Options{})
	c := newCache(b, Options{MemoryBytes: -1, Servers: []string{mc.Addr()}, Timeout: patient, HMACKey: []byte("k")})
	fill := fillWith(usualDocument())
	get(b, c, usualInputs(), fill, statusStored)
	inputs := usualInputs()
	b.ReportAllocs()
	for b.Loop() {
		if _, status, _ := c.Get(b.Context(), inputs, fill); status != statusMemcached {
			b.Error(status)
		}
	}
}

// BenchmarkMiss is get, lock, a fill that costs nothing, and set.
func BenchmarkMiss(b *testing.B) {
	mc := memcachetest.Start(b, memcachetest.Options{})
	c := newCache(b, Options{Servers: []string{mc.Addr()}, Timeout: patient, HMACKey: []byte("k")})
	fill := fillWith(usualDocument())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		get(b, c, inputsOf(strconv.Itoa(i)), fill, statusStored)
	}
}

func BenchmarkDecode(b *testing.B) {
	key, secret := KeyOf("a"), []byte("secret")
	value := encode(secret, key, usualDocument())
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode(secret, key, value); err != nil {
			b.Fatal(err)
		}
	}
}
