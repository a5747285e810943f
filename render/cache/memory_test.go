package cache

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pagemap/render"
)

// TestScan: a crawler that reads 100,000 pages once each, many times what memory holds, leaves the pages there
// that readers go on asking for.
func TestScan(t *testing.T) {
	const (
		limit = 4 << 20
		hot   = 1000    // pages of readers, two thirds of what memory holds
		cold  = 100_000 // pages of the crawler
	)
	for _, tt := range []struct {
		name string
		each int                      // pages of the crawler for each of a reader
		size func(*rand.Rand) int     // of a page, in bytes
		pick func(*rand.Rand) (n int) // of the hot pages
	}{
		{"many more", 10, func(*rand.Rand) int { return 2000 }, func(r *rand.Rand) int { return r.IntN(hot) }},
		{"of all sizes", 4, func(r *rand.Rand) int { return int(2000 * r.ExpFloat64()) }, func(r *rand.Rand) int { return r.IntN(hot) }},
		{"some hotter", 4, func(*rand.Rand) int { return 2000 }, func(r *rand.Rand) int { return min(r.IntN(hot), r.IntN(hot)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := newMemory(limit)
			if err != nil {
				t.Fatal(err)
			}
			random := rand.New(rand.NewPCG(1, 2))
			read := func(page string) (hit bool) {
				key := place{key: KeyOf(page)}
				if _, ok := m.get(key); ok {
					return true
				}
				m.set(key, &render.Document{Body: make([]byte, tt.size(random))})
				return false
			}
			readers := func() bool { return read(fmt.Sprint("/hot", tt.pick(random))) }
			for range 20 * hot {
				readers()
			}
			hits := 0
			for range 5 * hot {
				if readers() {
					hits++
				}
			}
			before := float64(hits) / (5 * hot)

			hits = 0
			for i := range cold {
				read(fmt.Sprint("/cold", i))
				if i%tt.each == 0 && readers() {
					hits++
				}
			}
			during := float64(hits) / float64(cold/tt.each)
			t.Logf("hit ratio %.3f, during the scan %.3f", before, during)
			if before < 0.9 || during < before-0.05 {
				t.Errorf("hit ratio %.3f, during the scan %.3f", before, during)
			}
		})
	}
}

// TestComesTwice: a full tier lets a page in when it comes for the second time of late.
func TestComesTwice(t *testing.T) {
	const limit = 100_000
	m, err := newMemory(limit)
	if err != nil {
		t.Fatal(err)
	}
	doc := &render.Document{Body: make([]byte, 1000)}
	pages := 0
	for ; m.set(place{key: KeyOf(fmt.Sprint(pages))}, doc); pages++ {
		if pages > limit/1000 {
			t.Fatal("the tier is never full")
		}
	}
	if pages < limit/2/1512 {
		t.Errorf("full with %d pages", pages)
	}
	if m.peek(place{key: KeyOf(fmt.Sprint(pages))}) != nil {
		t.Error("what was not let in is there")
	}
	if !m.set(place{key: KeyOf(fmt.Sprint(pages))}, doc) {
		t.Error("not let in when it comes again")
	}
	late := place{key: KeyOf("late")}
	m.set(late, doc)
	for i := range 10 * len(m.came) { // so much that it is forgotten
		m.cameBefore(KeyOf(fmt.Sprint("other", i)))
	}
	if m.set(late, doc) {
		t.Error("let in long after it came")
	}
}
