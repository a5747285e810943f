// The page that shows two pages side by side.

package moving

import (
	_ "embed"
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"pagemap/render/wiki/compare"
)

//go:embed page.html
var sideHTML string

var sideTemplate = template.Must(template.New("compare").Parse(sideHTML))

// sideBySide is what the page shows.
type sideBySide struct {
	Path, Name string
	Draft      bool
	Old, New   string // whole pages
	compare.Result
}

// Frame is the attribute with a page that is shown in a frame of its own.
func (sideBySide) Frame(page string) template.HTMLAttr {
	return template.HTMLAttr(`srcdoc="` + html.EscapeString(page) + `"`) // escaped here: the template would do so twice
}

// Percent is the score; only a page that keeps all has 100.
func (s sideBySide) Percent() string {
	return fmt.Sprintf("%.1f %%", math.Floor(1000*s.Score)/10)
}

// difference is what one page has and the other has not.
type difference struct {
	What, Class, Text string
	Count             int
}

// Most of a list that is shown.
const mostShown = 100

// Lists are the differences of each kind.
func (s sideBySide) Lists() (all []difference) {
	for _, d := range []struct {
		what, class string
		list        []string
	}{
		{"words lost", "lost", s.WordsLost}, {"words new", "added", s.WordsAdded}, {"links lost", "lost", s.LinksLost}, {"links new", "added", s.LinksAdded},
		{"images lost", "lost", s.ImagesLost}, {"headings lost", "lost", s.HeadingsLost}, {"places for links lost", "lost", s.IDsLost},
	} {
		if len(d.list) == 0 {
			continue
		}
		text := strings.Join(d.list[:min(len(d.list), mostShown)], ", ")
		if len(d.list) > mostShown {
			text += " …"
		}
		all = append(all, difference{d.what, d.class, text, len(d.list)})
	}
	return all
}

// Short reports whether the lists need not be folded away.
func (s sideBySide) Short() bool {
	n := 0
	for _, d := range s.Lists() {
		n += len(d.Text)
	}
	return n < 300
}
