// warm: drawing pages before readers ask for them.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"pagemap/cmd/internal/serving"
	"pagemap/fcgi/explain"
	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/traffic"
	"pagemap/render/cache"
)

// warmReport says what became of the pages. Pages is the sum of Drawn, Ready,
// NotPages and of those that failed.
type warmReport struct {
	DryRun   bool                `json:"dry_run"`
	Pages    int                 `json:"pages"`     // rows looked at
	Drawn    int                 `json:"drawn"`     // and kept in memcached
	Ready    int                 `json:"ready"`     // were there already
	NotPages int                 `json:"not_pages"` // data and redirects, which are not kept
	Failed   map[string][]string `json:"failed"`    // paths by reason
	Paths    []string            `json:"paths,omitempty"`
}

func (r *warmReport) failed() (n int) {
	for _, paths := range r.Failed {
		n += len(paths)
	}
	return n
}

func (a *app) warm() *cobra.Command {
	var w warmer
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "warm",
		Short: "Draw the most used pages into memcached",
		Long: `warm draws the pages that were asked for most often, in all their encodings, and
keeps them in memcached, where every responder finds them. It draws as responders
do; a page that is there is left alone. It can be stopped and run again at any time.
Prefix rows stand for pages that only a request names, and are left out.

The exit code is 1 if a page could not be drawn or kept, or if no hits are known.`,
		Example: `  pagemapctl warm --limit 1000
  pagemapctl warm --all --jobs 8
  pagemapctl warm --dry-run --days 7`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w.app = a
			if w.jobs < 1 {
				return usagef("--jobs %d: at least one page at a time", w.jobs)
			}
			report, err := w.run(cmd.Context())
			if report != nil {
				write := report.print
				if asJSON {
					write = func(out io.Writer) error { return writeJSON(out, report) }
				}
				err = errors.Join(err, write(a.out))
				if err == nil && report.failed() > 0 {
					err = &exitError{code: exitFound}
				}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&w.all, "all", false, "every page of the table, used or not")
	cmd.Flags().IntVar(&w.days, "days", 30, "pages asked for in the last `N` days; 0: in all that are kept")
	cmd.Flags().IntVar(&w.limit, "limit", 10_000, "at most `N` pages; 0: no limit")
	cmd.Flags().IntVar(&w.jobs, "jobs", runtime.NumCPU(), "draw `N` pages at a time")
	cmd.Flags().BoolVarP(&w.dryRun, "dry-run", "n", false, "draw nothing, only list the pages")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the report as JSON")
	return cmd
}

// warmer draws pages.
type warmer struct {
	*app
	all, dryRun       bool
	days, limit, jobs int
	cache             *cache.Cache
	h                 *serving.Handler

	mu     sync.Mutex // protects report
	report warmReport
}

// run returns what was done, also where it ends with an error in the middle.
func (w *warmer) run(ctx context.Context) (*warmReport, error) {
	if len(w.settings.Memcached) == 0 && !w.dryRun {
		return nil, usagef("no memcached is set, so pages drawn here would be kept nowhere: set --memcached (PAGEMAP_MEMCACHED, or \"memcached = ...\" in the settings file)")
	}
	db, err := w.pages(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	targets, err := w.targets(ctx, db)
	if err != nil {
		return nil, err
	}
	w.report = warmReport{DryRun: w.dryRun, Failed: map[string][]string{}}
	if w.dryRun {
		w.report.Pages, w.report.Paths = len(targets), targets
		return &w.report, nil
	}
	table, err := w.app.table(ctx)
	if err != nil {
		return nil, err
	}
	o, err := serving.CacheOptions(w.settings, 0, w.log())
	if err != nil {
		return nil, err
	}
	o.CompleteAtOnce = true
	if w.cache, err = cache.New(o); err != nil {
		return nil, err
	}
	defer w.cache.Close()
	w.h, err = serving.New(serving.Options{
		Settings: w.settings, Logger: w.log(), Pages: w.cache,
		Table: func() *mapping.Table { return table },
	})
	if err != nil {
		return nil, err
	}
	defer w.h.Close()
	return &w.report, w.draw(ctx, targets)
}

// targets are the pages to be drawn, the most used first.
func (w *warmer) targets(ctx context.Context, db *postgres.DB) ([]string, error) {
	var all []string
	add := func(pattern string) (more bool) {
		if !strings.HasSuffix(pattern, "/*") {
			all = append(all, pattern)
		}
		return w.limit <= 0 || len(all) < w.limit
	}
	if w.all {
		for p, err := range db.Pages(ctx, postgres.Filter{Status: 200}) {
			if err != nil {
				return nil, err
			}
			if !add(p.Pattern) {
				break
			}
		}
		return all, nil
	}
	var f postgres.HitsFilter
	if w.days > 0 {
		f.Since = traffic.DayOf(time.Now()).AddDate(0, 0, 1-w.days)
	}
	for h, err := range db.Hits(ctx, f) {
		if err != nil {
			return nil, err
		}
		if (h.Status == 0 || h.Status == 200) && !add(h.Pattern) {
			break
		}
	}
	if len(all) == 0 {
		return nil, &exitError{exitFound, errors.New("no page is known to be used: import an access log (pagemapctl hits import), look further back (--days), or draw every page (--all)")}
	}
	return all, nil
}

// errNoMemcached ends a run that would draw for nothing.
var errNoMemcached = errors.New("memcached does not answer: nothing that is drawn would be kept")

// draw draws the pages, w.jobs at a time.
func (w *warmer) draw(ctx context.Context, targets []string) error {
	progress, done := w.progress(fmt.Sprintf("of %d pages", len(targets)))
	defer done()
	jobs, running := errgroup.WithContext(ctx)
	jobs.SetLimit(w.jobs)
	for i, target := range targets {
		if running.Err() != nil {
			break
		}
		if i > 0 && i%500 == 0 {
			progress(i)
		}
		jobs.Go(func() error {
			w.drawOne(running, target)
			if s := w.cache.Stats(); s.DeadServers == s.Servers {
				return errNoMemcached
			}
			return nil
		})
	}
	if err := jobs.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// drawOne asks the handler for one page, as a reader would.
func (w *warmer) drawOne(ctx context.Context, target string) {
	status, header := explain.Head(ctx, w.h, target)
	if ctx.Err() != nil {
		return
	}
	kept := header.Get("Cache-Status")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.Pages++
	switch {
	case status >= 400:
		w.fail(target, fmt.Sprintf("%d %s", status, http.StatusText(status)))
	case status != http.StatusOK:
		w.report.NotPages++
	case strings.Contains(kept, "; hit"):
		w.report.Ready++
	case strings.Contains(kept, "; stored"):
		w.report.Drawn++
	case strings.Contains(kept, "fwd=bypass"):
		w.fail(target, "too large to be kept")
	default:
		w.fail(target, "drawn, but not kept: it was just changed, is too large for memcached, or memcached did not take it")
	}
}

func (w *warmer) fail(target, reason string) {
	w.report.Failed[reason] = append(w.report.Failed[reason], target)
}

// failedShown is how many paths of a reason are listed in text.
const failedShown = 10

func (r *warmReport) print(w io.Writer) error {
	for _, path := range r.Paths {
		if _, err := fmt.Fprintln(w, path); err != nil {
			return err
		}
	}
	if r.DryRun {
		_, err := fmt.Fprintf(w, "%d pages would be drawn\n", r.Pages)
		return err
	}
	_, err := fmt.Fprintf(w, "%d pages: %d drawn, %d already there, %d data or redirects, %d failed\n", r.Pages, r.Drawn, r.Ready, r.NotPages, r.failed())
	reasons := make([]string, 0, len(r.Failed))
	for reason := range r.Failed {
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	for _, reason := range reasons {
		paths := r.Failed[reason]
		fmt.Fprintf(w, "  %s: %d\n", reason, len(paths))
		slices.Sort(paths)
		for i, path := range paths {
			if i == failedShown {
				fmt.Fprintf(w, "    and %d more\n", len(paths)-i)
				break
			}
			fmt.Fprintf(w, "    %s\n", path)
		}
	}
	return err
}
