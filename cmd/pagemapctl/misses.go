// misses: paths that nothing answers, and what to do about them.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"pagemap/cmd/internal/serving"
	"pagemap/fcgi/explain"
	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/mapping/traffic"
)

// nearShown is how many suggestions a miss gets.
const nearShown = 3

// missJSON is a miss in JSON.
type missJSON struct {
	Path        mapping.Path         `json:"path"`
	Hits        int64                `json:"hits"`
	First       time.Time            `json:"first_seen"`
	Last        time.Time            `json:"last_seen"`
	Referrer    string               `json:"referrer"` // host of a page that leads there
	Own         bool                 `json:"own"`      // it is the site's
	Suggestions []mapping.Suggestion `json:"suggestions"`
}

func (a *app) misses() *cobra.Command {
	var limit int
	var own, asJSON bool
	cmd := &cobra.Command{
		Use:   "misses",
		Short: "List paths that nothing answers, and settle them",
		Long: `misses lists the paths that readers asked for and got a 404: hits, the last one's
day, the host of a page that leads there, path, and the URL that may be meant with
the reason. Paths that the site's own pages lead to come first: these are mistakes
of the site. What the table answers by now is left out, as is what is ignored.

Responders count in memory and write every ten seconds. At most 50,000 paths are
kept, the most useful ones.`,
		Example: `  pagemapctl misses --limit 20
  pagemapctl misses map /old-page.htm /new/page.html -m "renamed in 2009"
  pagemapctl misses gone /press/1999.html
  pagemapctl misses ignore '/typo3/*'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := atLeast(0, map[string]int{"limit": limit}); err != nil {
				return err
			}
			db, err := a.pages(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			list, near, err := a.openMisses(cmd.Context(), db, limit, own)
			if err != nil {
				return err
			}
			if err := writeMisses(a.out, list, near, asJSON); err != nil {
				return err
			}
			extra, err := db.MissOverflow(cmd.Context(), traffic.DayOf(time.Now()).AddDate(0, 0, -29))
			if err == nil && extra > 0 {
				fmt.Fprintf(a.err, "and %d misses of the last 30 days that are counted without their path\n", extra)
			}
			return err
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "at most `N` paths; 0: all")
	cmd.Flags().BoolVar(&own, "own", false, "only those that the site's own pages lead to")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON object a line")
	cmd.AddCommand(a.missesMap(), a.missesGone(), a.missesIgnore())
	return cmd
}

// openMisses returns the misses that are so still, with suggestions for each. A
// row whose file has vanished resolves to a page; so the handler is asked.
func (a *app) openMisses(ctx context.Context, db *postgres.DB, limit int, own bool) (list []traffic.Miss, near [][]mapping.Suggestion, err error) {
	table, err := a.table(ctx)
	if err != nil {
		return nil, nil, err
	}
	h, err := serving.New(serving.Options{
		Settings: a.settings, Logger: a.log(), Pages: explain.Undrawn{},
		Table: func() *mapping.Table { return table },
	})
	if err != nil {
		return nil, nil, err
	}
	defer h.Close()
	var paths []mapping.Path
	for m, err := range db.Misses(ctx) {
		if err != nil {
			return nil, nil, err
		}
		if own && !m.Own || limit > 0 && len(list) == limit {
			break
		}
		if status, _ := explain.Head(ctx, h, string(m.Path)); status == http.StatusNotFound {
			list, paths = append(list, m), append(paths, m.Path)
		}
	}
	resolver := mapping.Resolver{Rows: table, IndexNames: a.settings.Index, MultiViews: a.settings.MultiViews, Hosts: a.hosts()}
	if a.settings.Tree != "" {
		files, err := a.tree()
		if err != nil {
			return nil, nil, err
		}
		defer files.Close()
		resolver.Files = files
	}
	return list, resolver.Near(paths, nearShown), nil
}

func writeMisses(w io.Writer, list []traffic.Miss, near [][]mapping.Suggestion, asJSON bool) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for i, m := range list {
		var err error
		if asJSON {
			err = e.Encode(missJSON{m.Path, m.Count, m.First, m.Last, m.Referrer, m.Own, append([]mapping.Suggestion{}, near[i]...)})
		} else {
			from, suggestion := m.Referrer, "-"
			if from == "" {
				from = "-"
			}
			if m.Own {
				from += " (own)"
			}
			if len(near[i]) > 0 {
				suggestion = fmt.Sprintf("%s (%s)", near[i][0].URL, near[i][0].Reason)
			}
			_, err = fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", m.Count, m.Last.Format(time.DateOnly), from, m.Path, suggestion)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) missesMap() *cobra.Command {
	var flags *writeFlags
	var temporary bool
	cmd := &cobra.Command{
		Use:   "map PATH TARGET",
		Short: "Redirect a missed path",
		Long: `map writes a redirect from PATH to TARGET, a path of the site or a URL, as page set
does, and takes PATH off the list of misses.`,
		Example: `  pagemapctl misses map /old-page.htm /new/page.html -m "renamed in 2009"
  pagemapctl misses map --temporary /today /2026/11/22.html`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			status := uint16(301)
			if temporary {
				status = 302
			}
			return a.settle(cmd.Context(), flags, args[:1], mapping.Row{Status: status, Source: args[1]})
		},
	}
	flags = a.addWriteFlags(cmd)
	cmd.Flags().BoolVar(&temporary, "temporary", false, "302 instead of 301")
	return cmd
}

func (a *app) missesGone() *cobra.Command {
	var flags *writeFlags
	cmd := &cobra.Command{
		Use:     "gone PATH...",
		Short:   "Answer missed paths with 410: they are gone for good",
		Long:    "gone writes a row of status 410 for every PATH, all in one change-set or none, and takes\nthem off the list of misses.",
		Example: "  pagemapctl misses gone /press/1999.html /press/2000.html",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.settle(cmd.Context(), flags, args, mapping.Row{Status: 410})
		},
	}
	flags = a.addWriteFlags(cmd)
	return cmd
}

// settle writes a row like this one for every path, and forgets their misses.
func (a *app) settle(ctx context.Context, flags *writeFlags, paths []string, row mapping.Row) error {
	edits := make([]postgres.Edit, len(paths))
	var missed []mapping.Path
	for i, path := range paths {
		row.Pattern, row.Origin = path, mapping.OriginCLI
		p, err := a.hosts().Clean(mapping.Page{Row: row})
		if err != nil {
			return &exitError{exitUsage, err}
		}
		edits[i] = postgres.Edit{Pattern: p.Pattern, Page: &p}
		missed = append(missed, mapping.Path(p.Pattern))
	}
	db, err := a.pages(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := a.write(ctx, db, flags, edits); err != nil {
		return err
	}
	return db.ForgetMisses(ctx, missed)
}

// ignoreJSON is an ignored pattern in JSON.
type ignoreJSON struct {
	Pattern string    `json:"pattern"`
	Author  string    `json:"author"` // "pagemap": it came with the table
	Added   time.Time `json:"added"`
}

// ignoredJSON is what became of patterns in JSON.
type ignoredJSON struct {
	Ignored []string `json:"ignored,omitempty"`
	Removed []string `json:"removed,omitempty"`
	Dropped int      `json:"misses_dropped"`
}

func (a *app) missesIgnore() *cobra.Command {
	var remove, asJSON bool
	var author string
	cmd := &cobra.Command{
		Use:   "ignore [PATTERN...]",
		Short: "Ignore missed paths, or list what is ignored",
		Long: `ignore keeps paths off the list of misses. A PATTERN is a path in which "*" stands
for any bytes, slashes too, and case does not count; it may begin with "*". Misses
that it matches are dropped at once, and no longer kept.

Without a PATTERN it lists what is ignored: author, day and pattern. What usual
scanners ask for is ignored from the start, in the name of "pagemap"; --remove
takes any pattern off the list. The exit code is 1 if one to be removed is not there.`,
		Example: `  pagemapctl misses ignore
  pagemapctl misses ignore '*.php' /apple-touch-icon.png
  pagemapctl misses ignore --remove '*/wp-login.php'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if remove && len(args) == 0 {
				return usagef("--remove: which PATTERN?")
			}
			patterns := make([]string, len(args))
			for i, arg := range args {
				p, err := postgres.ParseIgnore(a.hosts().SitePath(arg))
				if err != nil {
					return &exitError{exitUsage, err}
				}
				patterns[i] = p
			}
			db, err := a.pages(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			switch {
			case len(args) == 0:
				return a.listIgnores(cmd, db, asJSON)
			case remove:
				err = db.RemoveIgnores(cmd.Context(), patterns)
				if errors.Is(err, postgres.ErrNoIgnore) {
					return &exitError{exitFound, err}
				}
				if err == nil && asJSON {
					err = writeJSON(a.out, ignoredJSON{Removed: patterns})
				}
				return err
			}
			n, err := db.AddIgnores(cmd.Context(), author, patterns)
			switch {
			case err != nil:
				return err
			case asJSON:
				return writeJSON(a.out, ignoredJSON{Ignored: patterns, Dropped: n})
			}
			_, err = fmt.Fprintf(a.out, "%d misses dropped\n", n)
			return err
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "ignore the patterns no longer")
	cmd.Flags().StringVar(&author, "author", a.author(), "who ignores them")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the list, or what was done, as JSON")
	return cmd
}

func (a *app) listIgnores(cmd *cobra.Command, db *postgres.DB, asJSON bool) error {
	ignores, err := db.Ignores(cmd.Context())
	if err != nil {
		return err
	}
	if asJSON {
		list := make([]ignoreJSON, len(ignores))
		for i, ig := range ignores {
			list[i] = ignoreJSON{ig.Pattern, ig.Author, ig.At}
		}
		return writeJSON(a.out, list)
	}
	for _, ig := range ignores {
		if _, err := fmt.Fprintf(a.out, "%s\t%s\t%s\n", ig.Author, ig.At.Format(time.DateOnly), ig.Pattern); err != nil {
			return err
		}
	}
	return nil
}
