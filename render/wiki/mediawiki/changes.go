// What changed.

package mediawiki

import (
	"context"
	"fmt"
	"math/bits"
	"net/url"
	"slices"
	"strings"
	"time"

	"pagemap/render"
)

const (
	oldest   = 64 * time.Second // age at which a row is told for the last time
	batch    = 50               // titles in one request
	maxParts = 100              // answers, of 500 rows or more, that one list is read from
)

// row is one of the wiki's recent changes.
type row struct {
	Type  string    `json:"type"` // edit, new, log, external
	Title string    `json:"title"`
	Time  time.Time `json:"timestamp"`
	Log   struct {
		Title string `json:"target_title"` // of a move
	} `json:"logparams"`
}

// Changes implements wiki.Wiki.
func (w *Wiki) Changes(ctx context.Context, since string) ([]string, string, error) {
	var point time.Time
	if since != "" {
		var err error
		if point, err = time.Parse(time.RFC3339, since); err != nil {
			return nil, "", fmt.Errorf("mediawiki: changes: %q is no point: %w", since, err)
		}
	}
	names, next, err := w.changes(ctx, point)
	if err != nil {
		return nil, "", fmt.Errorf("mediawiki: changes since %q: %w", since, err)
	}
	return names, next.UTC().Format(time.RFC3339), nil
}

// changes returns the names told between two points, of which the later one is now.
func (w *Wiki) changes(ctx context.Context, point time.Time) ([]string, time.Time, error) {
	s, err := w.siteOf(ctx)
	if err != nil {
		return nil, point, err
	}
	rows, now, err := w.rows(ctx, point)
	if err != nil || point.IsZero() {
		return nil, now, err
	}
	names := make(map[string]bool)
	var due []row
	for _, r := range rows {
		if !tell(now.Sub(r.Time), point.Sub(r.Time)) {
			continue
		}
		due = append(due, r)
		for _, t := range []string{r.Title, r.Log.Title} {
			if t != "" {
				names[t] = true
			}
		}
	}
	if err := w.dependents(ctx, s, due, point, names); err != nil {
		return nil, point, err
	}
	list := make([]string, 0, len(names))
	for name := range names {
		list = append(list, name)
		if prefix, file, ok := strings.Cut(name, ":"); ok && s.namespaces[strings.ToLower(prefix)].ID == 6 {
			list = append(list, s.namespaces["media"].Name+":"+file)
		}
	}
	slices.Sort(list)
	return list, now, nil
}

// tell reports that a row of an age is to be told, when it had another at the poll before: below zero, it was
// not there.
func tell(age, before time.Duration) bool {
	return before < 0 || age < time.Second || before < oldest && doublings(age) > doublings(before)
}

// doublings counts the powers of two up to an age: 0, 1, 2, 4, ... s.
func doublings(age time.Duration) int { return bits.Len(uint(age / time.Second)) }

// rows lists the changes that may have to be told after a point, and tells until when: now, by the wiki's clock.
func (w *Wiki) rows(ctx context.Context, point time.Time) (rows []row, now time.Time, err error) {
	p := values("action", "query", "curtimestamp", "1", "maxlag", "5")
	if !point.IsZero() {
		p = values("action", "query", "curtimestamp", "1", "maxlag", "5", "list", "recentchanges", "rcdir", "newer",
			"rcstart", point.Add(-oldest).Format(time.RFC3339), "rcprop", "title|timestamp|loginfo",
			"rctype", "edit|new|log|external", "rclimit", "max")
	}
	for range maxParts {
		var answer struct {
			continued
			Now   time.Time `json:"curtimestamp"`
			Query struct {
				Rows []row `json:"recentchanges"`
			} `json:"query"`
		}
		if err := w.query(ctx, p, &answer); err != nil {
			return nil, point, err
		}
		if now.IsZero() {
			now = answer.Now
		}
		rows = append(rows, answer.Query.Rows...)
		if !answer.next(p) {
			return rows, now, nil
		}
	}
	// The rest is for the next call.
	now = rows[len(rows)-1].Time
	if !now.After(point) {
		return nil, point, fmt.Errorf("%d changes within %v: %w", len(rows), oldest, render.ErrUnavailable)
	}
	return rows, now, nil
}

// dependents adds the pages that rows bear upon, and that were touched since they were last told.
func (w *Wiki) dependents(ctx context.Context, s *site, due []row, point time.Time, names map[string]bool) error {
	var pages, files, links []row
	for _, r := range due {
		pages = append(pages, r)
		if prefix, _, ok := strings.Cut(r.Title, ":"); ok && s.namespaces[strings.ToLower(prefix)].ID == 6 {
			files = append(files, r)
		}
		if r.Type != "edit" {
			links = append(links, r)
		}
	}
	for _, use := range []struct {
		generator, limit string
		rows             []row
	}{
		{"transcludedin", "gtilimit", pages},
		{"fileusage", "gfulimit", files},
		{"linkshere", "glhlimit", links},
	} {
		for rows := range slices.Chunk(use.rows, batch/2) { // a move has two titles
			var titles []string
			after := rows[0].Time
			for _, r := range rows {
				titles = append(titles, r.Title)
				if r.Log.Title != "" {
					titles = append(titles, r.Log.Title)
				}
				if t := told(r.Time, point); t.Before(after) {
					after = t
				}
			}
			slices.Sort(titles)
			p := values("action", "query", "prop", "info", "maxlag", "5",
				"generator", use.generator, use.limit, "max", "titles", all(slices.Compact(titles)))
			if err := w.touched(ctx, p, after.Add(-settled), names); err != nil {
				return err
			}
		}
	}
	return nil
}

// told returns a time before which what touched pages on account of a row was told with it.
func told(t, point time.Time) time.Time {
	if before := point.Sub(t); before >= time.Second {
		return t.Add(time.Second << (doublings(before) - 1))
	}
	return t
}

// touched adds the pages of a list that were touched after a time.
func (w *Wiki) touched(ctx context.Context, p url.Values, after time.Time, names map[string]bool) error {
	for range maxParts {
		var answer struct {
			continued
			Query struct {
				Pages []info `json:"pages"`
			} `json:"query"`
		}
		if err := w.query(ctx, p, &answer); err != nil {
			return err
		}
		for _, i := range answer.Query.Pages {
			if i.Touched.After(after) {
				names[i.Title] = true
			}
		}
		if !answer.next(p) {
			break
		}
	}
	return nil
}
