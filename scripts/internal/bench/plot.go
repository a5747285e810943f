// The results as a picture.

package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// panel is one group of bars on a scale of its own.
type panel struct {
	title string
	bars  []bar
}

// bar is a ratio with a name. Bars of pagemap stand out.
type bar struct {
	name string
	ratio
	ours bool
}

// panels are the two scenarios of one hot page, each against its base, and pagemap's
// other scenarios against its own hot page.
func (r *results) panels() []panel {
	var all []panel
	for _, s := range scenarios[:2] {
		p := panel{title: s.title + ": pages a second, " + titleOf(s.base) + " = 1"}
		for _, name := range s.contenders {
			if q, ok := paired(r.series(s.name, name, rate), r.series(s.name, s.base, rate)); ok {
				p.bars = append(p.bars, bar{titleOf(name), q, strings.HasPrefix(titleOf(name), "pagemap")})
			}
		}
		slices.SortStableFunc(p.bars, func(a, b bar) int {
			if a.Median > b.Median {
				return -1
			}
			return 1
		})
		all = append(all, p)
	}
	own := panel{title: "pagemap, exact, in each scenario: its own hot page = 1"}
	for _, s := range scenarios {
		base := s.own
		if s.name == "hot-gzip" {
			base = "hot"
		}
		if q, ok := paired(r.series(s.name, "exact", rate), r.series(base, "exact", rate)); ok {
			own.bars = append(own.bars, bar{s.title, q, true})
		}
	}
	return slices.DeleteFunc(append(all, own), func(p panel) bool { return len(p.bars) == 0 })
}

// Sizes in pixels.
const (
	plotWidth  = 860
	nameWidth  = 330
	valueWidth = 60
	barHeight  = 16
	barStep    = 24
	margin     = 20
)

const plotStyle = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 14px; }
  .note { fill: #59636e; font-size: 12px; }
  .paper { fill: #ffffff; }
  .value { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; }
  .bar { fill: #a8b1bb; }
  .ours { fill: #1f6feb; }
  .ends { stroke: #1f2328; stroke-width: 1.5; fill: none; }
  .one { stroke: #59636e; stroke-dasharray: 3 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .note { fill: #9198a1; }
    .paper { fill: #0d1117; }
    .value { stroke: #0d1117; }
    .bar { fill: #57606a; }
    .ours { fill: #4493f8; }
    .ends { stroke: #e6edf3; }
    .one { stroke: #9198a1; }
  }
`

// plot writes an SVG that is readable on light and on dark ground.
func (r *results) plot(w io.Writer) error {
	panels := r.panels()
	height := 3 * margin
	for _, p := range panels {
		height += margin + barStep*(len(p.bars)+1)
	}
	out := &printer{w: w}
	out.line(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="Ratios of pages a second">`, plotWidth, height, plotWidth, height)
	out.line("<style>%s</style>", plotStyle)
	out.line(`<rect class="paper" width="%d" height="%d"/>`, plotWidth, height)
	y := margin
	for _, p := range panels {
		y = p.draw(out, y)
	}
	out.line(`<text class="note" x="%d" y="%d">%s</text>`, margin, height-margin, escape(fmt.Sprintf(
		"Rounds: %d, medians of pairs, lines from the smallest to the largest; %d cores shared with the generator, %d connections, 10 KB; %s",
		r.Rounds, r.Machine.Cores, connections, r.Date.Format("2006-01-02"))))
	out.line("</svg>")
	return out.err
}

// draw writes a panel below y, and returns where the next one begins.
func (p panel) draw(out *printer, y int) int {
	y += barStep
	out.line(`<text class="title" x="%d" y="%d">%s</text>`, margin, y-barStep+barHeight, escape(p.title))
	most := 1.0
	for _, b := range p.bars {
		most = max(most, b.Max)
	}
	left, wide := margin+nameWidth, plotWidth-2*margin-nameWidth-valueWidth
	at := func(v float64) float64 { return math.Round(10*(float64(left)+float64(wide)*v/most)) / 10 }
	out.line(`<path class="one" d="M%.1f %dv%d"/>`, at(1), y-4, barStep*(len(p.bars)-1)+barHeight+8)
	for _, b := range p.bars {
		class := "bar"
		if b.ours {
			class = "bar ours"
		}
		mid := y + barHeight/2
		out.line(`<text x="%d" y="%d" text-anchor="end">%s</text>`, left-8, mid+5, escape(b.name))
		out.line(`<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`, class, left, y, at(b.Median)-float64(left), barHeight)
		out.line(`<path class="ends" d="M%.1f %dV%dM%.1f %dV%dM%.1f %dH%.1f"/>`, at(b.Min), mid-3, mid+3, at(b.Max), mid-3, mid+3, at(b.Min), mid, at(b.Max))
		out.line(`<text class="value" x="%.1f" y="%d">%.2f</text>`, max(at(b.Median), at(b.Max))+8, mid+5, b.Median)
		y += barStep
	}
	return y + margin
}

// escape is a text as it stands in XML.
func escape(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return ""
	}
	return b.String()
}
