// The command line, the role that this process plays, and its exit code.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"pagemap/cmd/internal/config"
)

// Exit codes.
const (
	exitUsage  = 2 // wrong use
	exitFailed = 3 // it could not be done
)

// errUsage marks errors of wrong use.
var errUsage = errors.New("wrong use")

// process is this process: its command line, its settings and its logs.
type process struct {
	args     []string
	getenv   func(string) string
	stdout   io.Writer
	stderr   io.Writer
	settings *config.Settings
	worker   int // number in a pool, from 1; 0: not a worker of a pool
	level    *slog.LevelVar
	log      *slog.Logger
	hangups  <-chan os.Signal // SIGHUP: reread the settings

	adminLink string // a line with the link to the admin page, over plain HTTP; "": there is none
}

// run executes the command line until it is done or ctx ends, and returns the
// exit code.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	// Caught from the first moment on: by default it would end the process.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)

	d := &process{args: args, getenv: getenv, stdout: stdout, stderr: stderr, level: new(slog.LevelVar), hangups: hangups}
	root := &cobra.Command{
		Use:   "pagemapd",
		Short: "Answer a site's requests from its page table",
		Long: `pagemapd answers every URL of a site from its page table, which says what each
one is today: a file of the old tree, a wiki page, a redirect, or gone.

Without a database it makes the table of a tree and a mapping file, and serves
it over plain HTTP; with no settings at all, an example site. With a database
it is a FastCGI responder behind Apache, one process or a pool of them.

Settings come from flags, from the environment (PAGEMAP_NAME) and from the
settings file. SIGHUP rereads them; SIGTERM finishes what was begun, then ends.`,
		Example: `  pagemapd
  pagemapd --tree /srv/www/old --mapping moved.csv
  pagemapd --tree /srv/www/old --database "host=/run/postgresql dbname=pagemap" --listen unix:/run/pagemap/pagemap.sock`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%w: %q: there are flags only, no arguments", errUsage, args[0])
			}
			return nil
		},
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := d.settings.Load(getenv); err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			d.log = newLogger(d.settings, d.level, stderr)
			return d.serve(cmd.Context())
		},
	}
	d.settings = config.Define(root.Flags())
	root.Flags().IntVar(&d.worker, "worker", 0, "number of this worker in its pool")
	_ = root.Flags().MarkHidden("worker") // for the pool alone; fails only for an unknown flag
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", errUsage, err) })
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "pagemapd: %v\nTry 'pagemapd --help'.\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "pagemapd: %v\n", err)
		return exitFailed
	}
}

// serve plays this process's role until ctx ends.
func (d *process) serve(ctx context.Context) error {
	switch s := d.settings; {
	case d.worker > 0:
		return d.serveWorker(ctx)
	case s.Listen == "" && s.HTTP == "" && listening(os.Stdin):
		return d.serveSpawned(ctx)
	case s.HTTP != "" || s.Listen == "" && s.Embedded():
		return d.serveHTTP(ctx)
	case workers(s) > 1:
		return d.servePool(ctx)
	default:
		return d.serveFastCGI(ctx)
	}
}

// listening reports whether f is a listening socket, as descriptor 0 is for a
// process that a FastCGI process manager spawned (FastCGI 1.0, section 2.2).
func listening(f *os.File) bool {
	accepts, err := unix.GetsockoptInt(int(f.Fd()), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	return err == nil && accepts == 1
}

// newLogger logs to w in the form that the settings ask for. level is set from
// them, and may be changed later.
func newLogger(s *config.Settings, level *slog.LevelVar, w io.Writer) *slog.Logger {
	setLevel(s, level)
	o := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// setLevel takes over the log level of the settings, which have been checked.
func setLevel(s *config.Settings, level *slog.LevelVar) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(s.LogLevel)); err == nil {
		level.Set(l)
	}
}
