// Bulk: one thing done to all rows that a filter finds.

package admin

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
)

// bulkBody is what the form of a bulk change is fed with.
type bulkBody struct {
	Filter   filter
	Count    int
	More     bool
	Statuses []status
}

// bulk shows the form.
func (a *Admin) bulk(w http.ResponseWriter, r *http.Request) error {
	f, err := a.filterOf(r.URL.Query())
	if err != nil {
		return err
	}
	body := bulkBody{Filter: f, Statuses: statuses}
	if body.Count, body.More, err = a.o.DB.Count(r.Context(), f.query, mostCounted); err != nil {
		return err
	}
	return a.page(w, r, "bulk", "Change many", body)
}

// planBulk plans what the form asks for.
func (a *Admin) planBulk(w http.ResponseWriter, r *http.Request) error {
	status, _ := strconv.Atoi(r.FormValue("status")) // a bad one is refused as 0
	text := func(name string) string { return strings.TrimSpace(r.FormValue(name)) }
	wanted := wish{
		Kind: "bulk", Why: text("why"), Conflict: text("conflict"), Filter: r.FormValue("filter"), Op: text("op"),
		Status: status, Source: text("source"), From: text("from"), To: text("to"), Tag: text("tag"),
	}
	if wanted.Op == "target" {
		wanted.From, wanted.To = text("from-target"), text("to-target")
	}
	if wanted.Op == "untag" {
		wanted.Tag = text("tag-away")
	}
	if _, err := a.parseFilter(wanted.Filter); err != nil {
		return err
	}
	if _, err := a.operation(wanted); err != nil {
		return err
	}
	return a.begin(w, r, wanted, nil)
}

// operation is what a bulk change does to one row.
func (a *Admin) operation(w wish) (func(mapping.Page) ([]postgres.Edit, error), error) {
	hosts := a.o.Explain.Hosts
	become := func(p mapping.Page) ([]postgres.Edit, error) {
		clean, err := hosts.Clean(p)
		if err != nil {
			return nil, errors.New(plain(err))
		}
		return []postgres.Edit{{Pattern: clean.Pattern, Page: &clean}}, nil
	}
	need := func(what, value string) error {
		if value == "" {
			return wrong(http.StatusUnprocessableEntity, "%s is missing.", what)
		}
		return nil
	}
	switch w.Op {
	case "answer":
		if _, err := hosts.Clean(mapping.Page{Row: mapping.Row{Pattern: "/x", Status: uint16(w.Status), Source: w.Source, Origin: mapping.OriginAdmin}}); err != nil && !strings.HasSuffix(w.Source, "/*") {
			return nil, wrong(http.StatusUnprocessableEntity, "%s", plain(err))
		}
		return func(p mapping.Page) ([]postgres.Edit, error) {
			p.Status, p.Source, p.Origin = uint16(w.Status), w.Source, mapping.OriginAdmin
			p.DropQuery = p.DropQuery && (w.Status == 301 || w.Status == 302)
			return become(p)
		}, nil
	case "gone":
		return func(p mapping.Page) ([]postgres.Edit, error) {
			p.Status, p.Source, p.DropQuery, p.Origin = http.StatusGone, "", false, mapping.OriginAdmin
			return become(p)
		}, nil
	case "move":
		return a.move(w.From, w.To)
	case "target":
		if err := errors.Join(need("What targets begin with", w.From), need("What they shall begin with", w.To)); err != nil {
			return nil, err
		}
		return func(p mapping.Page) ([]postgres.Edit, error) {
			rest, ok := strings.CutPrefix(p.Source, w.From)
			if !ok {
				return nil, nil
			}
			p.Source, p.Origin = w.To+rest, mapping.OriginAdmin
			return become(p)
		}, nil
	case "tag", "untag":
		if err := need("The tag", w.Tag); err != nil {
			return nil, err
		}
		if strings.ContainsFunc(w.Tag, func(r rune) bool { return r < ' ' || r == 0x7f || r == ',' }) {
			return nil, wrong(http.StatusUnprocessableEntity, "A tag has no commas and no control characters.")
		}
		return func(p mapping.Page) ([]postgres.Edit, error) {
			tags := slices.DeleteFunc(slices.Clone(p.Tags), func(t string) bool { return t == w.Tag })
			if w.Op == "tag" {
				if tags = p.Tags; !slices.Contains(tags, w.Tag) {
					tags = append(slices.Clone(tags), w.Tag)
				}
			}
			p.Tags = tags
			return []postgres.Edit{{Pattern: p.Pattern, Page: &p}}, nil
		}, nil
	case "remove":
		return func(p mapping.Page) ([]postgres.Edit, error) {
			return []postgres.Edit{{Pattern: p.Pattern}}, nil
		}, nil
	}
	return nil, wrong(http.StatusUnprocessableEntity, "What is to be done with the rows? Choose one.")
}

// move makes pages below one path pages below another, and leaves redirects.
func (a *Admin) move(from, to string) (func(mapping.Page) ([]postgres.Edit, error), error) {
	hosts := a.o.Explain.Hosts
	dir := func(what, text string) (string, error) {
		p, err := mapping.ParsePath(hosts.SitePath(text))
		if err != nil {
			return "", wrong(http.StatusUnprocessableEntity, "%s: %s", what, plain(err))
		}
		return strings.TrimSuffix(string(p), "/"), nil
	}
	base, err := dir("The path that pages are below", from)
	if err != nil {
		return nil, err
	}
	next, err := dir("The path that they shall be below", to)
	if err != nil {
		return nil, err
	}
	if base == next {
		return nil, wrong(http.StatusUnprocessableEntity, "The two paths are the same.")
	}
	return func(p mapping.Page) ([]postgres.Edit, error) {
		rest, ok := strings.CutPrefix(p.Pattern, base)
		if !ok || rest == "" || rest[0] != '/' || p.Status != http.StatusOK {
			return nil, nil
		}
		moved, old := p, p
		moved.Pattern, moved.Origin = next+rest, mapping.OriginAdmin
		old.Status, old.Source, old.Origin = http.StatusMovedPermanently, next+rest, mapping.OriginAdmin
		if path, _, has := strings.Cut(next+rest, "?"); has {
			old.Source = path // with its own query, which the request brings
		}
		var edits []postgres.Edit
		for _, page := range []mapping.Page{moved, old} {
			clean, err := hosts.Clean(page)
			if err != nil {
				return nil, errors.New(plain(err))
			}
			edits = append(edits, postgres.Edit{Pattern: clean.Pattern, Page: &clean})
		}
		return edits, nil
	}, nil
}

// Words are what a wish wants.
func (w wish) Words() string {
	switch w.Op {
	case "answer":
		return strings.TrimSpace(fmt.Sprint("answer ", w.Status, " ", w.Source))
	case "gone":
		return "answer 410: gone for good"
	case "move":
		return "move pages from " + w.From + " to " + w.To
	case "target":
		return "targets that begin with " + w.From + " begin with " + w.To
	case "tag":
		return "add the tag " + w.Tag
	case "untag":
		return "take the tag " + w.Tag + " away"
	case "remove":
		return "remove the rows"
	}
	switch w.Kind {
	case "import":
		return "import " + w.File
	case "revert":
		return fmt.Sprint("take change-set ", w.Set, " back")
	}
	return w.Kind
}
