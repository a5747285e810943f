// The browser itself: what it shows, hears and reaches.

package browsertest_test

import (
	"bytes"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"pagemap/deploy/apache/browsertest"
)

func TestBrowser(t *testing.T) {
	page := `<!doctype html><html lang="en"><title>A page</title>
<style>body { background: white } @media (prefers-color-scheme: dark) { body { background: black } }</style>
<main><h1>Heading</h1><p id="p">before</p><script>document.getElementById("p").textContent = "after"</script></main>`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/strict" {
			w.Header().Set("Content-Security-Policy", "script-src 'none'")
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/bad" {
			_, _ = w.Write([]byte(strings.Replace(page, "<h1>", `<img src="data:,"><h1>`, 1)))
			return
		}
		_, _ = w.Write([]byte(page))
	}))
	defer server.Close()
	b := browsertest.Start(t, "www.example.org")

	t.Run("scripts run", func(t *testing.T) {
		tab := b.Tab(t, browsertest.View{})
		if status := tab.Open(server.URL + "/"); status != 200 {
			t.Error(status)
		}
		if got := tab.Text("#p"); got != "after" {
			t.Error(got)
		}
	})
	t.Run("scripts do not run", func(t *testing.T) {
		tab := b.Tab(t, browsertest.View{NoScript: true})
		tab.Open(server.URL + "/")
		if got := tab.Text("#p"); got != "before" {
			t.Error(got)
		}
	})
	t.Run("a violated policy is heard", func(t *testing.T) {
		tab := b.Tab(t, browsertest.View{})
		tab.Open(server.URL + "/strict")
		if got := tab.Errors(); len(got) == 0 || !strings.Contains(got[0], "Content Security Policy") {
			t.Errorf("%q", got)
		}
		tab.Open(server.URL + "/?again")
		_ = tab.Errors() // the favicon, which the browser asks for once
		tab.Open(server.URL + "/")
		if got := tab.Errors(); len(got) != 0 {
			t.Errorf("%q", got)
		}
	})
	t.Run("views", func(t *testing.T) {
		for _, v := range []browsertest.View{{Width: 360, Height: 640}, {Width: 1280, Height: 900, Dark: true}} {
			tab := b.Tab(t, v)
			tab.Open(server.URL + "/")
			picture, err := png.Decode(bytes.NewReader(tab.Visible()))
			if err != nil {
				t.Fatal(err)
			}
			if size := picture.Bounds().Size(); size.X != int(v.Width) || size.Y != int(v.Height) {
				t.Errorf("%+v: %v", v, size)
			}
			r, _, _, _ := picture.At(int(v.Width)-2, int(v.Height)-2).RGBA()
			if dark := r == 0; dark != v.Dark {
				t.Errorf("%+v: red %d", v, r)
			}
		}
	})
	t.Run("accessibility", func(t *testing.T) {
		tab := b.Tab(t, browsertest.View{})
		tab.Open(server.URL + "/strict")
		if got := tab.Accessibility(); len(got) != 0 {
			t.Error(got)
		}
		tab.Open(server.URL + "/bad")
		if got := tab.Accessibility(); len(got) != 1 || got[0].ID != "image-alt" {
			t.Error(got)
		}
	})
	t.Run("the site's name", func(t *testing.T) {
		tab := b.Tab(t, browsertest.View{})
		tab.Open(strings.Replace(server.URL, "127.0.0.1", "www.example.org", 1) + "/")
		if got := browsertest.Get(tab, chromedp.Evaluate[string]("location.hostname")); got != "www.example.org" {
			t.Error(got)
		}
	})
}
