// apply: the table as a file, kept elsewhere.

package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"pagemap/mapping"
	"pagemap/mapping/exchange"
	"pagemap/mapping/intake"
	"pagemap/mapping/postgres"
)

func (a *app) apply() *cobra.Command {
	var input *inputFlags
	var change *changeFlags
	var show *planFlags
	var under string
	var origins []string
	var yes bool
	cmd := &cobra.Command{
		Use:   "apply FILE",
		Short: "Make the table what a file says, removals too",
		Long: `apply is for a table that is kept as a file, in git for instance: it shows the
differences between the two and makes the table as the file says, in one
change-set or not at all. "pagemapctl export --origin made" writes such a file.

The file claims the rows of --origin below --under. Those that it does not have are
removed; tags and notes become as they are in it. Rows of the crawled tree are
never removed. A line that is wrong, or outside of --under, holds up everything, and so does
a row of another origin with another answer. Removing more than a tenth of the rows
claimed, where those are more than 100, has to be allowed by --yes.

Exit codes: 0 the table is as the file says, or would be after a dry run; 1 it cannot
be made so.`,
		Example: `  pagemapctl export --origin made pages.csv
  pagemapctl apply --dry-run pages.csv
  pagemapctl apply pages.csv -m "$(git log -1 --format=%s)"
  pagemapctl apply --under /docs --origin import docs.jsonl`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			claim := postgres.Claim{Force: yes}
			var err error
			if claim.Origins, err = parseOrigins("--origin", origins); err != nil {
				return err
			}
			if i := slices.IndexFunc(claim.Origins, mapping.Origin.Tree); i >= 0 {
				return usagef("--origin %s: rows of the crawled tree are not kept in a file: populate adds them, populate --prune removes them", claim.Origins[i])
			}
			if claim.Under, err = parseUnder(under); err != nil {
				return err
			}
			l, err := a.readLists(cmd.Context(), args, input)
			if err != nil {
				return err
			}
			switch f := l.Files[0].Format; f {
			case exchange.CSV, exchange.TSV, exchange.JSONLines:
			default:
				return usagef("%s: apply reads csv, tsv and jsonl, which hold every row; %s does not: use import", args[0], f)
			}
			if len(l.Pages) == 0 && l.Bad() == 0 && !yes {
				return usagef("%s has no row: all that it claims would be removed: allow it with --yes", args[0])
			}
			claimed(l, &claim)
			cs := change.changeSet(mapping.OriginImport)
			cs.Note = cmp.Or(cs.Note, "apply of "+args[0])
			r := report{List: l, conflict: "of another origin"}
			err = a.bring(cmd.Context(), &r, postgres.Batch{Claim: &claim}, cs, show, "")
			switch {
			case r.plan == nil:
				return err
			case l.Bad() > 0:
				err = fmt.Errorf("nothing is written: %d lines are refused: correct them", l.Bad())
			case errors.Is(err, postgres.ErrConflict):
				err = fmt.Errorf("nothing is written: %d rows of other origins are in the way: claim them with --origin, or take them out of the file", r.plan.Kept)
			case errors.Is(err, postgres.ErrManyRemovals):
				err = fmt.Errorf("nothing is written: %d rows would be removed: allow it with --yes", r.plan.Removed)
			case errors.Is(err, postgres.ErrLoop):
				err = fmt.Errorf("nothing is written: %w", err)
			default:
				return err
			}
			return &exitError{exitFound, err}
		},
	}
	input = addInputFlags(cmd)
	change = a.addChangeFlags(cmd)
	show = addPlanFlags(cmd)
	cmd.Flags().StringVar(&under, "under", "", "the file has only this `PATH` and what is below it")
	cmd.Flags().StringSliceVar(&origins, "origin", []string{"made"}, "the file has the rows of these `ORIGINS`: import, admin, cli; made is all three")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "remove many rows, too")
	return cmd
}

// claimed refuses rows that the claim has no room for. Rows of formats that know no
// origin get one that is claimed.
func claimed(l *intake.List, c *postgres.Claim) {
	for i := range l.Pages {
		p := &l.Pages[i]
		if l.Files[0].Format != exchange.JSONLines && !slices.Contains(c.Origins, p.Origin) {
			p.Origin = c.Origins[0]
		}
		if base := strings.TrimSuffix(string(c.Under), "/"); base != "" {
			if rest, ok := strings.CutPrefix(p.Pattern, base); !ok || rest != "" && rest[0] != '/' && rest[0] != '?' {
				l.Refuse(p.Pattern, p.Pattern+" is not under "+string(c.Under))
			}
		}
		if !p.Origin.Tree() && !slices.Contains(c.Origins, p.Origin) {
			l.Refuse(p.Pattern, fmt.Sprintf("%s is of origin %s, which is not claimed: add it to --origin", p.Pattern, p.Origin))
		}
	}
}
