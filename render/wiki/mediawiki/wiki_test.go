package mediawiki_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"pagemap/render/wiki"
	"pagemap/render/wiki/mediawiki"
	"pagemap/render/wiki/mediawikitest"
	"pagemap/render/wiki/wikitest"
)

// open starts a MediaWiki and returns it as a wiki, asked as its bot.
func open(t *testing.T, o mediawikitest.Options) (*mediawikitest.Server, *mediawiki.Wiki) {
	t.Helper()
	s := mediawikitest.Start(t, o)
	return s, connect(t, s, mediawiki.Options{User: mediawikitest.User, Password: mediawikitest.Password})
}

// connect returns a wiki of a server.
func connect(t *testing.T, s *mediawikitest.Server, o mediawiki.Options) *mediawiki.Wiki {
	t.Helper()
	api, err := url.Parse(s.API())
	if err != nil {
		t.Fatal(err)
	}
	o.API = api
	if o.Timeout == 0 {
		o.Timeout = time.Minute // the machine may be busy
	}
	w, err := mediawiki.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestConformance(t *testing.T) {
	wikitest.Run(t, func(t *testing.T) wikitest.World {
		s, w := open(t, mediawikitest.Options{})
		return wikitest.World{
			Wiki:     w,
			Put:      s.Write,
			Delete:   s.Delete,
			Redirect: func(from, to string) { s.Write(from, "#REDIRECT [[:"+to+"]]") },
			Link:     func(from, to string) string { return link(t, s, "[[:"+to+"|here]]") },
			Cannot: func(name string) bool {
				return strings.ContainsAny(name, "#<>[]{}|") || strings.Contains(name, "A%") || name == "&amp;"
			},
			Attach: func(image []byte) string {
				s.Upload("Attached plan.png", image)
				return "Media:Attached plan.png"
			},
		}
	})
}

// link returns where a link leads that a page has in its text. The wiki writes the same one on all pages, but
// none from a page to itself.
func link(t *testing.T, s *mediawikitest.Server, text string) string {
	t.Helper()
	res, err := http.PostForm(s.API(), url.Values{
		"action": {"parse"}, "title": {"Some page"}, "text": {text}, "contentmodel": {"wikitext"}, "format": {"json"}, "formatversion": {"2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ Parse struct{ Text string } }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	for z := html.NewTokenizer(strings.NewReader(answer.Parse.Text)); z.Next() != html.ErrorToken; {
		for _, a := range z.Token().Attr {
			if a.Key == "href" {
				return a.Val
			}
		}
	}
	t.Fatalf("no link in %q", answer.Parse.Text)
	return ""
}

// revision is that of a page now.
func revision(t *testing.T, w wiki.Wiki, name string) string {
	t.Helper()
	state, err := w.Stat(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return state.Revision
}

// content is the body of a page now.
func content(t *testing.T, w wiki.Wiki, name string) string {
	t.Helper()
	p, err := w.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(p.Body)
}
