// Inventory: the URLs that must work, and what is expected of each.

package verify

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pagemap/mapping"
)

// Expected is what is expected of a URL.
type Expected struct {
	Target  string `json:"url"`  // path and query, as a client sends them
	Hits    int64  `json:"hits"` // its weight, at least 1
	From    string `json:"from"` // where it was first met: "access.log:17"
	Outcome        // Status 0: it works

	exact bool // said by a person: anything else is worse
}

// Options of New.
type Options struct {
	Hosts mapping.Hosts // the site's own: URLs on them count by their path
	Limit int           // URLs that are kept; 0: 2,000,000

	Elsewhere []mapping.Path // URLs at these paths and below are another part of the server's and left out
}

// Inventory gathers URLs. For one goroutine.
type Inventory struct {
	o       Options
	all     []Expected
	index   map[string]int // by target
	Sources []Source       // what was read
}

// Source is what became of one file.
type Source struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`       // "sitemap", "access log", "CSV", "baseline", "crawl"
	Records   int    `json:"records"`    // lines, URLs
	New       int    `json:"new"`        // URLs that no source before had
	Errors    int    `json:"errors"`     // requests of a log that were answered by an error, or are neither GET nor HEAD
	OtherHost int    `json:"other_host"` // URLs on hosts that are not the site's
	Elsewhere int    `json:"elsewhere"`  // URLs that are another part of the server's
	Bad       int    `json:"bad"`        // records that could not be read
	FirstBad  string `json:"first_bad,omitempty"`
	Over      int    `json:"over"` // URLs beyond the limit
}

// NewInventory returns an empty inventory.
func NewInventory(o Options) *Inventory {
	if o.Limit == 0 {
		o.Limit = 2_000_000
	}
	return &Inventory{o: o, index: map[string]int{}}
}

// All are the URLs in the order in which they were met.
func (v *Inventory) All() []Expected { return v.all }

// maxSitemaps is the number of sitemaps that an index may name.
const maxSitemaps = 50_000

// ReadFile reads an inventory from a file, "-" for stdin. An error names file and line.
func (v *Inventory) ReadFile(ctx context.Context, name string, stdin io.Reader) error {
	if name == "-" {
		_, err := v.Read(ctx, "standard input", stdin)
		return err
	}
	more, err := v.readFile(ctx, name)
	if err != nil {
		return err
	}
	if len(more) > maxSitemaps {
		return fmt.Errorf("verify: %s: names %d sitemaps, at most %d are read", name, len(more), maxSitemaps)
	}
	for _, url := range more {
		beside := filepath.Join(filepath.Dir(name), filepath.Base(strings.TrimSuffix(url, "/")))
		nested, err := v.readFile(ctx, beside)
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("verify: %s names the sitemap %s: put it beside it, or leave the index out and name its sitemaps: %w", name, url, err)
		}
		if err != nil {
			return err
		}
		if len(nested) > 0 {
			return fmt.Errorf("verify: %s: an index of sitemaps in an index of sitemaps", beside)
		}
	}
	return nil
}

func (v *Inventory) readFile(ctx context.Context, name string) (sitemaps []string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	defer f.Close()
	return v.Read(ctx, name, f)
}

// Read reads an inventory and tells by its first bytes what it is. It returns the
// sitemaps that an index names. An error names file and line.
func (v *Inventory) Read(ctx context.Context, name string, r io.Reader) (sitemaps []string, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("verify: %s: %w", name, err)
		}
		in = bufio.NewReaderSize(z, 64<<10)
	}
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		_, _ = in.Discard(3) // they are there
	}
	s := &source{Inventory: v, ctx: ctx, name: name, in: in}
	s.stats.Name = name
	sitemaps, err = s.read()
	if err != nil {
		return nil, fmt.Errorf("verify: %s: %w", name, err)
	}
	v.Sources = append(v.Sources, s.stats)
	return sitemaps, nil
}

// source is a file that is being read.
type source struct {
	*Inventory
	ctx   context.Context
	name  string
	in    *bufio.Reader
	stats Source
}

func (s *source) read() ([]string, error) {
	head, err := s.in.Peek(32 << 10)
	if len(bytes.TrimSpace(head)) == 0 {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, errors.New("is empty: want a sitemap, an access log, a CSV or a baseline")
	}
	first := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case first[0] == '<':
		s.stats.Kind = "sitemap"
		return s.readSitemap()
	case first[0] == '{':
		s.stats.Kind = "baseline"
		return nil, s.readBaseline()
	case s.looksLikeLog(first):
		s.stats.Kind = "access log"
		return nil, s.readLog()
	}
	s.stats.Kind = "CSV"
	return nil, s.readCSV()
}

// bad takes note of a record that cannot be read.
func (s *source) bad(line int, err error) {
	if s.stats.Bad++; s.stats.Bad == 1 {
		s.stats.FirstBad = fmt.Sprintf("%s:%d: %v", s.name, line, err)
	}
}

// add takes a URL, which may be a path or a whole URL.
func (s *source) add(line int, url string, e Expected) {
	target := s.o.Hosts.SitePath(strings.TrimSpace(url))
	target, _, _ = strings.Cut(target, "#")
	if !site(target) && !strings.HasPrefix(target, "//") {
		if strings.Contains(target, "://") {
			s.stats.OtherHost++
		} else {
			s.bad(line, fmt.Errorf("%q is neither a path nor a URL", clip(target)))
		}
		return
	}
	if i := strings.IndexFunc(target, func(c rune) bool { return c <= ' ' || c == 0x7f }); i >= 0 {
		s.bad(line, fmt.Errorf("%q has a blank or a control character: write it as %%XX", clip(target)))
		return
	}
	if t, err := mapping.ParseTarget(target); err == nil && slices.ContainsFunc(s.o.Elsewhere, func(p mapping.Path) bool { return under(t.Path, p) }) {
		s.stats.Elsewhere++
		return
	}
	e.Target, e.Hits = target, max(e.Hits, 1)
	e.Location = s.o.Hosts.SitePath(e.Location)
	if e.From == "" {
		e.From = fmt.Sprintf("%s:%d", s.name, line)
	}
	i, ok := s.index[target]
	switch {
	case ok:
		s.all[i].merge(e)
	case len(s.all) >= s.o.Limit:
		s.stats.Over++
	default:
		s.stats.New++
		s.index[target] = len(s.all)
		s.all = append(s.all, e)
	}
}

// under reports whether p is base or below it.
func under(p, base mapping.Path) bool {
	rest, ok := strings.CutPrefix(string(p), strings.TrimSuffix(string(base), "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// merge takes what another source says of the same URL.
func (e *Expected) merge(other Expected) {
	e.Hits += other.Hits
	if other.rank() > e.rank() {
		hits := e.Hits
		*e = other
		e.Hits = hits
	}
}

// rank orders expectations by how exact they are.
func (e *Expected) rank() int {
	switch {
	case e.exact && e.Status != 0:
		return 2
	case e.Status != 0 || e.Error != "":
		return 1
	}
	return 0
}

func clip(s string) string {
	const limit = 120
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
}
