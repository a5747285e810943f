// Suggestions for missed paths: some at once, all of them a while later.

package admin

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"pagemap/mapping"
)

const (
	nearShown = 3      // suggestions of a path
	nearKept  = 20_000 // paths whose suggestions are remembered
	nearBatch = 200    // paths that are looked for in one pass over the table
	nearAsked = 200    // paths of one request of the script
)

// near remembers suggestions, and looks for those that are wanted, one pass over the
// table at a time.
type near struct {
	a *Admin

	mu      sync.Mutex // protects the rest
	known   map[mapping.Path][]mapping.Suggestion
	wanted  []mapping.Path
	looking bool
}

// suggested is what is known of a path.
type suggested struct {
	Path        mapping.Path         `json:"path"`
	Suggestions []mapping.Suggestion `json:"suggestions"`
	Pending     bool                 `json:"pending"` // there may be more in a while
}

// of returns what is known of paths, and has the others looked for.
func (n *near) of(ctx context.Context, paths []mapping.Path) ([]suggested, error) {
	list := make([]suggested, len(paths))
	var unknown []int
	n.mu.Lock()
	for i, p := range paths {
		found, ok := n.known[p]
		list[i] = suggested{p, append([]mapping.Suggestion{}, found...), !ok}
		if !ok {
			unknown = append(unknown, i)
			if !slices.Contains(n.wanted, p) && len(n.wanted) < nearKept {
				n.wanted = append(n.wanted, p)
			}
		}
	}
	if len(n.wanted) > 0 && !n.looking {
		n.looking = true
		n.a.jobs.Go(n.look)
	}
	n.mu.Unlock()
	if unknown == nil {
		return list, nil
	}
	quick, err := n.a.o.Explain.Resolver(ctx)
	if err != nil {
		return nil, err
	}
	quick.Rows = spellings{quick.Rows}
	these := make([]mapping.Path, len(unknown))
	for i, at := range unknown {
		these[i] = paths[at]
	}
	for i, found := range quick.Near(these, nearShown) {
		list[unknown[i]].Suggestions = append(list[unknown[i]].Suggestions, found...)
	}
	return list, nil
}

// spellings are rows that no pass is made over.
type spellings struct{ mapping.Rows }

// look looks for what is wanted until nothing is.
func (n *near) look() {
	for {
		n.mu.Lock()
		batch := slices.Clone(n.wanted[:min(len(n.wanted), nearBatch)])
		if len(batch) == 0 || n.a.ctx.Err() != nil {
			n.looking = false
			n.mu.Unlock()
			return
		}
		n.mu.Unlock()
		resolver, err := n.a.o.Explain.Resolver(n.a.ctx)
		if err != nil {
			n.a.o.Logger.Warn("admin page: no suggestions", "error", err)
		}
		if table, ok := resolver.Rows.(*mapping.Table); ok {
			resolver.Rows = gentleTable{table}
		}
		found := resolver.Near(batch, nearShown)
		n.mu.Lock()
		if len(n.known)+len(batch) > nearKept || n.known == nil {
			n.known = map[mapping.Path][]mapping.Suggestion{}
		}
		for i, p := range batch {
			n.known[p] = found[i]
		}
		n.wanted = slices.Delete(n.wanted, 0, len(batch))
		n.mu.Unlock()
	}
}

// nearPaths tells the script what is known of paths.
func (a *Admin) nearPaths(w http.ResponseWriter, r *http.Request) error {
	var paths []mapping.Path
	for _, text := range r.Form["path"] {
		p, err := mapping.ParsePath(text)
		if err != nil {
			return wrong(http.StatusBadRequest, "%s: %s", text, plain(err))
		}
		paths = append(paths, p)
	}
	if len(paths) > nearAsked {
		return wrong(http.StatusBadRequest, "At most %d paths at a time.", nearAsked)
	}
	list, err := a.near.of(r.Context(), paths)
	if err != nil {
		return err
	}
	return sendJSON(w, append([]suggested{}, list...))
}
