// Changes: the log, one change-set, and the findings of the last check.

package admin

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/check"
	"pagemap/mapping/intake"
	"pagemap/mapping/postgres"
)

// changesBody is what the list of change-sets is fed with.
type changesBody struct {
	Author, Path, Since string
	Sets                []postgres.LoggedSet
	Next                string
}

const setsShown = 50

func (a *Admin) changes(w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	body := changesBody{Author: strings.TrimSpace(v.Get("author")), Path: strings.TrimSpace(v.Get("path")), Since: v.Get("since")}
	f := postgres.HistoryFilter{Author: body.Author, Limit: setsShown + 1}
	f.Before, _ = strconv.ParseInt(v.Get("before"), 10, 64) // a bad one is none
	if body.Path != "" {
		p, err := mapping.ParsePattern(a.o.Explain.Hosts.SitePath(body.Path))
		if err != nil {
			return wrong(http.StatusBadRequest, "%s: %s", body.Path, plain(err))
		}
		f.Pattern = p.String()
	}
	if body.Since != "" {
		var err error
		if f.Since, err = time.Parse(time.DateOnly, body.Since); err != nil {
			return wrong(http.StatusBadRequest, "Since: %q is not a day such as 2026-03-01.", body.Since)
		}
	}
	sets, err := a.o.DB.History(r.Context(), f)
	if err != nil {
		return err
	}
	if len(sets) > setsShown {
		sets = sets[:setsShown]
		body.Next = a.views.to("changes", "author", body.Author, "path", body.Path, "since", body.Since, "before", sets[setsShown-1].ID)
	}
	body.Sets = sets
	return a.page(w, r, "changes", "Changes", body)
}

// changeBody is what a change-set's page is fed with.
type changeBody struct {
	Set  postgres.LoggedSet
	Rows []difference
	Next string
}

const changesShown = 200

func (a *Admin) change(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return postgres.ErrNoChangeSet
	}
	body := changeBody{}
	if body.Set, err = a.o.DB.ChangeSet(r.Context(), id); err != nil {
		return err
	}
	past, _ := strconv.ParseInt(r.URL.Query().Get("past"), 10, 64) // a bad one is none
	list, err := a.o.DB.ChangesPast(r.Context(), id, past, changesShown+1)
	if err != nil {
		return err
	}
	if len(list) > changesShown {
		list = list[:changesShown]
		body.Next = a.views.to("changes/"+strconv.FormatInt(id, 10), "past", list[changesShown-1].Number)
	}
	for _, c := range list {
		d := difference{Path: c.Pattern}
		if c.Old != nil {
			d.Old = intake.Whole(c.Old)
		}
		if c.New != nil {
			d.New = intake.Whole(c.New)
		}
		body.Rows = append(body.Rows, d)
	}
	return a.page(w, r, "change", "Change-set "+strconv.FormatInt(id, 10), body)
}

// findingsBody is what the page of findings is fed with.
type findingsBody struct {
	Kinds []kindFound
	Kind  string
	List  []postgres.Finding
	Next  string
}

// kindFound is how many findings of a kind there are, and since when that is known.
type kindFound struct {
	postgres.Checked
	Listed bool // the list of rows can be filtered by it
}

const findingsShown = 100

// kindsFound are the kinds that were looked for, the gravest first.
func (a *Admin) kindsFound(r *http.Request) ([]kindFound, error) {
	all, err := a.o.DB.Checks(r.Context())
	var kinds []kindFound
	for _, kind := range check.Kinds() {
		i := slices.IndexFunc(all, func(c postgres.Checked) bool { return c.Kind == string(kind) })
		if i >= 0 {
			kinds = append(kinds, kindFound{all[i], slices.Contains(filterKinds(), string(kind))})
		}
	}
	return kinds, err
}

func (a *Admin) findings(w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	body := findingsBody{Kind: v.Get("kind")}
	var err error
	if body.Kinds, err = a.kindsFound(r); err != nil {
		return err
	}
	if body.Kind == "" {
		for _, k := range body.Kinds {
			if k.Found > 0 {
				body.Kind = k.Kind
				break
			}
		}
	}
	list, err := a.o.DB.Findings(r.Context(), body.Kind, v.Get("past"), findingsShown+1)
	if err != nil {
		return err
	}
	if len(list) > findingsShown {
		list = list[:findingsShown]
		body.Next = a.views.to("findings", "kind", body.Kind, "past", list[findingsShown-1].Path)
	}
	body.List = list
	return a.page(w, r, "findings", "Findings", body)
}
