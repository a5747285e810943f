// List: the rows of files, and an account of each of their lines.

package intake

import (
	"cmp"
	"fmt"
	"slices"

	"pagemap/mapping"
	"pagemap/mapping/exchange"
	"pagemap/mapping/postgres"
)

// List is what was read of files, together.
type List struct {
	Files    []File
	Pages    []mapping.Page // no two of one pattern
	Problems []Problem      // what there is to say about lines
	Omitted  int            // problems that are not among them

	places map[string]place // by pattern
}

// place is where a row stands.
type place struct{ file, line, row int }

// File is the account of one file.
type File struct {
	Name   string          `json:"file"`
	Format exchange.Format `json:"format"`
	Lines  int             `json:"lines"`
	Counts map[string]int  `json:"counts"` // lines by verdict; they add up to lines
	Notes  []string        `json:"notes,omitempty"`

	moved map[int]exchange.Verdict // of lines that are not what the file alone said
}

// Problem is what there is to say about a line.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Verdict string `json:"verdict"`
	Reason  string `json:"reason"`
	Text    string `json:"text,omitempty"`
}

// String is the problem in a line: file:line: verdict: reason: text.
func (p Problem) String() string {
	line := fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.Verdict, p.Reason)
	if p.Text != "" {
		line += ": " + p.Text
	}
	return line
}

// Add takes a file. Rows that an earlier file has are not taken.
func (l *List) Add(name string, format exchange.Format, r *exchange.Reading) {
	if l.places == nil {
		l.places = map[string]place{}
	}
	file := len(l.Files)
	f := File{Name: name, Format: format, Lines: r.Lines, Counts: map[string]int{}, Notes: r.Notes, moved: map[int]exchange.Verdict{}}
	for v, n := range r.Counts {
		f.Counts[exchange.Verdict(v).String()] = n
	}
	l.Files = append(l.Files, f)
	for _, p := range r.Problems {
		verdict := p.Verdict.String()
		if p.Verdict == exchange.Accepted {
			verdict = "note"
		}
		l.Problems = append(l.Problems, Problem{name, p.Line, verdict, p.Reason, p.Text})
	}
	l.Omitted += r.Omitted
	for _, row := range r.Rows {
		first, twice := l.places[row.Page.Pattern]
		if !twice {
			l.places[row.Page.Pattern] = place{file, row.Line, len(l.Pages)}
			l.Pages = append(l.Pages, row.Page)
			continue
		}
		verdict, answer := exchange.Duplicate, "the same answer"
		if earlier := l.Pages[first.row]; !samePage(earlier, row.Page) {
			verdict, answer = exchange.Conflict, "another answer: "+Answer(&earlier)
		}
		l.say(place{file: file, line: row.Line}, verdict, verdict.String(),
			fmt.Sprintf("%s is in %s:%d already, with %s", row.Page.Pattern, l.Files[first.file].Name, first.line, answer))
	}
}

// say gives a line another verdict, unless it has a worse one, and tells why.
func (l *List) say(at place, v exchange.Verdict, word, reason string) {
	f := &l.Files[at.file]
	before, ok := f.moved[at.line]
	if !ok {
		before = exchange.Accepted
	}
	if v > before {
		f.Counts[before.String()]--
		f.Counts[v.String()]++
		f.moved[at.line] = v
	}
	l.Problems = append(l.Problems, Problem{File: f.Name, Line: at.line, Verdict: word, Reason: reason})
}

// Told adds what the table has to say about the lines.
func (l *List) Told(plan *postgres.Plan, c postgres.Conflict) {
	said := map[string]bool{}
	for _, loop := range plan.Loops {
		for _, pattern := range loop.Through {
			if at, ok := l.places[pattern]; ok && !said[pattern] {
				said[pattern] = true
				l.say(at, exchange.Refused, exchange.Refused.String(), loop.Row.Pattern+" "+loop.Problem())
			}
		}
	}
	if c != postgres.ConflictReplace {
		for _, d := range plan.Conflicts {
			at := l.places[d.Pattern]
			l.Problems = append(l.Problems, Problem{l.Files[at.file].Name, at.line, "in the way", fmt.Sprintf(
				"the table has %s %s, made by %s; here it is %s", d.Pattern, Answer(d.Old), d.Old.Origin, Answer(d.New)), ""})
		}
	}
	order := map[string]int{}
	for i, f := range l.Files {
		order[f.Name] = i
	}
	slices.SortStableFunc(l.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(order[a.File], order[b.File]), cmp.Compare(a.Line, b.Line))
	})
}

// Bad is how many lines cannot be imported.
func (l *List) Bad() (n int) {
	for _, f := range l.Files {
		for _, v := range []exchange.Verdict{exchange.Conflict, exchange.Refused, exchange.Unexpressed} {
			n += f.Counts[v.String()]
		}
	}
	return n
}

// samePage reports whether two pages of one pattern say the same.
func samePage(p, q mapping.Page) bool {
	return p.Status == q.Status && p.Source == q.Source && p.DropQuery == q.DropQuery && p.Note == q.Note && slices.Equal(p.Tags, q.Tags)
}

// Refuse gives the line of a page of the list another verdict.
func (l *List) Refuse(pattern, reason string) {
	l.say(l.places[pattern], exchange.Refused, exchange.Refused.String(), reason)
}
