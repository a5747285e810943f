// Two pages side by side: an old one and what became of it, what differs marked.

package moving

import (
	"bytes"
	"context"

	"pagemap/mapping"
	"pagemap/render/look"
	"pagemap/render/wiki/compare"
)

// Comparison is an old page and the wiki's.
type Comparison struct {
	compare.Result
	Draft bool // the wiki has no such page: it was compared with what a move would write

	c     *Converter
	old   *Old
	fresh *Fresh
}

// Compare compares the page of a file with the wiki's page of a name, or where there is none with the draft of one.
// The error may be a *Refusal.
func (c *Converter) Compare(ctx context.Context, path mapping.Path, ref, name string) (*Comparison, error) {
	old, err := c.Read(ctx, path, ref)
	if err != nil {
		return nil, err
	}
	fresh, err := c.present(ctx, old, name)
	if err != nil {
		return nil, err
	}
	r, err := c.Lost(old, fresh)
	if err != nil {
		return nil, err
	}
	return &Comparison{r, fresh.Draft, c, old, fresh}, nil
}

// contentMark is the id of the element in which a page's content is put for showing it.
const contentMark = "pagemap-compared"

// HTML is one page that shows both, each in its look, in frames in which nothing runs and nothing is loaded.
func (s *Comparison) HTML(ctx context.Context) ([]byte, error) {
	path, c := s.old.Place.Path, s.c
	body, err := s.fresh.Body(path)
	if err != nil {
		return nil, err
	}
	markedOld, markedNew, err := compare.Mark(s.old.Region.HTML, body, s.old.Place)
	if err != nil {
		return nil, err
	}
	v := sideBySide{Path: string(path), Name: s.fresh.Name, Draft: s.Draft, Result: s.Result}
	inline := inliner{c.o.Tree, path, inlineBudget}
	if v.Old, err = inline.page(ctx, s.old.Page, c.selector(path), markedOld); err != nil {
		return nil, err
	}
	layout, _ := c.o.Wiki.Looks.For(path)
	drawn, err := layout.Draw(look.Content{Title: s.fresh.Title, Body: []byte(`<div id="` + contentMark + `"></div>`), Modified: s.fresh.Modified})
	if err != nil {
		return nil, err
	}
	fresh, err := look.ReadPage(drawn, "text/html; charset="+layout.Charset())
	if err != nil {
		return nil, err
	}
	inline.budget = inlineBudget
	if v.New, err = inline.page(ctx, fresh, "#"+contentMark, markedNew); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = sideTemplate.Execute(&b, v)
	return b.Bytes(), err
}
