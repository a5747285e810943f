// hits import: hits and misses of access logs.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pagemap/cmd/internal/serving"
	"pagemap/fcgi/explain"
	"pagemap/mapping"
	"pagemap/mapping/accesslog"
	"pagemap/mapping/postgres"
	"pagemap/mapping/traffic"
)

const (
	linesPerAdd = 200_000 // lines of a log that are written together
	badShown    = 5       // unreadable lines of a log that are quoted
)

// logReport accounts for every line of a log: Lines is the sum of what follows,
// but for Examples.
type logReport struct {
	Log       string   `json:"log"`
	Lines     int      `json:"lines"`
	Hits      int      `json:"hits"`
	Misses    int      `json:"misses"`
	Known     int      `json:"known"`     // imported before
	NotPages  int      `json:"not_pages"` // not GET or HEAD, below /data, or answered 4xx or 5xx but 404 and 410
	Elsewhere int      `json:"elsewhere"` // of another host
	TooOld    int      `json:"too_old"`
	Later     int      `json:"later"` // not before --until
	Bad       int      `json:"bad"`   // in no known format
	Cut       bool     `json:"cut"`   // the last line has no end, and was left for the next import
	Examples  []string `json:"bad_examples,omitempty"`
}

func (a *app) hitsImport() *cobra.Command {
	var until string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "import LOG...",
		Short: "Count the hits and 404s of access logs",
		Long: `import reads access logs in the common or the combined format, with or without
the virtual host in front, compressed with gzip or not; "-" is standard input. It
counts GET and HEAD requests that the old site answered, or did not find, by what
the table of today says: a hit for the row or file that answers, a miss where none
does. The log of an old site thus shows what is used, and what would be missing.

Every line counts once, however often it is imported: logs may be given again, and
may have grown, been rotated, joined or compressed since. Lines of days when
responders have counted already would count twice: leave them out with --until.

An import that was interrupted is continued by the same command.`,
		Example: `  pagemapctl hits import /var/log/apache2/access.log*
  ssh old.example.org cat /var/log/access.log | pagemapctl hits import -
  pagemapctl hits import --until 2026-03-01 access.log.gz`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			im := &logImporter{app: a}
			if until != "" {
				var err error
				if im.until, err = time.Parse(time.DateOnly, until); err != nil {
					return usagef("--until %s: write a day as 2026-03-01", until)
				}
			}
			reports, err := im.run(cmd.Context(), args)
			if asJSON {
				err = errors.Join(err, writeJSON(a.out, reports))
			} else {
				for _, r := range reports {
					err = errors.Join(err, r.print(a.out))
				}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&until, "until", "", "only lines before this `DAY` (UTC): when responders began to count")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the report as JSON")
	return cmd
}

func (r *logReport) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s: %d lines: %d hits, %d misses, %d known, %d no requests for pages, %d of other hosts, %d older than --traffic-days, %d later, %d unreadable\n",
		r.Log, r.Lines, r.Hits, r.Misses, r.Known, r.NotPages, r.Elsewhere, r.TooOld, r.Later, r.Bad)
	for _, bad := range r.Examples {
		fmt.Fprintf(w, "  %s\n", bad)
	}
	if r.Cut {
		fmt.Fprintf(w, "  line %d has no end yet and is not counted: import the log again when it has grown\n", r.Lines)
	}
	return err
}

// logImporter imports logs.
type logImporter struct {
	*app
	until  time.Time // zero: no limit
	oldest time.Time
	table  *mapping.Table
	h      *serving.Handler
	lines  *postgres.LogImport
	known  map[string]asked // what targets were found to answer, bounded
}

// asked is what a target answers.
type asked struct {
	pattern string       // of the row or file; "": none
	path    mapping.Path // then: what is missed; "": nothing that could be
}

// run imports the logs and returns the reports of those that it has read, the
// last one perhaps in part.
func (im *logImporter) run(ctx context.Context, logs []string) (reports []*logReport, err error) {
	if im.settings.TrafficDays == 0 {
		return nil, usagef("no hits are kept: traffic-days is 0")
	}
	if im.table, err = im.app.table(ctx); err != nil {
		return nil, err
	}
	db, err := im.pages(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	store, err := postgres.NewTraffic(db, postgres.TrafficOptions{Days: im.settings.TrafficDays})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	im.oldest = store.Oldest()
	im.h, err = serving.New(serving.Options{
		Settings: im.settings, Logger: im.log(), Pages: explain.Undrawn{},
		Table: func() *mapping.Table { return im.table },
	})
	if err != nil {
		return nil, err
	}
	defer im.h.Close()
	if im.lines, err = store.ImportLogs(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, im.lines.Close()) }()
	im.known = map[string]asked{}
	for _, name := range logs {
		r := &logReport{Log: name}
		reports = append(reports, r)
		if err := im.read(ctx, r); err != nil {
			return reports, fmt.Errorf("%s: %w", name, err)
		}
	}
	return reports, nil
}

// read imports one log.
func (im *logImporter) read(ctx context.Context, r *logReport) error {
	var in io.Reader
	if r.Log == "-" {
		in = interruptible(ctx, im.in)
	} else {
		f, err := os.Open(r.Log)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	s, err := accesslog.NewScanner(in)
	if err != nil {
		return err
	}
	im.lines.NextLog()
	tally := &traffic.Tally{Hosts: im.hosts()}
	progress, done := im.progress("lines of " + r.Log)
	defer done()
	for s.Scan() {
		if err := im.count(ctx, s, tally, r); err != nil {
			return err
		}
		if tally.Full() || r.Lines%linesPerAdd == 0 {
			if err := im.lines.Add(ctx, tally.Batch()); err != nil {
				return err
			}
			tally = &traffic.Tally{Hosts: im.hosts()}
			progress(r.Lines)
		}
	}
	if err := im.lines.Add(ctx, tally.Batch()); err != nil {
		return err
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("%w; what precedes is imported", err)
	}
	if r.Lines > 0 && r.Bad == r.Lines {
		return fmt.Errorf("no line could be read: %s", r.Examples[0])
	}
	return nil
}

// count counts one line.
func (im *logImporter) count(ctx context.Context, s *accesslog.Scanner, tally *traffic.Tally, r *logReport) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.Lines++
	if s.Cut() { // whole, it would not be known again
		r.Cut = true
		return nil
	}
	line, err := s.Line()
	switch {
	case err != nil:
		r.Bad++
		if len(r.Examples) < badShown {
			r.Examples = append(r.Examples, fmt.Sprintf("line %d: %v: %.80q", s.Number(), err, s.Bytes()))
		}
		return nil
	case line.Method != "GET" && line.Method != "HEAD",
		line.Status >= 400 && line.Status != 404 && line.Status != 410:
		r.NotPages++
		return nil
	case line.Host != "" && len(im.hosts()) > 0 && im.hosts().SitePath("http://"+line.Host+"/") != "/":
		r.Elsewhere++
		return nil
	case line.Time.Before(im.oldest):
		r.TooOld++
		return nil
	case !im.until.IsZero() && !line.Time.Before(im.until):
		r.Later++
		return nil
	}
	what := im.ask(line.Target)
	if what == (asked{}) {
		r.NotPages++
		return nil
	}
	known, err := im.lines.Known(ctx, line.Time, s.Bytes())
	switch {
	case err != nil:
		return err
	case known:
		r.Known++
	case what.pattern != "":
		r.Hits++
		tally.Hit(what.pattern, 1, line.Time)
	default:
		r.Misses++
		tally.Miss(what.path, line.Referrer, line.Time)
	}
	return nil
}

// maxAsked is how many targets' answers are kept.
const maxAsked = 100_000

// ask finds out what a target answers.
func (im *logImporter) ask(target string) asked {
	if what, ok := im.known[target]; ok {
		return what
	}
	if len(im.known) >= maxAsked {
		clear(im.known)
	}
	what := im.resolve(target)
	im.known[target] = what
	return what
}

// resolve is ask without its memory. It counts as the responder does, except
// that a spelling redirect is a hit of the page that it leads to: the old site
// answered it with that page.
func (im *logImporter) resolve(target string) asked {
	t, err := mapping.ParseTarget(strings.ReplaceAll(target, " ", "%20"))
	if err != nil || t.Path == "/data" || strings.HasPrefix(string(t.Path), "/data/") {
		return asked{}
	}
	answer, _ := im.h.Explain(t)
	switch {
	case answer.Found != nil:
		return asked{pattern: answer.Found.Pattern}
	case answer.Status == 404:
		if row, ok := im.table.Get(answer.Pattern); ok && row.Status == 404 && answer.Flag == mapping.FlagNone {
			return asked{pattern: answer.Pattern}
		}
		return asked{path: t.Path}
	case answer.Pattern == "" && answer.Spelling:
		if page, err := mapping.ParseTarget(answer.Location); err == nil {
			return asked{pattern: string(page.Path)}
		}
	}
	return asked{pattern: answer.Pattern}
}
