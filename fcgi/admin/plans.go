// Plans: made in the background, shown, and carried out as they were shown.

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/exchange"
	"pagemap/mapping/postgres"
)

const (
	planTime = 15 * time.Minute       // for a plan, or for carrying one out
	planWait = 4 * time.Second        // that a request waits for it
	planLook = 100 * time.Millisecond // how often it looks
)

// begin keeps a wish, plans it, and sends the browser to the plan.
func (a *Admin) begin(w http.ResponseWriter, r *http.Request, wanted wish, input []byte) error {
	text, err := json.Marshal(wanted)
	if err != nil {
		return err
	}
	author := userOf(r).Name
	id, err := a.o.DB.KeepPlan(r.Context(), author, text, input)
	if err != nil {
		return err
	}
	a.work(r.Context(), func(ctx context.Context) {
		a.finish(ctx, id, postgres.Planning, postgres.Planned, author, wanted, input, postgres.PlanOptions{DryRun: true})
	})
	return a.see(w, r, a.o.Path+"plans/"+id)
}

// work does something in the background, and waits a while for it.
func (a *Admin) work(request context.Context, do func(context.Context)) {
	done := make(chan struct{})
	a.jobs.Go(func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(a.ctx, planTime)
		defer cancel()
		do(ctx)
	})
	timer := time.NewTimer(planWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-request.Done():
	}
}

// finish brings a plan from one state to the next, or to Failed.
func (a *Admin) finish(ctx context.Context, id string, from, to postgres.PlanState, author string, wanted wish, input []byte, o postgres.PlanOptions) {
	out, hash, err := a.carry(ctx, author, wanted, input, o)
	if err != nil {
		a.o.Logger.Error("admin page: plan failed", "plan", id, "error", err)
		_, out.Error = told(err)
	}
	if out.Error != "" || to == postgres.Applied && out.Stuck != "" {
		to = postgres.Failed
	}
	text, err := json.Marshal(out)
	if err == nil {
		// What was done is told even if this process is asked to end.
		kept, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = a.o.DB.TurnPlan(kept, id, from, to, text, hash)
	}
	if err != nil {
		a.o.Logger.Error("admin page: plan not kept", "plan", id, "error", err)
	}
}

// planBody is what the page of a plan is fed with.
type planBody struct {
	Plan    postgres.KeptPlan
	Wish    wish
	Filter  []string // in words, of a bulk change
	Outcome outcome
	Waiting bool // for the background
	Lost    bool // for so long that nobody is at it any more
	Can     bool // be carried out
}

// MoreDifferences are how many rows are written beyond those shown.
func (b planBody) MoreDifferences() int { return b.Outcome.Rows() - len(b.Outcome.Differences) }

// plan shows a plan.
func (a *Admin) plan(w http.ResponseWriter, r *http.Request) error {
	kept, err := a.o.DB.KeptPlan(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	body := planBody{Plan: kept}
	if body.Wish, body.Outcome, err = decodeWish(kept); err != nil {
		return err
	}
	if body.Wish.Kind == "bulk" {
		f, err := a.parseFilter(body.Wish.Filter)
		if err != nil {
			return err
		}
		body.Filter = f.Words()
	}
	body.Waiting = kept.State == postgres.Planning || kept.State == postgres.Applying
	body.Lost = body.Waiting && a.o.Now().Sub(kept.Since) > planTime
	body.Can = kept.State == postgres.Planned && body.Outcome.Stuck == "" && body.Outcome.Error == "" && body.Outcome.Rows() > 0
	if body.Waiting && !body.Lost {
		w.Header().Set("Refresh", "2")
	}
	return a.page(w, r, "plan", "Plan", body)
}

// planAgain makes a new plan of an old one's wish, with other choices.
func (a *Admin) planAgain(w http.ResponseWriter, r *http.Request) error {
	kept, err := a.o.DB.KeptPlan(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	wanted, _, err := decodeWish(kept)
	if err != nil {
		return err
	}
	if r.Form.Has("conflict") {
		wanted.Conflict = r.FormValue("conflict")
	}
	wanted.SkipBad = r.FormValue("skip-bad") != ""
	return a.begin(w, r, wanted, kept.Input)
}

// applyPlan carries a plan out, exactly as it was shown.
func (a *Admin) applyPlan(w http.ResponseWriter, r *http.Request) error {
	kept, err := a.o.DB.KeptPlan(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	wanted, out, err := decodeWish(kept)
	if err != nil {
		return err
	}
	if r.FormValue("hash") != kept.Hash || kept.Hash == "" || out.Stuck != "" || out.Error != "" {
		return wrong(http.StatusConflict, "This plan cannot be carried out as it is. Plan again.")
	}
	if err := a.o.DB.TurnPlan(r.Context(), kept.ID, postgres.Planned, postgres.Applying, nil, kept.Hash); err != nil {
		return err
	}
	author := userOf(r).Name
	a.work(r.Context(), func(ctx context.Context) {
		a.finish(ctx, kept.ID, postgres.Applying, postgres.Applied, author, wanted, kept.Input, postgres.PlanOptions{Hash: kept.Hash})
	})
	if number, _, err := a.o.DB.LastNumber(r.Context()); err == nil {
		a.await(r.Context(), number)
	}
	return a.see(w, r, a.o.Path+"plans/"+kept.ID)
}

// importBody is what the form of an import is fed with.
type importBody struct {
	Formats []exchange.Format
}

func (a *Admin) importForm(w http.ResponseWriter, r *http.Request) error {
	return a.page(w, r, "import", "Import", importBody{exchange.Formats()})
}

// planImport plans the import of a file, or of what was pasted.
func (a *Admin) planImport(w http.ResponseWriter, r *http.Request) error {
	text := func(name string) string { return strings.TrimSpace(r.FormValue(name)) }
	wanted := wish{Kind: "import", Why: text("why"), Conflict: text("conflict"), SkipBad: text("skip-bad") != "", File: "pasted", Base: text("base")}
	input := []byte(r.FormValue("text"))
	file, head, err := r.FormFile("file")
	switch {
	case err == nil:
		defer func() { _ = file.Close() }() // it was only read
		if input, err = io.ReadAll(file); err != nil {
			return err
		}
		wanted.File = filepath.Base(strings.ToValidUTF8(strings.ReplaceAll(head.Filename, "\x00", ""), "\uFFFD"))
	case !errors.Is(err, http.ErrMissingFile) && !errors.Is(err, http.ErrNotMultipart):
		return err
	}
	if len(input) == 0 {
		return wrong(http.StatusUnprocessableEntity, "Choose a file, or paste its lines.")
	}
	if name := text("format"); name != "" {
		if wanted.Format, err = exchange.ParseFormat(name); err != nil {
			return wrong(http.StatusUnprocessableEntity, "%s", plain(err))
		}
	} else {
		format, ok := exchange.Detect(wanted.File)
		if !ok {
			return wrong(http.StatusUnprocessableEntity, "The name %s does not tell the format: choose one.", wanted.File)
		}
		wanted.Format = format
	}
	if wanted.Base != "" {
		p, err := mapping.ParsePath(wanted.Base)
		if err != nil {
			return wrong(http.StatusUnprocessableEntity, "The directory: %s", plain(err))
		}
		wanted.Base = strings.TrimSuffix(string(p), "/") + "/"
	}
	return a.begin(w, r, wanted, input)
}

// planRevert plans taking a change-set back.
func (a *Admin) planRevert(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return postgres.ErrNoChangeSet
	}
	if _, err := a.o.DB.ChangeSet(r.Context(), id); err != nil {
		return err
	}
	return a.begin(w, r, wish{Kind: "revert", Set: id, Why: strings.TrimSpace(r.FormValue("why"))}, nil)
}
