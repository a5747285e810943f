// The memory tier: the hottest pages, bounded in bytes.

package cache

import (
	"fmt"

	"github.com/maypok86/otter/v2"

	"pagemap/render"
)

// entryOverhead is what an entry takes in memory besides the bytes of its
// document, in bytes: the Document, and otter's node, table slot and policy
// links, measured (TestMemoryOverhead) and rounded up.
const entryOverhead = 512

// memory is the memory tier.
type memory struct {
	pages *otter.Cache[Key, *render.Document]
}

// newMemory returns a tier of at most limit bytes.
func newMemory(limit int64) (*memory, error) {
	pages, err := otter.New(&otter.Options[Key, *render.Document]{
		MaximumWeight: uint64(limit),
		Weigher:       func(_ Key, doc *render.Document) uint32 { return weight(doc) },
	})
	if err != nil {
		return nil, fmt.Errorf("cache: memory of %d bytes: %w", limit, err)
	}
	return &memory{pages: pages}, nil
}

// weight is what doc takes in memory, in bytes.
func weight(doc *render.Document) uint32 {
	return uint32(entryOverhead + cap(doc.Body) + cap(doc.Gzip) +
		len(doc.Type) + len(doc.Language) + len(doc.Revision) + len(doc.ETag))
}

// get returns the document under key. A nil tier has none.
func (m *memory) get(key Key) (*render.Document, bool) {
	if m == nil {
		return nil, false
	}
	return m.pages.GetIfPresent(key)
}

// set keeps doc under key. A nil tier keeps nothing.
func (m *memory) set(key Key, doc *render.Document) {
	if m != nil {
		m.pages.Set(key, doc)
	}
}

// size returns the number of entries and their bytes, about.
func (m *memory) size() (entries int, bytes uint64) {
	if m == nil {
		return 0, 0
	}
	return m.pages.EstimatedSize(), m.pages.WeightedSize()
}
