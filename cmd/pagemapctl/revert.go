// revert: taking a change-set back.

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"pagemap/mapping"
	"pagemap/mapping/intake"
	"pagemap/mapping/postgres"
)

func (a *app) revert() *cobra.Command {
	var change *changeFlags
	var show *planFlags
	var force bool
	cmd := &cobra.Command{
		Use:   "revert N",
		Short: "Take a change-set back",
		Long: `revert brings every row that change-set N added, changed or removed back to what it
was before, in one change-set or not at all. Rows that were changed since stay as
they are and are listed, unless --force takes them back, too. A revert can be
reverted.

Exit codes: 0 all is as it was; 1 rows stayed as they are, or there is no such
change-set, or it would make a loop.`,
		Example: `  pagemapctl revert 17 --dry-run
  pagemapctl revert 17 -m "wrong list"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseChangeSet(args[0])
			if err != nil {
				return err
			}
			db, err := a.pages(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			cs := change.changeSet(mapping.OriginCLI)
			cs.Note = fmt.Sprint("revert of change-set ", id)
			if change.message != "" {
				cs.Note += ": " + change.message
			}
			plan, err := db.Revert(cmd.Context(), cs, id, postgres.RevertOptions{PlanOptions: show.options(), Force: force})
			switch {
			case errors.Is(err, postgres.ErrNoChangeSet):
				return &exitError{exitFound, err}
			case plan == nil:
				return err
			}
			if show.json {
				if err := writeJSON(a.out, toPlanJSON(plan)); err != nil {
					return err
				}
			} else {
				if !force {
					for _, d := range plan.Conflicts {
						fmt.Fprintf(a.err, "changed since: %s\n", staysLine(d))
					}
				}
				fmt.Fprintf(a.out, "%d rows restored, %d removed, %d as before already, %d changed since\n",
					plan.Added+plan.Changed, plan.Removed, plan.Unchanged, len(plan.Conflicts))
				if err := a.tellPlan(plan, show); err != nil {
					return err
				}
			}
			switch {
			case errors.Is(err, postgres.ErrLoop):
				return &exitError{exitFound, err}
			case err == nil && plan.Kept > 0:
				return &exitError{exitFound, fmt.Errorf("%d rows were changed since and stay: --force takes them back", plan.Kept)}
			}
			return err
		},
	}
	change = a.addChangeFlags(cmd)
	show = addPlanFlags(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "take back rows that were changed since, too")
	return cmd
}

// staysLine says what a row is, and what it was before the change-set.
func staysLine(d postgres.Difference) string {
	side := func(p *mapping.Page) string {
		if p == nil {
			return "no row"
		}
		return intake.Whole(p)
	}
	return fmt.Sprintf("%s is %s, was %s", d.Pattern, side(d.Old), side(d.New))
}
