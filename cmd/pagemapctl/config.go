// config: the effective settings.

package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"pagemap/cmd/internal/config"
)

func (a *app) config() *cobra.Command {
	var asJSON, example, table bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show every effective setting and where it comes from",
		Example: `  pagemapctl config
  pagemapctl config --example > /etc/pagemap/pagemap.conf`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case example:
				return config.WriteExample(a.out)
			case table:
				return config.WriteTable(a.out)
			case asJSON:
				return writeJSON(a.out, a.settings.Effective())
			}
			tw := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			for _, v := range a.settings.Effective() {
				fmt.Fprintf(tw, "%s\t= %s\t# %s\n", v.Name, v.Value, v.Origin)
			}
			return tw.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	cmd.Flags().BoolVar(&example, "example", false, "print a settings file with every setting explained, at its default")
	cmd.Flags().BoolVar(&table, "markdown", false, "print every setting and its default as a Markdown table")
	cmd.MarkFlagsMutuallyExclusive("json", "example", "markdown")
	return cmd
}
