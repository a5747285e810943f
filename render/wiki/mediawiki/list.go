// The wiki's pages.

package mediawiki

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
)

// Namespaces whose pages are listed besides those that the wiki calls its content.
const (
	project = 4
	help    = 12
)

// List implements wiki.Wiki: pages of the wiki's content, about the project and of help, without redirects.
func (w *Wiki) List(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		s, err := w.siteOf(ctx)
		if err != nil {
			yield("", fmt.Errorf("mediawiki: list: %w", err))
			return
		}
		var ids []int
		for _, n := range s.namespaces {
			if n.Content || n.ID == project || n.ID == help {
				ids = append(ids, n.ID)
			}
		}
		slices.Sort(ids)
		for _, id := range slices.Compact(ids) {
			p := values("action", "query", "list", "allpages", "apnamespace", strconv.Itoa(id), "apfilterredir", "nonredirects", "aplimit", "max")
			for more := true; more; {
				var answer struct {
					continued
					Query struct {
						Pages []info `json:"allpages"`
					} `json:"query"`
				}
				if err := w.query(ctx, p, &answer); err != nil {
					yield("", fmt.Errorf("mediawiki: list: %w", err))
					return
				}
				for _, page := range answer.Query.Pages {
					if !yield(page.Title, nil) {
						return
					}
				}
				more = answer.next(p)
			}
		}
	}
}
