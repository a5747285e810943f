// The table's index: a persistent hash trie with rows in wide leaves.

package mapping

import (
	"cmp"
	"slices"
	"strings"
)

const (
	fanOutBits = 4
	leafRows   = 16 // a fuller leaf is split
	maxDepth   = 15 // where the hash has no more bits; leaves there grow
	leafStep   = 4  // rows by which a leaf's memory grows
)

// trie finds rows by a hash of their path. Nodes that an older generation made
// are shared with older tries and never changed.
type trie struct {
	root *node
	len  int
}

// node is a leaf, or 16 children chosen by the next four bits of the hash.
type node struct {
	generation uint64
	children   *[1 << fanOutBits]*node // nil: a leaf
	hashes     []uint64                // of a leaf, one for each row
	rows       []Row                   // of a leaf: ordered by hashes, then pattern
}

// hashedRow is a row on its way into a trie.
type hashedRow struct {
	hash uint64
	row  Row
}

// buildTrie makes the trie that putting rows one after the other would make, up
// to the order in which leaves were split, at a fraction of the time.
func buildTrie(generation uint64, rows []hashedRow) trie {
	// Sorting references moves less than sorting rows.
	type reference struct {
		hash  uint64
		index int
	}
	order := make([]reference, len(rows))
	for i := range rows {
		order[i] = reference{rows[i].hash, i}
	}
	slices.SortFunc(order, func(a, b reference) int {
		if a.hash != b.hash {
			return cmp.Compare(a.hash, b.hash)
		}
		return cmp.Or(strings.Compare(rows[a.index].row.Pattern, rows[b.index].row.Pattern), a.index-b.index)
	})
	// Of equal patterns the last one stays.
	kept := order[:0]
	for i, ref := range order {
		if i+1 < len(order) && order[i+1].hash == ref.hash && rows[order[i+1].index].row.Pattern == rows[ref.index].row.Pattern {
			continue
		}
		kept = append(kept, ref)
	}
	var build func(order []reference, depth int) *node
	build = func(order []reference, depth int) *node {
		if len(order) == 0 {
			return nil
		}
		n := &node{generation: generation}
		if len(order) <= leafRows || depth == maxDepth {
			n.hashes = make([]uint64, len(order))
			n.rows = make([]Row, len(order))
			for i, ref := range order {
				n.hashes[i], n.rows[i] = ref.hash, rows[ref.index].row
			}
			return n
		}
		n.children = new([1 << fanOutBits]*node)
		for from := 0; from < len(order); {
			s := slot(order[from].hash, depth)
			to := from + 1
			for to < len(order) && slot(order[to].hash, depth) == s {
				to++
			}
			n.children[s] = build(order[from:to], depth+1)
			from = to
		}
		return n
	}
	return trie{root: build(kept, 0), len: len(kept)}
}

// find returns the rows of one hash, and perhaps others.
func (t *trie) find(hash uint64) []Row {
	n := t.root
	for depth := 0; n != nil; depth++ {
		if n.children == nil {
			from := n.search(hash)
			to := from
			for to < len(n.hashes) && n.hashes[to] == hash {
				to++
			}
			return n.rows[from:to:to]
		}
		n = n.children[slot(hash, depth)]
	}
	return nil
}

// put adds a row or replaces the one with its pattern.
func (t *trie) put(generation, hash uint64, row Row) {
	at := &t.root
	for depth := 0; ; depth++ {
		if *at == nil {
			*at = &node{generation: generation}
		}
		n := (*at).own(generation)
		*at = n
		if n.children == nil {
			if n.put(hash, row) {
				t.len++
			}
			if len(n.rows) > leafRows && depth < maxDepth {
				n.split(depth)
			}
			return
		}
		at = &n.children[slot(hash, depth)]
	}
}

// remove takes the row of a pattern out, if it is there. Emptied leaves go;
// nodes above them stay.
func (t *trie) remove(generation, hash uint64, pattern string) {
	if !slices.ContainsFunc(t.find(hash), func(r Row) bool { return r.Pattern == pattern }) {
		return
	}
	at := &t.root
	for depth := 0; ; depth++ {
		n := (*at).own(generation)
		*at = n
		if n.children == nil {
			i, _ := n.index(hash, pattern)
			n.hashes = slices.Delete(n.hashes, i, i+1)
			n.rows = slices.Delete(n.rows, i, i+1)
			if len(n.rows) == 0 {
				*at = nil
			}
			t.len--
			return
		}
		at = &n.children[slot(hash, depth)]
	}
}

func slot(hash uint64, depth int) uint64 {
	return hash >> (64 - fanOutBits*(depth+1)) & (1<<fanOutBits - 1)
}

// own returns n where the generation made it, else a copy that it may change.
func (n *node) own(generation uint64) *node {
	if n.generation == generation {
		return n
	}
	c := &node{generation: generation}
	if n.children != nil {
		children := *n.children
		c.children = &children
		return c
	}
	c.hashes = slices.Clone(n.hashes)
	c.rows = slices.Clone(n.rows)
	return c
}

// search is the place of the first row with this hash or a higher one.
func (n *node) search(hash uint64) int {
	i, _ := slices.BinarySearch(n.hashes, hash)
	return i
}

// index is the place of a pattern's row, or where it would be.
func (n *node) index(hash uint64, pattern string) (i int, found bool) {
	for i = n.search(hash); i < len(n.rows) && n.hashes[i] == hash; i++ {
		if c := strings.Compare(n.rows[i].Pattern, pattern); c >= 0 {
			return i, c == 0
		}
	}
	return i, false
}

// put reports whether the leaf has one row more.
func (n *node) put(hash uint64, row Row) bool {
	i, found := n.index(hash, row.Pattern)
	if found {
		n.rows[i] = row
		return false
	}
	n.hashes = slices.Insert(grow(n.hashes), i, hash)
	n.rows = slices.Insert(grow(n.rows), i, row)
	return true
}

// grow makes place for one more in small steps, since most leaves of a table
// stay as they are: append's doubling would waste a third of its memory. Beyond
// maxDepth it doubles as append does.
func grow[S ~[]E, E any](s S) S {
	if len(s) < cap(s) || len(s) > leafRows {
		return s
	}
	return append(make(S, 0, len(s)+leafStep), s...)
}

// split makes an overfull leaf at depth a node of leaves. Should all its rows
// go into one of them, that one is split the next time.
func (n *node) split(depth int) {
	leaf := *n
	*n = node{generation: leaf.generation, children: new([1 << fanOutBits]*node)}
	for from := 0; from < len(leaf.rows); {
		s := slot(leaf.hashes[from], depth)
		to := from + 1
		for to < len(leaf.rows) && slot(leaf.hashes[to], depth) == s {
			to++
		}
		n.children[s] = &node{
			generation: leaf.generation,
			hashes:     slices.Clone(leaf.hashes[from:to]),
			rows:       slices.Clone(leaf.rows[from:to]),
		}
		from = to
	}
}

func (n *node) all(yield func(Row) bool) bool {
	if n == nil {
		return true
	}
	for _, row := range n.rows {
		if !yield(row) {
			return false
		}
	}
	if n.children != nil {
		for _, child := range n.children {
			if !child.all(yield) {
				return false
			}
		}
	}
	return true
}
