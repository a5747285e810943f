// Medians of paired rounds.

package main

import (
	"math"
	"slices"
)

// median is the middle of the values, between the two middle ones of an even
// number; NaN of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(values))
	mid := len(s) / 2
	if len(s)%2 == 1 {
		return s[mid]
	}
	return (s[mid-1] + s[mid]) / 2
}

// ratio is how one cell stands to another: of each round the quotient of its two
// values, and of these the median and the ends.
type ratio struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// paired compares values that were measured in the same rounds. A round in which
// one of the two is missing (NaN) or the divisor is 0 does not count; false if none does.
func paired(a, b []float64) (ratio, bool) {
	var quotients []float64
	for i := range min(len(a), len(b)) {
		if q := a[i] / b[i]; !math.IsNaN(q) && !math.IsInf(q, 0) {
			quotients = append(quotients, q)
		}
	}
	if len(quotients) == 0 {
		return ratio{}, false
	}
	return ratio{median(quotients), slices.Min(quotients), slices.Max(quotients)}, true
}
