// bench: the contenders of a run, and what they share.

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

// bench is one run.
type bench struct {
	lab  *lab
	site *site
	up   map[string]*contender
	db   *process // PostgreSQL, once a stack needs it
	say  func(format string, args ...any)
}

// contender is the one of a name, set up when it is first needed.
func (b *bench) contender(ctx context.Context, name string) (*contender, error) {
	if c := b.up[name]; c != nil {
		return c, nil
	}
	b.say("starting %s", titleOf(name))
	c, err := b.setUp(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", titleOf(name), err)
	}
	b.up[name] = c
	return c, nil
}

func (b *bench) socket(stack string) string { return filepath.Join(b.lab.dir, stack+".sock") }

func (b *bench) memcachedSocket(stack string) string { return b.socket(stack + "-memcached") }

func (b *bench) adminSocket(stack string) string { return b.socket(stack + "-admin") }

// filled is the database whose copies the stacks get.
const filled = "filled"

// database starts PostgreSQL and fills a page table, with the commands that a maintainer has.
func (b *bench) database(ctx context.Context) (*process, error) {
	if b.db != nil {
		return b.db, nil
	}
	p, err := b.lab.postgresql(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.lab.run(ctx, "createdb", "--host", b.lab.dir, filled); err != nil {
		return nil, err
	}
	conf, err := b.lab.settings(filled, "tree = "+b.site.dir, "site = http://"+host, "database = "+b.lab.dsn(filled))
	if err != nil {
		return nil, err
	}
	ctl := filepath.Join(b.lab.bin, "pagemapctl")
	b.say("filling the page table")
	for _, args := range [][]string{{"migrate"}, {"populate"}} {
		if err := b.lab.run(ctx, ctl, append(args, "--config", conf)...); err != nil {
			return nil, err
		}
	}
	set := b.lab.command(ctx, ctl, "page", "set", "-", "-m", "moved", "--config", conf)
	set.Stdin = bytes.NewReader(b.mapping())
	if out, err := set.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("page set: %w\n%s", err, tail(string(out)))
	}
	b.db = p
	return p, nil
}

// mapping is the redirects, and the wiki's page, as CSV.
func (b *bench) mapping() []byte {
	var csv bytes.Buffer
	csv.WriteString("path,status,source\n")
	for n := range min(redirects, b.site.pages) {
		from, to := redirectPath(n)
		fmt.Fprintf(&csv, "%s,301,%s\n", from, to)
	}
	fmt.Fprintf(&csv, "%s,200,wiki:%s\n", wikiPath, wikiName)
	return csv.Bytes()
}

// idle is what a server that nobody asks uses, in parts of a processor.
func (b *bench) idle(ctx context.Context, long time.Duration) (map[string]float64, error) {
	before, err := readProcesses()
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(long):
	}
	after, err := readProcesses()
	if err != nil {
		return nil, err
	}
	used := map[string]float64{}
	for _, p := range b.lab.children {
		pid := p.cmd.Process.Pid
		used[p.name] = (after.cpu(pid) - before.cpu(pid)).Seconds() / long.Seconds()
	}
	return used, nil
}

// quiet waits until no server works: some have things to do for a while after the last request.
func (b *bench) quiet(ctx context.Context) error {
	for end := time.Now().Add(20 * time.Second); ; {
		used, err := b.idle(ctx, quietWindow)
		if err != nil {
			return err
		}
		sum, busiest := 0.0, ""
		for name, share := range used {
			sum += share
			if busiest == "" || share > used[busiest] {
				busiest = name
			}
		}
		if sum*quietWindow.Seconds() < 1.5*tick.Seconds() {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s works without being asked: %.0f %% of one core", busiest, 100*used[busiest])
		}
	}
}

const quietWindow = 100 * time.Millisecond

// progress returns a function that writes a line with the time since the start.
func progress(w io.Writer) func(format string, args ...any) {
	start := time.Now()
	return func(format string, args ...any) {
		fmt.Fprintf(w, "%6.1fs  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	}
}
