// account: what became of each line so far.

package exchange

import (
	"fmt"
	"slices"
	"strings"

	"pagemap/mapping"
)

// account is a reading being made.
type account struct {
	o        ReadOptions
	in       *input
	rows     []Row
	patterns map[string]int32 // to its place in rows
	verdicts []Verdict        // of the lines so far
	problems []Problem
	omitted  int
	notes    []string
}

// result is the reading. Lines that nothing was said about are empty.
func (a *account) result() *Reading {
	r := &Reading{Rows: a.rows, Lines: a.in.lines(), Problems: a.problems, Omitted: a.omitted, Notes: a.notes}
	for _, v := range a.verdicts {
		r.Counts[v]++
	}
	r.Counts[Empty] += r.Lines - len(a.verdicts)
	slices.SortStableFunc(r.Rows, func(a, b Row) int { return a.Line - b.Line })
	slices.SortStableFunc(r.Problems, func(a, b Problem) int { return a.Line - b.Line })
	return r
}

// say gives a line its verdict, and where there is a reason tells it.
func (a *account) say(line int, v Verdict, text, reason string) {
	for len(a.verdicts) < line {
		a.verdicts = append(a.verdicts, Empty)
	}
	a.verdicts[line-1] = max(a.verdicts[line-1], v)
	if reason == "" {
		return
	}
	if len(a.problems) == MaxProblems {
		a.omitted++
		return
	}
	a.problems = append(a.problems, Problem{line, v, reason, strings.Clone(clip(text))})
}

// note tells something about the whole file, once.
func (a *account) note(format string, args ...any) {
	a.notes = append(a.notes, fmt.Sprintf(format, args...))
}

// add takes the row that a line says, unless it is wrong or another has its
// path. notes are what else there is to say.
func (a *account) add(line int, text string, p mapping.Page, notes ...string) {
	p, err := a.o.Hosts.Clean(p)
	if err != nil {
		a.say(line, Refused, text, plain(err))
		return
	}
	if at, twice := a.patterns[p.Pattern]; twice {
		first := &a.rows[at]
		if same(first.Page, p) {
			a.say(line, Duplicate, text, fmt.Sprintf("%s is on line %d already, with the same answer", p.Pattern, first.Line))
		} else {
			a.say(line, Conflict, text, fmt.Sprintf("%s is on line %d already, with another answer: %s", p.Pattern, first.Line, answer(first.Page)))
		}
		return
	}
	a.patterns[p.Pattern] = int32(len(a.rows))
	a.rows = append(a.rows, Row{p, line})
	a.say(line, Accepted, text, strings.Join(notes, "; "))
}

// plain is an error's text without this program's packages.
func plain(err error) string {
	return strings.ReplaceAll(err.Error(), "mapping: ", "")
}

// same reports whether two pages of one pattern say the same.
func same(p, q mapping.Page) bool {
	if p.Status != q.Status || p.Source != q.Source || p.DropQuery != q.DropQuery || p.Note != q.Note || len(p.Tags) != len(q.Tags) {
		return false
	}
	for i := range p.Tags {
		if p.Tags[i] != q.Tags[i] {
			return false
		}
	}
	return true
}

// answer is what a page says, in words.
func answer(p mapping.Page) string {
	text := strings.TrimSpace(fmt.Sprint(p.Status, " ", p.Source))
	if p.DropQuery {
		text += " (query dropped)"
	}
	return text
}

// clip shortens a line.
func clip(s string) string {
	const limit = 160
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
}
