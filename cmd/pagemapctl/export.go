// export: the table in other formats.

package main

import (
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"pagemap/mapping"
	"pagemap/mapping/exchange"
)

func (a *app) export() *cobra.Command {
	var filters *filterFlags
	var format string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "export [FILE]",
		Short: "Write the table, or a part of it, in another format",
		Long: `export writes rows to FILE, or to standard output, in the order of their paths
and as one moment's state. FILE appears once it is whole.

Formats: ` + formatNames() + `. Only jsonl holds everything: what
another one cannot hold is listed on standard error, as PATH: reason.

Exit codes: 0 all is written; 1 something could not be held.`,
		Example: `  pagemapctl export pages.jsonl
  pagemapctl export --origin made --under /docs docs.csv
  pagemapctl export --format rewritemap --status 301 > moved.txt`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "-"
			if len(args) > 0 {
				name = args[0]
			}
			f, err := exchange.ParseFormat(format)
			if detected, ok := exchange.Detect(name); format == "" && ok {
				f, err = detected, nil
			}
			switch {
			case err != nil && format == "":
				return usagef("%s: the name does not tell the format: say --format %s", name, strings.ReplaceAll(formatNames(), ", ", "|"))
			case err != nil:
				return &exitError{exitUsage, err}
			case asJSON && name == "-":
				return usagef("--json and the rows cannot both go to standard output: name a FILE")
			}
			filter, err := filters.filter()
			if err != nil {
				return err
			}
			db, err := a.pages(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			rows := 0
			var left []exchange.Left
			write := func(w io.Writer) (err error) {
				left, err = exchange.Write(w, f, counted(db.Pages(cmd.Context(), filter), &rows), exchange.WriteOptions{IndexNames: a.settings.Index})
				return err
			}
			if name == "-" {
				err = write(a.out)
			} else {
				err = create(name, write)
			}
			if err != nil {
				return err
			}
			out, parts := 0, 0
			listed := []leftJSON{}
			for _, l := range left {
				if l.Written {
					parts++
				} else {
					out++
				}
				listed = append(listed, leftJSON{l.Pattern, l.Reason, l.Written})
				if !asJSON {
					fmt.Fprintf(a.err, "%s: %s\n", l.Pattern, l.Reason)
				}
			}
			if asJSON {
				err = writeJSON(a.out, struct {
					File    string          `json:"file"`
					Format  exchange.Format `json:"format"`
					Rows    int             `json:"rows"`
					Written int             `json:"written"`
					Left    []leftJSON      `json:"left"`
				}{name, f, rows, rows - out, listed})
				if err != nil {
					return err
				}
			} else {
				fmt.Fprintf(a.err, "%d of %d rows written, %d of them in part\n", rows-out, rows, parts)
			}
			if len(left) > 0 {
				return &exitError{code: exitFound}
			}
			return nil
		},
	}
	filters = addFilterFlags(cmd)
	cmd.Flags().StringVarP(&format, "format", "f", "", "`FORMAT`; by default FILE's name tells it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write what was left out as JSON on standard output")
	return cmd
}

// leftJSON is what a format could not hold, in JSON.
type leftJSON struct {
	Path    string `json:"path"`
	Reason  string `json:"reason"`
	Written bool   `json:"written"` // in part
}

// counted counts the pages that go by.
func counted(pages iter.Seq2[mapping.Page, error], n *int) iter.Seq2[mapping.Page, error] {
	return func(yield func(mapping.Page, error) bool) {
		for p, err := range pages {
			if err == nil {
				*n++
			}
			if !yield(p, err) {
				return
			}
		}
	}
}
