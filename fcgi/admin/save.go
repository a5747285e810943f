// Saving one row, over nothing but what its editor has seen.

package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
)

// by is a change-set of the user who asks.
func by(r *http.Request, note string) postgres.ChangeSet {
	return postgres.ChangeSet{Author: userOf(r).Name, Origin: mapping.OriginAdmin, Note: note}
}

// save writes or removes a row.
func (a *Admin) save(w http.ResponseWriter, r *http.Request) error {
	f := readForm(r)
	if r.FormValue("do") == "check" {
		return a.showPage(w, r, http.StatusOK, f, true, "")
	}
	edit, err := a.edit(f, r.FormValue("do") == "remove")
	if err != nil {
		status, text := told(err)
		if status >= 500 {
			return err
		}
		return a.again(w, r, status, f, text)
	}
	f.Path = edit.Pattern
	result, err := a.o.DB.WriteOver(r.Context(), by(r, f.Why), edit, f.Seen)
	switch {
	case errors.Is(err, postgres.ErrEdited):
		return a.conflict(w, r, f, edit)
	case errors.Is(err, postgres.ErrLoop), errors.Is(err, mapping.ErrBadRow), errors.Is(err, postgres.ErrNoPage):
		status, text := told(err)
		return a.again(w, r, status, f, text)
	case err != nil:
		return err
	}
	a.await(r.Context(), result.LastChange)
	done := "Nothing to do: the row is so already."
	if result.ChangeSet != 0 {
		done = fmt.Sprintf("Saved as change-set %d.", result.ChangeSet)
		if edit.Page == nil {
			done = fmt.Sprintf("Removed, as change-set %d.", result.ChangeSet)
		}
		// What is answered now is no miss any more.
		if err := a.o.DB.ForgetMisses(r.Context(), []mapping.Path{mapping.Path(edit.Pattern)}); err != nil {
			a.o.Logger.Warn("admin page: miss not forgotten", "path", edit.Pattern, "error", err)
		}
	}
	return a.done(w, r, a.views.to("page", "path", edit.Pattern), done)
}

// edit is what a form wants.
func (a *Admin) edit(f form, remove bool) (postgres.Edit, error) {
	if remove {
		pattern, err := mapping.ParsePattern(f.Path)
		return postgres.Edit{Pattern: pattern.String()}, err
	}
	p, err := a.clean(f)
	return postgres.Edit{Pattern: p.Pattern, Page: &p}, err
}

// again shows a form that was not saved, and why.
func (a *Admin) again(w http.ResponseWriter, r *http.Request, status int, f form, problem string) error {
	if _, err := mapping.ParsePattern(f.Path); err != nil {
		return a.draw(w, r, status, "page", "New row", pageBody{Form: f, Error: problem, Statuses: statuses})
	}
	return a.showPage(w, r, status, f, true, problem)
}

// conflictBody is what the page of a conflict is fed with.
type conflictBody struct {
	Mine   form          // as it was wanted
	Page   *mapping.Page // the same, nil: the row shall go
	Theirs *mapping.Page // the row as it is now; nil: it is gone
	By     *postgres.Version
	Remove bool
}

// conflict shows both versions of a row that somebody else has changed.
func (a *Admin) conflict(w http.ResponseWriter, r *http.Request, f form, edit postgres.Edit) error {
	body := conflictBody{Mine: f, Page: edit.Page, Remove: edit.Page == nil}
	theirs, err := a.o.DB.Page(r.Context(), f.Path)
	switch {
	case err == nil:
		body.Theirs = &theirs
	case !errors.Is(err, postgres.ErrNoPage):
		return err
	}
	body.Mine.Seen = theirs.Change
	last, err := a.o.DB.Versions(r.Context(), f.Path, 0, 1)
	if err != nil {
		return err
	}
	if len(last) > 0 {
		body.By = &last[0]
	}
	return a.draw(w, r, http.StatusConflict, "conflict", "Changed meanwhile", body)
}

// await waits for this process's table to have a change.
func (a *Admin) await(ctx context.Context, number int64) {
	if a.o.Await != nil && number > 0 {
		a.o.Await(ctx, number)
	}
}
