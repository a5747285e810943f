// The wiki page that is measured: one of the old site's pages, moved.

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	wikiPath = "/wiki.html"
	wikiName = "Hot"

	wikiStart = "<h1>" // where the content of a page begins; it ends before pageEnd
	bodyMark  = "<!--pagemap:body-->"
)

// writeWiki makes a wiki with the content of a page of hotSize, and the layout that is the rest of it. Both are directories
// that are there.
func (s *site) writeWiki(wiki, looks string) error {
	s.wiki, s.looks = wiki, looks
	page := newGenerator().page(2_000_000, hotSize)
	at := bytes.Index(page, []byte(wikiStart))
	if at < 0 {
		return fmt.Errorf("a page without %s", wikiStart)
	}
	content := string(page[at:len(page)-len(pageEnd)]) + "\n</p>"
	end := strings.TrimPrefix(pageEnd, "\n</p>")
	return errors.Join(
		os.WriteFile(filepath.Join(wiki, wikiName+".html"), []byte(content), 0o644),
		os.WriteFile(filepath.Join(looks, "layout.html"), []byte(string(page[:at])+bodyMark+end), 0o644),
	)
}

// drawn tells whether a body is the wiki's page in its layout, and of about the size of the page that it was made of.
func (s *site) drawn(body []byte) error {
	layout, err := os.ReadFile(filepath.Join(s.looks, "layout.html"))
	if err != nil {
		return err
	}
	before, after, _ := bytes.Cut(layout, []byte(bodyMark))
	switch {
	case !bytes.HasPrefix(body, before) || !bytes.HasSuffix(body, after):
		return errors.New("not in the layout")
	case !bytes.HasPrefix(body[len(before):], []byte("<h1")):
		return errors.New("without the content")
	case len(body) < hotSize*97/100 || len(body) > hotSize*103/100:
		return fmt.Errorf("%d bytes, which should be about %d", len(body), hotSize)
	}
	return nil
}
