// explain: what a URL answers, and why.

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"pagemap/cmd/internal/serving"
	"pagemap/mapping"
	"pagemap/mapping/exchange"
	"pagemap/mapping/postgres"
	"pagemap/render"
)

// explanation is what is told of one URL.
type explanation struct {
	URL    string         `json:"url"`
	Steps  []mapping.Step `json:"steps"`
	Row    string         `json:"row,omitempty"`    // pattern of the row that answered
	Source string         `json:"source,omitempty"` // what is drawn
	Flag   string         `json:"flag,omitempty"`   // why a maintainer should look at it
	Status int            `json:"status"`           // and
	Header http.Header    `json:"header"`           // as a reader gets them
}

func (a *app) explain() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain URL...",
		Short: "Tell what a URL answers, and every step that led there",
		Long: `explain asks the resolver and the handler that the responders use, over the table
as it is now. A URL may be a path or a whole URL of the site. The exit code is 1
if a URL answers an error.`,
		Example: `  pagemapctl explain /docs/old.html
  pagemapctl explain --json 'https://www.example.org/show?id=7'
  pagemapctl explain --tree /srv/www --mapping moved.csv /docs/`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			table, err := a.table(cmd.Context())
			if err != nil {
				return err
			}
			h, err := serving.New(serving.Options{
				Settings: a.settings, Logger: a.log(), Pages: undrawn{},
				Table: func() *mapping.Table { return table },
			})
			if err != nil {
				return err
			}
			defer h.Close()
			all := make([]explanation, len(args))
			failed := false
			for i, arg := range args {
				all[i] = a.explainURL(cmd.Context(), h, arg)
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
			return nil, usagef("what shall be explained? Set --database, or --tree, or --mapping")
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
		return nil, fmt.Errorf("%s: %w", a.settings.Mapping, err)
	}
	return mapping.NewTable(func(yield func(mapping.Row) bool) {
		for _, p := range pages {
			if !yield(p.Row) {
				return
			}
		}
	}), nil
}

// explainURL asks for one URL.
func (a *app) explainURL(ctx context.Context, h *serving.Handler, url string) explanation {
	raw := a.hosts().SitePath(url)
	e := explanation{URL: url}
	if t, err := mapping.ParseTarget(raw); err != nil {
		e.Steps = []mapping.Step{{Rule: "path", Outcome: err.Error()}}
	} else {
		answer, steps := h.Explain(t)
		e.Steps, e.Row, e.Flag = steps, answer.Pattern, answer.Flag.String()
		if answer.Source.Kind != mapping.SourceNone {
			e.Source = answer.Source.String()
		}
	}
	w := headWriter{header: http.Header{}}
	r := (&http.Request{Method: http.MethodHead, RequestURI: raw, Header: http.Header{}}).WithContext(ctx)
	h.ServeHTTP(&w, r)
	e.Status, e.Header = w.status, w.header
	e.Header.Del("Cache-Status") // of this program, not of a responder
	return e
}

func (e *explanation) print(b *bytes.Buffer) {
	fmt.Fprintln(b, e.URL)
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, s := range e.Steps {
		row := ""
		if s.Row != "" {
			row = " (row " + s.Row + ")"
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s%s\n", s.Rule, s.Path, s.Outcome, row)
	}
	_ = tw.Flush() // into memory
	fmt.Fprintf(b, "%d %s\n", e.Status, http.StatusText(e.Status))
	if e.Source != "" {
		fmt.Fprintf(b, "  from %s\n", e.Source)
	}
	if e.Flag != "" {
		fmt.Fprintf(b, "  look at this: %s\n", e.Flag)
	}
	names := make([]string, 0, len(e.Header))
	for name := range e.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range e.Header[name] {
			fmt.Fprintf(b, "  %s: %s\n", name, strings.ToValidUTF8(value, "?"))
		}
	}
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

// undrawn is a cache that keeps nothing. It implements site.Pages.
type undrawn struct{}

func (undrawn) Get(ctx context.Context, _ []string, fill func(context.Context) (*render.Document, error)) (*render.Document, string, error) {
	doc, err := fill(ctx)
	return doc, "", err
}
