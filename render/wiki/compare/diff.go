// The difference of two sequences of words.

package compare

import "slices"

// Bounds of what is compared word by word: the product of the lengths of two stretches without a run of words that both have
// once.
const maxTable = 1 << 20

// diff reports which elements of a and b are not in the common sequence.
func diff(a, b []string) (onlyA, onlyB []bool) {
	ids := map[string]int{}
	number := func(words []string) []int {
		out := make([]int, len(words))
		for i, w := range words {
			id, ok := ids[w]
			if !ok {
				id = len(ids) + 1
				ids[w] = id
			}
			out[i] = id
		}
		return out
	}
	d := differ{number(a), number(b), slices.Repeat([]bool{true}, len(a)), slices.Repeat([]bool{true}, len(b))}
	d.run(0, len(a), 0, len(b), 0)
	return d.onlyA, d.onlyB
}

type differ struct {
	a, b         []int
	onlyA, onlyB []bool
}

// lengths of the runs of words that are looked for, one after the other.
var lengths = [...]int{8, 3, 1}

// run compares a[a0:a1] with b[b0:b1], looking for runs of lengths[level] and below.
func (d *differ) run(a0, a1, b0, b1, level int) {
	for a0 < a1 && b0 < b1 && d.a[a0] == d.b[b0] {
		d.same(a0, b0)
		a0, b0 = a0+1, b0+1
	}
	for a0 < a1 && b0 < b1 && d.a[a1-1] == d.b[b1-1] {
		a1, b1 = a1-1, b1-1
		d.same(a1, b1)
	}
	switch {
	case a0 == a1 || b0 == b1:
	case (a1-a0)*(b1-b0) <= 1<<12:
		d.table(a0, a1, b0, b1)
	case level < len(lengths):
		k := lengths[level]
		for _, m := range d.anchors(a0, a1, b0, b1, k) {
			d.run(a0, m[0], b0, m[1], level+1)
			a0, b0 = m[0], m[1] // the run's own words are the next stretch's common start
		}
		d.run(a0, a1, b0, b1, level+1)
	case (a1-a0)*(b1-b0) <= maxTable:
		d.table(a0, a1, b0, b1)
	}
}

func (d *differ) same(i, j int) { d.onlyA[i], d.onlyB[j] = false, false }

// anchors are the places of runs of k words that each side has exactly once, as many as are in the same order on both.
func (d *differ) anchors(a0, a1, b0, b1, k int) [][2]int {
	once := func(words []int, from, to int) map[uint64]int { // the run's place, or -1 of several
		at := make(map[uint64]int, to-from)
		for i := from; i+k <= to; i++ {
			h := hash(words[i : i+k])
			if _, ok := at[h]; ok {
				at[h] = -1
			} else {
				at[h] = i
			}
		}
		return at
	}
	inB := once(d.b, b0, b1)
	var pairs [][2]int
	for h, i := range once(d.a, a0, a1) {
		if j, ok := inB[h]; ok && i >= 0 && j >= 0 && slices.Equal(d.a[i:i+k], d.b[j:j+k]) {
			pairs = append(pairs, [2]int{i, j})
		}
	}
	slices.SortFunc(pairs, func(x, y [2]int) int { return x[0] - y[0] })
	return rising(pairs)
}

// rising is a longest selection of pairs, sorted by the first, that rises in the second, too.
func rising(pairs [][2]int) [][2]int {
	var tails, before []int // the last pair of the best selection of each length; each pair's one before it
	before = make([]int, len(pairs))
	for i, p := range pairs {
		n, _ := slices.BinarySearchFunc(tails, p[1], func(t, v int) int { return pairs[t][1] - v })
		before[i] = -1
		if n > 0 {
			before[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		} else {
			tails[n] = i
		}
	}
	if len(tails) == 0 {
		return nil
	}
	var out [][2]int
	for i := tails[len(tails)-1]; i >= 0; i = before[i] {
		out = append(out, pairs[i])
	}
	slices.Reverse(out)
	return out
}

// hash is FNV-1a over words.
func hash(words []int) uint64 {
	h := uint64(14695981039346656037)
	for _, w := range words {
		h = (h ^ uint64(w)) * 1099511628211
	}
	return h
}

// table finds a longest common sequence by comparing each with each.
func (d *differ) table(a0, a1, b0, b1 int) {
	w := b1 - b0 + 1
	best := make([]int32, (a1-a0+1)*w) // of the rest from i, j on
	for i := a1 - a0 - 1; i >= 0; i-- {
		for j := b1 - b0 - 1; j >= 0; j-- {
			if d.a[a0+i] == d.b[b0+j] {
				best[i*w+j] = best[(i+1)*w+j+1] + 1
			} else {
				best[i*w+j] = max(best[(i+1)*w+j], best[i*w+j+1])
			}
		}
	}
	for i, j := 0, 0; i < a1-a0 && j < b1-b0; {
		switch {
		case d.a[a0+i] == d.b[b0+j]:
			d.same(a0+i, b0+j)
			i, j = i+1, j+1
		case best[(i+1)*w+j] >= best[i*w+j+1]:
			i++
		default:
			j++
		}
	}
}
