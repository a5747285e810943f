package cache

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"pagemap/render"

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
			if _, status, _ := c.Get(b.Context(), plain(inputs), fill); status != statusHit {
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
		if _, status, _ := c.Get(b.Context(), plain(inputs), fill); status != statusMemcached {
			b.Error(status)
		}
	}
}

// BenchmarkHostile is a value that somebody planted, which is read, rejected, and overwritten with the page.
func BenchmarkHostile(b *testing.B) {
	mc := memcachetest.Start(b, memcachetest.Options{})
	o := Options{MemoryBytes: -1, Servers: []string{mc.Addr()}, Timeout: patient, HMACKey: []byte("k")}
	c := newCache(b, o)
	o.HMACKey = []byte("other")
	planter := newCache(b, o)
	planted, fill := plainDocument(), fillWith(usualDocument())
	planted.Body = make([]byte, render.MaxKept)
	key := KeyOf(usualInputs()...)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		planter.servers.set(key, planted)
		b.StartTimer()
		get(b, c, usualInputs(), fill, statusStored)
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

// BenchmarkZipf is 50,000 pages of 10 KB, asked for as often as Zipf's law with exponent 1 says, by a
// process that has half of 64 MB of memory and shares 64 MB of memcached: the cost of a reader on average, and
// where pages come from, for readers who take gzip and for those who take a file as it is.
func BenchmarkZipf(b *testing.B) {
	const pages = 50_000
	below := make([]float64, pages) // sums of 1/n
	sum := 0.0
	for i := range below {
		sum += 1 / float64(i+1)
		below[i] = sum
	}
	page := plainDocument()
	page.Body = page.Body[:10_000]
	fill := func(context.Context) (*render.Document, error) {
		doc := *page
		doc.Body = bytes.Clone(page.Body)
		return &doc, nil
	}
	for _, bb := range []struct {
		name string
		want render.Want
	}{
		{"gzip", render.Want{Packed: true, Local: true}},
		{"file", render.Want{Local: true}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			mc := memcachetest.Start(b, memcachetest.Options{})
			c := newCache(b, Options{MemoryBytes: 32 << 20, Servers: []string{mc.Addr()}, Timeout: patient})
			wants := make([]render.Want, pages)
			for i := range wants {
				wants[i] = bb.want
				wants[i].Inputs = inputsOf(strconv.Itoa(i))
			}
			random := rand.New(rand.NewPCG(1, 2))
			read := func() {
				n, _ := slices.BinarySearch(below, random.Float64()*sum)
				if _, _, err := c.Get(b.Context(), wants[min(n, pages-1)], fill); err != nil {
					b.Fatal(err)
				}
			}
			for range 2 * pages {
				read()
			}
			before := c.Stats()
			b.ReportAllocs()
			for b.Loop() {
				read()
			}
			s := c.Stats()
			b.ReportMetric(float64(s.MemoryHits-before.MemoryHits)/float64(b.N), "memory/op")
			b.ReportMetric(float64(s.MemcachedHits-before.MemcachedHits)/float64(b.N), "memcached/op")
			b.ReportMetric(float64(s.Fills-before.Fills)/float64(b.N), "drawn/op")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	key, secret := KeyOf("a"), []byte("secret")
	value := encode(secret, key, usualDocument())
	encoder := new(render.Encoder)
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode(encoder, secret, place{key: key}, value); err != nil {
			b.Fatal(err)
		}
	}
}
