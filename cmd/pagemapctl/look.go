// look: the layouts that keep the old site's look.

package main

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"pagemap/render/look"
)

func (a *app) look() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "look",
		Short: "Make layouts of old pages, and check layouts",
		Long: `A layout is an HTML file with marks where a wiki page's parts are put in:
<!--pagemap:body--> (the content), title, head, modified, edit, path and breadcrumbs.
Every other byte of it is sent as it is.

Layouts stand in a directory (--looks) that mirrors the site: docs/layout.html is for
all pages below /docs/, layout.html for the rest, and layout.html.ko.euc-kr beside it for
pages with those suffixes. A changed one is used within a second; a broken one is
refused, and the last good one stays.`,
		Example: `  pagemapctl look derive --from /about.html --content '#content'
  pagemapctl look check`,
	}
	cmd.AddCommand(a.lookDerive(), a.lookCheck())
	return cmd
}

// lookCheckJSON is the outcome of look check in JSON.
type lookCheckJSON struct {
	Layouts int           `json:"layouts"`
	Errors  []*look.Error `json:"errors"`
}

func (a *app) lookCheck() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check [DIR]",
		Short: "Read all layouts and tell what is wrong with them, with line and column",
		Long:  "check reads all layouts of DIR, or of the directory that is set (--looks). The exit code is 1 if one is broken.",
		Example: `  pagemapctl look check
  pagemapctl look check ~/drafts --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := a.settings.Looks
			if len(args) > 0 {
				dir = args[0]
			}
			if dir == "" {
				return usagef("which layouts? Name a directory, or set --looks (PAGEMAP_LOOKS, or \"looks = ...\" in the settings file)")
			}
			looks, err := look.Open(filepath.Clean(dir), slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			n, err := looks.Check()
			report := lookCheckJSON{n, append([]*look.Error{}, look.Errors(err)...)}
			if err != nil && len(report.Errors) == 0 {
				return err
			}
			if asJSON {
				if err := writeJSON(a.out, report); err != nil {
					return err
				}
			} else {
				broken := map[string]bool{}
				for _, e := range report.Errors {
					broken[e.File] = true
					fmt.Fprintln(a.out, e)
				}
				fmt.Fprintf(a.out, "%d layouts, %d broken\n", n, len(broken))
			}
			if len(report.Errors) > 0 {
				return &exitError{code: exitFound}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}
