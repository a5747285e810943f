// The search for suggestions: one pass over a table for many paths.

package mapping

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// nearSearch goes through the rows of a table once for many paths. Letters are
// looked for in the last name or in the directories before it, not in both, so
// that a row is compared with few paths.
type nearSearch struct {
	used        bool
	keep        int // candidates that are kept of a path, at least
	names, dirs map[string][]*nearPath
}

// minMoved is the shortest name that tells something in another directory.
const minMoved = 4

func (s *nearSearch) add(n *nearPath) {
	s.used = true
	n.dir, n.name = splitName(n.path)
	s.names[n.name] = append(s.names[n.name], n)
	s.dirs[n.dir] = append(s.dirs[n.dir], n)
}

// rows offers every exact row that may answer to the paths near it.
func (s *nearSearch) rows(rows iter.Seq[Row]) {
	for row := range rows {
		path, prefix, query := splitPattern(row.Pattern)
		if prefix || query != "" || row.Status > 302 {
			continue
		}
		dir, name := splitName(path)
		for _, n := range s.names[name] {
			if d, ok := mistyped(n.dir, dir); ok {
				n.offer(nearCandidate{path, NearTyping, d}, s.keep)
			} else if len(name) >= minMoved && !slices.Contains(n.IndexNames, name) {
				n.offer(nearCandidate{path, NearMoved, 100 - shared(n.dir, dir)}, s.keep)
			}
		}
		for _, n := range s.dirs[dir] {
			if d, ok := mistyped(n.name, name); ok {
				n.offer(nearCandidate{path, NearTyping, d}, s.keep)
			}
		}
	}
}

// splitName is a folded path as its last name and what is before it.
func splitName(p Path) (dir, name string) {
	folded := strings.TrimSuffix(strings.ToLower(string(p)), "/")
	slash := strings.LastIndexByte(folded, '/')
	return folded[:slash+1], folded[slash+1:]
}

// mistyped reports whether a is b but for a letter or two; the lowest rank is the
// surest.
func mistyped(a, b string) (rank int, ok bool) {
	limit := 0
	switch {
	case len(a) >= 6:
		limit = 2
	case len(a) >= 3:
		limit = 1
	}
	if limit == 0 || len(b) > len(a)+limit || len(a) > len(b)+limit {
		return 0, false
	}
	d := distance(a, b, limit)
	if d > limit {
		return 0, false
	}
	rank = 2 * d
	if digits(a) != digits(b) { // by page 7 page 8 is seldom meant
		rank++
	}
	return rank, true
}

// offer keeps a candidate if it is among the best.
func (n *nearPath) offer(c nearCandidate, keep int) {
	if c.path == n.path {
		return
	}
	n.candidates = append(n.candidates, c)
	if len(n.candidates) < 2*keep+16 {
		return
	}
	slices.SortFunc(n.candidates, func(a, b nearCandidate) int {
		return cmp.Or(a.rank-b.rank, strings.Compare(string(a.path), string(b.path)))
	})
	n.candidates = n.candidates[:keep]
}

// shared counts the directories that two paths have in common, from the front
// and from the back.
func shared(a, b string) int {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	for i := 1; n+i <= len(x) && n+i <= len(y) && x[len(x)-i] == y[len(y)-i]; i++ {
		n++
	}
	return min(n, 90)
}

// digits are the digits of s.
func digits(s string) string {
	return strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, s)
}

// distance is the number of letters that were left out, put in, replaced or
// swapped with the next one between a and b, or something above limit.
func distance(a, b string, limit int) int {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	if limit == 0 {
		return 1
	}
	// What is equal at both ends is gone, so something happens to the first letter.
	best := 1 + min(distance(a[1:], b, limit-1), distance(a, b[1:], limit-1), distance(a[1:], b[1:], limit-1))
	if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		best = min(best, 1+distance(a[2:], b[2:], limit-1))
	}
	return best
}
