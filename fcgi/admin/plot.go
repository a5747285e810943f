// Plots: small pictures that the server draws as SVG.

package admin

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"pagemap/mapping/postgres"
)

// plot is a small picture of numbers over time, and what it says in words.
type plot struct {
	Values []float64
	Words  string // for who does not see it
	From   time.Time
	To     time.Time
	Unit   string
}

// Size of a plot, in units of its view box.
const (
	plotWidth  = 300
	plotHeight = 48
)

// Empty reports whether there is nothing to be seen.
func (p plot) Empty() bool { return p.Max() == 0 }

// Max is the largest value.
func (p plot) Max() float64 {
	most := 0.0
	for _, v := range p.Values {
		most = max(most, v)
	}
	return most
}

// SVG is the picture: bars, of which the highest fills the height. It is made of
// numbers and of Words, escaped.
func (p plot) SVG() template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="plot" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s">`, plotWidth, plotHeight, template.HTMLEscapeString(p.Words))
	most, step := p.Max(), float64(plotWidth)/float64(max(len(p.Values), 1))
	for i, v := range p.Values {
		if v <= 0 || most == 0 {
			continue
		}
		height := max(v/most*plotHeight, 1)
		fmt.Fprintf(&b, `<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f"/>`, float64(i)*step, plotHeight-height, max(step-1, 0.5), height)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers and escaped words alone
}

// days of the plots of hits.
const plotDays = 30

// hitsPlot is a plot of hits by day.
func hitsPlot(days []postgres.DayHits, now time.Time) plot {
	to := now.UTC().Truncate(24 * time.Hour)
	p := plot{Values: make([]float64, plotDays), From: to.AddDate(0, 0, 1-plotDays), To: to, Unit: "hits a day"}
	var sum int64
	for _, d := range days {
		at := int(d.Day.UTC().Sub(p.From).Hours() / 24)
		if at >= 0 && at < plotDays {
			p.Values[at] += float64(d.Hits)
			sum += d.Hits
		}
	}
	p.Words = fmt.Sprintf("Hits on each of the last %d days: %d in all, at most %.0f on a day, %.0f today.", plotDays, sum, p.Max(), p.Values[plotDays-1])
	return p
}

// minutes of the plots of requests.
const plotMinutes = 60

// requestsPlot is a plot of requests a second, of all responders together.
func requestsPlot(reports []postgres.Report, now time.Time) plot {
	to := now.UTC().Truncate(time.Minute)
	p := plot{Values: make([]float64, plotMinutes), From: to.Add(-(plotMinutes - 1) * time.Minute), To: to, Unit: "requests a second"}
	type place struct {
		name string
		at   int
	}
	sums, counts := map[place]float64{}, map[place]int{}
	for _, r := range reports {
		if at := int(math.Floor(r.At.Sub(p.From).Minutes())); at >= 0 && at < plotMinutes {
			sums[place{r.Name, at}] += r.Requests
			counts[place{r.Name, at}]++
		}
	}
	for k, sum := range sums {
		p.Values[k.at] += sum / float64(counts[k])
	}
	p.Words = fmt.Sprintf("Requests a second in each minute of the last hour: at most %.0f, %.0f in the last whole minute.", p.Max(), p.Values[plotMinutes-2])
	return p
}
