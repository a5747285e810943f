// progress: how far the site has moved.

package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pagemap/cmd/internal/serving"
	"pagemap/mapping"
	"pagemap/mapping/populate"
	"pagemap/mapping/postgres"
	"pagemap/mapping/progress"
)

// progressOptions are the flags of progress.
type progressOptions struct {
	days, depth int
	json        bool
}

func (a *app) progressCmd() *cobra.Command {
	var o progressOptions
	cmd := &cobra.Command{
		Use:   "progress",
		Short: "Tell how far the site has moved: pages and traffic by files, wiki, redirects, gone",
		Long: `progress counts the pages of the site, for all of it and by directory: those of the
wiki, redirects, pages that are gone, and those that are still files. Beside them
stands their share of the requests of the last days, where these are counted.
Files that are no pages (images, style sheets, downloads) stay files: they are
counted apart.`,
		Example: `  pagemapctl progress
  pagemapctl progress --depth 2 --days 7
  pagemapctl progress --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.days < 1 || o.depth < 0 {
				return usagef("--days is at least 1, and --depth at least 0")
			}
			return a.runProgress(cmd.Context(), o)
		},
	}
	cmd.Flags().IntVar(&o.days, "days", 30, "requests of the last `N` days")
	cmd.Flags().IntVar(&o.depth, "depth", 1, "parts of a path that make a directory; 0: the whole site alone")
	cmd.Flags().BoolVar(&o.json, "json", false, "write JSON")
	return cmd
}

func (a *app) runProgress(ctx context.Context, o progressOptions) error {
	table, err := a.table(ctx)
	if err != nil {
		return err
	}
	types, _, err := serving.MediaTypes(a.settings.MimeTypes)
	if err != nil {
		return err
	}
	var hits iter.Seq2[progress.Hits, error]
	var since time.Time
	if a.settings.Embedded() {
		table, err = a.withFiles(ctx, table)
		if err != nil {
			return err
		}
	} else {
		db, err := a.pages(ctx)
		if err != nil {
			return err
		}
		defer db.Close()
		first, err := db.HitsSince(ctx)
		if err != nil {
			return err
		}
		if since = time.Now().UTC().AddDate(0, 0, 1-o.days).Truncate(24 * time.Hour); first.After(since) {
			since = first
		}
		if !first.IsZero() {
			hits = hitsOf(ctx, db, since)
		}
	}
	report, err := progress.Of(table, types, hits, o.depth)
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(a.out, progressOf(report, since, hits != nil))
	}
	return a.tellProgress(report, since, hits != nil)
}

// withFiles is a table with the tree's files that no row of it has the path of.
func (a *app) withFiles(ctx context.Context, table *mapping.Table) (*mapping.Table, error) {
	if a.settings.Tree == "" {
		return table, nil
	}
	files, err := a.tree()
	if err != nil {
		return nil, err
	}
	defer files.Close()
	rows, _, err := populate.Rows(ctx, files)
	if err != nil {
		return nil, err
	}
	return mapping.NewTable(func(yield func(mapping.Row) bool) {
		for _, row := range rows {
			if !yield(row) {
				return
			}
		}
		for row := range table.All() { // in their place
			if !yield(row) {
				return
			}
		}
	}), nil
}

// hitsOf are the rows' hits since a day.
func hitsOf(ctx context.Context, db *postgres.DB, since time.Time) iter.Seq2[progress.Hits, error] {
	return func(yield func(progress.Hits, error) bool) {
		for h, err := range db.HitSums(ctx, since) {
			if !yield(progress.Hits{Pattern: h.Pattern, Hits: h.Hits}, err) {
				return
			}
		}
	}
}

// progressJSON is a part of the site in JSON. Hits are null where none are counted.
type progressJSON struct {
	Path  string                       `json:"path"` // "" for all
	Kinds map[string]progressCountJSON `json:"kinds"`
}

type progressCountJSON struct {
	Pages int64  `json:"pages"`
	Hits  *int64 `json:"hits"`
}

// progressReportJSON is what progress tells in JSON.
type progressReportJSON struct {
	Since       string         `json:"since,omitempty"` // the first day whose hits are counted
	Site        progressJSON   `json:"site"`
	Directories []progressJSON `json:"directories"`
}

func progressOf(r *progress.Report, since time.Time, counted bool) progressReportJSON {
	part := func(path string, c progress.Counts) progressJSON {
		p := progressJSON{path, map[string]progressCountJSON{}}
		for k := range progress.Other + 1 {
			out := progressCountJSON{Pages: c[k].Pages}
			if counted {
				out.Hits = &c[k].Hits
			}
			p.Kinds[k.String()] = out
		}
		return p
	}
	out := progressReportJSON{Site: part("", r.Counts), Directories: []progressJSON{}}
	if counted {
		out.Since = since.Format(time.DateOnly)
	}
	for _, d := range r.Directories {
		out.Directories = append(out.Directories, part(d.Path, d.Counts))
	}
	return out
}

// How each kind is called and drawn.
var progressLooks = [...]struct{ name, cell, color string }{
	progress.Wiki: {"wiki", "█", "32"}, progress.Redirect: {"redirect", "▓", "34"}, progress.Gone: {"gone", "▒", "90"}, progress.File: {"file", "░", "33"},
}

// barWidth is the length of a bar, in characters.
const barWidth = 40

// bar draws the shares of a part of the site; what is there at all has a character at least.
func bar(c *progress.Counts, colored bool) string {
	var b strings.Builder
	left := barWidth
	total := c.Total().Pages
	if total == 0 {
		return strings.Repeat(" ", barWidth)
	}
	for k := range progress.Other {
		n := int((c[k].Pages*barWidth + total/2) / total)
		if n == 0 && c[k].Pages > 0 {
			n = 1
		}
		if n = min(n, left); k == progress.File {
			n = left
		}
		left -= n
		if cells := strings.Repeat(progressLooks[k].cell, n); n > 0 && colored {
			b.WriteString("\x1b[" + progressLooks[k].color + "m" + cells + "\x1b[0m")
		} else {
			b.WriteString(cells)
		}
	}
	return b.String()
}

func (a *app) tellProgress(r *progress.Report, since time.Time, counted bool) error {
	colored := terminal(a.stdout()) && a.getenv("NO_COLOR") == ""
	total := r.Counts.Total()
	fmt.Fprintf(a.out, "%s\n\n", bar(&r.Counts, colored))
	for k := range progress.Other {
		pages, hits := r.Counts.Share(k)
		fmt.Fprintf(a.out, "%s %-8s %9d pages %6.1f %%", progressLooks[k].cell, progressLooks[k].name, r.Counts[k].Pages, 100*pages)
		if counted {
			fmt.Fprintf(a.out, " %6.1f %% of the requests", 100*hits)
		}
		fmt.Fprintln(a.out)
	}
	fmt.Fprintf(a.out, "           %9d pages in all, and %d other files\n", total.Pages, r.Counts[progress.Other].Pages)
	if counted {
		fmt.Fprintf(a.out, "           %9d requests for them since %s\n", total.Hits, since.Format(time.DateOnly))
	} else {
		fmt.Fprintln(a.out, "           no requests are counted yet")
	}
	width := 0
	for _, d := range r.Directories {
		width = max(width, min(len(d.Path), 40))
	}
	if len(r.Directories) > 0 {
		fmt.Fprintln(a.out)
	}
	for _, d := range r.Directories {
		t := d.Counts.Total()
		if t.Pages == 0 {
			continue
		}
		pages, hits := d.Counts.Share(progress.File)
		fmt.Fprintf(a.out, "%-*s %s %7d pages, %5.1f %% moved", width, d.Path, bar(&d.Counts, colored), t.Pages, 100-100*pages)
		if counted && t.Hits > 0 {
			fmt.Fprintf(a.out, ", %5.1f %% of its requests", 100-100*hits)
		}
		fmt.Fprintln(a.out)
	}
	return nil
}

// stdout is the stream that output goes to.
func (a *app) stdout() io.Writer {
	if o, ok := a.out.(*output); ok {
		return o.Writer
	}
	return a.out
}
