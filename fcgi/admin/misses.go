// 404s: what readers asked for and did not get.

package admin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"pagemap/fcgi/explain"
	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/traffic"
)

// missesBody is what the page of 404s is fed with.
type missesBody struct {
	Groups  []postgres.MissGroup
	All     int
	Under   string
	Own     bool
	Rows    []missRow
	Next    string
	Pending bool // suggestions are still looked for
	Extra   int64
}

// missRow is a missed path.
type missRow struct {
	traffic.Miss
	Near suggested
}

const (
	missesShown  = 50
	missesLooked = 1000 // misses that are looked at for one screen: the others may be answered by now
	missGroups   = 24
)

func (a *Admin) misses(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v := r.URL.Query()
	body := missesBody{Under: v.Get("under"), Own: v.Get("own") != ""}
	q := postgres.MissesQuery{Own: body.Own}
	if body.Under != "" {
		p, err := mapping.ParsePath(body.Under)
		if err != nil {
			return wrong(http.StatusBadRequest, "%s: %s", body.Under, plain(err))
		}
		q.Under = p
	}
	if past := v.Get("past"); past != "" {
		hits, err := strconv.ParseInt(v.Get("hits"), 10, 64)
		if err != nil {
			return wrong(http.StatusBadRequest, "The place in the list cannot be read.")
		}
		q.Past = &postgres.MissPlace{Own: v.Get("led") != "", Hits: hits, Path: mapping.Path(past)}
	}
	open, next, err := a.openMisses(ctx, q, missesShown)
	if err != nil {
		return err
	}
	if next != nil {
		query := []any{"under", body.Under, "own", body.Own, "past", next.Path, "hits", next.Hits}
		if next.Own {
			query = append(query, "led", 1)
		}
		body.Next = a.views.to("misses", query...)
	}
	paths := make([]mapping.Path, len(open))
	for i, m := range open {
		paths[i] = m.Path
	}
	found, err := a.near.of(ctx, paths)
	if err != nil {
		return err
	}
	for i, m := range open {
		body.Rows = append(body.Rows, missRow{m, found[i]})
		body.Pending = body.Pending || found[i].Pending
	}
	if body.Groups, body.All, err = a.groups.now(ctx); err != nil {
		return err
	}
	if body.Extra, err = a.o.DB.MissOverflow(ctx, traffic.DayOf(a.o.Now()).AddDate(0, 0, -29)); err != nil {
		return err
	}
	return a.page(w, r, "misses", "404s", body)
}

// missGroupsLife is how long the groups are taken for the present ones: as long as responders gather misses.
const missGroupsLife = 10 * time.Second

// missGrouping remembers the directories with most misses, which takes a pass over all of them.
type missGrouping struct {
	a *Admin

	mu     sync.Mutex // protects the rest
	groups []postgres.MissGroup
	all    int
	until  time.Time
}

// now returns the groups, and how many misses there are in all.
func (g *missGrouping) now(ctx context.Context) ([]postgres.MissGroup, int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.a.o.Now(); !now.Before(g.until) {
		groups, all, err := g.a.o.DB.MissGroups(ctx, missGroups)
		if err != nil {
			return nil, 0, err
		}
		g.groups, g.all, g.until = groups, all, now.Add(missGroupsLife)
	}
	return g.groups, g.all, nil
}

// forget has them counted anew.
func (g *missGrouping) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = time.Time{}
}

// openMisses returns the next misses that are so still, n at most, and the place of the last
// one that was looked at, nil where there are no more. A row whose file has vanished
// resolves to a page; so the handler is asked.
func (a *Admin) openMisses(ctx context.Context, q postgres.MissesQuery, n int) (open []traffic.Miss, next *postgres.MissPlace, err error) {
	q.Limit = 2 * n
	for looked := 0; looked < missesLooked; {
		list, err := a.o.DB.MissesPast(ctx, q)
		if err != nil {
			return nil, nil, err
		}
		for _, m := range list {
			if len(open) == n {
				return open, next, nil
			}
			next = &postgres.MissPlace{Own: m.Own, Hits: m.Count, Path: m.Path}
			if status, _ := explain.Head(ctx, a.o.Explain.Handler, string(m.Path)); status == http.StatusNotFound {
				open = append(open, m)
			}
		}
		if len(list) < q.Limit {
			return open, nil, nil
		}
		looked += len(list)
		q.Past = next
	}
	return open, next, nil
}

// settle maps, ends or ignores missed paths: one, or all that are ticked.
func (a *Admin) settle(w http.ResponseWriter, r *http.Request) error {
	do, paths := r.FormValue("all"), r.Form["path"]
	for _, one := range []string{"map", "gone", "ignore"} {
		if path := r.FormValue(one); path != "" {
			do, paths = one, []string{path}
		}
	}
	if len(paths) == 0 {
		return wrong(http.StatusBadRequest, "No path is ticked.")
	}
	var done string
	var err error
	switch do {
	case "ignore":
		done, err = a.ignore(r.Context(), userOf(r).Name, paths)
	case "map", "gone":
		done, err = a.settleBy(r, do, paths)
	default:
		err = wrong(http.StatusBadRequest, "What is to be done with these paths: map, gone or ignore?")
	}
	if err != nil {
		return err
	}
	a.groups.forget()
	return a.done(w, r, a.views.to("misses", "under", r.FormValue("under"), "own", r.FormValue("own")), done)
}

// settleBy writes rows for missed paths, all or none, and forgets the misses.
func (a *Admin) settleBy(r *http.Request, do string, paths []string) (done string, err error) {
	var pages []mapping.Page
	var settled []mapping.Path
	for _, path := range paths {
		f := form{Path: path, Status: http.StatusGone}
		if do == "map" {
			f.Status, f.Source = http.StatusMovedPermanently, strings.TrimSpace(r.FormValue("to "+path))
			if f.Source == "" {
				return "", wrong(http.StatusUnprocessableEntity, "Where shall %s lead? Give it a target, or untick it. Nothing was changed.", path)
			}
		}
		p, err := a.clean(f)
		if err != nil {
			return "", wrong(http.StatusUnprocessableEntity, "%s: %s. Nothing was changed.", path, plain(err))
		}
		pages = append(pages, p)
		settled = append(settled, mapping.Path(p.Pattern))
	}
	// A row that somebody else has made meanwhile stays.
	plan, err := a.o.DB.Import(r.Context(), by(r, "404s: "+map[string]string{"map": "redirected", "gone": "gone"}[do]),
		postgres.Batch{Pages: pages, Conflict: postgres.ConflictKeep})
	if err != nil {
		return "", err
	}
	a.await(r.Context(), plan.LastChange)
	if err := a.o.DB.ForgetMisses(r.Context(), settled); err != nil {
		return "", err
	}
	done = fmt.Sprintf("%s settled, as change-set %d.", plural(plan.Added+plan.Changed, "path is", "paths are"), plan.ChangeSet)
	if plan.ChangeSet == 0 {
		done = "Nothing was changed."
	}
	if plan.Kept > 0 {
		done += " " + plural(plan.Kept, "row that somebody else has made stays.", "rows that somebody else has made stay.")
	}
	return done, nil
}

// ignore keeps missed paths, which may be patterns with "*", off the list.
func (a *Admin) ignore(ctx context.Context, author string, texts []string) (done string, err error) {
	patterns := make([]string, len(texts))
	for i, text := range texts {
		if patterns[i], err = postgres.ParseIgnore(a.o.Explain.Hosts.SitePath(strings.TrimSpace(text))); err != nil {
			return "", wrong(http.StatusUnprocessableEntity, "%s", plain(err))
		}
	}
	n, err := a.o.DB.AddIgnores(ctx, author, patterns)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s ignored from now on; %s dropped.", plural(len(patterns), "pattern is", "patterns are"), plural(n, "miss was", "misses were")), nil
}

// ignored lists what is ignored.
func (a *Admin) ignored(w http.ResponseWriter, r *http.Request) error {
	list, err := a.o.DB.Ignores(r.Context())
	if err != nil {
		return err
	}
	// What people have added comes before what came with the table, the latest first.
	slices.SortStableFunc(list, func(x, y postgres.Ignore) int { return y.At.Truncate(time.Second).Compare(x.At.Truncate(time.Second)) })
	return a.page(w, r, "ignored", "Ignored paths", list)
}

// changeIgnored adds a pattern, or takes some away.
func (a *Admin) changeIgnored(w http.ResponseWriter, r *http.Request) error {
	var done string
	if r.FormValue("do") == "remove" {
		err := a.o.DB.RemoveIgnores(r.Context(), r.Form["pattern"])
		if err != nil {
			return wrong(http.StatusConflict, "%s. Somebody else may have done it.", plain(err))
		}
		done = plural(len(r.Form["pattern"]), "pattern is", "patterns are") + " not ignored any more."
	} else {
		var err error
		if done, err = a.ignore(r.Context(), userOf(r).Name, []string{r.FormValue("pattern")}); err != nil {
			return err
		}
	}
	a.groups.forget()
	return a.done(w, r, a.views.to("ignored"), done)
}
