// move: pages of the old tree become pages of the wiki, and return.

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"pagemap/mapping"
	"pagemap/mapping/postgres"
	"pagemap/render/wiki"
)

// defaultThreshold is the share of a page's words below which it is not moved.
const defaultThreshold = 0.95

// moveOptions are the flags of move.
type moveOptions struct {
	to, content, match, syntax string
	threshold                  float64
	force, asIs, dryRun, back  bool
	print, json                bool
	change                     *changeFlags
}

func (a *app) move() *cobra.Command {
	var o moveOptions
	cmd := &cobra.Command{
		Use:   "move {PATH... | --match PATTERN}",
		Short: "Move pages of the old tree to the wiki, and back",
		Long: `move takes the content of an old page, the part of it that the layout leaves free or
that --content selects, writes it to the wiki in the wiki's language, compares what the
wiki makes of it with the old content, and turns the page's row from file: to wiki:. The
URL stays, and with a layout the look (see "look derive").

A page's name in the wiki is its path without the ending: /docs/install.html becomes
docs/install, and /docs/ docs/index; --to gives another one. A page that the wiki has
already, with other text, is left alone: --force overwrites it, --as-is takes it as it
is. A page that lost more than 5 % of its words (--threshold) stays a file; --force moves it
all the same.

All rows turn in one change-set at the end: a move that was stopped has changed no
answer, and the same command goes on with it. --back turns rows back to their
files; the wiki's pages stay. --print only writes the converted text, to be pasted
into a wiki that takes no pages from programs; then move it with --as-is.

Exit codes: 0 moved; 1 a page was refused; the others were moved.`,
		Example: `  pagemapctl move /about.html --to wiki:About -m "first page of the wiki"
  pagemapctl move --match '/docs/*' --dry-run
  pagemapctl move /history.html --print --syntax wikitext
  pagemapctl move --back --match '/docs/*'`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(args); err != nil {
				return err
			}
			return a.runMove(cmd.Context(), o, args)
		},
	}
	cmd.Flags().StringVar(&o.to, "to", "", "the page's `NAME` in the wiki, such as wiki:About; of one page alone")
	cmd.Flags().StringVar(&o.match, "match", "", "all pages at a path or below one, such as '/docs/*', that the table has as HTML files")
	cmd.Flags().StringVar(&o.content, "content", "", "CSS `SELECTOR` of the element that holds a page's content; empty: what the layout was derived with")
	cmd.Flags().Float64Var(&o.threshold, "threshold", defaultThreshold, "`SHARE` of its words that a page must keep, 0 to 1")
	cmd.Flags().BoolVar(&o.force, "force", false, "overwrite pages of the wiki, and move what lost words")
	cmd.Flags().BoolVar(&o.asIs, "as-is", false, "take the wiki's page as it is, and write none")
	cmd.Flags().BoolVarP(&o.dryRun, "dry-run", "n", false, "write nothing, only report")
	cmd.Flags().BoolVar(&o.back, "back", false, "turn rows back to the files that they were before")
	cmd.Flags().BoolVar(&o.print, "print", false, "write the converted text, and do nothing else")
	cmd.Flags().StringVar(&o.syntax, "syntax", "", "`LANGUAGE` of --print: markdown or wikitext; empty: the wiki's")
	cmd.Flags().BoolVar(&o.json, "json", false, "write the report as JSON")
	o.change = a.addChangeFlags(cmd)
	cmd.MarkFlagsMutuallyExclusive("match", "to")
	cmd.MarkFlagsMutuallyExclusive("back", "to")
	cmd.MarkFlagsMutuallyExclusive("back", "print")
	cmd.MarkFlagsMutuallyExclusive("json", "print")
	return cmd
}

// check finds what does not go together.
func (o *moveOptions) check(args []string) error {
	switch {
	case len(args) == 0 && o.match == "":
		return usagef("which pages? Name paths, or --match PATTERN")
	case len(args) > 0 && o.match != "":
		return usagef("either paths or --match, not both")
	case o.to != "" && len(args) > 1:
		return usagef("--to names one page, and there are %d paths", len(args))
	case o.print && (len(args) != 1):
		return usagef("--print writes one page: name its path")
	case o.threshold < 0 || o.threshold > 1:
		return usagef("--threshold %v is not between 0 and 1", o.threshold)
	case o.syntax != "" && (!o.print || o.syntax != string(wiki.Markdown) && o.syntax != string(wiki.Wikitext)):
		return usagef("--syntax is for --print, and markdown or wikitext")
	}
	return nil
}

func (a *app) runMove(ctx context.Context, o moveOptions, args []string) error {
	if a.settings.Embedded() && !o.print {
		return usagef("move turns rows of a database, and none is set. With a mapping file, write the page with --print, put it into the wiki, " +
			"and change the row's source to wiki:NAME in the file; or set --database (PAGEMAP_DATABASE, or \"database = ...\" in the settings file)")
	}
	m, err := a.newMover(ctx, o)
	if err != nil {
		return err
	}
	defer m.close()
	if o.print {
		return m.printText(ctx, args[0])
	}
	pages, refused, err := m.choose(ctx, args)
	if err != nil {
		return err
	}
	r := &moveReport{Pages: refused, DryRun: o.dryRun, Back: o.back}
	each := m.movePage
	if o.back {
		each = m.movePageBack
	}
	progress, done := a.progress(fmt.Sprintf("pages of %d", len(pages)))
	for i, p := range pages {
		if ctx.Err() != nil {
			break
		}
		page, err := each(ctx, p)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s: no row was turned, the same command goes on: %w", p.path, err)
		}
		r.Pages = append(r.Pages, page)
		if n := i + 1; terminal(a.err) || n%moveStep == 0 {
			progress(n)
		}
	}
	done()
	if err := ctx.Err(); err != nil {
		return errors.Join(fmt.Errorf("stopped after %d of %d pages, and no row was turned: the same command goes on", len(r.Pages), len(pages)), err)
	}
	if err := m.turn(ctx, r); err != nil {
		return err
	}
	if err := a.tellMove(r, o.json); err != nil {
		return err
	}
	if r.Refused > 0 {
		return &exitError{code: exitFound}
	}
	return nil
}

// moveStep is after how many pages somebody without a terminal is told.
const moveStep = 50

// turn turns the rows of the pages that are ready, in one change-set. A row that somebody changed meanwhile is left out.
func (m *mover) turn(ctx context.Context, r *moveReport) error {
	var edits []postgres.Edit
	for i := range r.Pages {
		p := &r.Pages[i]
		if p.edit == nil {
			continue
		}
		seen, err := m.rowNow(ctx, p.edit.Pattern)
		if err != nil {
			return err
		}
		if seen != p.seen {
			p.refuse("its row was changed by somebody else meanwhile: look at it, and move it again")
			continue
		}
		edits = append(edits, *p.edit)
	}
	if !m.o.dryRun && len(edits) > 0 {
		cs := m.o.change.changeSet(mapping.OriginCLI)
		if cs.Note == "" {
			cs.Note = "moved to the wiki"
			if m.o.back {
				cs.Note = "moved back to the files"
			}
		}
		written, err := m.db.Write(ctx, cs, edits)
		if err != nil {
			return err
		}
		r.ChangeSet = written.ChangeSet
	}
	r.count()
	return nil
}

// rowNow is the number of the change that wrote a row, 0 where there is none.
func (m *mover) rowNow(ctx context.Context, pattern string) (int64, error) {
	p, err := m.db.Page(ctx, pattern)
	if errors.Is(err, postgres.ErrNoPage) {
		return 0, nil
	}
	return p.Change, err
}
