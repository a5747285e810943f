// The results as Markdown.

package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
)

// report writes the tables.
func (r *results) report(w io.Writer) error {
	p := &printer{w: w}
	p.line("# Bench")
	p.line("")
	state := ""
	if r.Modified {
		state = ", with changes that are not in it"
	}
	commit := r.Commit
	if commit == "" {
		commit = "unknown"
	}
	p.line("%s, commit %s%s. %s, %d cores, %.1f GiB, %s; %s.", r.Date.Format("2006-01-02 15:04 MST"), commit, state,
		r.Machine.Processor, r.Machine.Cores, float64(r.Machine.MemoryMiB)/1024, r.Machine.System, strings.Join(r.Versions, ", "))
	p.line("")
	p.line("Rounds: %d. %d connections, a 10 KB page, %d pages in the tree. Generator and servers share the cores, so only ratios mean", r.Rounds, connections, r.Pages)
	p.line("anything: each is the median over the rounds of two measurements of one round, with the smallest and the largest. Times are")
	p.line("medians of the rounds' percentiles. CPU is microseconds of processor time for one answer.")
	p.line("")
	r.measures(p)
	r.controls(p)
	for i := range scenarios {
		r.scenario(p, &scenarios[i])
	}
	r.idle(p)
	return p.err
}

// measures writes what is required and what was got.
func (r *results) measures(p *printer) {
	p.line("## Measures")
	p.line("")
	p.line("| what | required | got | |")
	p.line("|---|---|---|---|")
	for _, m := range measures {
		word, verdict := "≥", "no"
		if m.atMost {
			word = "≤"
		}
		q, ok := m.got(r)
		got := "not measured"
		switch {
		case !ok:
			verdict = ""
		case m.holds(q):
			verdict = "yes"
			fallthrough
		default:
			got = spread(q)
		}
		p.line("| %s | %s %.2f | %s | %s |", m.what, word, m.bound, got, verdict)
	}
	p.line("")
}

// controls writes how much the same thing, measured twice, differs from itself.
func (r *results) controls(p *printer) {
	for i := range scenarios {
		s := &scenarios[i]
		if q, ok := paired(r.series(s.name, control, rate), r.series(s.name, r.Control, rate)); ok {
			p.line("A/A control, %s: %s measured a second time in each round, against itself: %s.", s.title, titleOf(r.Control), spread(q))
			p.line("")
		}
	}
}

// scenario writes one table.
func (r *results) scenario(p *printer, s *scenario) {
	measured := slices.DeleteFunc(slices.Clone(s.contenders), func(name string) bool { return r.cell(s.name, name) == nil })
	if len(measured) == 0 {
		return
	}
	p.line("## %s", s.title)
	p.line("")
	head := []string{"", "a second"}
	if s.base != "" {
		head = append(head, "against "+titleOf(s.base))
	}
	if s.own != "" {
		head = append(head, "against its own: "+titleOfScenario(s.own))
	}
	roles := r.roles(s)
	head = append(head, "p50 ms", "p99 ms")
	for _, role := range roles {
		head = append(head, role+" µs")
	}
	head = append(head, "generator µs")
	p.row(head)
	p.line("|---|%s", strings.Repeat("--:|", len(head)-1))
	for _, name := range measured {
		value := func(get func(sample) float64) float64 { return r.middle(s.name, name, get) }
		row := []string{titleOf(name), fmt.Sprintf("%.0f", value(rate))}
		if s.base != "" {
			row = append(row, against(r.series(s.name, name, rate), r.series(s.name, s.base, rate)))
		}
		if s.own != "" {
			row = append(row, against(r.series(s.name, name, rate), r.series(s.own, name, rate)))
		}
		row = append(row, fmt.Sprintf("%.1f", value(func(x sample) float64 { return x.P50 })), fmt.Sprintf("%.1f", value(func(x sample) float64 { return x.P99 })))
		for _, role := range roles {
			row = append(row, micro(value(func(x sample) float64 {
				if v, ok := x.CPU[role]; ok {
					return v
				}
				return math.NaN()
			})))
		}
		row = append(row, micro(value(func(x sample) float64 { return x.Load })))
		p.row(row)
	}
	p.line("")
}

// roles are those that a scenario's contenders have: Apache, responders and memcached first.
func (r *results) roles(s *scenario) []string {
	found := map[string]bool{}
	for _, name := range s.contenders {
		if c := r.cell(s.name, name); c != nil {
			for role := range c.Samples[0].CPU {
				found[role] = true
			}
		}
	}
	var roles []string
	for _, role := range []string{roleApache, roleResponder, roleMemcached} {
		if found[role] {
			roles = append(roles, role)
		}
		delete(found, role)
	}
	return append(roles, slices.Sorted(maps.Keys(found))...)
}

// idle names the servers that work although nobody asks.
func (r *results) idle(p *printer) {
	sum := 0.0
	var busy []string
	for _, name := range slices.Sorted(maps.Keys(r.Idle)) {
		sum += r.Idle[name]
		if r.Idle[name] >= 0.005 {
			busy = append(busy, fmt.Sprintf("%s %.1f %%", name, 100*r.Idle[name]))
		}
	}
	p.line("All %d servers together used %.1f %% of one core while nobody asked", len(r.Idle), 100*sum)
	if len(busy) > 0 {
		p.line("(%s)", strings.Join(busy, ", "))
	}
	p.line("")
}

func against(a, b []float64) string {
	q, ok := paired(a, b)
	if !ok {
		return ""
	}
	return spread(q)
}

// spread is a ratio with its ends.
func spread(q ratio) string { return fmt.Sprintf("%.2f (%.2f–%.2f)", q.Median, q.Min, q.Max) }

func micro(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return fmt.Sprintf("%.0f", v)
}

// titleOf is a contender's title.
func titleOf(name string) string {
	for _, k := range kinds {
		if k.name == name {
			return k.title
		}
	}
	return name
}

func titleOfScenario(name string) string {
	for _, s := range scenarios {
		if s.name == name {
			return strings.ToLower(s.title[:1]) + s.title[1:]
		}
	}
	return name
}

// printer writes lines until one fails.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) row(cells []string) { p.line("| %s |", strings.Join(cells, " | ")) }
