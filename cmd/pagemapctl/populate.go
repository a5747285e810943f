// populate: the crawl of the old site's files.

package main

import (
	"errors"
	"fmt"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"pagemap/cmd/internal/serving"
	"pagemap/mapping/populate"
	"pagemap/mapping/tree"
)

func (a *app) populate() *cobra.Command {
	var o populate.Options
	var change *changeFlags
	var asJSON bool
	var findings int
	cmd := &cobra.Command{
		Use:   "populate",
		Short: "Crawl the old site's files into the page table",
		Long: `populate adds a row for every file of the tree that has none, and changes no row
that is there. It can be stopped and run again at any time. The report lists what
is not served and why, and what needs a decision.`,
		Example: `  pagemapctl populate --dry-run
  pagemapctl populate
  pagemapctl populate --prune --json > report.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			files, err := a.tree()
			if err != nil {
				return err
			}
			defer files.Close()
			db, err := a.pages(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			o.Tree, o.Store = files, db
			o.Author, o.Note = change.author, change.message
			o.ImageLimit = int64(a.settings.ImageLimit)
			if o.Types, _, err = serving.MediaTypes(a.settings.MimeTypes); err != nil {
				return err
			}
			progress, done := a.progress("files")
			o.Progress = func(p populate.Progress) { progress(p.Files) }
			report, err := populate.Run(cmd.Context(), o)
			done()
			if report != nil {
				write := func() error { return report.WriteText(a.out, findings) }
				if asJSON {
					write = func() error { return writeJSON(a.out, report) }
				}
				err = errors.Join(err, write())
			}
			return err
		},
	}
	change = a.addChangeFlags(cmd)
	cmd.Flags().BoolVarP(&o.DryRun, "dry-run", "n", false, "write nothing, only report")
	cmd.Flags().BoolVar(&o.Prune, "prune", false, "remove crawled rows whose files are gone")
	cmd.Flags().BoolVar(&o.Force, "force", false, "prune even more than half of the crawled rows")
	cmd.Flags().IntVar(&findings, "findings", 10, "list at most `N` findings of a kind")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the report as JSON")
	return cmd
}

// tree opens the old site's files.
func (a *app) tree() (*tree.Tree, error) {
	if a.settings.Tree == "" {
		return nil, usagef("which tree? Set --tree (PAGEMAP_TREE, or \"tree = ...\" in the settings file)")
	}
	return tree.Open(a.settings.Tree, tree.Options{IndexNames: a.settings.Index})
}

// progress shows a count on standard error: a bar on a terminal, else a line
// now and then. done ends it.
func (a *app) progress(what string) (to func(n int), done func()) {
	if !terminal(a.err) {
		return func(n int) { fmt.Fprintf(a.err, "%d %s\n", n, what) }, func() {}
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(a.err), progressbar.OptionShowCount(),
		progressbar.OptionSetDescription(what), progressbar.OptionShowIts(), progressbar.OptionClearOnFinish())
	return func(n int) { _ = bar.Set(n) }, func() { _ = bar.Finish() }
}
