// Command bench measures pagemap against what else could serve the same pages.
//
// It makes an old site, starts every contender on loopback, looks that each answers
// with the right bytes, and measures them in rounds: in each round every contender
// in every scenario, within a scenario in another order each time. A ratio of two
// is that of two measurements of one round; the median over the rounds counts.
// One contender is measured twice in each round, which shows how much of a
// difference is noise.
//
// The load generator (wrk) has 32 connections and asks as fast as it gets answers.
// Before each measurement the contender is warmed up and one answer is compared
// with the page; after it, number, status and size of all the answers must fit that
// one. The processor time of each server is read from /proc before and after.
//
// The servers are children of this process, write into one temporary directory,
// and are stopped, each by its process id, at the end or on an interrupt.
//
// Output: results.md, results.json and plot.svg.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	os.Exit(code)
}

// options of a run.
type options struct {
	source     string // pagemap's source
	bin        string // the programs built from it
	out        string // directory of the results
	rounds     int
	seconds    int // of a hot page's measurement
	pages      int
	fill       int           // seconds of Zipf's requests before the first round
	warm       time.Duration // before each measurement
	only       []string      // scenarios; none: all
	contenders []string      // none: all
}

// wants tells whether a name is among those chosen.
func (o options) wants(chosen []string, name string) bool {
	return len(chosen) == 0 || slices.Contains(chosen, name)
}

// parse reads the arguments; an error is wrong use.
func parse(args []string, stderr io.Writer) (options, error) {
	o := options{fill: 20, warm: 300 * time.Millisecond}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.source, "source", ".", "`directory` of pagemap's source")
	flags.StringVar(&o.bin, "bin", "", "`directory` of the programs built from it")
	flags.StringVar(&o.out, "out", ".", "`directory` that the results are written to")
	flags.IntVar(&o.rounds, "rounds", 9, "how many `rounds`")
	flags.IntVar(&o.seconds, "seconds", 2, "`seconds` of a hot page's measurement")
	flags.IntVar(&o.pages, "pages", 50_000, "`pages` in the tree")
	quick := flags.Bool("quick", false, "one short round and few pages: that it works")
	only := flags.String("only", "", "`scenarios`, separated by commas")
	contenders := flags.String("contenders", "", "`contenders`, separated by commas")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	if *quick {
		o.rounds, o.seconds, o.pages, o.fill, o.warm = 1, 1, 2000, 1, 100*time.Millisecond
	}
	if o.bin == "" || o.rounds < 1 || o.seconds < 1 || o.pages < 1000 || o.pages > 100_000 {
		return o, errors.New("-bin is needed; at least 1 round, 1 second; 1,000 to 100,000 pages")
	}
	var err error
	var known []string
	for _, s := range scenarios {
		known = append(known, s.name)
	}
	if o.only, err = names("scenario", *only, known); err != nil {
		return o, err
	}
	known = nil
	for _, k := range kinds {
		known = append(known, k.name)
	}
	o.contenders, err = names("contender", *contenders, known)
	return o, err
}

// names reads a list of known names.
func names(what, text string, known []string) ([]string, error) {
	var chosen []string
	for _, n := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		if !slices.Contains(known, n) {
			return nil, fmt.Errorf("no %s is named %q: %s", what, n, strings.Join(known, ", "))
		}
		chosen = append(chosen, n)
	}
	return chosen, nil
}

// run returns the exit code: 0 measured, 2 wrong use, 3 failed.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0, nil
	}
	if err != nil {
		return 2, err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return 3, err
	}
	l, err := newLab(o.source, o.bin)
	if err != nil {
		return 3, err
	}
	r, err := l.results(ctx, o, progress(stderr))
	switch {
	case err == nil:
		err = errors.Join(r.write(o.out), r.report(stdout))
	case ctx.Err() == nil:
		l.logs(stderr)
	}
	if err := errors.Join(err, l.close()); err != nil {
		return 3, err
	}
	return 0, nil
}

// results makes the site, starts the contenders and measures them.
func (l *lab) results(ctx context.Context, o options, say func(string, ...any)) (*results, error) {
	r := &results{
		Date: time.Now(), Machine: thisMachine(), Versions: versions(ctx),
		Rounds: o.rounds, Seconds: o.seconds, Connections: connections, Pages: o.pages,
	}
	var err error
	if r.Commit, r.Modified, err = built(filepath.Join(l.bin, "pagemapd")); err != nil {
		return nil, err
	}
	script, err := confFiles.ReadFile("conf/load.lua")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(l.dir, "load.lua"), script, 0o644); err != nil {
		return nil, err
	}
	say("writing %d pages", o.pages)
	tree, err := l.place("tree")
	if err != nil {
		return nil, err
	}
	s, err := writeSite(tree, o.pages)
	if err != nil {
		return nil, err
	}
	var places []string
	for _, name := range []string{"wiki", "looks"} {
		dir, err := l.place(name)
		if err != nil {
			return nil, err
		}
		places = append(places, dir)
	}
	if err := s.writeWiki(places[0], places[1]); err != nil {
		return nil, err
	}
	b := &bench{lab: l, site: s, up: map[string]*contender{}, say: say}
	blocks, err := b.cells(ctx, o)
	if err != nil {
		return nil, err
	}
	r.Control = controlName(func(name string) bool { return b.up[name] != nil && o.wants(o.contenders, name) })
	if err := b.prepare(ctx, o, blocks); err != nil {
		return nil, err
	}
	if r.Idle, err = b.idle(ctx, 2*time.Second); err != nil {
		return nil, err
	}
	say("measuring; about %s", estimate(o, blocks).Round(time.Second))
	// A server that hangs holds a measurement up no longer than this.
	ctx, cancel := context.WithTimeoutCause(ctx, 2*estimate(o, blocks)+5*time.Minute, errors.New("the rounds take more than twice as long as they should"))
	defer cancel()
	return r, b.rounds(ctx, o, blocks, r.record)
}

// prepare looks that every cell answers rightly, and fills the caches that a part of
// the pages does not fit into as they are after a while.
func (b *bench) prepare(ctx context.Context, o options, blocks [][]cell) error {
	b.say("looking at every answer, filling caches")
	for _, block := range blocks {
		for _, c := range block {
			header, err := c.header()
			if err != nil {
				return fmt.Errorf("%s, %s: %w", c.scenario.title, c.name, err)
			}
			// Compressed copies may come a moment after the first requests.
			if err := warm(ctx, c.addr, b.site.paths(c.scenario.list, 0)[:1], header, c.scenario.status, o.warm); err != nil {
				return fmt.Errorf("%s, %s: %w", c.scenario.title, c.name, err)
			}
			for _, path := range b.site.paths(c.scenario.list, 0)[:1] {
				if _, err := b.verify(c, path, header); err != nil {
					return fmt.Errorf("%s, %s: %w", c.scenario.title, c.name, err)
				}
			}
			if c.scenario.list != zipfList {
				continue
			}
			file := filepath.Join(b.lab.dir, "paths")
			if err := writeLines(file, b.site.paths(zipfList, -1)); err != nil {
				return err
			}
			if _, err := generate(ctx, filepath.Join(b.lab.dir, "load.lua"), c.addr, file, header, o.fill); err != nil {
				return fmt.Errorf("%s, %s: %w", c.scenario.title, c.name, err)
			}
		}
	}
	return nil
}

// estimate is how long the rounds take.
func estimate(o options, blocks [][]cell) time.Duration {
	var sum time.Duration
	for _, block := range blocks {
		for _, c := range block {
			sum += time.Duration(c.scenario.seconds(o))*time.Second + o.warm + quietWindow + 150*time.Millisecond
			if c.scenario.forgets {
				sum += time.Second
			}
		}
	}
	return sum * time.Duration(o.rounds)
}

// write writes the three files.
func (r *results) write(dir string) error {
	var errs []error
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"results.json", r.json},
		{"results.md", r.report},
		{"plot.svg", r.plot},
	} {
		file, err := os.Create(filepath.Join(dir, f.name))
		if err != nil {
			return err
		}
		errs = append(errs, f.write(file), file.Close())
	}
	return errors.Join(errs...)
}

func (r *results) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}
