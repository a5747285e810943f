// What import and apply tell: each line's verdict, and the plan.

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"pagemap/mapping"
	"pagemap/mapping/exchange"
	"pagemap/mapping/intake"
	"pagemap/mapping/postgres"
)

// report is what import and apply did, or would do.
type report struct {
	*intake.List
	plan     *postgres.Plan // nil: there is none
	conflict string         // what was asked to become of conflicts
}

// verdictOrder is the order in which lines are counted.
var verdictOrder = []exchange.Verdict{exchange.Accepted, exchange.Empty, exchange.Duplicate, exchange.Conflict, exchange.Refused, exchange.Unexpressed}

// tell writes the report, and what is to be said about lines to where it belongs.
func (a *app) tell(r *report, show *planFlags, reportFile string) error {
	if reportFile != "" {
		if err := create(reportFile, func(w io.Writer) error { return r.writeProblems(w, len(r.Problems)) }); err != nil {
			return err
		}
	}
	if show.json {
		return writeJSON(a.out, r.toJSON())
	}
	switch n := len(r.Problems); {
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
	for _, f := range r.Files {
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
		len(r.Pages), p.Added, p.Changed, p.Unchanged, len(p.Conflicts), r.conflict, p.LeftOut)
	if p.Removed > 0 {
		fmt.Fprintf(a.out, "; %d rows of the table removed", p.Removed)
	}
	fmt.Fprintln(a.out)
	return a.tellPlan(p, show)
}

func (r *report) writeProblems(w io.Writer, n int) error {
	var b strings.Builder
	for _, p := range r.Problems[:n] {
		b.WriteString(p.String() + "\n")
	}
	if more := len(r.Problems) - n + r.Omitted; more > 0 {
		fmt.Fprintf(&b, "and %d more lines; --report FILE has them\n", more)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *report) toJSON() any {
	return struct {
		Files    []intake.File    `json:"files"`
		Problems []intake.Problem `json:"problems"`
		Omitted  int              `json:"problems_omitted"`
		Rows     int              `json:"rows"`
		planJSON
	}{r.Files, append([]intake.Problem{}, r.Problems...), r.Omitted, len(r.Pages), toPlanJSON(r.plan)}
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
		fmt.Fprintln(a.out, "  "+intake.DifferenceLine(d.Pattern, d.Old, d.New))
	}
	if more := p.Added + p.Changed + p.Removed - len(p.Differences); more > 0 && show.show > 0 {
		fmt.Fprintf(a.out, "  and %d more\n", more)
	}
	switch {
	case p.ChangeSet != 0:
		fmt.Fprintf(a.out, "change-set %d: %d added, %d changed, %d removed\n", p.ChangeSet, p.Added, p.Changed, p.Removed)
	case show.dryRun:
		fmt.Fprintln(a.out, "dry run: nothing is written")
	case p.Added+p.Changed+p.Removed == 0 && p.Unchanged > 0:
		fmt.Fprintln(a.out, "nothing to do: every row is so already")
	}
	return nil
}
