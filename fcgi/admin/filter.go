// Filters: which rows a list shows and a bulk change is done to.

package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"pagemap/mapping"
	"pagemap/mapping/check"
	"pagemap/mapping/postgres"
)

// filter is a filter as a form has it. The zero value finds every row.
type filter struct {
	Q, How, In string
	Under      string
	Status     int
	Origins    []string
	Tag, By    string
	Since      string
	Never      bool
	Undecided  bool
	Found      string
	Order      string // "changed"; "": by path
	query      postgres.Query
}

// filterKinds are the flags that a filter knows.
func filterKinds() []string {
	kinds := []string{"young"}
	for _, k := range check.Kinds() {
		if !slices.Contains([]check.Kind{check.Unrecorded, check.Unreached}, k) { // of files without a row
			kinds = append(kinds, string(k))
		}
	}
	return kinds
}

// filterOf reads a filter from the values of a query.
func (a *Admin) filterOf(v url.Values) (f filter, err error) {
	f = filter{
		Q: strings.TrimSpace(v.Get("q")), How: v.Get("how"), In: v.Get("in"), Under: strings.TrimSpace(v.Get("under")),
		Origins: v["origin"], Tag: strings.TrimSpace(v.Get("tag")), By: strings.TrimSpace(v.Get("by")), Since: strings.TrimSpace(v.Get("since")),
		Never: v.Get("never") != "", Undecided: v.Get("undecided") != "", Found: v.Get("found"), Order: v.Get("order"),
	}
	bad := func(what string, err error) error { return wrong(http.StatusBadRequest, "%s: %s", what, plain(err)) }
	if text := v.Get("status"); text != "" {
		if f.Status, err = strconv.Atoi(text); err != nil || !slices.Contains([]int{200, 301, 302, 404, 410}, f.Status) {
			return f, wrong(http.StatusBadRequest, "Status %q is none of 200, 301, 302, 404 and 410.", text)
		}
	}
	q := postgres.Query{Text: f.Q}
	q.Status, q.Tag, q.ChangedBy, q.NeverHit = f.Status, f.Tag, f.By, f.Never
	switch f.How {
	case "prefix":
		q.How = postgres.Prefix
	case "matches":
		q.How = postgres.Matches
	default:
		f.How = ""
	}
	switch f.In {
	case "path":
		q.In = postgres.InPath
	case "source":
		q.In = postgres.InSource
	default:
		f.In = ""
	}
	if f.Under != "" {
		if q.Under, err = mapping.ParsePath(a.o.Explain.Hosts.SitePath(f.Under)); err != nil {
			return f, bad("Under", err)
		}
	}
	f.Origins = slices.DeleteFunc(slices.Clone(f.Origins), func(s string) bool { return s == "" })
	for _, name := range f.Origins {
		o, err := mapping.ParseOrigin(name)
		if err != nil {
			return f, bad("Origin", err)
		}
		q.Origins = append(q.Origins, o)
	}
	if f.Undecided {
		q.Origins = []mapping.Origin{mapping.OriginAuto, mapping.OriginPopulate}
	}
	if f.Since != "" {
		if q.Since, err = time.Parse(time.DateOnly, f.Since); err != nil {
			return f, wrong(http.StatusBadRequest, "Changed since: %q is not a day such as 2026-03-01.", f.Since)
		}
	}
	switch {
	case f.Found == "young":
		q.Young = true
	case f.Found != "":
		if !slices.Contains(filterKinds(), f.Found) {
			return f, wrong(http.StatusBadRequest, "There is no flag %q.", f.Found)
		}
		q.Found = f.Found
	}
	if f.Order != "changed" {
		f.Order = ""
	}
	f.query = q
	return f, nil
}

// values are the filter as a query, without its order.
func (f filter) values() url.Values {
	v := url.Values{}
	for _, p := range [][2]string{{"q", f.Q}, {"how", f.How}, {"in", f.In}, {"under", f.Under}, {"tag", f.Tag}, {"by", f.By}, {"since", f.Since}, {"found", f.Found}} {
		if p[1] != "" {
			v.Set(p[0], p[1])
		}
	}
	if f.Status != 0 {
		v.Set("status", strconv.Itoa(f.Status))
	}
	for _, o := range f.Origins {
		v.Add("origin", o)
	}
	if f.Never {
		v.Set("never", "1")
	}
	if f.Undecided {
		v.Set("undecided", "1")
	}
	return v
}

// Encoded is the filter as a query.
func (f filter) Encoded() string { return f.values().Encode() }

// Empty reports whether every row is found.
func (f filter) Empty() bool { return len(f.values()) == 0 }

// Words are what the filter asks for.
func (f filter) Words() []string {
	var w []string
	add := func(format string, args ...any) { w = append(w, fmt.Sprintf(format, args...)) }
	if f.Q != "" {
		where := map[string]string{"": "path or target", "path": "path", "source": "target"}[f.In]
		switch f.How {
		case "prefix":
			add("%s begins with %q", where, f.Q)
		case "matches":
			add("%s matches %q", where, f.Q)
		default:
			add("%s contains %q", where, f.Q)
		}
	}
	if f.Under != "" {
		add("under %s", f.Under)
	}
	if f.Status != 0 {
		add("status %d", f.Status)
	}
	if len(f.Origins) > 0 {
		add("origin %s", strings.Join(f.Origins, " or "))
	}
	if f.Undecided {
		add("undecided")
	}
	if f.Tag != "" {
		add("tag %q", f.Tag)
	}
	if f.By != "" {
		add("changed by %s", f.By)
	}
	if f.Since != "" {
		add("changed since %s", f.Since)
	}
	if f.Never {
		add("never hit")
	}
	if f.Found != "" {
		add("flag %q", faultName(f.Found))
	}
	return w
}
