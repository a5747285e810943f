// explain: what a URL answers, and why.

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"pagemap/cmd/internal/serving"
	"pagemap/fcgi/explain"
	"pagemap/mapping"
	"pagemap/mapping/exchange"
	"pagemap/mapping/populate"
	"pagemap/mapping/postgres"
	"pagemap/mapping/tree"
	"pagemap/render/cache"
)

// explanation is what is told of one URL.
type explanation struct{ explain.Explanation }

func (a *app) explain() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain URL...",
		Short: "Tell what a URL answers, and every step that led there",
		Long: `explain asks the resolver and the handler that the responders use, over the table
as it is now: how the URL becomes a key, each look-up, the rows with who last
changed them and why, the redirects, the file, and whether memcached has the page.
For an error it suggests URLs that may have been meant. A URL may be a path or a
whole URL of the site. The exit code is 1 if a URL answers an error.`,
		Example: `  pagemapctl explain /docs/old.html
  pagemapctl explain --json 'https://www.example.org/show?id=7'
  pagemapctl explain --tree /srv/www --mapping moved.csv /docs/`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			x, err := a.explainer(cmd.Context())
			if err != nil {
				return err
			}
			defer x.close()
			all := make([]explanation, len(args))
			failed := false
			for i, arg := range args {
				if all[i].Explanation, err = x.Explain(cmd.Context(), arg, maxSuggestions); err != nil {
					return err
				}
				failed = failed || all[i].Status >= 400
			}
			if asJSON {
				err = writeJSON(a.out, all)
			} else {
				var text bytes.Buffer
				for i := range all {
					if i > 0 {
						text.WriteByte('\n')
					}
					all[i].print(&text)
				}
				_, err = a.out.Write(text.Bytes())
			}
			if err == nil && failed {
				err = &exitError{code: exitFound}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

// explainer answers for URLs over one state of the table.
type explainer struct {
	explain.Explainer
	app     *app
	table   *mapping.Table
	handler *serving.Handler
	cache   *cache.Cache

	resolver mapping.Resolver // for suggestions
}

func (a *app) explainer(ctx context.Context) (*explainer, error) {
	x := &explainer{app: a}
	if err := x.open(ctx); err != nil {
		x.close()
		return nil, err
	}
	return x, nil
}

func (x *explainer) open(ctx context.Context) (err error) {
	a := x.app
	if x.table, err = a.table(ctx); err != nil {
		return err
	}
	if !a.settings.Embedded() {
		if x.DB, err = a.pages(ctx); err != nil {
			return err
		}
	}
	if a.settings.Tree != "" {
		if x.Files, err = a.tree(); err != nil {
			return err
		}
	}
	if x.Types, _, err = serving.MediaTypes(a.settings.MimeTypes); err != nil {
		return err
	}
	if x.cache, err = serving.Cache(a.settings, 0, a.log()); err != nil {
		return err
	}
	x.resolver = a.resolver(x.table, x.Files)
	x.Table, x.Cache, x.Images, x.Hosts = func() *mapping.Table { return x.table }, x.cache, int64(a.settings.ImageLimit), a.hosts()
	x.Resolver = x.near
	x.handler, err = serving.New(serving.Options{
		Settings: a.settings, Logger: a.log(), Pages: explain.Undrawn{},
		Table: func() *mapping.Table { return x.table },
	})
	x.Handler = x.handler
	return err
}

func (x *explainer) close() {
	if x.handler != nil {
		_ = x.handler.Close() // nothing was written
	}
	if x.cache != nil {
		_ = x.cache.Close()
	}
	if x.Files != nil {
		_ = x.Files.Close()
	}
	if x.DB != nil {
		_ = x.DB.Close()
	}
}

// table is the page table now: the database's, or the mapping file's. Files need
// no rows to answer.
func (a *app) table(ctx context.Context) (*mapping.Table, error) {
	if !a.settings.Embedded() {
		db, err := a.pages(ctx)
		if err != nil {
			return nil, err
		}
		defer db.Close()
		f := postgres.NewFollower(db, postgres.FollowerOptions{Logger: a.log()})
		if err := f.Start(ctx); err != nil {
			return nil, err
		}
		return f.Table(), nil
	}
	if a.settings.Mapping == "" {
		if a.settings.Tree == "" {
			return nil, usagef("which table and tree? Set --database, or --tree, or --mapping")
		}
		return new(mapping.Table), nil
	}
	f, err := os.Open(a.settings.Mapping)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pages, err := exchange.ReadCSV(f, a.hosts())
	if err != nil {
		return nil, wrapFile(a.settings.Mapping, err)
	}
	return mapping.NewTable(func(yield func(mapping.Row) bool) {
		for _, p := range pages {
			if !yield(p.Row) {
				return
			}
		}
	}), nil
}

// resolver is the site's resolver over a table. files nil: no tree.
func (a *app) resolver(table *mapping.Table, files *tree.Tree) mapping.Resolver {
	r := mapping.Resolver{Rows: table, IndexNames: a.settings.Index, MultiViews: a.settings.MultiViews, Hosts: a.hosts()}
	if files != nil {
		r.Files = files
	}
	return r
}

// maxSuggestions is the number of URLs that are suggested.
const maxSuggestions = 5

// near is the resolver that suggestions are sought with: where no database has the
// tree's files as rows, they are put among them.
func (x *explainer) near(ctx context.Context) (mapping.Resolver, error) {
	if x.DB != nil || x.Files == nil || x.resolver.Rows != mapping.Rows(x.table) {
		return x.resolver, nil
	}
	rows, _, err := populate.Rows(ctx, x.Files)
	if err != nil {
		return mapping.Resolver{}, err
	}
	x.resolver.Rows = mapping.NewTable(func(yield func(mapping.Row) bool) {
		for _, row := range rows {
			if !yield(row) {
				return
			}
		}
		for row := range x.table.All() { // rank before the tree's
			if !yield(row) {
				return
			}
		}
	})
	return x.resolver, nil
}

// wrapFile names the file of an error.
func wrapFile(name string, err error) error { return fmt.Errorf("%s: %w", name, err) }
