// Measuring: rounds of cells, each one contender in one scenario.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

// sample is what one cell gave in one round.
type sample struct {
	Round    int                `json:"round"`
	Rate     float64            `json:"rate"`   // answers a second
	P50      float64            `json:"p50_ms"` // of the time from request to answer
	P99      float64            `json:"p99_ms"`
	CPU      map[string]float64 `json:"cpu_us"`  // microseconds of processor time an answer, by role
	Load     float64            `json:"load_us"` // the same of the load generator
	Requests int64              `json:"requests"`
}

// cell is one contender in one scenario.
type cell struct {
	scenario *scenario
	name     string // as it stands in the results: the contender's, or control
	*contender
}

// cells sets up who takes part, and pairs them with the scenarios that are asked for.
func (b *bench) cells(ctx context.Context, o options) ([][]cell, error) {
	var blocks [][]cell
	for i := range scenarios {
		s := &scenarios[i]
		if !o.wants(o.only, s.name) {
			continue
		}
		var block []cell
		for _, name := range s.contenders {
			if !o.wants(o.contenders, name) {
				continue
			}
			c, err := b.contender(ctx, name)
			if err != nil {
				return nil, err
			}
			block = append(block, cell{s, name, c})
		}
		if s.control && len(block) > 0 {
			block = append(block, cell{s, control, b.controlled(block)})
		}
		blocks = append(blocks, block)
	}
	return blocks, nil
}

// controlName is the contender that is measured twice: exact, or the first of those that take part.
func controlName(names func(string) bool) string {
	if names("exact") {
		return "exact"
	}
	for _, k := range kinds {
		if names(k.name) {
			return k.name
		}
	}
	return ""
}

func (b *bench) controlled(block []cell) *contender {
	name := controlName(func(n string) bool {
		for _, c := range block {
			if c.name == n {
				return true
			}
		}
		return false
	})
	return b.up[name]
}

// header is what a cell's requests carry.
func (c cell) header() ([]string, error) {
	var header []string
	if c.scenario.accept != "" {
		header = append(header, "Accept-Encoding: "+c.scenario.accept)
	}
	if c.scenario.known {
		a, err := fetch(c.addr, hotPath, header)
		if err != nil {
			return nil, err
		}
		if a.header.Get("ETag") == "" {
			return nil, fmt.Errorf("no ETag with %s", hotPath)
		}
		header = append(header, "If-None-Match: "+a.header.Get("ETag"))
	}
	return header, nil
}

// verify asks once, and looks at all of the answer. It returns its size.
func (b *bench) verify(c cell, path string, header []string) (int, error) {
	a, err := fetch(c.addr, path, header)
	if err != nil {
		return 0, err
	}
	wrong := func(format string, args ...any) (int, error) {
		return 0, fmt.Errorf("GET http://%s%s %s: %s", c.addr, path, strings.Join(header, ", "), fmt.Sprintf(format, args...))
	}
	if a.status != c.scenario.status {
		return wrong("status %d, want %d", a.status, c.scenario.status)
	}
	switch a.status {
	case http.StatusOK:
		if coded := a.header.Get("Content-Encoding") != ""; coded != (c.compresses && c.scenario.accept != "") {
			return wrong("Content-Encoding %q", a.header.Get("Content-Encoding"))
		}
		if c.scenario.list == wikiList {
			if err := b.site.drawn(a.body); err != nil {
				return wrong("%v", err)
			}
			break
		}
		want, err := b.site.body(path)
		if err != nil {
			return 0, err
		}
		if c.scenario.list == changeList && c.database != "" {
			break // one of two pages; whether the right one is looked at by settle
		}
		if !bytes.Equal(a.body, want) {
			return wrong("%d bytes that are not the file's %d", len(a.body), len(want))
		}
	case http.StatusMovedPermanently:
		want := "/pages" + strings.TrimPrefix(path, "/old")
		if to := a.header.Get("Location"); to != want && to != "http://"+host+want && !strings.HasSuffix(to, host+want) {
			return wrong("Location %q, want %q", to, want)
		}
	case http.StatusNotModified:
		if len(a.body) > 0 {
			return wrong("a 304 with a body")
		}
	}
	return a.size, nil
}

// measure is one cell in one round. An answer that is not the right one is an error.
func (b *bench) measure(ctx context.Context, o options, c cell, round int) (sample, error) {
	s := c.scenario
	if s.forgets && c.forget != nil {
		if err := c.forget(ctx); err != nil {
			return sample{}, err
		}
	}
	if err := b.quiet(ctx); err != nil {
		return sample{}, err
	}
	header, err := c.header()
	if err != nil {
		return sample{}, err
	}
	paths := b.site.paths(s.list, round)
	file := filepath.Join(b.lab.dir, "paths")
	if err := writeLines(file, paths); err != nil {
		return sample{}, err
	}
	first := paths
	if s.forgets {
		first = []string{hotPath} // connections alone are warmed
	}
	if err := warm(ctx, c.addr, first, header, s.status, o.warm); err != nil {
		return sample{}, err
	}
	sizes := 0
	const asked = 3
	for i := range asked {
		size, err := b.verify(c, first[i%len(first)], header)
		if err != nil {
			return sample{}, err
		}
		sizes += size
	}

	before, err := readProcesses()
	if err != nil {
		return sample{}, err
	}
	var changes *changer
	if s.changes {
		if changes, err = b.startChanging(ctx, c.database); err != nil {
			return sample{}, err
		}
	}
	l, err := generate(ctx, filepath.Join(b.lab.dir, "load.lua"), c.addr, file, header, s.seconds(o))
	if changes != nil {
		err = errors.Join(err, changes.stop(), b.settle(ctx, c, changes.now))
	}
	if err != nil {
		return sample{}, err
	}
	after, err := readProcesses()
	if err != nil {
		return sample{}, err
	}
	if err := plausible(l, s, float64(sizes)/asked, b.site.smallest); err != nil {
		return sample{}, err
	}
	r := sample{
		Round: round, Requests: l.requests, Rate: float64(l.requests) / l.took.Seconds(),
		P50: float64(l.p50) / float64(time.Millisecond), P99: float64(l.p99) / float64(time.Millisecond),
		CPU: map[string]float64{}, Load: each(l.cpu, l.requests),
	}
	for _, p := range c.parts {
		pid := p.p.cmd.Process.Pid
		r.CPU[p.role] += each(after.cpu(pid)-before.cpu(pid), l.requests)
	}
	return r, nil
}

// each is microseconds for one of n.
func each(d time.Duration, n int64) float64 {
	return float64(d) / float64(time.Microsecond) / float64(n)
}

// plausible holds what the generator counted against what one answer was seen to be:
// status, number and size.
func plausible(l load, s *scenario, size float64, smallest int) error {
	switch {
	case l.requests == 0:
		return errors.New("nothing was answered")
	case l.broken > 0:
		return fmt.Errorf("%d of %d requests had no answer", l.broken, l.requests)
	case s.status < 400 && l.status > 0:
		return fmt.Errorf("%d of %d answers have a status of 400 or more", l.status, l.requests)
	case s.status >= 400 && l.status != l.requests:
		return fmt.Errorf("%d of %d answers have a status below 400", l.requests-l.status, l.requests)
	}
	each := float64(l.bytes) / float64(l.requests)
	if s.list == zipfList || s.list == walkList {
		if each < float64(smallest) {
			return fmt.Errorf("answers have %.0f bytes on average, and the smallest page has %d", each, smallest)
		}
		return nil
	}
	if tolerance := 64 + size*0.03; each < size-tolerance || each > size+tolerance {
		return fmt.Errorf("answers have %.0f bytes on average, and the one looked at has %.0f", each, size)
	}
	return nil
}

// rounds measures every cell in every round. Within a scenario the contenders come in
// another order in every round.
func (b *bench) rounds(ctx context.Context, o options, blocks [][]cell, record func(cell, sample)) error {
	order := rand.New(rand.NewPCG(2006, 3))
	for round := range o.rounds {
		for _, block := range blocks {
			var line strings.Builder
			for _, i := range order.Perm(len(block)) {
				c := block[i]
				r, err := b.measure(ctx, o, c, round)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", c.scenario.title, c.name, err)
				}
				record(c, r)
				fmt.Fprintf(&line, "  %s %.0f/s", c.name, r.Rate)
			}
			if len(block) > 0 {
				b.say("round %d of %d, %s:%s", round+1, o.rounds, block[0].scenario.name, line.String())
			}
		}
	}
	return nil
}
