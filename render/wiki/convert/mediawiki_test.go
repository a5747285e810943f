package convert_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"pagemap/render/wiki/compare"
	"pagemap/render/wiki/convert"
	"pagemap/render/wiki/mediawiki"
	"pagemap/render/wiki/mediawikitest"
)

// TestMediaWiki writes real pages to a real MediaWiki, and compares what it shows with the old pages.
func TestMediaWiki(t *testing.T) {
	server := mediawikitest.Start(t, mediawikitest.Options{})
	api, err := url.Parse(server.API())
	if err != nil {
		t.Fatal(err)
	}
	w, err := mediawiki.New(mediawiki.Options{API: api, User: mediawikitest.User, Password: mediawikitest.Password})
	if err != nil {
		t.Fatal(err)
	}
	var all []moved
	for _, tree := range trees {
		for _, file := range pages(t, tree.dir, 6) {
			old, place := regionOf(t, tree.dir, file, tree.id)
			if old == "" {
				continue
			}
			text, err := convert.Wikitext(old, place, "https://www.example.org/")
			if err != nil {
				t.Fatal(err)
			}
			keep(file, ".wiki", text)
			name := strings.TrimSuffix(strings.TrimPrefix(string(place.Path), "/"), ".html")
			if _, err := w.Write(t.Context(), name, text, "moved", ""); err != nil {
				t.Fatal(err)
			}
			page, err := w.Open(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			keep(file, ".shown.html", page.Body)
			r, err := compare.Fragments(old, string(page.Body), place)
			if err != nil {
				t.Fatal(err)
			}
			r.ImagesLost = slices.DeleteFunc(r.ImagesLost, func(i string) bool { return strings.HasSuffix(i, ".svg") }) // links, in MediaWiki
			all = append(all, moved{file, r, 0})
		}
	}
	if mean, p5 := distribution(t, all); mean < 0.98 || p5 < 0.95 {
		t.Errorf("mean %.4f (at least 0.98), 5th percentile %.4f (at least 0.95)", mean, p5)
	}
}
