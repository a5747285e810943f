// verify: the proof that no URL broke.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"pagemap/cmd/internal/serving"
	"pagemap/mapping"
	"pagemap/mapping/check/guard"
	"pagemap/mapping/verify"
	"pagemap/render"
)

// verifyOptions are verify's flags.
type verifyOptions struct {
	crawl       string
	against     string
	host        string
	baseline    string
	csv, junit  string
	accept      []string
	elsewhere   []string
	allowHosts  []string
	concurrency int
	rate        float64
	maxURLs     int
	urls        int
	asJSON      bool
}

func (a *app) verify() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify [INVENTORY...]",
		Short: "Prove that no URL broke",
		Long: `verify asks for every URL of the inventories and tells what got worse. An
inventory is a file (or - for standard input), gzip or not:

  - an access log, common or combined: what was answered 2xx or 3xx must work
  - a sitemap, or an index of sitemaps beside it
  - a CSV: url, and where they are known status, target, hits; or a list of URLs
  - a baseline that an earlier run recorded with --baseline

--crawl makes one of a running site by following its links. Asked is the table and
the tree as they are now, in this process; with --against a server.

The answer is followed through redirects to its end, and compared by status,
target, media type and, where the inventory knows it, content. Each difference
for the worse has a class:

  lost gone refused failed loop dead chain front away elsewhere target temporary
  unmoved content type charset forgotten exposed unexpected

A page that became one redirect to the same content is fine. --accept names classes
that are meant, such as content while pages move to a wiki.

Before a switch: record the old server, then compare. For a build server: keep the
baseline with the mapping and write --junit. The exit code is 1 if a URL is worse.`,
		Example: `  pagemapctl verify --crawl https://www.example.org --baseline old.jsonl
  pagemapctl verify old.jsonl access.log.*.gz
  pagemapctl verify old.jsonl --against https://new.example.org --junit verify.xml
  pagemapctl verify sitemap.xml expected.csv --accept content --csv worse.csv`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runVerify(cmd.Context(), args, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.crawl, "crawl", "", "crawl the site at this `URL`: what it links to is the inventory")
	f.StringVar(&o.against, "against", "", "ask the server at this `URL` rather than table and tree")
	f.StringVar(&o.host, "host", "", "`NAME` to send to the server of --against as its host")
	f.StringVar(&o.baseline, "baseline", "", "record what the URLs answer into this new `FILE`, and compare nothing")
	f.StringVar(&o.csv, "csv", "", "write all differences to this `FILE`, as CSV")
	f.StringVar(&o.junit, "junit", "", "write JUnit XML to this `FILE`")
	f.StringSliceVar(&o.accept, "accept", nil, "`CLASSES` that are meant: listed, but no regressions")
	f.StringSliceVar(&o.elsewhere, "elsewhere", nil, "`PATHS` that, with all below, another part of the server answers: left out")
	f.StringSliceVar(&o.allowHosts, "allow-host", nil, "`HOSTS` of --crawl that may have private addresses")
	f.IntVar(&o.concurrency, "concurrency", 8, "requests at a time")
	f.Float64Var(&o.rate, "rate", 50, "requests a `SECOND` to a server; 0: no limit")
	f.IntVar(&o.maxURLs, "max-urls", 100_000, "`URLS` that a crawl asks for at most")
	f.IntVar(&o.urls, "urls", 20, "list at most `N` URLs of a class")
	f.BoolVar(&o.asJSON, "json", false, "write the report as JSON")
	return cmd
}

func (a *app) runVerify(ctx context.Context, args []string, o verifyOptions) error {
	accept, err := o.check(args)
	if err != nil {
		return err
	}
	inventory, err := a.inventory(ctx, args, o)
	if err != nil {
		return err
	}
	if len(inventory.All()) == 0 {
		return fmt.Errorf("the inventory has no URL of this site: is --site (%q) right?", a.settings.Site)
	}
	if o.baseline != "" && len(args) == 0 && o.against == "" {
		return a.writeBaseline(o.baseline, inventory.All()) // the crawl has asked
	}
	asker, done, err := a.asker(ctx, o)
	if err != nil {
		return err
	}
	defer done()
	run := verify.RunOptions{Asker: asker, Concurrency: o.concurrency, Accept: accept}
	progress, end := a.share("URLs asked", len(inventory.All()))
	run.Progress = progress
	if o.baseline != "" {
		all, err := verify.Record(ctx, inventory, run)
		end()
		if err != nil {
			return err
		}
		return a.writeBaseline(o.baseline, all)
	}
	report, err := verify.Run(ctx, inventory, run)
	end()
	if err != nil {
		return err
	}
	return a.reportVerify(report, o)
}

func (a *app) writeBaseline(name string, all []verify.Expected) error {
	err := writeFile(name, os.O_EXCL, func(w io.Writer) error { return verify.WriteBaseline(w, all) })
	if err == nil {
		fmt.Fprintf(a.out, "recorded %d URLs in %s\n", len(all), name)
	}
	return err
}

// check looks at the flags before anything is asked.
func (o *verifyOptions) check(args []string) (accept []verify.Class, err error) {
	if len(args) == 0 && o.crawl == "" {
		return nil, usagef("which URLs must work? Name a log, a sitemap, a CSV or a baseline, or --crawl a site")
	}
	for _, name := range o.accept {
		if !slices.Contains(verify.Classes(), verify.Class(name)) {
			return nil, usagef("--accept %s: is none of %v", name, verify.Classes())
		}
		accept = append(accept, verify.Class(name))
	}
	if o.host != "" && o.against == "" {
		return nil, usagef("--host is what the server of --against is sent: name that, too")
	}
	if err := atLeast(0, map[string]int{"urls": o.urls, "max-urls": o.maxURLs, "rate": int(math.Floor(o.rate))}); err != nil {
		return nil, err
	}
	if o.concurrency < 1 || o.concurrency > 256 {
		return nil, usagef("--concurrency %d: want 1 to 256", o.concurrency)
	}
	if o.baseline != "" {
		if o.csv != "" || o.junit != "" || o.asJSON {
			return nil, usagef("--baseline records and compares nothing: leave --csv, --junit and --json out")
		}
		if _, err := os.Lstat(o.baseline); !errors.Is(err, fs.ErrNotExist) {
			return nil, usagef("%s is there already: to compare with it, run \"pagemapctl verify %[1]s\"; to record anew, remove it first", o.baseline)
		}
	}
	return accept, nil
}

// inventory reads and crawls the URLs that must work.
func (a *app) inventory(ctx context.Context, args []string, o verifyOptions) (*verify.Inventory, error) {
	elsewhere, err := paths("elsewhere", o.elsewhere)
	if err != nil {
		return nil, err
	}
	v := verify.NewInventory(verify.Options{Hosts: append(a.hosts(), o.hosts()...), Elsewhere: elsewhere})
	for _, name := range args {
		in := a.in
		if name == "-" {
			in = interruptible(ctx, in)
		}
		if err := v.ReadFile(ctx, name, in); err != nil {
			return nil, err
		}
	}
	if o.crawl == "" {
		return v, nil
	}
	l, err := verify.NewLive(verify.LiveOptions{
		Base: o.crawl, Hosts: a.hosts(), AllowHosts: lower(o.allowHosts), Rate: o.rate, UserAgent: a.userAgent("verify"),
	})
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	defer l.Close()
	progress, done := a.share("URLs crawled", -1)
	err = v.Crawl(ctx, l, verify.CrawlOptions{
		URLs: o.maxURLs, Concurrency: min(o.concurrency, 8),
		Progress: func(asked, _ int) {
			if asked%100 == 0 || terminal(a.err) {
				progress(asked)
			}
		},
	})
	done()
	if err != nil {
		return nil, err
	}
	if first := v.All(); len(first) > 0 && len(args) == 0 && first[0].Error != "" {
		problem := first[0].Error
		if strings.Contains(problem, guard.ErrPrivate.Error()) {
			problem += ": if you mean it, name the host with --allow-host"
		}
		return nil, fmt.Errorf("the crawl begins with %s, which does not answer: %s", o.crawl, problem)
	}
	return v, nil
}

// hosts are those that the flags name: what an inventory says of them is of the site.
func (o *verifyOptions) hosts() (hosts []string) {
	for _, text := range []string{o.crawl, o.against} {
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			hosts = append(hosts, strings.ToLower(u.Host))
		}
	}
	if o.host != "" {
		hosts = append(hosts, strings.ToLower(o.host))
	}
	return hosts
}

// asker is who is asked: a server, or the handler over the table as it is now.
func (a *app) asker(ctx context.Context, o verifyOptions) (asker verify.Asker, done func(), err error) {
	against := o.against
	if against == "" && o.baseline != "" && o.crawl != "" {
		against = o.crawl // what the crawled site answers is to be recorded
	}
	if against != "" {
		allowed := lower(o.allowHosts)
		if u, err := url.Parse(against); err == nil && o.against != "" {
			allowed = append(allowed, strings.ToLower(u.Hostname())) // it was named
		}
		l, err := verify.NewLive(verify.LiveOptions{
			Base: against, Host: o.host, Hosts: a.hosts(), AllowHosts: allowed, Rate: o.rate, UserAgent: a.userAgent("verify"),
		})
		if err != nil {
			return nil, nil, &exitError{exitUsage, err}
		}
		return l, l.Close, nil
	}
	table, err := a.table(ctx)
	if err != nil {
		return nil, nil, err
	}
	h, err := serving.New(serving.Options{
		Settings: a.settings, Logger: a.log(), Pages: unkept{}, Data: true,
		Table: func() *mapping.Table { return table },
	})
	if err != nil {
		return nil, nil, err
	}
	return verify.Handler{Handler: h, Hosts: a.hosts()}, func() { _ = h.Close() }, nil
}

// unkept is a cache that keeps nothing and has files streamed: their bytes alone are
// compared. It implements site.Pages.
type unkept struct{}

func (unkept) Ready(render.Want) (*render.Document, string, bool) { return nil, "", false }

func (unkept) Draw(render.Want, func(context.Context) (*render.Document, error)) (*render.Document, string, bool, error) {
	return nil, "", false, nil
}

func (unkept) Complete(render.Want, *render.Document) {}

func (unkept) Get(ctx context.Context, w render.Want, fill func(context.Context) (*render.Document, error)) (*render.Document, string, error) {
	if slices.ContainsFunc(w.Inputs, func(in string) bool { return strings.HasPrefix(in, "file:/") }) {
		return nil, "", render.ErrTooLarge
	}
	doc, err := fill(ctx)
	return doc, "", err
}

// reportVerify writes the report in all forms that were asked for.
func (a *app) reportVerify(report *verify.Report, o verifyOptions) error {
	write := func() error { return report.WriteText(a.out, o.urls) }
	if o.asJSON {
		write = func() error { return writeJSON(a.out, report) }
	}
	err := write()
	if o.csv != "" {
		err = errors.Join(err, writeFile(o.csv, os.O_TRUNC, report.WriteCSV))
	}
	if o.junit != "" {
		err = errors.Join(err, writeFile(o.junit, os.O_TRUNC, report.WriteJUnit))
	}
	if err == nil && report.Worse() {
		err = &exitError{code: exitFound}
	}
	return err
}

// writeFile writes a file; flag is os.O_TRUNC to replace one that is there, or os.O_EXCL.
func writeFile(name string, flag int, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|flag, 0o644)
	if err != nil {
		return err
	}
	err = write(f)
	return errors.Join(err, f.Close())
}

// share is progress towards a known number; -1: it is not known.
func (a *app) share(what string, of int) (to func(n int), done func()) {
	if !terminal(a.err) {
		return func(int) {}, func() {}
	}
	bar := progressbar.NewOptions(of, progressbar.OptionSetWriter(a.err), progressbar.OptionShowCount(),
		progressbar.OptionSetDescription(what), progressbar.OptionShowIts(), progressbar.OptionClearOnFinish())
	return func(n int) { _ = bar.Set(n) }, func() { _ = bar.Finish() }
}
