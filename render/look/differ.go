// Differences: what a layout made from one page has of that page alone.

package look

import "strings"

// Difference is a tag or text outside of the region that other pages lack.
type Difference struct {
	Passage
	Lacking int `json:"lacking"` // how many of the pages
}

// Differences lists, in the page's order, what stands outside of its region and is lacking outside of the
// regions of other pages, blanks aside. <title> and what DeriveWith removes are passed over. The selector must match all pages.
func Differences(p *Page, selector string, others []*Page) ([]Difference, error) {
	passages, err := p.outside(selector)
	if err != nil {
		return nil, err
	}
	lacking := make([]int, len(passages))
	for _, o := range others {
		theirs, err := o.outside(selector)
		if err != nil {
			return nil, err
		}
		has := make(map[string]bool, len(theirs))
		for _, s := range theirs {
			has[o.squeezed(s)] = true
		}
		for i, s := range passages {
			if !has[p.squeezed(s)] {
				lacking[i]++
			}
		}
	}
	var all []Difference
	for i, s := range passages {
		if lacking[i] > 0 {
			all = append(all, Difference{p.passage(s.start, s.end), lacking[i]})
		}
	}
	return all, nil
}

// squeezed is a spot's text with its blanks collapsed.
func (p *Page) squeezed(s spot) string {
	return strings.Join(strings.Fields(p.text[s.start:s.end]), " ")
}

// outside lists start tags, texts, scripts and styles that are not in the region.
func (p *Page) outside(selector string) ([]spot, error) {
	_, start, end, err := p.region(selector)
	if err != nil {
		return nil, err
	}
	var all []spot
	for _, s := range p.spots {
		if s.start < end && s.end > start {
			continue
		}
		tag := p.text[s.start:s.end]
		name := tagName(tag)
		switch {
		case name == "" && s.visible == 0, strings.HasPrefix(name, "/"), speaksOfPage(name, tag, attributes(tag)):
			continue
		}
		all = append(all, s)
		if content := (spot{start: s.end, end: s.content}); s.content > 0 && name != "title" && visible(p.text[content.start:content.end]) > 0 {
			all = append(all, content)
		}
	}
	return all, nil
}
