// The page table in memory: immutable, and cheap to change one row of.

package mapping

import (
	"iter"
	"math/bits"
	"math/rand/v2"
	"strings"
)

// Table is an immutable set of rows, indexed for resolving. The zero value is
// an empty table.
type Table struct {
	seed       uint64 // of the hashes, drawn anew for every table that starts empty
	generation uint64 // of this table's newest nodes
	pages      trie   // exact and query rows
	prefixes   trie   // prefix rows
	wiki       wikiRows
}

// NewTable builds a table of rows; of two rows with one pattern the later wins.
func NewTable(rows iter.Seq[Row]) *Table {
	t := (&Table{}).edit()
	var pages, prefixes []hashedRow
	var wikis []Row
	for row := range rows {
		path, prefix, _ := splitPattern(row.Pattern)
		hashed := hashedRow{hashPath(t.seed, path), compact(row)}
		if isWiki(row) {
			wikis = append(wikis, hashed.row)
		}
		if prefix {
			prefixes = append(prefixes, hashed)
		} else {
			pages = append(pages, hashed)
		}
	}
	t.pages = buildTrie(t.generation, pages)
	t.prefixes = buildTrie(t.generation, prefixes)
	t.buildWiki(wikis)
	return t
}

// Apply returns a table with the changes made, in their order, sharing with t
// whatever they do not touch.
func (t *Table) Apply(changes []Change) *Table {
	next := t.edit()
	for _, c := range changes {
		if c.Row != nil {
			row := *c.Row
			row.Pattern = c.Pattern
			next.put(row)
		} else {
			next.remove(c.Pattern)
		}
	}
	return next
}

// edit is a copy of t that may be changed until it is published: nodes of its
// own generation in place, all others by copying them.
func (t *Table) edit() *Table {
	next := *t
	next.generation++
	if next.seed == 0 {
		next.seed = rand.Uint64() | 1
	}
	return &next
}

func (t *Table) put(row Row) {
	path, prefix, _ := splitPattern(row.Pattern)
	t.forgetWiki(row.Pattern)
	row = compact(row)
	t.trie(prefix).put(t.generation, hashPath(t.seed, path), row)
	if isWiki(row) {
		t.putWiki(row)
	}
}

func (t *Table) remove(pattern string) {
	path, prefix, _ := splitPattern(pattern)
	t.forgetWiki(pattern)
	t.trie(prefix).remove(t.generation, hashPath(t.seed, path), pattern)
}

func (t *Table) trie(prefix bool) *trie {
	if prefix {
		return &t.prefixes
	}
	return &t.pages
}

// Len is the number of rows.
func (t *Table) Len() int { return t.pages.len + t.prefixes.len }

// Get returns the row with exactly this pattern.
func (t *Table) Get(pattern string) (Row, bool) {
	path, prefix, _ := splitPattern(pattern)
	for _, row := range t.trie(prefix).find(hashPath(t.seed, path)) {
		if row.Pattern == pattern {
			return row, true
		}
	}
	return Row{}, false
}

// All yields every row, in no particular order.
func (t *Table) All() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		_ = t.pages.root.all(yield) && t.prefixes.root.all(yield)
	}
}

// Fold implements Rows.
func (t *Table) Fold(p Path) []Row {
	return t.pages.find(hashPath(t.seed, p))
}

// LongestPrefix implements Rows. It asks the index once for every segment of p,
// and not at all where the table has no prefix row.
func (t *Table) LongestPrefix(p Path) (Row, bool) {
	if t.prefixes.len == 0 {
		return Row{}, false
	}
	var longest *Row
	look := func(h uint64, path Path) {
		rows := t.prefixes.find(finish(h))
		for i := range rows {
			if pattern := rows[i].Pattern; pattern[:len(pattern)-len("/*")] == string(path) {
				longest = &rows[i]
			}
		}
	}
	h := t.seed
	for i := range len(p) {
		if p[i] == '/' {
			look(h, p[:i])
		}
		h = addByte(h, p[i])
	}
	if !strings.HasSuffix(string(p), "/") {
		look(h, p)
	}
	if longest == nil {
		return Row{}, false
	}
	return *longest, true
}

// hashPath hashes a path so that neither case nor a slash at the end counts.
func hashPath(seed uint64, p Path) uint64 {
	if n := len(p); n > 0 && p[n-1] == '/' {
		p = p[:n-1]
	}
	h := seed
	for i := range len(p) {
		h = addByte(h, p[i])
	}
	return finish(h)
}

// addByte is one step of FNV-1a, on c with ASCII letters folded.
func addByte(h uint64, c byte) uint64 {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return (h ^ uint64(c)) * 0x100000001b3
}

// finish spreads the hash over all bits, the upper of which choose the way
// through a trie.
func finish(h uint64) uint64 {
	hi, lo := bits.Mul64(h^h>>32, 0x9e3779b97f4a7c15)
	return hi ^ lo
}

// compact gives a row a text of its own, so that it holds no buffer it was read
// from: one string for a crawled row, whose source ends in its pattern, and one
// allocation for any other.
func compact(row Row) Row {
	if ref, ok := strings.CutPrefix(row.Source, "file:"); ok && strings.HasPrefix(ref, row.Pattern) {
		row.Source = strings.Clone(row.Source)
		row.Pattern = row.Source[len("file:"):][:len(row.Pattern)]
		return row
	}
	n := len(row.Pattern)
	text := row.Pattern + row.Source
	row.Pattern, row.Source = text[:n], text[n:]
	return row
}
