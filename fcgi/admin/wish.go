// Wishes: changes to many rows, as they are kept until they are carried out.

package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"pagemap/mapping"
	"pagemap/mapping/exchange"
	"pagemap/mapping/intake"
	"pagemap/mapping/postgres"
)

// wish is a change to many rows.
type wish struct {
	Kind string `json:"kind"` // bulk, import, revert
	Why  string `json:"why"`  // note of the change-set

	// Conflict says what becomes of rows in the way: keep or replace; "" for an
	// import: nothing is written then.
	Conflict string `json:"conflict,omitempty"`

	// Of a bulk change.
	Filter string `json:"filter,omitempty"`
	Op     string `json:"op,omitempty"`
	Status int    `json:"status,omitempty"`
	Source string `json:"source,omitempty"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
	Tag    string `json:"tag,omitempty"`

	// Of an import.
	File    string          `json:"file,omitempty"`
	Format  exchange.Format `json:"format,omitempty"`
	Base    string          `json:"base,omitempty"`
	SkipBad bool            `json:"skip_bad,omitempty"`

	// Of a revert.
	Set int64 `json:"set,omitempty"`
}

// outcome is what would come of a wish, or came.
type outcome struct {
	ChangeSet   int64             `json:"change_set"` // 0: nothing was written
	Added       int               `json:"added"`
	Changed     int               `json:"changed"`
	Removed     int               `json:"removed"`
	Unchanged   int               `json:"unchanged"`
	LeftOut     int               `json:"left_out"`
	Differences []difference      `json:"differences"` // the first ones
	Conflicts   []difference      `json:"conflicts"`   // likewise
	InTheWay    int               `json:"in_the_way"`  // all conflicts
	Loops       []string          `json:"loops"`       // the first ones
	Refused     postgres.Refusals `json:"refused"`
	Files       []intake.File     `json:"files"`
	Problems    []intake.Problem  `json:"problems"` // the first ones
	MoreProblem int               `json:"more_problems"`
	Bad         int               `json:"bad"`   // lines that cannot be imported
	Stuck       string            `json:"stuck"` // why it cannot be carried out as it is; "": it can
	Error       string            `json:"error"` // why there is no plan
}

// difference is a row before and after, in words.
type difference struct {
	Path string `json:"path"`
	Old  string `json:"old"` // "": it is added
	New  string `json:"new"` // "": it goes
}

const (
	planShown     = 50   // differences and the like of a plan
	problemsShown = 1000 // lines of an import
)

// Rows are how many rows are written.
func (o outcome) Rows() int { return o.Added + o.Changed + o.Removed }

// take takes over a plan.
func (o *outcome) take(p *postgres.Plan) {
	o.ChangeSet, o.Added, o.Changed, o.Removed, o.Unchanged, o.LeftOut = p.ChangeSet, p.Added, p.Changed, p.Removed, p.Unchanged, p.LeftOut
	o.Differences, o.Conflicts, o.InTheWay = differences(p.Differences), differences(p.Conflicts), len(p.Conflicts)
	for _, l := range p.Loops[:min(len(p.Loops), planShown)] {
		o.Loops = append(o.Loops, l.Row.Pattern+": "+l.Problem())
	}
}

func differences(list []postgres.Difference) []difference {
	out := make([]difference, 0, min(len(list), planShown))
	for _, d := range list[:min(len(list), planShown)] {
		side := func(p *mapping.Page) string {
			switch {
			case p == nil:
				return ""
			case d.Old != nil && d.New != nil && intake.Answer(d.Old) == intake.Answer(d.New):
				return intake.Whole(p)
			}
			return intake.Answer(p)
		}
		out = append(out, difference{d.Pattern, side(d.Old), side(d.New)})
	}
	return out
}

// carry makes the plan of a wish, and carries it out unless it is a dry run. Where
// the error is of what is wished, the outcome says so and err is nil.
func (a *Admin) carry(ctx context.Context, author string, w wish, input []byte, o postgres.PlanOptions) (out outcome, hash string, err error) {
	o.Show = planShown
	cs := postgres.ChangeSet{Author: author, Origin: mapping.OriginAdmin, Note: w.Why}
	var plan *postgres.Plan
	switch w.Kind {
	case "bulk":
		plan, err = a.carryBulk(ctx, cs, w, o, &out)
	case "import":
		plan, err = a.carryImport(ctx, cs, w, input, o, &out)
	case "revert":
		cs.Note = strings.TrimSuffix(fmt.Sprintf("revert of change-set %d: %s", w.Set, w.Why), ": ")
		plan, err = a.o.DB.Revert(ctx, cs, w.Set, postgres.RevertOptions{PlanOptions: o, Force: w.Conflict == "replace"})
	default:
		err = wrong(http.StatusBadRequest, "There is no kind of change %q.", w.Kind)
	}
	if plan != nil {
		out.take(plan)
		hash = plan.Hash
	}
	switch {
	case err == nil:
	case plan != nil && errors.Is(err, postgres.ErrConflict):
		out.Stuck = "Rows that a person or an import made are in the way: keep them, or replace them."
	case plan != nil && errors.Is(err, postgres.ErrLoop):
		out.Stuck = "It would make redirects that come back to themselves."
	case plan != nil && errors.Is(err, postgres.ErrOtherPlan):
		out.Stuck = "The table has changed since this plan was made. This is the plan as it would be now; nothing was written."
	default:
		status, text := told(err)
		if status >= 500 && !errors.Is(err, context.DeadlineExceeded) {
			return out, hash, err
		}
		out.Error = text
	}
	if out.Bad > 0 && !w.SkipBad && out.Stuck == "" {
		out.Stuck = "Lines are refused: correct them in the file, or leave them out."
	}
	return out, hash, nil
}

func (a *Admin) carryBulk(ctx context.Context, cs postgres.ChangeSet, w wish, o postgres.PlanOptions, out *outcome) (*postgres.Plan, error) {
	f, err := a.parseFilter(w.Filter)
	if err != nil {
		return nil, err
	}
	do, err := a.operation(w)
	if err != nil {
		return nil, err
	}
	conflict := postgres.ConflictKeep
	if w.Conflict == "replace" {
		conflict = postgres.ConflictReplace
	}
	plan, refused, err := a.o.DB.Rewrite(ctx, cs, postgres.Rewriting{Query: f.query, Do: do, Conflict: conflict, PlanOptions: o})
	out.Refused = refused
	out.Refused.First = refused.First[:min(len(refused.First), planShown)]
	return plan, err
}

func (a *Admin) carryImport(ctx context.Context, cs postgres.ChangeSet, w wish, input []byte, o postgres.PlanOptions, out *outcome) (*postgres.Plan, error) {
	base := mapping.Path(w.Base)
	reading, err := exchange.Read(ctx, bytes.NewReader(input), exchange.ReadOptions{
		Format: w.Format, Hosts: a.o.Explain.Hosts, IndexNames: a.o.IndexNames, Base: base,
	})
	if err != nil {
		return nil, wrong(http.StatusUnprocessableEntity, "%s cannot be read: %s", w.File, plain(err))
	}
	l := intake.List{}
	l.Add(w.File, w.Format, reading)
	conflict := map[string]postgres.Conflict{"keep": postgres.ConflictKeep, "replace": postgres.ConflictReplace}[w.Conflict]
	cs.Origin = mapping.OriginImport
	if cs.Note == "" {
		cs.Note = "import of " + w.File
	}
	o.DryRun = o.DryRun || l.Bad() > 0 && !w.SkipBad
	plan, err := a.o.DB.Import(ctx, cs, postgres.Batch{Pages: l.Pages, Conflict: conflict, SkipLoops: w.SkipBad, PlanOptions: o})
	if plan != nil {
		l.Told(plan, conflict)
	}
	out.Files, out.Bad = l.Files, l.Bad()
	// What holds the import up comes first.
	slices.SortStableFunc(l.Problems, func(x, y intake.Problem) int { return weight(x) - weight(y) })
	out.Problems = l.Problems[:min(len(l.Problems), problemsShown)]
	out.MoreProblem = len(l.Problems) - len(out.Problems) + l.Omitted
	return plan, err
}

func weight(p intake.Problem) int {
	switch p.Verdict {
	case exchange.Refused.String(), exchange.Conflict.String(), exchange.Unexpressed.String():
		return 0
	}
	return 1
}

// decodeWish reads a kept wish and what came of it.
func decodeWish(p postgres.KeptPlan) (w wish, o outcome, err error) {
	if err = json.Unmarshal(p.Wish, &w); err == nil && p.Outcome != nil {
		err = json.Unmarshal(p.Outcome, &o)
	}
	return w, o, err
}
