// Run: every URL asked and judged.

package verify

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// RunOptions of Run. Asker is needed.
type RunOptions struct {
	Asker       Asker
	DataPrefix  string  // where data resources are; "": "/data"
	Concurrency int     // requests at a time; 0: 8
	Accept      []Class // differences of these classes are no regressions
	Progress    func(done int)
}

// Difference is a URL that does not answer as expected.
type Difference struct {
	Verdict Verdict  `json:"verdict"`
	Class   Class    `json:"class,omitempty"` // of what is worse or accepted
	URL     string   `json:"url"`
	Hits    int64    `json:"hits"`
	From    string   `json:"from"`
	Before  *Outcome `json:"before,omitempty"` // nil: it works, more is not known
	Now     Outcome  `json:"now"`
}

// Count is a number of URLs and of their hits.
type Count struct {
	URLs int   `json:"urls"`
	Hits int64 `json:"hits"`
}

func (c *Count) add(hits int64) {
	c.URLs++
	c.Hits += hits
}

// Report is what a run found.
type Report struct {
	All         Count             `json:"all"`
	Verdicts    map[Verdict]Count `json:"verdicts"`
	Classes     map[Class]Count   `json:"classes"`     // of what is worse
	Differences []Difference      `json:"differences"` // all that are not the same: worse ones first, by class, then by hits
	Sources     []Source          `json:"sources"`
}

// Worse reports whether anything got worse.
func (r *Report) Worse() bool { return r.Verdicts[Worse].URLs > 0 }

// Run asks for every URL of the inventory and compares.
func Run(ctx context.Context, v *Inventory, o RunOptions) (*Report, error) {
	outcomes, err := ask(ctx, v, &o, false)
	if err != nil {
		return nil, err
	}
	r := &Report{Verdicts: map[Verdict]Count{}, Classes: map[Class]Count{}, Differences: []Difference{}, Sources: v.Sources}
	for i := range v.all {
		e := &v.all[i]
		verdict, class := judge(e, outcomes[i])
		if verdict == Worse && slices.Contains(o.Accept, class) {
			verdict = Accepted
		}
		r.All.add(e.Hits)
		count(r.Verdicts, verdict, e.Hits)
		if verdict == Worse {
			count(r.Classes, class, e.Hits)
		}
		if verdict == Same {
			continue
		}
		d := Difference{Verdict: verdict, Class: class, URL: e.Target, Hits: e.Hits, From: e.From, Now: outcomes[i]}
		if e.Status != 0 || e.Error != "" {
			d.Before = &e.Outcome
		}
		r.Differences = append(r.Differences, d)
	}
	slices.SortStableFunc(r.Differences, func(a, b Difference) int {
		return cmp.Or(
			slices.Index(verdicts, a.Verdict)-slices.Index(verdicts, b.Verdict),
			slices.Index(Classes(), a.Class)-slices.Index(Classes(), b.Class),
			cmp.Compare(b.Hits, a.Hits), strings.Compare(a.URL, b.URL))
	})
	return r, nil
}

// verdicts in the order of a report.
var verdicts = []Verdict{Worse, Accepted, Better, Fine}

func count[K comparable](counts map[K]Count, key K, hits int64) {
	c := counts[key]
	c.add(hits)
	counts[key] = c
}

// Record asks for every URL of the inventory and returns what they answer, for
// WriteBaseline. Contents are read.
func Record(ctx context.Context, v *Inventory, o RunOptions) ([]Expected, error) {
	outcomes, err := ask(ctx, v, &o, true)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(v.all)
	for i := range all {
		all[i].Outcome = outcomes[i]
	}
	return all, nil
}

// ask asks for every URL. Bodies are read where there is something to compare
// them with, or for all.
func ask(ctx context.Context, v *Inventory, o *RunOptions, bodies bool) ([]Outcome, error) {
	if o.DataPrefix == "" {
		o.DataPrefix = "/data"
	}
	if o.Concurrency == 0 {
		o.Concurrency = 8
	}
	outcomes := make([]Outcome, len(v.all))
	asker := &once{Asker: o.Asker}
	var done atomic.Int64
	err := parallel(o.Concurrency, len(v.all), func(i int) error {
		var err error
		outcomes[i], err = Follow(ctx, asker, v.all[i].Target, o.DataPrefix, bodies || v.all[i].Hash != "")
		if n := done.Add(1); o.Progress != nil && n%100 == 0 {
			o.Progress(int(n))
		}
		return err
	})
	if o.Progress != nil {
		o.Progress(int(done.Load()))
	}
	return outcomes, err
}

// once asks for every target once: many redirects end at one page.
type once struct {
	Asker
	answers sync.Map // Answer by question
}

type question struct {
	target string
	body   bool
}

// Ask implements Asker.
func (a *once) Ask(ctx context.Context, target string, body bool) (Answer, error) {
	q := question{target, body}
	if known, ok := a.answers.Load(q); ok {
		return known.(Answer), nil
	}
	answer, err := a.Asker.Ask(ctx, target, body)
	if err == nil {
		a.answers.Store(q, answer)
	}
	return answer, err
}

// parallel calls do with 0 to n-1, workers calls at a time, up to the first error.
func parallel(workers, n int, do func(i int) error) error {
	var next, failed atomic.Int64
	var first error
	var only sync.Once
	var wg sync.WaitGroup
	for range min(workers, n) {
		wg.Go(func() {
			for failed.Load() == 0 {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(i); err != nil {
					only.Do(func() { first = err })
					failed.Store(1)
				}
			}
		})
	}
	wg.Wait()
	return first
}
