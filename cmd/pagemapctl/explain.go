// explain: what a URL answers, and why.

package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"pagemap/cmd/internal/serving"
	"pagemap/mapping"
	"pagemap/mapping/exchange"
	"pagemap/mapping/populate"
	"pagemap/mapping/postgres"
	"pagemap/mapping/tree"
	"pagemap/render"
	"pagemap/render/cache"
)

// explanation is what is told of one URL.
type explanation struct {
	URL         string               `json:"url"`
	Key         string               `json:"key,omitempty"` // "" of a target that has none
	KeySteps    []mapping.KeyStep    `json:"key_steps"`     // how the target became it
	Steps       []mapping.Step       `json:"steps"`         // every look-up
	Row         string               `json:"row,omitempty"` // pattern of the row that answered
	Rows        []rowFacts           `json:"rows"`          // that were met, that one and those it leads to
	Hops        []string             `json:"hops"`          // patterns of the redirects that were followed
	Source      string               `json:"source,omitempty"`
	File        *fileFacts           `json:"file,omitempty"`
	Cache       *cacheFacts          `json:"cache,omitempty"`
	Flag        string               `json:"flag,omitempty"` // why a maintainer should look at it
	Status      int                  `json:"status"`         // and
	Header      http.Header          `json:"header"`         // as a reader gets them
	Suggestions []mapping.Suggestion `json:"suggestions"`    // of an error: what may have been meant
}

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
				if all[i], err = x.explain(cmd.Context(), arg); err != nil {
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
	app     *app
	table   *mapping.Table
	db      *postgres.DB // nil: none
	files   *tree.Tree   // nil: none
	types   *mapping.Types
	handler *serving.Handler
	cache   *cache.Cache

	resolver  mapping.Resolver // for suggestions
	remembers bool             // its rows have the tree's files
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
		if x.db, err = a.pages(ctx); err != nil {
			return err
		}
	}
	if a.settings.Tree != "" {
		if x.files, err = a.tree(); err != nil {
			return err
		}
	}
	if x.types, _, err = serving.MediaTypes(a.settings.MimeTypes); err != nil {
		return err
	}
	if x.cache, err = serving.Cache(a.settings, 0, a.log()); err != nil {
		return err
	}
	x.resolver = a.resolver(x.table, x.files)
	x.handler, err = serving.New(serving.Options{
		Settings: a.settings, Logger: a.log(), Pages: undrawn{},
		Table: func() *mapping.Table { return x.table },
	})
	return err
}

func (x *explainer) close() {
	if x.handler != nil {
		_ = x.handler.Close() // nothing was written
	}
	if x.cache != nil {
		_ = x.cache.Close()
	}
	if x.files != nil {
		_ = x.files.Close()
	}
	if x.db != nil {
		_ = x.db.Close()
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

// explain answers for one URL.
func (x *explainer) explain(ctx context.Context, url string) (explanation, error) {
	raw := x.app.hosts().SitePath(url)
	e := explanation{URL: url, KeySteps: mapping.KeySteps(raw), Rows: []rowFacts{}, Hops: []string{}, Suggestions: []mapping.Suggestion{}}
	if e.KeySteps == nil {
		e.KeySteps = []mapping.KeyStep{}
	}
	var inputs []string
	w := headWriter{header: http.Header{}}
	r := (&http.Request{Method: http.MethodHead, RequestURI: raw, Header: http.Header{}}).WithContext(witnessed(ctx, &inputs))
	x.handler.ServeHTTP(&w, r)
	e.Status, e.Header = w.status, w.header
	e.Header.Del("Cache-Status") // of this program, not of a responder

	t, err := mapping.ParseTarget(raw)
	if err != nil {
		e.Steps = []mapping.Step{{Rule: "path", Outcome: err.Error()}}
		return e, nil
	}
	answer, steps := x.handler.Explain(t)
	e.Key, e.Steps, e.Row, e.Flag = string(t.Path), steps, answer.Pattern, answer.Flag.String()
	if answer.Source.Kind != mapping.SourceNone {
		e.Source = answer.Source.String()
	}
	if err := x.rows(ctx, &e); err != nil {
		return e, err
	}
	x.file(&e, t.Path, answer)
	x.cached(&e, inputs)
	if e.Status == http.StatusNotFound {
		if err := x.remember(ctx); err != nil {
			return e, err
		}
		e.Suggestions = append(e.Suggestions, x.resolver.Near([]mapping.Path{t.Path}, maxSuggestions)[0]...)
	}
	return e, nil
}

// remember puts the tree's files among the rows that suggestions are sought in,
// where no database has them.
func (x *explainer) remember(ctx context.Context) error {
	if x.db != nil || x.files == nil || x.remembers {
		return nil
	}
	rows, _, err := populate.Rows(ctx, x.files)
	if err != nil {
		return err
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
	x.remembers = true
	return nil
}

// headWriter keeps the head of an answer.
type headWriter struct {
	header http.Header
	status int
}

func (w *headWriter) Header() http.Header { return w.header }

func (w *headWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *headWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(p), nil
}

// undrawn is a cache that keeps nothing and remembers, for a context made by
// witnessed, under which inputs it was asked. It implements site.Pages.
type undrawn struct{}

type inputsKey struct{}

func witnessed(ctx context.Context, inputs *[]string) context.Context {
	return context.WithValue(ctx, inputsKey{}, inputs)
}

func (undrawn) Ready([]string) (*render.Document, string, bool) { return nil, "", false }

func (undrawn) Complete([]string, *render.Document) {}

func (undrawn) Get(ctx context.Context, inputs []string, fill func(context.Context) (*render.Document, error)) (*render.Document, string, error) {
	if into, ok := ctx.Value(inputsKey{}).(*[]string); ok {
		*into = slices.Clone(inputs)
	}
	doc, err := fill(ctx)
	return doc, "", err
}
