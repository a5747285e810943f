// page: rows of the table, one by one or many from standard input.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pagemap/fcgi/explain"
	"pagemap/mapping"
	"pagemap/mapping/check"
	"pagemap/mapping/exchange"
	"pagemap/mapping/postgres"
)

func (a *app) page() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "page",
		Short: "List, show, set and remove pages",
		Example: `  pagemapctl page list --under /docs
  pagemapctl page get /about.html
  pagemapctl page set '/docs/*' 301 'https://docs.example.org/*' -m "docs moved"
  pagemapctl page rm /about.html`,
	}
	cmd.AddCommand(a.pageList(), a.pageGet(), a.pageSet(), a.pageRm())
	return cmd
}

// pageJSON is a page in JSON.
type pageJSON struct{ explain.Page }

func toJSON(p mapping.Page) pageJSON { return pageJSON{explain.PageOf(p)} }

func queryWord(p mapping.Page) string {
	if p.DropQuery {
		return "drop"
	}
	return "keep"
}

func (a *app) pageList() *cobra.Command {
	var filters *filterFlags
	var limit int
	var asJSON, asCSV bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List pages: status, path and source, separated by tabs",
		Example: `  pagemapctl page list --under /docs --status 301
  pagemapctl page list --origin cli --csv > mine.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := atLeast(0, map[string]int{"limit": limit}); err != nil {
				return err
			}
			filter, err := filters.filter()
			if err != nil {
				return err
			}
			filter.Limit = limit
			db, err := a.pages(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			pages := db.Pages(cmd.Context(), filter)
			if asCSV {
				return exchange.WriteCSV(a.out, pages)
			}
			for p, err := range pages {
				if err == nil {
					err = a.listPage(p, asJSON)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	filters = addFilterFlags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 0, "at most `N` pages; 0: all")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON object a line")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "write CSV, as page set reads it")
	cmd.MarkFlagsMutuallyExclusive("json", "csv")
	return cmd
}

func (a *app) pageGet() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "get PATH...",
		Short:   "Show whole rows; exit with 1 if one is not there",
		Long:    "get shows the rows with exactly these paths. What a URL answers, by whichever row or file, is told by explain.",
		Example: "  pagemapctl page get /about.html '/docs/*'",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			patterns, err := a.patterns(args)
			if err != nil {
				return err
			}
			db, err := a.pages(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			pages := []pageJSON{}
			var missing []error
			for _, pattern := range patterns {
				p, err := db.Page(cmd.Context(), pattern)
				if errors.Is(err, postgres.ErrNoPage) {
					missing = append(missing, err)
					continue
				}
				if err != nil {
					return err
				}
				pages = append(pages, toJSON(p))
			}
			if asJSON {
				if err := writeJSON(a.out, pages); err != nil {
					return err
				}
			} else {
				for i, p := range pages {
					if i > 0 {
						fmt.Fprintln(a.out)
					}
					p.print(a.out)
				}
			}
			if missing != nil {
				return &exitError{exitFound, errors.Join(missing...)}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func (p *pageJSON) print(w io.Writer) {
	for _, f := range []struct{ name, value string }{
		{"path", p.Path}, {"status", strconv.Itoa(p.Status)}, {"source", p.Source}, {"query", p.Query},
		{"origin", p.Origin}, {"tags", strings.Join(p.Tags, " ")}, {"note", p.Note},
		{"changed", fmt.Sprintf("%s by %s, change %d", p.ChangedAt.Format(time.RFC3339), p.ChangedBy, p.Change)},
	} {
		if f.value != "" {
			fmt.Fprintf(w, "%-8s %s\n", f.name, f.value)
		}
	}
}

func (a *app) pageSet() *cobra.Command {
	var p mapping.Page
	var flags *writeFlags
	cmd := &cobra.Command{
		Use:   "set {PATH STATUS [SOURCE] | -}",
		Short: "Make a URL a page, a redirect, or gone",
		Long: `set writes one row, or with "-" all rows of a CSV on standard input (columns
path, status, source and, if wanted, query, tags, note). All rows of one call are
one change-set: either all are written or none.

PATH is exact (/a.html), a prefix (/docs/*) or has a query (/show?id=7). SOURCE is
  200       file:/path/in/tree or wiki:Page name
  301, 302  a URL or a path of the site; ending in /* it keeps the rest of a prefix
  404       nothing
  410       nothing, or a URL to suggest`,
		Example: `  pagemapctl page set /about.html 200 wiki:About -m "first page of the wiki"
  pagemapctl page set '/show?id=7' 301 /products/seven.html
  pagemapctl page set - -m "shop closed" < gone.csv`,
		Args: cobra.RangeArgs(1, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			pages, err := a.pagesToSet(cmd.Context(), p, args)
			if err != nil {
				return err
			}
			db, err := a.pages(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			edits := make([]postgres.Edit, len(pages))
			for i := range pages {
				edits[i] = postgres.Edit{Pattern: pages[i].Pattern, Page: &pages[i]}
			}
			if err := a.write(cmd.Context(), db, flags, edits); err != nil {
				return err
			}
			a.warnOfMissingFiles(pages)
			return nil
		},
	}
	flags = a.addWriteFlags(cmd)
	cmd.Flags().StringSliceVar(&p.Tags, "tag", nil, "`TAGS` of the row")
	cmd.Flags().StringVar(&p.Note, "note", "", "`NOTE` kept with the row")
	cmd.Flags().BoolVar(&p.DropQuery, "drop-query", false, "a redirect does not pass the request's query on")
	return cmd
}

// warnOfMissingFiles tells which of the pages name a file that the tree, if there is one here, does not have.
func (a *app) warnOfMissingFiles(pages []mapping.Page) {
	if a.settings.Tree == "" {
		return
	}
	files, err := a.tree()
	if err != nil {
		fmt.Fprintln(a.err, "warning: the files of these rows were not looked for:", err)
		return
	}
	defer files.Close()
	o := check.Options{Table: new(mapping.Table), Tree: files, IndexNames: a.settings.Index, Hosts: a.hosts()}
	const shown = 10
	missing := 0
	for _, p := range pages {
		for _, f := range check.Row(o, p.Row) {
			if f.Kind != check.Vanished {
				continue
			}
			if missing++; missing <= shown {
				fmt.Fprintf(a.err, "warning: %s answers 404: %s\n", f.Path, f.Detail)
			}
		}
	}
	if missing > shown {
		fmt.Fprintf(a.err, "warning: %d more rows answer 404, as the tree does not have their files; pagemapctl check --kind vanished lists them\n", missing-shown)
	}
}

// pagesToSet are the rows that set's arguments, or standard input, describe.
func (a *app) pagesToSet(ctx context.Context, p mapping.Page, args []string) ([]mapping.Page, error) {
	p.Origin = mapping.OriginCLI
	if args[0] == "-" {
		if len(args) > 1 {
			return nil, usagef("\"-\" reads rows from standard input and takes no further argument")
		}
		if p.Tags != nil || p.Note != "" || p.DropQuery {
			return nil, usagef("\"-\" reads rows from standard input: put tags, note and query into columns of theirs instead of flags")
		}
		pages, err := exchange.ReadCSV(interruptible(ctx, a.in), a.hosts())
		var wrong *exchange.Errors
		switch {
		case errors.As(err, &wrong):
			return nil, usagef("standard input: %w", err)
		case err != nil:
			return nil, fmt.Errorf("standard input: %w", err)
		case len(pages) == 0:
			return nil, usagef("standard input: it holds no row")
		}
		for i := range pages {
			pages[i].Origin = mapping.OriginCLI
		}
		return pages, nil
	}
	if len(args) < 2 {
		return nil, usagef("%s: which status? 200, 301, 302, 404 or 410", args[0])
	}
	status, err := strconv.ParseUint(args[1], 10, 16)
	if err != nil {
		return nil, usagef("status %q is not a number", args[1])
	}
	p.Pattern, p.Status = args[0], uint16(status)
	if len(args) == 3 {
		p.Source = args[2]
	}
	if p, err = a.hosts().Clean(p); err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return []mapping.Page{p}, nil
}

// interruptible is r, but fails once ctx has ended, also where r itself goes on
// waiting as a terminal does.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	go func() {
		_, err := io.Copy(in, r)
		_ = in.CloseWithError(err) // it returns no error
	}()
	context.AfterFunc(ctx, func() { _ = in.CloseWithError(context.Cause(ctx)) })
	return out
}

func (a *app) pageRm() *cobra.Command {
	var flags *writeFlags
	cmd := &cobra.Command{
		Use:   "rm PATH...",
		Short: "Remove rows",
		Long: `rm removes rows, all in one change-set or none. Where the old tree has a file of
that path, the file answers again.`,
		Example: "  pagemapctl page rm /about.html -m \"back to the file\"",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			patterns, err := a.patterns(args)
			if err != nil {
				return err
			}
			db, err := a.pages(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			edits := make([]postgres.Edit, len(patterns))
			for i, pattern := range patterns {
				edits[i].Pattern = pattern
			}
			err = a.write(cmd.Context(), db, flags, edits)
			if errors.Is(err, postgres.ErrNoPage) {
				return &exitError{exitFound, err}
			}
			return err
		},
	}
	flags = a.addWriteFlags(cmd)
	return cmd
}

// patterns parses paths of rows, which may be pasted URLs of the site.
func (a *app) patterns(args []string) ([]string, error) {
	patterns := make([]string, len(args))
	for i, arg := range args {
		p, err := mapping.ParsePattern(a.hosts().SitePath(arg))
		if err != nil {
			return nil, &exitError{exitUsage, err}
		}
		patterns[i] = p.String()
	}
	return patterns, nil
}

// writeFlags are the flags of the commands that write rows which they name.
type writeFlags struct {
	*changeFlags
	json bool
}

func (a *app) addWriteFlags(cmd *cobra.Command) *writeFlags {
	f := &writeFlags{changeFlags: a.addChangeFlags(cmd)}
	cmd.Flags().BoolVar(&f.json, "json", false, "write what was done as JSON")
	return f
}

// writtenJSON is what was done, in rows, in JSON.
type writtenJSON struct {
	ChangeSet int64 `json:"change_set"` // 0: every row was so already
	Added     int   `json:"added"`
	Changed   int   `json:"changed"`
	Removed   int   `json:"removed"`
	Unchanged int   `json:"unchanged"`
}

// write makes one change-set of edits and tells what became of it.
func (a *app) write(ctx context.Context, db *postgres.DB, f *writeFlags, edits []postgres.Edit) error {
	r, err := db.Write(ctx, f.changeSet(mapping.OriginCLI), edits)
	if err != nil {
		return err
	}
	if f.json {
		return writeJSON(a.out, writtenJSON{r.ChangeSet, r.Added, r.Changed, r.Removed, r.Unchanged})
	}
	if r.Added+r.Changed+r.Removed == 0 {
		fmt.Fprintln(a.out, "nothing to do: every row is so already")
		return nil
	}
	fmt.Fprintf(a.out, "change-set %d: %d added, %d changed, %d removed, %d unchanged\n", r.ChangeSet, r.Added, r.Changed, r.Removed, r.Unchanged)
	return nil
}
