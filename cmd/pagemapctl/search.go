// search: rows by a text in their paths and targets.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
)

func (a *app) search() *cobra.Command {
	var filters *filterFlags
	var after, in string
	var limit int
	var prefix, regexp, asJSON bool
	cmd := &cobra.Command{
		Use:   "search [TEXT]",
		Short: "Find pages by a text in their paths and targets",
		Long: `search lists the first rows in whose path or source TEXT stands, in the order of
their paths: status, path and source, separated by tabs. Upper and lower case are
different. With --regexp TEXT is a regular expression of PostgreSQL's; "(?i)" before
it makes cases equal. The source of a file at its own path is not looked at.

It answers at once where three characters or more stand beside each other. What
takes longer than two seconds is given up. For all rows, without TEXT, there is
page list.

Exit codes: 0 found; 1 nothing found.`,
		Example: `  pagemapctl search install
  pagemapctl search --prefix https://old.example.org/ --in source
  pagemapctl search --regexp '/20(0[0-9]|10)/' --status 301 --since 7d
  pagemapctl search --never-hit --origin import --after /news/x.html`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var q postgres.Query
			var err error
			if q.Filter, err = filters.filter(); err != nil {
				return err
			}
			if limit < 1 {
				return usagef("--limit %d is less than 1: page list lists all rows", limit)
			}
			q.After, q.Limit = after, limit
			if len(args) > 0 {
				q.Text = args[0]
			}
			switch {
			case prefix && regexp:
				return usagef("TEXT is either a --prefix or a --regexp")
			case prefix:
				q.How = postgres.Prefix
			case regexp:
				q.How = postgres.Matches
			}
			where, ok := map[string]postgres.Where{"both": postgres.Anywhere, "path": postgres.InPath, "source": postgres.InSource}[in]
			if !ok {
				return usagef("--in %q is none of path, source and both", in)
			}
			q.In = where
			db, err := a.pages(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			found, err := db.Search(cmd.Context(), q)
			if errors.Is(err, postgres.ErrBadExpression) {
				return &exitError{exitUsage, err}
			}
			if err != nil {
				return err
			}
			for _, p := range found {
				if err := a.listPage(p, asJSON); err != nil {
					return err
				}
			}
			if len(found) == 0 {
				return &exitError{code: exitFound}
			}
			if len(found) == limit {
				fmt.Fprintf(a.err, "the next ones: --after '%s'\n", found[limit-1].Pattern)
			}
			return nil
		},
	}
	filters = addFilterFlags(cmd)
	cmd.Flags().BoolVar(&prefix, "prefix", false, "TEXT is what a path or source begins with")
	cmd.Flags().BoolVar(&regexp, "regexp", false, "TEXT is a regular expression")
	cmd.Flags().StringVar(&in, "in", "both", "look only in this `PART`: path, source or both")
	cmd.Flags().StringVar(&after, "after", "", "only rows that come after this `PATH`")
	cmd.Flags().IntVar(&limit, "limit", postgres.DefaultLimit, "at most `N` rows")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON object a line")
	return cmd
}

// listPage writes a row of a list.
func (a *app) listPage(p mapping.Page, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(a.out)
		e.SetEscapeHTML(false)
		return e.Encode(toJSON(p))
	}
	_, err := fmt.Fprintf(a.out, "%d\t%s\t%s\n", p.Status, p.Pattern, p.Source)
	return err
}

// filterFlags select rows.
type filterFlags struct {
	under, since string
	origins      []string
	f            postgres.Filter
}

func addFilterFlags(cmd *cobra.Command) *filterFlags {
	f := &filterFlags{}
	cmd.Flags().StringVar(&f.under, "under", "", "only this `PATH` and what is below it")
	cmd.Flags().IntVar(&f.f.Status, "status", 0, "only pages of this `STATUS`")
	cmd.Flags().StringSliceVar(&f.origins, "origin", nil, "only pages of these `ORIGINS`: auto, populate, import, admin, cli; made is the last three")
	cmd.Flags().StringVar(&f.f.Tag, "tag", "", "only pages with this `TAG`")
	cmd.Flags().StringVar(&f.f.ChangedBy, "changed-by", "", "only pages that this `AUTHOR` changed last")
	cmd.Flags().StringVar(&f.since, "since", "", "only pages changed since this `TIME`: 2026-03-01, 2026-03-01T12:00:00Z, 12h or 7d")
	cmd.Flags().BoolVar(&f.f.NeverHit, "never-hit", false, "only pages that no counted request asked for")
	return f
}

func (f *filterFlags) filter() (postgres.Filter, error) {
	var err error
	if f.f.Under, err = parseUnder(f.under); err != nil {
		return f.f, err
	}
	if f.f.Origins, err = parseOrigins("--origin", f.origins); err != nil {
		return f.f, err
	}
	f.f.Since, err = parseSince(f.since, time.Now())
	return f.f, err
}

// parseUnder is the path of a flag --under; "" is everything.
func parseUnder(text string) (mapping.Path, error) {
	if text == "" {
		return "", nil
	}
	p, err := mapping.ParsePath(text)
	if err != nil {
		return "", usagef("--under %s: %w", text, err)
	}
	return p, nil
}
