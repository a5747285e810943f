// migrate: the database's schema.

package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) migrate() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to this program's version",
		Long: `migrate creates the site's schema or brings it up to what this program needs.
Each step is one transaction; steps that were applied already are left alone.`,
		Example: `  pagemapctl migrate --dry-run
  pagemapctl migrate
  pagemapctl migrate status`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := a.database()
			if err != nil {
				return err
			}
			defer db.Close()
			if dryRun {
				all, err := db.Migrations(cmd.Context())
				if err != nil {
					return err
				}
				for _, m := range all {
					if m.Applied.IsZero() {
						fmt.Fprintf(a.out, "-- %05d %s, in schema %s, which is created if there is none\n%s\n", m.Version, m.Name, a.settings.Schema, m.SQL)
					}
				}
				return nil
			}
			applied, err := db.Migrate(cmd.Context())
			for _, m := range applied {
				fmt.Fprintf(a.out, "applied %05d %s\n", m.Version, m.Name)
			}
			if err == nil && len(applied) == 0 {
				fmt.Fprintln(a.out, "nothing to do: the schema is up to date")
			}
			return err
		},
	}
	cmd.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "print the SQL that would run")

	status := &cobra.Command{
		Use:   "status",
		Short: "List the steps and when each was applied; exit with 1 if one is pending",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := a.database()
			if err != nil {
				return err
			}
			defer db.Close()
			all, err := db.Migrations(cmd.Context())
			if err != nil {
				return err
			}
			pending := false
			for _, m := range all {
				when := "pending"
				if m.Applied.IsZero() {
					pending = true
				} else {
					when = m.Applied.UTC().Format("2006-01-02 15:04:05Z")
				}
				fmt.Fprintf(a.out, "%05d  %-21s  %s\n", m.Version, when, m.Name)
			}
			if pending {
				return &exitError{code: exitFound}
			}
			return nil
		},
	}
	cmd.AddCommand(status)
	return cmd
}
