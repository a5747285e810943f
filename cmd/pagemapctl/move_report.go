// The report of move.

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"pagemap/cmd/internal/moving"
	"pagemap/mapping/postgres"
	"pagemap/render"
	"pagemap/render/wiki/compare"
)

// Outcomes of a page.
const (
	outcomeMoved   = "moved"   // of a dry run: would be
	outcomeAlready = "already" // it is what it should become
	outcomeRefused = "refused"
)

// movedPage is what became of a page.
type movedPage struct {
	Path            string `json:"path"`
	From            string `json:"from,omitempty"` // sources
	To              string `json:"to,omitempty"`
	Outcome         string `json:"outcome"`
	Reason          string `json:"reason,omitempty"` // of a refusal
	*compare.Result        // nil: not compared

	edit *postgres.Edit
	seen int64 // number of the change that had written the row when it was read
}

func (p *movedPage) refuse(why string) { p.Outcome, p.Reason, p.edit = outcomeRefused, why, nil }

// refuseOr refuses the page for an error that is its own, and returns any other.
func (p *movedPage) refuseOr(err error) error {
	var no *moving.Refusal
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &no) && errors.Is(err, render.ErrUnavailable) && !errors.Is(err, render.ErrTooLarge),
		errors.Is(err, context.Canceled):
		return err
	}
	p.refuse(err.Error())
	return nil
}

// moveReport is what move did.
type moveReport struct {
	DryRun    bool        `json:"dry_run"`
	Back      bool        `json:"back"`
	ChangeSet int64       `json:"change_set"` // 0: no row was turned
	Moved     int         `json:"moved"`
	Already   int         `json:"already"`
	Refused   int         `json:"refused"`
	Mean      *float64    `json:"mean"` // share of words kept by the pages that were compared
	P5        *float64    `json:"p5"`   // its 5th percentile
	Pages     []movedPage `json:"pages"`
}

// count fills in the sums.
func (r *moveReport) count() {
	var scores []float64
	for _, p := range r.Pages {
		switch p.Outcome {
		case outcomeMoved:
			r.Moved++
		case outcomeAlready:
			r.Already++
		default:
			r.Refused++
		}
		if p.Result != nil {
			scores = append(scores, p.Score)
		}
	}
	if len(scores) == 0 {
		return
	}
	slices.Sort(scores)
	mean := 0.0
	for _, s := range scores {
		mean += s
	}
	mean /= float64(len(scores))
	r.Mean, r.P5 = &mean, &scores[len(scores)/20]
}

// Bounds of what is told in words.
const (
	fewPages  = 20 // all of them are listed
	worst     = 10 // of more, these
	someLost  = 8  // words and the like of one page
	refusals  = 50
	lostWidth = 200
)

func (a *app) tellMove(r *moveReport, asJSON bool) error {
	if asJSON {
		if r.Pages == nil {
			r.Pages = []movedPage{}
		}
		return writeJSON(a.out, r)
	}
	var b bytes.Buffer
	shown := 0
	for i := range r.Pages {
		if p := &r.Pages[i]; p.Outcome == outcomeRefused {
			if shown++; shown <= refusals {
				fmt.Fprintf(&b, "REFUSED %s: %s\n", p.Path, p.Reason)
				p.tellLost(&b)
			}
		}
	}
	if shown > refusals {
		fmt.Fprintf(&b, "... and %d more refused: --json lists all\n", shown-refusals)
	}
	var rest []*movedPage
	for i := range r.Pages {
		if p := &r.Pages[i]; p.Outcome != outcomeRefused {
			rest = append(rest, p)
		}
	}
	if len(rest) > fewPages {
		rest = slices.DeleteFunc(rest, func(p *movedPage) bool { return p.Result == nil || p.lostNothing() })
		slices.SortStableFunc(rest, func(p, q *movedPage) int { return cmp.Compare(p.Score, q.Score) })
		if len(rest) > worst {
			fmt.Fprintf(&b, "%d pages differ; those that lost most words:\n", len(rest))
			rest = rest[:worst]
		}
	}
	for _, p := range rest {
		fmt.Fprintf(&b, "%s -> %s", p.Path, p.To)
		if p.Outcome == outcomeAlready {
			b.WriteString(" already")
		}
		if p.Result != nil {
			fmt.Fprintf(&b, "  %.1f %% of %d words kept", 100*p.Score, p.Words)
		}
		b.WriteByte('\n')
		p.tellLost(&b)
	}
	verb := "moved"
	if r.DryRun {
		verb = "would be moved"
	}
	if r.Back {
		verb += " back"
	}
	fmt.Fprintf(&b, "%d %s, %d already, %d refused", r.Moved, verb, r.Already, r.Refused)
	if r.Mean != nil {
		fmt.Fprintf(&b, "; words kept: mean %.4f, 5th percentile %.4f", *r.Mean, *r.P5)
	}
	b.WriteByte('\n')
	if r.ChangeSet != 0 {
		fmt.Fprintf(&b, "change-set %d; undone by move --back, or pagemapctl revert %d\n", r.ChangeSet, r.ChangeSet)
	}
	_, err := a.out.Write(b.Bytes())
	return err
}

// lostNothing reports whether the new page has all words, links, images and headings.
func (p *movedPage) lostNothing() bool {
	return len(p.WordsLost)+len(p.LinksLost)+len(p.ImagesLost)+len(p.HeadingsLost) == 0
}

func (p *movedPage) tellLost(w io.Writer) {
	if p.Result == nil {
		return
	}
	for _, l := range []struct {
		what string
		list []string
	}{{"words", p.WordsLost}, {"links", p.LinksLost}, {"images", p.ImagesLost}, {"headings", p.HeadingsLost}} {
		if len(l.list) == 0 {
			continue
		}
		text := strings.Join(l.list[:min(len(l.list), someLost)], ", ")
		if r := []rune(text); len(r) > lostWidth {
			text = string(r[:lostWidth]) + "..."
		}
		if more := len(l.list) - someLost; more > 0 {
			text += fmt.Sprintf(", and %d more", more)
		}
		fmt.Fprintf(w, "    lost %s: %s\n", l.what, text)
	}
}
