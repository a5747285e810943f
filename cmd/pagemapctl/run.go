// The command line: settings, errors and exit codes that all commands share.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/user"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"pagemap/cmd/internal/config"
	"pagemap/mapping"
	"pagemap/mapping/postgres"
)

// Exit codes.
const (
	exitFound  = 1 // the check found something, or what was asked for is not there
	exitUsage  = 2 // wrong use
	exitFailed = 3 // it could not be done
)

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error // nil: nothing is to be said
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usagef is an error of wrong use.
func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// streams are the standard streams.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// output remembers the first error of writing: a command whose text was lost has
// not done what was asked.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// app is what all commands share.
type app struct {
	streams
	getenv   func(string) string
	settings *config.Settings
}

// run executes the command line and returns its exit code.
func run(ctx context.Context, args []string, getenv func(string) string, std streams) int {
	out := &output{Writer: std.out}
	std.out = out
	a := &app{streams: std, getenv: getenv}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	cmd, err := root.ExecuteContextC(ctx)
	if out.err != nil {
		err = out.err
	}
	if err == nil {
		return 0
	}
	var exit *exitError
	switch {
	case errors.As(err, &exit):
	case cmd.ValidateFlagGroups() != nil: // that is what cobra found
		exit = &exitError{exitUsage, err}
	default:
		exit = &exitError{exitFailed, err}
	}
	if exit.err != nil {
		fmt.Fprintf(std.err, "pagemapctl: %v\n", err)
	}
	if exit.code == exitUsage {
		fmt.Fprintf(std.err, "Try '%s --help'.\n", cmd.CommandPath())
	}
	return exit.code
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "pagemapctl",
		Short: "Manage the page table of a site that pagemapd serves",
		Long: `pagemapctl manages the table that says what every URL of a site is: a file of
the old tree, a wiki page, a redirect, or gone.

Settings come from flags, from the environment (PAGEMAP_NAME) and from the
settings file; "pagemapctl config" shows each one and where it comes from.

Exit codes: 0 done; 1 a check found something, or there is no such page;
2 wrong use; 3 it could not be done.`,
		Example: `  pagemapctl migrate
  pagemapctl populate
  pagemapctl page set /old.html 301 /new.html -m "moved"
  pagemapctl explain https://www.example.org/old.html`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.settings.Load(a.getenv); err != nil {
				return &exitError{exitUsage, err}
			}
			return nil
		},
	}
	flags := pflag.NewFlagSet("settings", pflag.ContinueOnError)
	flags.SortFlags = false
	a.settings = config.Define(flags)
	config.HideDaemon(flags)
	root.PersistentFlags().SortFlags = false
	root.PersistentFlags().AddFlagSet(flags)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitUsage, err} })
	root.AddCommand(a.importCmd(), a.export(), a.apply(), a.logCmd(), a.revert(), a.search())
	root.AddCommand(a.migrate(), a.populate(), a.page(), a.explain(), a.check(), a.verify(), a.hits(), a.misses(), a.warm(), a.config(), a.apache())
	root.AddCommand(a.look())
	root.AddCommand(a.move(), a.compare(), a.progressCmd())
	usageErrors(root)
	return root
}

// usageErrors makes wrong arguments of a command and those below it exit with
// exitUsage, and a group of commands without one an error.
func usageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return &exitError{exitUsage, err}
			}
			return nil
		}
	}
	if cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("%s has no command %q", cmd.CommandPath(), args[0])
			}
			return cmd.Help()
		}
	}
	for _, sub := range cmd.Commands() {
		usageErrors(sub)
	}
}

// hosts are the site's own hosts.
func (a *app) hosts() mapping.Hosts { return a.settings.Hosts() }

// database opens the page table without looking at its schema.
func (a *app) database() (*postgres.DB, error) {
	if a.settings.Embedded() {
		return nil, usagef("no database is set: the table of tree and mapping file is read-only. " +
			"Edit the mapping file, or set --database (PAGEMAP_DATABASE, or \"database = ...\" in the settings file)")
	}
	return postgres.Open(postgres.Options{
		DSN:        a.settings.Database,
		Schema:     a.settings.Schema,
		Hosts:      a.hosts(),
		IndexNames: a.settings.Index,
		Logger:     a.log(),
	})
}

// log tells of what commands meet on their way, on standard error.
func (a *app) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// pages opens the page table for commands that read or write it.
func (a *app) pages(ctx context.Context) (*postgres.DB, error) {
	db, err := a.database()
	if err != nil {
		return nil, err
	}
	if err := db.CheckSchema(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// author is who a change is put down to when nobody is named.
func (a *app) author() string {
	for _, name := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		if v := a.getenv(name); v != "" {
			return v
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// atLeast is an error of wrong use where a flag's number is less.
func atLeast(least int, numbers map[string]int) error {
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		if n := numbers[name]; n < least {
			return usagef("--%s %d: want %d or more", name, n, least)
		}
	}
	return nil
}

// changeFlags are the flags of every command that writes.
type changeFlags struct{ author, message string }

func (a *app) addChangeFlags(cmd *cobra.Command) *changeFlags {
	f := &changeFlags{}
	cmd.Flags().StringVar(&f.author, "author", a.author(), "who makes the change")
	cmd.Flags().StringVarP(&f.message, "message", "m", "", "why the change is made")
	return f
}

func (f *changeFlags) changeSet(origin mapping.Origin) postgres.ChangeSet {
	return postgres.ChangeSet{Author: f.author, Origin: origin, Note: f.message}
}

// terminal reports whether w is a terminal.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
