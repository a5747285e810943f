// Pages and differences in words.

package intake

import (
	"fmt"
	"strings"

	"pagemap/mapping"
)

// DifferenceLine is a difference for people.
func DifferenceLine(pattern string, before, after *mapping.Page) string {
	switch {
	case before == nil:
		return "+ " + pattern + "  " + Answer(after)
	case after == nil:
		return "- " + pattern + "  " + Answer(before)
	case Answer(before) == Answer(after):
		return "~ " + pattern + "  " + Whole(before) + " -> " + Whole(after)
	}
	return "~ " + pattern + "  " + Answer(before) + " -> " + Answer(after)
}

// Answer is a page's answer in words.
func Answer(p *mapping.Page) string {
	text := strings.TrimSpace(fmt.Sprint(p.Status, " ", p.Source))
	if p.DropQuery {
		text += " (query dropped)"
	}
	return text
}

// Whole is a page in words.
func Whole(p *mapping.Page) string {
	text := fmt.Sprint(Answer(p), " (", p.Origin)
	if len(p.Tags) > 0 {
		text += fmt.Sprintf(", tags %q", p.Tags)
	}
	if p.Note != "" {
		text += fmt.Sprintf(", note %q", p.Note)
	}
	return text + ")"
}
