// hits: how often rows are asked for.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/traffic"
)

// hitsJSON is a row's hits in JSON.
type hitsJSON struct {
	Path   string     `json:"path"`
	Status int        `json:"status"` // 0: there is no such row
	Source string     `json:"source"`
	Hits   int64      `json:"hits"`
	Last   *time.Time `json:"last"` // null: never
}

// dayJSON is a row's day in JSON.
type dayJSON struct {
	Day  string    `json:"day"`
	Hits int64     `json:"hits"`
	Last time.Time `json:"last"`
}

func (a *app) hits() *cobra.Command {
	var under string
	var days, limit int
	var never, asJSON bool
	cmd := &cobra.Command{
		Use:   "hits [PATH]",
		Short: "Tell how often rows are asked for",
		Long: `hits lists the rows that were asked for most often: hits, the last one's time,
status and path, separated by tabs. A "-" for the status is a file, or was a row,
without a row now. With a PATH it lists that row's hits day by day.

Responders count in memory and write every ten seconds. Days are of UTC, and kept
for --traffic-days. What a cache in front answers is not counted.

The exit code is 1 if PATH was never asked for.`,
		Example: `  pagemapctl hits --days 7 --limit 20
  pagemapctl hits --never --under /docs
  pagemapctl hits /about.html`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := atLeast(0, map[string]int{"days": days, "limit": limit}); err != nil {
				return err
			}
			filter, err := hitsFilter(days, limit, under)
			if err != nil {
				return err
			}
			db, err := a.pages(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			if len(args) == 1 {
				return a.hitsByDay(cmd, db, args[0], asJSON)
			}
			list := db.Hits
			if never {
				list = db.NeverHit
			}
			e := json.NewEncoder(a.out)
			e.SetEscapeHTML(false)
			for h, err := range list(cmd.Context(), filter) {
				if err != nil {
					return err
				}
				if asJSON {
					row := hitsJSON{Path: h.Pattern, Status: h.Status, Source: h.Source, Hits: h.Hits}
					if last := h.Last.UTC(); !h.Last.IsZero() {
						row.Last = &last
					}
					err = e.Encode(row)
				} else {
					last, status := "never", "-"
					if !h.Last.IsZero() {
						last = h.Last.UTC().Format(time.RFC3339)
					}
					if h.Status != 0 {
						status = strconv.Itoa(h.Status)
					}
					_, err = fmt.Fprintf(a.out, "%d\t%s\t%s\t%s\n", h.Hits, last, status, h.Pattern)
				}
				if err != nil {
					return err
				}
			}
			since, err := db.HitsSince(cmd.Context())
			if err == nil {
				tellSince(a, since)
			}
			return err
		},
	}
	cmd.Flags().IntVar(&days, "days", 30, "of the last `N` days; 0: of all that are kept")
	cmd.Flags().IntVar(&limit, "limit", 50, "at most `N` rows; 0: all")
	cmd.Flags().StringVar(&under, "under", "", "only this `PATH` and what is below it")
	cmd.Flags().BoolVar(&never, "never", false, "list the rows that nobody asked for")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON object a line; with a PATH, an array of days")
	cmd.AddCommand(a.hitsImport())
	return cmd
}

// hitsFilter is the filter of flags.
func hitsFilter(days, limit int, under string) (f postgres.HitsFilter, err error) {
	f.Limit = limit
	if days > 0 {
		f.Since = traffic.DayOf(time.Now()).AddDate(0, 0, 1-days)
	}
	if under != "" {
		if f.Under, err = mapping.ParsePath(under); err != nil {
			return f, usagef("--under %s: %w", under, err)
		}
	}
	return f, nil
}

// tellSince says what a list of hits rests on.
func tellSince(a *app, since time.Time) {
	if since.IsZero() {
		fmt.Fprintln(a.err, noHits)
		return
	}
	fmt.Fprintf(a.err, "counted since %s\n", since.Format(time.DateOnly))
}

const noHits = "no hits are known yet: they come with the requests that responders answer, or from the old site's access logs (pagemapctl hits import)"

// hitsByDay lists one row's days.
func (a *app) hitsByDay(cmd *cobra.Command, db *postgres.DB, path string, asJSON bool) error {
	patterns, err := a.patterns([]string{path})
	if err != nil {
		return err
	}
	list, err := db.HitsByDay(cmd.Context(), patterns[0])
	if err != nil {
		return err
	}
	days := make([]dayJSON, len(list))
	for i, d := range list {
		days[i] = dayJSON{d.Day.Format(time.DateOnly), d.Hits, d.Last.UTC()}
	}
	if asJSON {
		err = writeJSON(a.out, days)
	} else {
		for _, d := range days {
			if _, err = fmt.Fprintf(a.out, "%s\t%d\t%s\n", d.Day, d.Hits, d.Last.Format(time.RFC3339)); err != nil {
				break
			}
		}
	}
	if err == nil && len(days) == 0 {
		return &exitError{exitFound, errors.New(patterns[0] + ": no hits are known")}
	}
	return err
}
