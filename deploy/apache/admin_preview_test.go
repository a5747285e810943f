// What the admin page shows of pages themselves: the preview, and an old page beside the wiki's.

package apache_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/chromedp/chromedp"

	"pagemap/deploy/apache/browsertest"
)

// colours are how many colours an element's inside has in the picture of the whole page.
func (c *seat) colours(selector string) int {
	c.t.Helper()
	box := browsertest.Get(c.Tab, chromedp.Evaluate[[]float64]("(b => [b.left + scrollX + 4, b.top + scrollY + 4, b.right + scrollX - 4, b.bottom + scrollY - 4])(document.querySelector('"+selector+"').getBoundingClientRect())"))
	picture, err := png.Decode(bytes.NewReader(c.Screenshot()))
	if err != nil {
		c.t.Fatal(err)
	}
	seen := map[color.Color]bool{}
	area := image.Rect(int(box[0]), int(box[1]), int(box[2]), int(box[3])).Intersect(picture.Bounds())
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			seen[picture.At(x, y)] = true
		}
	}
	return len(seen)
}

func TestAdminShowsPages(t *testing.T) {
	b := browsertest.Start(t)
	s := upOldSite(t, adminOptions{})
	for _, view := range []browsertest.View{{}, {Dark: true, NoScript: true}} {
		c := s.sit(t, b, "maria", view)
		c.at("page?path=/docs/faq.html")
		eventually(t, apacheWait, "a preview that is not blank", func() bool { return c.colours("#preview") >= 4 })
		c.press("#flip button[formaction]", 200)
		c.says("main", "/docs/faq.html", "100.0 %", "docs/faq", "The wiki has no page of this name yet", "No word and no link would be lost")
		c.fill("#flip-source", "wiki:Docs/Install")
		c.press("#flip button[formaction]", 200)
		c.says("main", "file:/docs/faq.html", "wiki:Docs/Install", "of 12 words would stay", "Words lost", "Questions", "Links lost", "/about.html")
		if view.NoScript { // its frames run none anyway
			continue
		}
		c.sound()
		c.press("#side", 200)
		for _, frame := range []string{"section:first-child iframe", "section:last-child iframe"} {
			if n := c.colours(frame); n < 8 { // text, and marks
				t.Errorf("%s is blank: %d colours", frame, n)
			}
		}
		c.sound()
	}
}
