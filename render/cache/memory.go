// The memory tier: the hottest pages, bounded in bytes.

package cache

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"pagemap/render"
)

// entryOverhead is what an entry takes in memory besides the bytes of its
// document, in bytes: the Document, and otter's node, table slot and policy
// links, measured (TestMemoryOverhead) and rounded up.
const entryOverhead = 512

// How many bytes of the tier there are for each page whose use the admission policy remembers, and
// for each that is remembered to have come. Both are more pages than the tier holds:
// else a crawler makes the tier forget which pages readers use.
const (
	useShare  = 1 << 10
	cameShare = 1 << 8
)

// memory is the memory tier.
type memory struct {
	pages *otter.Cache[place, *render.Document]
	limit uint64

	// came has parts of the keys of pages that came to the full tier, each in the place that another
	// part of the key says, until a later page takes the place.
	came []atomic.Uint32
}

// newMemory returns a tier of at most limit bytes.
func newMemory(limit int64) (*memory, error) {
	pages, err := otter.New(&otter.Options[place, *render.Document]{
		MaximumWeight:   uint64(limit),
		InitialCapacity: int(limit / useShare),        // of the policy's sketch, which forgets all where it has to grow
		Executor:        func(work func()) { work() }, // at once: what is measured to be full is full
		Weigher:         func(_ place, doc *render.Document) uint32 { return weight(doc) },
	})
	if err != nil {
		return nil, fmt.Errorf("cache: memory of %d bytes: %w", limit, err)
	}
	return &memory{pages: pages, limit: uint64(limit), came: make([]atomic.Uint32, 1+limit/cameShare)}, nil
}

// weight is what doc takes in memory, in bytes.
func weight(doc *render.Document) uint32 {
	return uint32(entryOverhead + cap(doc.Body) + cap(doc.Gzip) + cap(doc.Brotli) +
		len(doc.Type) + len(doc.Language) + len(doc.Revision) + 4*len(doc.ETag)) // once more for each encoding's
}

// get returns the document at a place. A nil tier has none.
func (m *memory) get(at place) (*render.Document, bool) {
	if m == nil {
		return nil, false
	}
	return m.pages.GetIfPresent(at)
}

// set keeps doc, in the place's form, and reports whether it does: not where the tier is nil, and not where it is full and
// the page comes for the first time of late.
func (m *memory) set(at place, doc *render.Document) bool {
	if m == nil {
		return false
	}
	doc = at.form(doc)
	if m.pages.WeightedSize()+uint64(weight(doc)) > m.limit && !m.cameBefore(at.key) {
		return false
	}
	m.pages.Set(at, doc)
	return true
}

// cameBefore reports whether it was called for key of late.
func (m *memory) cameBefore(key Key) bool {
	place := binary.BigEndian.Uint64(key[:]) % uint64(len(m.came))
	part := binary.BigEndian.Uint32(key[8:])
	return m.came[place].Swap(part) == part
}

// replace puts doc in the place of another, if there is one still.
func (m *memory) replace(at place, doc *render.Document) {
	if m != nil {
		m.pages.ComputeIfPresent(at, func(*render.Document) (*render.Document, otter.ComputeOp) {
			return at.form(doc), otter.WriteOp
		})
	}
}

// peek is get that counts neither as a use of the page nor otherwise.
func (m *memory) peek(at place) *render.Document {
	if m == nil {
		return nil
	}
	if entry, ok := m.pages.GetEntryQuietly(at); ok {
		return entry.Value
	}
	return nil
}

// size returns the number of entries and their bytes, about.
func (m *memory) size() (entries int, bytes uint64) {
	if m == nil {
		return 0, 0
	}
	return m.pages.EstimatedSize(), m.pages.WeightedSize()
}
