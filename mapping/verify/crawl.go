// Crawl: an inventory of what a running site links to.

package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
)

// CrawlOptions bound a crawl.
type CrawlOptions struct {
	URLs        int    // at most; 0: 100,000
	Depth       int    // links from the first page; 0: 100
	PageBytes   int64  // of one page that links are looked for in; 0: 4 MiB. All is hashed
	Concurrency int    // requests at a time; 0: 4
	DataPrefix  string // where data resources are; "": "/data"

	Progress func(asked, known int) // may be nil
}

// Crawl asks for the URL that l was made with (its path, or "/") and for all that
// it leads to on its host, and adds the URLs with what they answered. Those that
// answer an error are added, too: then nothing is worse when they still do. It
// ends early, without an error, at its limits; Source.Over tells how many URLs
// were known and not asked.
func (v *Inventory) Crawl(ctx context.Context, l *Live, o CrawlOptions) error {
	if o.URLs == 0 {
		o.URLs = 100_000
	}
	if o.Depth == 0 {
		o.Depth = 100
	}
	if o.PageBytes == 0 {
		o.PageBytes = 4 << 20
	}
	if o.Concurrency == 0 {
		o.Concurrency = 4
	}
	if o.DataPrefix == "" {
		o.DataPrefix = "/data"
	}
	start := l.base.EscapedPath()
	if start == "" {
		start = "/"
	}
	c := &crawl{CrawlOptions: o, live: l, known: map[string]*visit{}}
	c.meet(start, nil)
	for len(c.queue) > 0 {
		if err := c.round(ctx); err != nil {
			return err
		}
	}
	return c.add(v)
}

// crawl is the state of a Crawl.
type crawl struct {
	CrawlOptions
	live *Live

	mu    sync.Mutex // protects what follows
	known map[string]*visit
	order []*visit
	queue []*visit // of the next round
	over  int
	asked int
}

// visit is one URL.
type visit struct {
	target string
	depth  int
	from   string // where it was first met
	hits   int64  // links that lead to it
	answer Answer
}

// meet takes note of a URL.
func (c *crawl) meet(target string, from *visit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known[target]; known != nil {
		known.hits++
		return
	}
	next := &visit{target: target, hits: 1, from: "the crawl's begin"}
	if from != nil {
		next.depth, next.from = from.depth+1, "a link on "+from.target
	}
	if len(c.order) >= c.URLs || next.depth > c.Depth {
		c.over++
		return
	}
	c.known[target] = next
	c.order = append(c.order, next)
	c.queue = append(c.queue, next)
}

// round asks for all URLs of one depth.
func (c *crawl) round(ctx context.Context) error {
	visits := c.queue
	c.queue = nil
	return parallel(c.Concurrency, len(visits), func(i int) error {
		if err := c.visit(ctx, visits[i]); err != nil {
			return err
		}
		c.mu.Lock()
		c.asked++
		asked, known := c.asked, len(c.order)
		c.mu.Unlock()
		if c.Progress != nil {
			c.Progress(asked, known)
		}
		return nil
	})
}

// visit asks for one URL and takes note of what it leads to.
func (c *crawl) visit(ctx context.Context, at *visit) error {
	h := sha256.New()
	page := &head{limit: c.PageBytes}
	var err error
	if at.answer, err = c.live.get(ctx, at.target, io.MultiWriter(h, page)); err != nil {
		return err
	}
	here := c.live.url(at.target)
	here.Opaque, _, _ = strings.Cut(at.target, "?")
	link := func(to *url.URL) {
		target := to.Opaque
		if to.RawQuery != "" {
			target += "?" + to.RawQuery
		}
		if strings.EqualFold(to.Host, c.live.base.Host) || len(c.live.hosts.SitePath(to.Scheme+"://"+to.Host+"/")) == 1 {
			c.meet(target, at)
		}
	}
	switch {
	case redirect(at.answer.Status):
		if to := resolve(here, at.answer.Location); to != nil {
			link(to)
		}
		return nil
	case at.answer.Status != 200 || at.answer.Error != "":
		return nil
	}
	at.answer.Hash = sum(h)
	switch media, _ := mediaType(at.answer.Type); media {
	case "text/html", "application/xhtml+xml":
		return Links(&page.b, here, link)
	case "text/css":
		styleLinks(page.b.Bytes(), func(ref string) {
			if to := resolve(here, ref); to != nil {
				link(to)
			}
		})
	}
	return nil
}

// add puts what was found into the inventory.
func (c *crawl) add(v *Inventory) error {
	s := &source{Inventory: v, name: "crawl of " + c.live.o.Base}
	s.stats = Source{Name: s.name, Kind: "crawl", Records: len(c.order), Over: c.over}
	for _, at := range c.order {
		o, err := Follow(context.Background(), crawled{c}, at.target, c.DataPrefix, true)
		if err != nil {
			return fmt.Errorf("verify: %s: %w", at.target, err)
		}
		s.add(0, at.target, Expected{Hits: at.hits, From: at.from, Outcome: o})
	}
	v.Sources = append(v.Sources, s.stats)
	return nil
}

// crawled answers as the crawl was answered. It implements Asker.
type crawled struct{ *crawl }

func (c crawled) Ask(_ context.Context, target string, _ bool) (Answer, error) {
	if at := c.known[target]; at != nil {
		return at.answer, nil
	}
	return Answer{Error: "beyond the limits of the crawl"}, nil
}

// head keeps the first bytes that are written to it.
type head struct {
	b     bytes.Buffer
	limit int64
}

func (h *head) Write(p []byte) (int, error) {
	h.b.Write(p[:max(0, min(int64(len(p)), h.limit-int64(h.b.Len())))])
	return len(p), nil
}
