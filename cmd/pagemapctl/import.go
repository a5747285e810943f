// import: lists of rows from files of other programs.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"pagemap/mapping"
	"pagemap/mapping/exchange"
	"pagemap/mapping/intake"
	"pagemap/mapping/postgres"
)

// importCmd is the command import.
func (a *app) importCmd() *cobra.Command {
	var input *inputFlags
	var change *changeFlags
	var show *planFlags
	var onConflict, reportFile string
	var skipBad bool
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Bring lists of redirects and pages into the table",
		Long: `import reads lists ("-" is standard input), shows what they make of the table, and
writes it as one change-set: all or nothing.

Every line is accounted for. What is to be said about single lines is on standard
error, as FILE:LINE: verdict: reason. Lines that are refused, that contradict an
earlier one, or that the table cannot express hold up everything, unless
--skip-bad leaves them out; so does a redirect that would make a loop.

A row that the table has already is left as it is. One that a person or an import
made with another answer is in the way: --on-conflict says what becomes of it. Rows
that are only the memory of the crawled tree are overridden.

Formats: ` + formatNames() + `. The file's name tells it (list.csv, .htaccess,
_redirects, ...), else --format.

Exit codes: 0 all is in; 1 lines were refused or left out, also in a dry run.`,
		Example: `  pagemapctl import --dry-run old-redirects.csv
  pagemapctl import old-redirects.csv -m "list of the old shop"
  pagemapctl import --base /docs/ /srv/old/docs/.htaccess --skip-bad --report left-out.txt
  pagemapctl import --format nginxmap --on-conflict keep - < redirects.map`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			conflict, err := parseConflict(onConflict)
			if err != nil {
				return err
			}
			l, err := a.readLists(cmd.Context(), args, input)
			if err != nil {
				return err
			}
			cs := change.changeSet(mapping.OriginImport)
			cs.Note = cmp.Or(cs.Note, "import of "+strings.Join(args, ", "))
			r := report{List: l, conflict: onConflict}
			bad := l.Bad()
			err = a.bring(cmd.Context(), &r, postgres.Batch{Conflict: conflict, SkipLoops: skipBad}, cs, show, reportFile)
			switch {
			case r.plan == nil:
				return err
			case errors.Is(err, postgres.ErrConflict):
				return &exitError{exitFound, fmt.Errorf("nothing is written: %d rows are in the way: look at them, then say --on-conflict keep or --on-conflict replace", r.plan.Kept)}
			case errors.Is(err, postgres.ErrLoop), bad > 0 && !skipBad:
				return &exitError{exitFound, fmt.Errorf("nothing is written: %d lines are refused: correct them, or leave them out with --skip-bad", l.Bad())}
			case err != nil:
				return err
			case l.Bad() > 0:
				return &exitError{code: exitFound}
			}
			return nil
		},
	}
	input = addInputFlags(cmd)
	change = a.addChangeFlags(cmd)
	show = addPlanFlags(cmd)
	cmd.Flags().StringVar(&onConflict, "on-conflict", "fail", "`WHAT` becomes of rows made otherwise: keep, replace or fail")
	cmd.Flags().BoolVar(&skipBad, "skip-bad", false, "leave out lines that cannot be imported, and import the others")
	cmd.Flags().StringVar(&reportFile, "report", "", "write what is to be said about lines to this `FILE`")
	return cmd
}

func parseConflict(word string) (postgres.Conflict, error) {
	switch word {
	case "fail":
		return postgres.ConflictFail, nil
	case "keep":
		return postgres.ConflictKeep, nil
	case "replace":
		return postgres.ConflictReplace, nil
	}
	return 0, usagef("--on-conflict %q is none of keep, replace and fail", word)
}

func formatNames() string {
	var names []string
	for _, f := range exchange.Formats() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// inputFlags say how lists are read.
type inputFlags struct {
	format, base, separator string
	columns                 map[string]string
}

func addInputFlags(cmd *cobra.Command) *inputFlags {
	f := &inputFlags{}
	cmd.Flags().StringVarP(&f.format, "format", "f", "", "`FORMAT` of the lists; by default their names tell it")
	cmd.Flags().StringVar(&f.base, "base", "/", "URL `PATH` of the directory that an .htaccess stands in")
	cmd.Flags().StringVar(&f.separator, "separator", "", "`CHARACTER` between the columns of a CSV; by default its first line tells it")
	cmd.Flags().StringToStringVar(&f.columns, "columns", nil, "where a CSV has its `COLUMNS`: path=NAME,source=NAME,status=NAME, or places from 1")
	return f
}

// options are those of one list.
func (f *inputFlags) options(a *app, name string) (o exchange.ReadOptions, err error) {
	o = exchange.ReadOptions{Hosts: a.hosts(), IndexNames: a.settings.Index, Columns: f.columns}
	if f.format != "" {
		if o.Format, err = exchange.ParseFormat(f.format); err != nil {
			return o, &exitError{exitUsage, err}
		}
	} else if format, ok := exchange.Detect(name); ok && name != "-" {
		o.Format = format
	} else {
		return o, usagef("%s: the name does not tell the format: say --format %s", name, strings.ReplaceAll(formatNames(), ", ", "|"))
	}
	if f.separator != "" {
		comma, n := utf8.DecodeRuneInString(strings.ReplaceAll(f.separator, `\t`, "\t"))
		if n != len(strings.ReplaceAll(f.separator, `\t`, "\t")) {
			return o, usagef("--separator %q is not one character", f.separator)
		}
		o.Comma = comma
	}
	if o.Base, err = mapping.ParsePath(f.base); err != nil {
		return o, usagef("--base: %w", err)
	}
	if !strings.HasSuffix(string(o.Base), "/") {
		o.Base += "/"
	}
	return o, nil
}

// readLists reads files one after the other.
func (a *app) readLists(ctx context.Context, names []string, f *inputFlags) (*intake.List, error) {
	l := &intake.List{}
	for _, name := range names {
		o, err := f.options(a, name)
		if err != nil {
			return nil, err
		}
		reading, err := a.readList(ctx, name, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if reading.Lines == 0 {
			return nil, fmt.Errorf("%s: is empty: there is nothing to import", name)
		}
		l.Add(name, o.Format, reading)
	}
	return l, nil
}

func (a *app) readList(ctx context.Context, name string, o exchange.ReadOptions) (*exchange.Reading, error) {
	in, size := a.in, int64(-1)
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // it was only read
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		in = file
	}
	if terminal(a.err) {
		bar := progressbar.NewOptions64(size, progressbar.OptionSetWriter(a.err), progressbar.OptionShowBytes(true),
			progressbar.OptionSetDescription("reading "+name), progressbar.OptionClearOnFinish())
		defer func() { _ = bar.Finish() }()
		o.Progress = func(n int64) { _ = bar.Set64(n) }
	}
	return exchange.Read(ctx, interruptible(ctx, in), o)
}

// bring imports what was read of lists, and tells what became of it; r has the plan
// afterwards, unless something else went wrong. With lines that cannot be imported it is a dry run, unless the batch
// does without them.
func (a *app) bring(ctx context.Context, r *report, batch postgres.Batch, cs postgres.ChangeSet, show *planFlags, reportFile string) error {
	db, err := a.pages(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	batch.Pages, batch.PlanOptions = r.Pages, show.options()
	batch.DryRun = batch.DryRun || r.Bad() > 0 && !batch.SkipLoops
	progress, done := a.rowProgress(len(r.Pages))
	batch.Progress = progress
	plan, err := db.Import(ctx, cs, batch)
	done()
	if plan == nil {
		return err
	}
	r.plan = plan
	r.Told(plan, batch.Conflict)
	if told := a.tell(r, show, reportFile); told != nil {
		r.plan = nil
		return told
	}
	return err
}

// manyRows is from how many rows on somebody without a terminal is told how far
// the writing is.
const manyRows = 50_000

// rowProgress tells how many rows of n are through.
func (a *app) rowProgress(n int) (progress func(rows int), done func()) {
	if n < manyRows {
		return nil, func() {}
	}
	return a.progress(fmt.Sprintf("rows of %d", n))
}

// create makes a file whole or not at all.
func create(name string, write func(io.Writer) error) (err error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory: name a file", name)
	}
	file, err := os.Create(name + ".new")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // what is left of it helps nobody
		}
	}()
	if err := errors.Join(write(file), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}
