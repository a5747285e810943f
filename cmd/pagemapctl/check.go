// check: what is wrong in the table, and between table and tree.

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"pagemap/mapping"
	"pagemap/mapping/check"
	"pagemap/mapping/postgres"
)

// checkOptions are check's flags.
type checkOptions struct {
	kinds      []string
	elsewhere  []string
	external   bool
	allowHosts []string
	findings   int
	asJSON     bool
}

func (a *app) check() *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look for loops, dead ends, vanished and hidden files, and other drift",
		Long: `check looks at every row of the table and every file of the tree, changes none of them,
and tells what is wrong, each finding with a command that puts it right:

  loop        a redirect that comes back to itself
  deep        a chain of more than 10 redirects
  bad         a row that no writer lets through
  dead        a redirect to what is 404 or gone here
  vanished    a row whose file is not served any more
  twins       paths that differ in case, slash or index name, with different answers
  hidden      a file that a redirect, a gone row or a prefix row hides
  chain       a redirect to a redirect (it is answered as one)
  unreached   a file that no URL answers with
  unrecorded  a file that answers without a row (with a database)
  replaced    a file whose page is drawn from elsewhere: only with --kind replaced
  external    a target on another host that does not answer: only with --external

With --external other hosts are asked: one request a second to each, HEAD then GET.
Addresses that are not public are refused, unless --allow-host names the host.

With a database the findings are kept there, in the place of those of the last check
for the same kinds: the admin page shows them.
The exit code is 1 if anything is found.`,
		Example: `  pagemapctl check
  pagemapctl check --kind loop,dead --elsewhere /cgi-bin
  pagemapctl check --external --json > findings.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runCheck(cmd, o) },
	}
	cmd.Flags().StringSliceVar(&o.kinds, "kind", nil, "look for these `KINDS` alone")
	cmd.Flags().StringSliceVar(&o.elsewhere, "elsewhere", nil, "`PATHS` that, with all below, another part of the server answers")
	cmd.Flags().BoolVar(&o.external, "external", false, "ask other hosts whether the targets there answer")
	cmd.Flags().StringSliceVar(&o.allowHosts, "allow-host", nil, "`HOSTS` that may have private addresses")
	cmd.Flags().IntVar(&o.findings, "findings", 20, "list at most `N` findings of a kind")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "write one JSON object a line, all findings")
	return cmd
}

func (a *app) runCheck(cmd *cobra.Command, o checkOptions) error {
	run := check.Options{IndexNames: a.settings.Index, MultiViews: a.settings.MultiViews, Hosts: a.hosts()}
	err := atLeast(0, map[string]int{"findings": o.findings})
	if err != nil {
		return err
	}
	if run.Kinds, err = a.kindsToCheck(o); err != nil {
		return err
	}
	if run.Elsewhere, err = paths("elsewhere", o.elsewhere); err != nil {
		return err
	}
	if run.Table, err = a.table(cmd.Context()); err != nil {
		return err
	}
	if a.settings.Tree != "" {
		if run.Tree, err = a.tree(); err != nil {
			return err
		}
		defer run.Tree.Close()
	}
	if slices.Contains(run.Kinds, check.External) {
		run.External = check.NewProber(check.ProberOptions{AllowHosts: lower(o.allowHosts), UserAgent: a.userAgent("check")})
		defer run.External.Close()
	}
	progress, done := a.progress("rows, files and URLs")
	if !terminal(a.err) {
		progress = func(int) {} // it is over in seconds
	}
	run.Progress = func(rows, files, external int) { progress(rows + files + external) }
	out := checkOutput{app: a, o: o, first: map[check.Kind][]check.Finding{}}
	report, err := check.Run(cmd.Context(), run, out.found)
	done()
	if err == nil && !a.settings.Embedded() {
		err = a.keepFindings(cmd.Context(), run.Kinds, out.kept)
	}
	if err != nil {
		return err
	}
	if !o.asJSON {
		if err := out.write(report); err != nil {
			return err
		}
	}
	if report.Total() > 0 {
		return &exitError{code: exitFound}
	}
	return nil
}

// keepFindings keeps what was found in the database, where the admin page shows it.
func (a *app) keepFindings(ctx context.Context, kinds []check.Kind, found []postgres.Finding) error {
	db, err := a.pages(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = string(kind)
	}
	return db.KeepFindings(ctx, names, found)
}

// kindsToCheck are the kinds that the flags name. Without a database no file has a
// row, and none needs one.
func (a *app) kindsToCheck(o checkOptions) ([]check.Kind, error) {
	kinds := check.Usual()
	if a.settings.Embedded() {
		kinds = slices.DeleteFunc(kinds, func(kind check.Kind) bool { return kind == check.Unrecorded })
	}
	if len(o.kinds) > 0 {
		kinds = nil
	}
	for _, name := range o.kinds {
		if !slices.Contains(check.Kinds(), check.Kind(name)) {
			return nil, usagef("--kind %s: is none of %s", name, joinKinds(check.Kinds()))
		}
		kinds = append(kinds, check.Kind(name))
	}
	named := slices.Contains(kinds, check.External)
	switch {
	case o.external && !named:
		kinds = append(kinds, check.External)
	case named && !o.external:
		return nil, usagef("--kind external asks other hosts: say --external, too")
	}
	return kinds, nil
}

func joinKinds(kinds []check.Kind) string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = string(kind)
	}
	return strings.Join(names, ", ")
}

// checkOutput writes findings: as JSON at once, as text grouped by their kind.
type checkOutput struct {
	app   *app
	o     checkOptions
	first map[check.Kind][]check.Finding // the first ones of each kind
	kept  []postgres.Finding             // all of them, for the admin page
}

func (c *checkOutput) found(f check.Finding) error {
	if !c.app.settings.Embedded() {
		c.kept = append(c.kept, postgres.Finding{Kind: string(f.Kind), Path: f.Path, Detail: f.Detail, Command: f.Command})
	}
	if c.o.asJSON {
		e := json.NewEncoder(c.app.out)
		e.SetEscapeHTML(false)
		return e.Encode(f)
	}
	if len(c.first[f.Kind]) < c.o.findings {
		c.first[f.Kind] = append(c.first[f.Kind], f)
	}
	return nil
}

func (c *checkOutput) write(report check.Report) error {
	tw := tabwriter.NewWriter(c.app.out, 0, 0, 2, ' ', 0)
	for _, kind := range check.Kinds() {
		total := report.Found[kind]
		if total == 0 {
			continue
		}
		fmt.Fprintf(tw, "%d %s\n", total, kind)
		for _, f := range c.first[kind] {
			fmt.Fprintf(tw, "  %s\t%s\n    %s\n", f.Path, oneLine(f.Detail), oneLine(f.Command))
		}
		if more := total - len(c.first[kind]); more > 0 && c.o.findings > 0 {
			fmt.Fprintf(tw, "  and %d more\n", more)
		}
		fmt.Fprintln(tw)
	}
	asked := ""
	if c.o.external {
		asked = fmt.Sprintf(", %d URLs on other hosts", report.External)
	}
	fmt.Fprintf(tw, "%d findings in %d rows, %d files%s\n", report.Total(), report.Rows, report.Files, asked)
	return tw.Flush()
}

// paths parses the paths of a flag.
func paths(flag string, texts []string) ([]mapping.Path, error) {
	var all []mapping.Path
	for _, text := range texts {
		p, err := mapping.ParsePath(text)
		if err != nil {
			return nil, usagef("--%s %s: %w", flag, text, err)
		}
		all = append(all, p)
	}
	return all, nil
}

func lower(hosts []string) []string {
	all := make([]string, len(hosts))
	for i, host := range hosts {
		all[i] = strings.ToLower(host)
	}
	return all
}

// userAgent names the command to the servers that it asks, and where it comes from.
func (a *app) userAgent(command string) string {
	return strings.TrimSpace("pagemapctl-" + command + cmp.Or(strings.TrimSuffix(" (+"+a.settings.Site+")", " (+)"), ""))
}
