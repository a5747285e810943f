// One page: a row, what its URL answers, and its history.

package admin

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"pagemap/fcgi/explain"
	"pagemap/mapping"
	"pagemap/mapping/postgres"
)

// form is a row as a form has it.
type form struct {
	Path   string
	Seen   int64 // number of the change that had written the row; 0: there was none
	Status int
	Source string
	Drop   bool
	Tags   string // separated by commas
	Note   string
	Why    string // note of the change-set
}

// formOf is a row as a form has it.
func formOf(p *mapping.Page) form {
	return form{
		Path: p.Pattern, Seen: p.Change, Status: int(p.Status), Source: p.Source, Drop: p.DropQuery,
		Tags: strings.Join(p.Tags, ", "), Note: p.Note,
	}
}

// readForm reads a form.
func readForm(r *http.Request) form {
	f := form{
		Path: strings.TrimSpace(r.FormValue("path")), Source: strings.TrimSpace(r.FormValue("source")),
		Drop: r.FormValue("drop") != "", Tags: r.FormValue("tags"), Note: strings.TrimSpace(r.FormValue("note")),
		Why: strings.TrimSpace(r.FormValue("why")),
	}
	f.Seen, _ = strconv.ParseInt(r.FormValue("seen"), 10, 64) // a bad one is none
	f.Status, _ = strconv.Atoi(r.FormValue("status"))         // likewise; Clean refuses it
	return f
}

// clean is the row that the form wants.
func (a *Admin) clean(f form) (mapping.Page, error) {
	p := mapping.Page{
		Row:  mapping.Row{Pattern: f.Path, Status: uint16(min(max(f.Status, 0), 999)), Source: f.Source, DropQuery: f.Drop, Origin: mapping.OriginAdmin},
		Tags: tagsOf(f.Tags), Note: f.Note,
	}
	for _, tag := range p.Tags {
		if strings.ContainsFunc(tag, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return p, wrong(http.StatusUnprocessableEntity, "A tag holds a control character.")
		}
	}
	return a.o.Explain.Hosts.Clean(p)
}

// tagsOf are the tags of a field.
func tagsOf(text string) []string {
	var tags []string
	for tag := range strings.SplitSeq(text, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			tags = append(tags, tag)
		}
	}
	return tags
}

// pageBody is what the page of a row is fed with.
type pageBody struct {
	Form     form
	Row      *postgres.Listed // nil: there is none
	URL      string           // that is asked: the path, or of a prefix row a path that it covers
	Answer   explain.Explanation
	Preview  string // address of the frame; "": there is nothing to see
	Verdict  verdict
	Error    string // why the form was not saved
	To       []mapping.Page
	MoreTo   bool
	Versions []version
	Older    string // address of older versions
	Flip     *flip
	Hits     plot
	Statuses []status
}

// version is one of a row's.
type version struct {
	postgres.Version
	Form    form
	Present bool // it is the row as it is
}

// status is a choice of the form.
type status struct {
	Code int
	Text string
}

var statuses = []status{
	{200, "200: a page"}, {301, "301: moved for good"}, {302, "302: for now elsewhere"}, {404, "404: not found"}, {410, "410: gone for good"},
}

// shownVersions is how many versions a page shows.
const shownVersions = 10

// shownRedirects is how many redirects to a page are listed.
const shownRedirects = 20

// onePage shows a row, or the form of a new one.
func (a *Admin) onePage(w http.ResponseWriter, r *http.Request) error {
	text := strings.TrimSpace(r.FormValue("path"))
	if text == "" {
		return a.draw(w, r, http.StatusOK, "page", "New row", pageBody{Form: form{Status: 301}, Statuses: statuses})
	}
	pattern, err := mapping.ParsePattern(a.o.Explain.Hosts.SitePath(text))
	if err != nil {
		return wrong(http.StatusBadRequest, "%s: %s", text, plain(err))
	}
	f := form{Path: pattern.String(), Status: 301, Source: strings.TrimSpace(r.FormValue("source"))}
	if n, err := strconv.Atoi(r.FormValue("status")); err == nil {
		f.Status = n
	}
	return a.showPage(w, r, http.StatusOK, f, r.FormValue("source") != "", "")
}

// showPage shows the row of a form's path. The form is what is being edited where it
// is edited; else it becomes the row's.
func (a *Admin) showPage(w http.ResponseWriter, r *http.Request, status int, f form, edited bool, problem string) error {
	ctx := r.Context()
	body := pageBody{Form: f, Error: problem, Statuses: statuses, URL: askedOf(f.Path)}
	row, err := a.o.DB.ListedPage(ctx, f.Path)
	switch {
	case err == nil:
		body.Row = &row
		if !edited {
			body.Form = formOf(&row.Page)
		} else if body.Form.Seen == 0 && problem == "" {
			body.Form.Seen = row.Change
		}
	case !errors.Is(err, postgres.ErrNoPage):
		return err
	}
	if body.Answer, err = a.o.Explain.Explain(ctx, body.URL, 0); err != nil {
		return err
	}
	if body.Answer.Status == http.StatusOK {
		body.Preview = body.URL
	}
	if body.Row != nil || edited {
		body.Verdict = a.judge(body.Form)
	}
	if body.To, body.MoreTo, err = a.o.DB.RedirectsTo(ctx, f.Path, shownRedirects); err != nil {
		return err
	}
	before, _ := strconv.ParseInt(r.FormValue("before"), 10, 64) // a bad one is none
	if err := a.versions(ctx, &body, f.Path, before); err != nil {
		return err
	}
	days, err := a.o.DB.HitsByDay(ctx, f.Path)
	if err != nil {
		return err
	}
	body.Hits = hitsPlot(days, a.o.Now())
	body.Flip = a.flipOf(body.Row)
	return a.draw(w, r, status, "page", f.Path, body)
}

// askedOf is a URL that a row answers.
func askedOf(pattern string) string {
	return strings.TrimSuffix(pattern, "*")
}

func (a *Admin) versions(ctx context.Context, body *pageBody, pattern string, before int64) error {
	list, err := a.o.DB.Versions(ctx, pattern, before, shownVersions+1)
	if err != nil {
		return err
	}
	if len(list) > shownVersions {
		list = list[:shownVersions]
		body.Older = a.views.to("page", "path", pattern, "before", list[shownVersions-1].Number)
	}
	var seen int64
	if body.Row != nil {
		seen = body.Row.Change
	}
	for _, v := range list {
		shown := version{Version: v, Present: v.Number == seen}
		if v.New != nil {
			shown.Form = formOf(v.New)
			shown.Form.Seen = seen
		}
		body.Versions = append(body.Versions, shown)
	}
	return nil
}

// checkPage tells the script what is to be said of what is being typed.
func (a *Admin) checkPage(w http.ResponseWriter, r *http.Request) error {
	return sendJSON(w, a.judge(readForm(r)))
}
