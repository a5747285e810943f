// Pictures of pages, and how much of them differs.

package apache_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"pagemap/deploy/apache/browsertest"
)

// mask empties the element with the content, and gives it a height. Of the content is also the list of a page's
// sections, which the manual's script takes out of it and puts beside it.
const mask = `(async () => {
	const region = document.querySelector("#page-content");
	region.replaceChildren();
	document.querySelectorAll("body > #quickview, body > .qv-toggle").forEach(e => e.remove());
	region.style.cssText = "height: 400px; overflow: hidden; box-sizing: border-box";
	await document.fonts.ready;
	await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
})()`

// picture opens a page, and returns what is visible of it, 1280 by 900 pixels, without its content.
func picture(t *testing.T, tab *browsertest.Tab, url string) []byte {
	t.Helper()
	if status := tab.Open(url); status != 200 {
		t.Fatalf("%s: status %d in the browser", url, status)
	}
	browsertest.Get(tab, chromedp.Evaluate[chromedp.Void](mask, chromedp.EvalAwaitPromise))
	return tab.Visible()
}

// difference returns the share of pixels that differ at all, and where they are.
func difference(t *testing.T, a, b []byte) (share float64, where string) {
	t.Helper()
	x, y := decode(t, a), decode(t, b)
	if x.Bounds() != y.Bounds() || x.Bounds().Empty() {
		return 1, fmt.Sprintf("sizes %v and %v", x.Bounds(), y.Bounds())
	}
	n, within := 0, image.Rectangle{}
	for at := x.Bounds().Min; at.Y < x.Bounds().Max.Y; at.Y++ {
		for at.X = x.Bounds().Min.X; at.X < x.Bounds().Max.X; at.X++ {
			if x.At(at.X, at.Y) != y.At(at.X, at.Y) {
				n++
				within = within.Union(image.Rectangle{at, at.Add(image.Pt(1, 1))})
			}
		}
	}
	size := x.Bounds().Size()
	return float64(n) / float64(size.X*size.Y), fmt.Sprintf("within %v", within)
}

func decode(t *testing.T, picture []byte) image.Image {
	t.Helper()
	i, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// keep leaves a pair of pictures where somebody can look at them.
func keep(t *testing.T, page string, before, after []byte) {
	t.Helper()
	dir, err := os.MkdirTemp("", "pagemap-pictures")
	if err != nil {
		t.Fatal(err)
	}
	name := strings.ReplaceAll(strings.Trim(page, "/"), "/", "_")
	for suffix, picture := range map[string][]byte{"before": before, "after": after} {
		file := filepath.Join(dir, name+"-"+suffix+".png")
		if err := os.WriteFile(file, picture, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("see %s", file)
	}
}

// TestDifference: equal pictures have none, and each pixel counts.
func TestDifference(t *testing.T) {
	draw := func(width int, dots ...image.Point) []byte {
		i := image.NewGray(image.Rect(0, 0, width, 10))
		for _, at := range dots {
			i.Pix[i.PixOffset(at.X, at.Y)] = 255
		}
		var b bytes.Buffer
		if err := png.Encode(&b, i); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for _, tt := range []struct {
		name string
		a, b []byte
		want float64
	}{
		{"the same", draw(10, image.Pt(3, 4)), draw(10, image.Pt(3, 4)), 0},
		{"two of a hundred", draw(10, image.Pt(3, 4)), draw(10, image.Pt(9, 9)), 0.02},
		{"another size", draw(10), draw(11), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, where := difference(t, tt.a, tt.b); got != tt.want {
				t.Errorf("%v %s, want %v", got, where, tt.want)
			}
		})
	}
}
