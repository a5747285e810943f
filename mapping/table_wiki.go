// The table read backwards: from a wiki page's name to its path.

package mapping

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// wikiRows are the table's rows whose source is a wiki page, by name.
type wikiRows struct {
	trie    trie
	sum     [2]uint64 // of the rows' hashes, whatever their order
	changed int64     // the latest change of a row that is or was here, microseconds since 1970
}

// WikiState names the rows whose source is a wiki page: it is the same for equal
// patterns and sources, in every process, and another one for others.
type WikiState [16]byte

// WikiState returns the state of the rows whose source is a wiki page, and when
// the youngest of them was changed; the zero time where there is none. A row that
// was deleted counts as long as this process knew it.
func (t *Table) WikiState() (state WikiState, changed time.Time) {
	binary.BigEndian.PutUint64(state[:8], t.wiki.sum[0])
	binary.BigEndian.PutUint64(state[8:], t.wiki.sum[1])
	if t.wiki.changed != 0 {
		changed = time.UnixMicro(t.wiki.changed).UTC()
	}
	return state, changed
}

// WikiPath returns the path of a wiki's page, with the query where a query row
// has it, or "" where no row leads to the page. Of several rows an exact one
// counts before a query row, and that before the prefix row with the longest
// source, which has to end in "/*"; of equal ones the one with the shortest pattern, then the first in order of
// text. A prefix row gives its path also where another row takes the path from it.
//
// Names are equal if spell makes them equal; nil: as they are. It may alter case,
// and spaces, underscores and slashes at the end.
func (t *Table) WikiPath(name string, spell func(string) string) string {
	if t.wiki.trie.len == 0 || name == "" {
		return ""
	}
	if spell == nil {
		spell = func(s string) string { return s }
	}
	name = spell(name)
	var best Row
	better := func(row Row) bool {
		if best.Pattern == "" {
			return true
		}
		if a, b := strings.Contains(row.Pattern, "?"), strings.Contains(best.Pattern, "?"); a != b {
			return b
		}
		if a, b := len(row.Pattern), len(best.Pattern); a != b {
			return a < b
		}
		return row.Pattern < best.Pattern
	}
	for _, row := range t.wiki.trie.find(hashName(t.seed, name)) {
		if _, prefix, _ := splitPattern(row.Pattern); prefix {
			continue
		}
		if ref, _ := wikiRef(row); spell(ref) == name && better(row) {
			best = row
		}
	}
	if best.Pattern != "" {
		return best.Pattern
	}
	for end := len(name); end > 0; end = strings.LastIndexByte(name[:end], '/') {
		for _, row := range t.wiki.trie.find(hashName(t.seed, name[:end])) {
			if ref, below := wikiRef(row); below && ref != "" && spell(ref+name[end:]) == name && pathBelow(row, name[end:]) != "" && better(row) {
				best = row
			}
		}
		if best.Pattern != "" {
			return string(pathBelow(best, name[end:]))
		}
	}
	for _, row := range t.wiki.trie.find(hashName(t.seed, "")) {
		if ref, below := wikiRef(row); below && ref == "" && pathBelow(row, "/"+name) != "" && better(row) {
			best = row
		}
	}
	if best.Pattern == "" {
		return ""
	}
	return string(pathBelow(best, "/"+name))
}

// pathBelow is the path under a prefix row where the rest of a name is, or "".
func pathBelow(row Row, rest string) Path {
	path := strings.TrimSuffix(row.Pattern, "/*")
	if rest == "" {
		if path == "" {
			return ""
		}
		return Path(path)
	}
	below := PathOfFile(rest[1:])
	if below == "" || below == "/" || len(path)+len(below) > MaxPathLen {
		return ""
	}
	return Path(path) + below
}

// wikiRef is the name in a row's source, and whether it is that of pages below a
// prefix row's path, without its "/*".
func wikiRef(row Row) (ref string, below bool) {
	ref = row.Source[len("wiki:"):]
	if base, ok := strings.CutSuffix(ref, "/*"); ok && strings.HasSuffix(row.Pattern, "/*") {
		return strings.TrimPrefix(base, "/"), true
	}
	return ref, false
}

func isWiki(row Row) bool { return strings.HasPrefix(row.Source, "wiki:") }

// putWiki takes note of a row that came into the table.
func (t *Table) putWiki(row Row) {
	ref, _ := wikiRef(row)
	t.wiki.trie.put(t.generation, hashName(t.seed, ref), row)
	t.wiki.add(row)
}

// forgetWiki takes note that the row of a pattern is about to leave the table, if it is there.
func (t *Table) forgetWiki(pattern string) {
	if t.wiki.trie.len == 0 {
		return
	}
	row, ok := t.Get(pattern)
	if !ok || !isWiki(row) {
		return
	}
	ref, _ := wikiRef(row)
	t.wiki.trie.remove(t.generation, hashName(t.seed, ref), row.Pattern)
	a, b := hashRow(row)
	t.wiki.sum[0] -= a
	t.wiki.sum[1] -= b
}

func (w *wikiRows) add(row Row) {
	a, b := hashRow(row)
	w.sum[0] += a
	w.sum[1] += b
	w.changed = max(w.changed, row.Changed)
}

// buildWiki makes the index of a table whose rows are all there, of which these
// may be; rows that a later one replaced are among them.
func (t *Table) buildWiki(rows []Row) {
	hashed := make([]hashedRow, 0, len(rows))
	for _, row := range rows {
		if now, ok := t.Get(row.Pattern); ok && now == row {
			ref, _ := wikiRef(row)
			hashed = append(hashed, hashedRow{hashName(t.seed, ref), row})
		}
	}
	t.wiki.trie = buildTrie(t.generation, hashed)
	t.wiki.trie.root.all(func(row Row) bool {
		t.wiki.add(row)
		return true
	})
}

// hashRow hashes what readers see of a row.
func hashRow(row Row) (a, b uint64) {
	sum := sha256.Sum256([]byte(row.Pattern + "\x00" + row.Source))
	return binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])
}

// hashName hashes a name so that all spellings of it have the hash.
func hashName(seed uint64, name string) uint64 {
	h := seed
	name = strings.TrimRight(name, "/ _")
	for space := true; name != ""; {
		r, n := utf8.DecodeRuneInString(name)
		text := name[:n]
		name = name[n:]
		if r == ' ' || r == '_' {
			if !space {
				h = addByte(h, ' ')
			}
			space = true
			continue
		}
		space = false
		if r >= utf8.RuneSelf {
			text = string(unicode.ToLower(unicode.ToUpper(r)))
		}
		for i := range len(text) {
			h = addByte(h, text[i])
		}
	}
	return finish(h)
}
