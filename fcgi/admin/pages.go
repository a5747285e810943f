// The list of rows, and its export.

package admin

import (
	"context"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/exchange"
	"pagemap/mapping/postgres"
)

// listBody is what the list of rows is fed with.
type listBody struct {
	Filter     filter
	Kinds      []string
	Rows       []listRow
	Count      int
	More       bool            // there are more than Count, or nobody has counted
	Looked     *postgres.Place // the screen is not full, as looking took long: it goes on behind this row
	Next, Back string
	Checked    time.Time // when the flags were last looked for; zero: never
	Formats    []exchange.Format
	ByPath     string
	ByChanged  string
}

// Statuses are the choices of the filter.
func (listBody) Statuses() []int { return []int{200, 301, 302, 404, 410} }

// Origins are the choices of the filter.
func (listBody) Origins() []string { return []string{"auto", "populate", "import", "admin", "cli"} }

// HasOrigin reports whether the filter asks for an origin.
func (b listBody) HasOrigin(name string) bool { return slices.Contains(b.Filter.Origins, name) }

// Hidden are the filter's names and values, for a form of its own.
func (b listBody) Hidden() (list [][2]string) {
	values := b.Filter.values()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, v := range values[name] {
			list = append(list, [2]string{name, v})
		}
	}
	return list
}

// listRow is a row of a list.
type listRow struct {
	postgres.Listed
	Final string // where a reader ends up, if that is not what Source says
	Young bool
}

// mostCounted is up to how many rows a list counts.
const mostCounted = 1000

func (a *Admin) pages(w http.ResponseWriter, r *http.Request) error {
	values := r.URL.Query()
	f, err := a.filterOf(values)
	if err != nil {
		return err
	}
	if to, ok := a.pasted(f.Q); ok {
		return a.see(w, r, to)
	}
	l := postgres.List{Query: f.query, Past: values.Get("past"), Back: values.Get("back") != ""}
	if f.Order == "changed" {
		l.Order = postgres.ByChanged
		if micros, err := strconv.ParseInt(values.Get("at"), 10, 64); err == nil {
			l.At = time.UnixMicro(micros).UTC()
		}
	}
	list, err := a.o.DB.List(r.Context(), l)
	if err != nil {
		return err
	}
	rows, more := list.Rows, list.More || list.Looked != nil
	body := listBody{Filter: f, Kinds: filterKinds(), Formats: exchange.Formats(), Looked: list.Looked}
	switch {
	case l.Past == "" && !more: // these are all
		body.Count = len(rows)
	case f.Never: // nobody knows without looking at every row
		body.More = true
	default:
		if body.Count, body.More, err = a.o.DB.Count(r.Context(), f.query, mostCounted); err != nil {
			return err
		}
	}
	if body.Checked, err = a.checked(r.Context()); err != nil {
		return err
	}
	for _, row := range rows {
		body.Rows = append(body.Rows, a.listRow(row))
	}
	screen := func(at postgres.Place, back bool) string {
		v := f.values()
		v.Set("past", at.Pattern)
		if f.Order != "" {
			v.Set("order", f.Order)
			v.Set("at", strconv.FormatInt(at.Changed.UnixMicro(), 10))
		}
		if back {
			v.Set("back", "1")
		}
		return a.o.Path + "pages?" + v.Encode()
	}
	// The ends of the screen, and beyond them what was looked at without being found.
	first, last := postgres.Place{Pattern: l.Past, Changed: l.At}, postgres.Place{Pattern: l.Past, Changed: l.At}
	if len(rows) > 0 {
		first, last = rows[0].Place(), rows[len(rows)-1].Place()
	}
	if list.Looked != nil && l.Back {
		first = *list.Looked
	} else if list.Looked != nil {
		last = *list.Looked
	}
	if more && !l.Back || l.Back && last.Pattern != "" {
		body.Next = screen(last, false)
	}
	if (more && l.Back || !l.Back && l.Past != "") && (len(rows) > 0 || list.Looked != nil) {
		body.Back = screen(first, true)
	}
	sorted := f.values()
	body.ByPath = a.o.Path + "pages?" + sorted.Encode()
	sorted.Set("order", "changed")
	body.ByChanged = a.o.Path + "pages?" + sorted.Encode()
	return a.page(w, r, "pages", "Pages", body)
}

// pasted is where a whole URL leads that somebody has pasted into the search.
func (a *Admin) pasted(text string) (to string, ok bool) {
	if !strings.Contains(text, "://") {
		return "", false
	}
	raw := a.o.Explain.Hosts.SitePath(text)
	if raw == text {
		return "", false
	}
	t, err := mapping.ParseTarget(raw)
	if err != nil {
		return "", false
	}
	answer, _ := a.o.Explain.Handler.Explain(t)
	if answer.Pattern == "" {
		return a.views.to("ask", "url", text), true
	}
	return a.views.to("page", "path", answer.Pattern), true
}

// checked is when the flags of rows were last looked for.
func (a *Admin) checked(ctx context.Context) (last time.Time, err error) {
	all, err := a.o.DB.Checks(ctx)
	for _, c := range all {
		if c.At.After(last) {
			last = c.At
		}
	}
	return last, err
}

func (a *Admin) listRow(row postgres.Listed) listRow {
	out := listRow{Listed: row}
	if row.Status != 301 && row.Status != 302 {
		return out
	}
	out.Young = row.Status == 301 && a.o.Now().Sub(row.ChangedAt()) < 24*time.Hour
	// A prefix row is asked below what it covers.
	t, err := mapping.ParseTarget(strings.TrimSuffix(row.Pattern, "*"))
	if err != nil {
		return out
	}
	answer, _ := a.o.Explain.Handler.Explain(t)
	switch {
	case answer.Pattern != row.Pattern: // this process has not heard of the row yet, or another one answers
	case answer.Location == "":
		out.Final = fmt.Sprint(answer.Status)
	case !strings.HasSuffix(row.Pattern, "/*") && answer.Location != row.Source:
		out.Final = answer.Location
	}
	return out
}

// export sends the rows that a filter finds as a file.
func (a *Admin) export(w http.ResponseWriter, r *http.Request) error {
	values := r.URL.Query()
	f, err := a.filterOf(values)
	if err != nil {
		return err
	}
	format, err := exchange.ParseFormat(values.Get("format"))
	if err != nil {
		return wrong(http.StatusBadRequest, "Which format? %s.", plain(err))
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": exportName(format)}))
	// A large one takes longer than requests usually may.
	out := &begun{ResponseWriter: w}
	left, err := exchange.Write(out, format, a.o.DB.Found(context.WithoutCancel(r.Context()), f.query), exchange.WriteOptions{IndexNames: a.o.IndexNames})
	switch {
	case err != nil && !out.begun:
		w.Header().Del("Content-Disposition")
		return err
	case err != nil:
		a.o.Logger.Error("admin page: export broken off", "error", err)
		panic(http.ErrAbortHandler)
	}
	for _, l := range left {
		a.o.Logger.Info("admin page: not in the export", "path", l.Pattern, "reason", l.Reason)
	}
	return nil
}

// begun remembers whether anything was written.
type begun struct {
	http.ResponseWriter
	begun bool
}

func (b *begun) Write(p []byte) (int, error) {
	b.begun = true
	return b.ResponseWriter.Write(p)
}

func exportName(f exchange.Format) string {
	switch f {
	case exchange.Htaccess:
		return "pagemap.htaccess"
	case exchange.Redirects:
		return "pagemap_redirects"
	case exchange.CSV, exchange.TSV, exchange.JSONLines:
		return "pagemap." + string(f)
	}
	return "pagemap-" + string(f) + ".txt"
}

// parseFilter reads a filter that a form has as one field.
func (a *Admin) parseFilter(encoded string) (filter, error) {
	v, err := url.ParseQuery(encoded)
	if err != nil {
		return filter{}, wrong(http.StatusBadRequest, "The filter cannot be read.")
	}
	return a.filterOf(v)
}
