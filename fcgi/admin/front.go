// The front page: how far the site is, and what needs a decision.

package admin

import (
	"net/http"
	"slices"
	"time"

	"pagemap/mapping/postgres"
	"pagemap/mapping/traffic"
)

// frontBody is what the front page is fed with.
type frontBody struct {
	Rows      int // of the table
	Undecided int
	MoreUnd   bool
	Progress  []progressRow
	CountedAt time.Time // the pages of Progress
	Kinds     []kindFound
	Found     int64
	Misses    []traffic.Miss
	MoreMiss  bool
	Sets      []postgres.LoggedSet
	Hits      plot
	Requests  plot
	Pool      []responder
	Number    int64 // of the table's last change
}

// counted is a number of rows, or that there are more than it.
type counted struct {
	Count int
	More  bool
}

// UndecidedCount is how many rows are undecided.
func (b frontBody) UndecidedCount() counted { return counted{b.Undecided, b.MoreUnd} }

// CheckedAt is when the last check ended.
func (b frontBody) CheckedAt() (last time.Time) {
	for _, k := range b.Kinds {
		if k.At.After(last) {
			last = k.At
		}
	}
	return last
}

// responder is how a responder stands.
type responder struct {
	postgres.Report
	Late bool // it has not been heard of for longer than it should
	Old  bool // its table lacks changes
}

const (
	frontMisses = 5
	frontSets   = 5
	reportEvery = 10 * time.Second // as responders do
)

func (a *Admin) front(w http.ResponseWriter, r *http.Request) error {
	ctx, now := r.Context(), a.o.Now()
	var body frontBody
	var err error
	if body.Number, body.Rows, err = a.o.DB.LastNumber(ctx); err != nil {
		return err
	}
	undecided := filter{Undecided: true}
	if undecided, err = a.filterOf(undecided.values()); err != nil {
		return err
	}
	if body.Undecided, body.MoreUnd, err = a.o.DB.Count(ctx, undecided.query, mostCounted); err != nil {
		return err
	}
	pages, traffic, at := a.moved.now(ctx)
	body.Progress, body.CountedAt = progressRows(pages, traffic), at
	if body.Kinds, err = a.kindsFound(r); err != nil {
		return err
	}
	for _, k := range body.Kinds {
		body.Found += k.Found
	}
	open, next, err := a.openMisses(ctx, postgres.MissesQuery{}, frontMisses)
	if err != nil {
		return err
	}
	body.Misses, body.MoreMiss = open, next != nil
	if body.Sets, err = a.o.DB.History(ctx, postgres.HistoryFilter{Limit: frontSets}); err != nil {
		return err
	}
	days, err := a.o.DB.HitsPerDay(ctx, plotDays)
	if err != nil {
		return err
	}
	body.Hits = hitsPlot(days, now)
	reports, err := a.o.DB.Reports(ctx, now.Add(-plotMinutes*time.Minute))
	if err != nil {
		return err
	}
	body.Requests = requestsPlot(reports, now)
	body.Pool = a.pool(reports, body.Number, now)
	return a.page(w, r, "front", "Overview", body)
}

// pool is the last report of each responder that was heard of lately.
func (a *Admin) pool(reports []postgres.Report, number int64, now time.Time) []responder {
	var pool []responder
	for i, r := range reports {
		if i+1 < len(reports) && reports[i+1].Name == r.Name || now.Sub(r.At) > 5*time.Minute {
			continue
		}
		late := now.Sub(r.At) > 3*reportEvery
		pool = append(pool, responder{r, late, r.Number < number && !late})
	}
	return slices.Clip(pool)
}
