// What import and apply tell: each line's verdict, and the plan.

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"pagemap/mapping"
	"pagemap/mapping/exchange"
	"pagemap/mapping/postgres"
)

// list is what was read of files, together.
type list struct {
	files    []listFile
	pages    []mapping.Page
	places   map[string]place // by pattern
	problems []problem
	omitted  int
}

// place is where a row stands.
type place struct{ file, line, row int }

// listFile is the account of one file.
type listFile struct {
	Name   string          `json:"file"`
	Format exchange.Format `json:"format"`
	Lines  int             `json:"lines"`
	Counts map[string]int  `json:"counts"` // lines by verdict; they add up to lines
	Notes  []string        `json:"notes,omitempty"`

	moved map[int]exchange.Verdict // of lines that are not what the file alone said
}

// problem is what there is to say about a line.
type problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Verdict string `json:"verdict"`
	Reason  string `json:"reason"`
	Text    string `json:"text,omitempty"`
}

func (p problem) String() string {
	line := fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.Verdict, p.Reason)
	if p.Text != "" {
		line += ": " + p.Text
	}
	return line
}

// add takes a file. Rows that an earlier file has are not taken.
func (l *list) add(name string, format exchange.Format, r *exchange.Reading) {
	file := len(l.files)
	f := listFile{Name: name, Format: format, Lines: r.Lines, Counts: map[string]int{}, Notes: r.Notes, moved: map[int]exchange.Verdict{}}
	for v, n := range r.Counts {
		f.Counts[exchange.Verdict(v).String()] = n
	}
	l.files = append(l.files, f)
	for _, p := range r.Problems {
		verdict := p.Verdict.String()
		if p.Verdict == exchange.Accepted {
			verdict = "note"
		}
		l.problems = append(l.problems, problem{name, p.Line, verdict, p.Reason, p.Text})
	}
	l.omitted += r.Omitted
	for _, row := range r.Rows {
		first, twice := l.places[row.Page.Pattern]
		if !twice {
			l.places[row.Page.Pattern] = place{file, row.Line, len(l.pages)}
			l.pages = append(l.pages, row.Page)
			continue
		}
		verdict, answer := exchange.Duplicate, "the same answer"
		if earlier := l.pages[first.row]; !samePage(earlier, row.Page) {
			verdict, answer = exchange.Conflict, "another answer: "+answerOf(&earlier)
		}
		l.say(place{file: file, line: row.Line}, verdict, verdict.String(),
			fmt.Sprintf("%s is in %s:%d already, with %s", row.Page.Pattern, l.files[first.file].Name, first.line, answer))
	}
}

// say gives a line another verdict, unless it has a worse one, and tells why.
func (l *list) say(at place, v exchange.Verdict, word, reason string) {
	f := &l.files[at.file]
	before, ok := f.moved[at.line]
	if !ok {
		before = exchange.Accepted
	}
	if v > before {
		f.Counts[before.String()]--
		f.Counts[v.String()]++
		f.moved[at.line] = v
	}
	l.problems = append(l.problems, problem{File: f.Name, Line: at.line, Verdict: word, Reason: reason})
}

// told adds what the table has to say about the lines.
func (l *list) told(plan *postgres.Plan, c postgres.Conflict) {
	said := map[string]bool{}
	for _, loop := range plan.Loops {
		for _, pattern := range loop.Through {
			if at, ok := l.places[pattern]; ok && !said[pattern] {
				said[pattern] = true
				l.say(at, exchange.Refused, exchange.Refused.String(), strings.TrimPrefix(loop.Err.Error(), "postgres: "))
			}
		}
	}
	if c != postgres.ConflictReplace {
		for _, d := range plan.Conflicts {
			at := l.places[d.Pattern]
			l.problems = append(l.problems, problem{l.files[at.file].Name, at.line, "in the way", fmt.Sprintf(
				"the table has %s %s, made by %s; here it is %s", d.Pattern, answerOf(d.Old), d.Old.Origin, answerOf(d.New)), ""})
		}
	}
	order := map[string]int{}
	for i, f := range l.files {
		order[f.Name] = i
	}
	slices.SortStableFunc(l.problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(order[a.File], order[b.File]), cmp.Compare(a.Line, b.Line))
	})
}

// bad is how many lines cannot be imported.
func (l *list) bad() (n int) {
	for _, f := range l.files {
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

// report is what import and apply did, or would do.
type report struct {
	*list
	plan     *postgres.Plan
	rows     int    // of the lists
	conflict string // what was asked to become of conflicts
}

// verdictOrder is the order in which lines are counted.
var verdictOrder = []exchange.Verdict{exchange.Accepted, exchange.Empty, exchange.Duplicate, exchange.Conflict, exchange.Refused, exchange.Unexpressed}

// tell writes the report, and what is to be said about lines to where it belongs.
func (a *app) tell(r *report, show *planFlags, reportFile string) error {
	if reportFile != "" {
		if err := create(reportFile, func(w io.Writer) error { return r.writeProblems(w, len(r.problems)) }); err != nil {
			return err
		}
	}
	if show.json {
		return writeJSON(a.out, r.toJSON())
	}
	switch n := len(r.problems); {
	case reportFile != "" && n > 0:
		fmt.Fprintf(a.err, "%d lines are told of in %s\n", n, reportFile)
	case reportFile == "":
		if terminal(a.err) {
			n = min(n, 20)
		}
		if err := r.writeProblems(a.err, n); err != nil {
			return err
		}
	}
	for _, f := range r.files {
		var counts []string
		for _, v := range verdictOrder {
			counts = append(counts, fmt.Sprint(f.Counts[v.String()], " ", v))
		}
		fmt.Fprintf(a.out, "%s: %s, %d lines: %s\n", f.Name, f.Format, f.Lines, strings.Join(counts, ", "))
		for _, note := range f.Notes {
			fmt.Fprintf(a.out, "  %s\n", note)
		}
	}
	p := r.plan
	fmt.Fprintf(a.out, "%d rows: %d new, %d changed, %d unchanged, %d in the way (%s), %d left out for a loop",
		r.rows, p.Added, p.Changed, p.Unchanged, len(p.Conflicts), r.conflict, p.LeftOut)
	if p.Removed > 0 {
		fmt.Fprintf(a.out, "; %d rows of the table removed", p.Removed)
	}
	fmt.Fprintln(a.out)
	return a.tellPlan(p, show)
}

func (r *report) writeProblems(w io.Writer, n int) error {
	var b strings.Builder
	for _, p := range r.problems[:n] {
		b.WriteString(p.String() + "\n")
	}
	if more := len(r.problems) - n + r.omitted; more > 0 {
		fmt.Fprintf(&b, "and %d more lines; --report FILE has them\n", more)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *report) toJSON() any {
	return struct {
		Files    []listFile `json:"files"`
		Problems []problem  `json:"problems"`
		Omitted  int        `json:"problems_omitted"`
		Rows     int        `json:"rows"`
		planJSON
	}{r.files, append([]problem{}, r.problems...), r.omitted, r.rows, toPlanJSON(r.plan)}
}

// planFlags say how much of a plan is told, and whether it is carried out.
type planFlags struct {
	dryRun, json bool
	show         int
}

func addPlanFlags(cmd *cobra.Command) *planFlags {
	f := &planFlags{}
	cmd.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "write nothing, only show the plan")
	cmd.Flags().IntVar(&f.show, "show", 10, "show the first `N` differences")
	cmd.Flags().BoolVar(&f.json, "json", false, "write the report as JSON")
	return f
}

func (f *planFlags) options() postgres.PlanOptions {
	return postgres.PlanOptions{DryRun: f.dryRun, Show: f.show}
}

// planJSON is a plan in JSON.
type planJSON struct {
	ChangeSet   int64            `json:"change_set"` // 0: nothing was written
	Added       int              `json:"added"`
	Changed     int              `json:"changed"`
	Removed     int              `json:"removed"`
	Unchanged   int              `json:"unchanged"`
	Kept        int              `json:"kept"`
	Replaced    int              `json:"replaced"`
	LeftOut     int              `json:"left_out"`
	Differences []differenceJSON `json:"differences"`
	Conflicts   []differenceJSON `json:"conflicts"`
}

// differenceJSON is a row before and after; null where it is not there.
type differenceJSON struct {
	Path string    `json:"path"`
	Old  *sideJSON `json:"old"`
	New  *sideJSON `json:"new"`
}

type sideJSON struct {
	Status int      `json:"status"`
	Source string   `json:"source"`
	Query  string   `json:"query"`
	Origin string   `json:"origin"`
	Tags   []string `json:"tags"`
	Note   string   `json:"note"`
}

func toSideJSON(p *mapping.Page) *sideJSON {
	if p == nil {
		return nil
	}
	return &sideJSON{int(p.Status), p.Source, queryWord(*p), p.Origin.String(), append([]string{}, p.Tags...), p.Note}
}

func toPlanJSON(p *postgres.Plan) planJSON {
	differences := func(list []postgres.Difference) []differenceJSON {
		out := make([]differenceJSON, len(list))
		for i, d := range list {
			out[i] = differenceJSON{d.Pattern, toSideJSON(d.Old), toSideJSON(d.New)}
		}
		return out
	}
	return planJSON{p.ChangeSet, p.Added, p.Changed, p.Removed, p.Unchanged, p.Kept, p.Replaced, p.LeftOut, differences(p.Differences), differences(p.Conflicts)}
}

// tellPlan writes the first differences and what became of the plan.
func (a *app) tellPlan(p *postgres.Plan, show *planFlags) error {
	for _, d := range p.Differences {
		fmt.Fprintln(a.out, "  "+differenceLine(d.Pattern, d.Old, d.New))
	}
	if more := p.Added + p.Changed + p.Removed - len(p.Differences); more > 0 && show.show > 0 {
		fmt.Fprintf(a.out, "  and %d more\n", more)
	}
	switch {
	case p.ChangeSet != 0:
		fmt.Fprintf(a.out, "change-set %d: %d added, %d changed, %d removed\n", p.ChangeSet, p.Added, p.Changed, p.Removed)
	case show.dryRun:
		fmt.Fprintln(a.out, "dry run: nothing is written")
	case p.Added+p.Changed+p.Removed == 0:
		fmt.Fprintln(a.out, "nothing to do: every row is so already")
	}
	return nil
}

// differenceLine is a difference for people.
func differenceLine(pattern string, before, after *mapping.Page) string {
	switch {
	case before == nil:
		return "+ " + pattern + "  " + answerOf(after)
	case after == nil:
		return "- " + pattern + "  " + answerOf(before)
	case answerOf(before) == answerOf(after):
		return "~ " + pattern + "  " + wholeOf(before) + " -> " + wholeOf(after)
	}
	return "~ " + pattern + "  " + answerOf(before) + " -> " + answerOf(after)
}

// answerOf is a page's answer in words.
func answerOf(p *mapping.Page) string {
	text := strings.TrimSpace(fmt.Sprint(p.Status, " ", p.Source))
	if p.DropQuery {
		text += " (query dropped)"
	}
	return text
}

// wholeOf is a page in words.
func wholeOf(p *mapping.Page) string {
	text := fmt.Sprint(answerOf(p), " (", p.Origin)
	if len(p.Tags) > 0 {
		text += fmt.Sprintf(", tags %q", p.Tags)
	}
	if p.Note != "" {
		text += fmt.Sprintf(", note %q", p.Note)
	}
	return text + ")"
}
