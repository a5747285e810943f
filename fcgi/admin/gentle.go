// Gentle: work in the background beside the requests of readers.

package admin

import (
	"iter"
	"time"

	"pagemap/mapping"
)

// gentle is a pass over many rows that works for a quarter of the time. A process that never rests is given its processor
// later by the kernel, in favour of others, and its readers' requests with it.
type gentle struct {
	rows  int
	begun time.Time // of the work since the last rest
}

const (
	gentleStep = 256 // rows from one look at the clock to the next
	gentleWork = time.Millisecond
	gentleRest = 3 // times the work before it
)

// row is called for each row.
func (g *gentle) row() {
	if g.rows++; g.rows%gentleStep != 1 {
		return
	}
	if g.begun.IsZero() {
		g.begun = time.Now()
	} else if worked := time.Since(g.begun); worked > gentleWork {
		time.Sleep(gentleRest * worked)
		g.begun = time.Now()
	}
}

// gentleTable is a table that is gone through gently.
type gentleTable struct{ *mapping.Table }

// All yields every row.
func (t gentleTable) All() iter.Seq[mapping.Row] {
	return func(yield func(mapping.Row) bool) {
		var g gentle
		for row := range t.Table.All() {
			if !yield(row) {
				return
			}
			g.row()
		}
	}
}
