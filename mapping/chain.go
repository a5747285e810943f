// Following redirects through the table, and checking them when written.

package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// place is where a chain has been.
type place struct {
	path  Path
	query string
}

// follow answers for a redirect row: with the end of the chain that starts at t.
func (w *walk) follow(t Target, out outcome) Answer {
	answer := Answer{Status: 301, Pattern: out.Pattern, TreeRow: out.TreeRow, Changed: out.Changed}
	fail := func(flag Flag) Answer {
		answer.Status, answer.Flag = 404, flag
		w.trace(t.Path, "redirect", out.row.Pattern, "404: "+flag.String())
		return answer
	}
	seen := append(make([]place, 0, MaxHops+1), place{t.Path, t.Query})
	fragment := ""
	for {
		if len(seen) > MaxHops {
			return fail(FlagTooDeep)
		}
		if out.row.Status == 302 {
			answer.Status = 302
		}
		target, ok := redirectTarget(out.row, out.rest)
		if !ok {
			return fail(FlagBadRow)
		}
		target, ownFragment, _ := strings.Cut(w.Hosts.SitePath(target), "#")
		if ownFragment != "" {
			fragment = ownFragment
		}
		path, ownQuery, _ := strings.Cut(target, "?")
		query := ownQuery
		if !out.row.DropQuery {
			query = mergeQuery(ownQuery, t.Query, matched(out.row))
		}
		end := func(path string) Answer {
			answer.Location = location(path, query, fragment)
			if w.traced {
				w.trace(t.Path, "redirect", out.row.Pattern, fmt.Sprint(answer.Status, " ", answer.Location))
			}
			return answer
		}
		if !strings.HasPrefix(path, "/") {
			return end(path)
		}
		key, _, err := parsePath(path)
		if err != nil {
			return fail(FlagBadRow)
		}
		next := Target{Path: key, Query: query, HasQuery: query != "", Clean: true}
		if w.traced {
			w.trace(t.Path, "redirect", out.row.Pattern, "leads to "+location(string(key), query, fragment))
		}
		if slices.Contains(seen, place{key, query}) {
			return fail(FlagLoop)
		}
		seen = append(seen, place{key, query})
		t, out = next, w.look(next, true)
		switch {
		case !out.answered:
			return end(string(key))
		case out.Spelling:
			return end(string(out.own))
		case out.Status == 200:
			return end(string(out.Canonical))
		}
		answer.Changed = max(answer.Changed, out.Changed)
		if !out.redirects {
			answer.Status, answer.Suggest, answer.Flag = out.Status, out.Suggest, out.Flag
			return answer
		}
	}
}

// redirectTarget is the target of a redirect row, with the rest of a prefix
// row's match put in. It reports false for what is no target.
func redirectTarget(row Row, rest string) (string, bool) {
	source, err := ParseSource(row.Source)
	if err != nil || source.Kind != SourceURL {
		return "", false
	}
	target := source.Ref
	if base, ok := strings.CutSuffix(target, "/*"); ok && strings.HasSuffix(row.Pattern, "/*") {
		if target = base + rest; target == "" {
			target = "/"
		}
	}
	return target, true
}

// matched is the parameters that a query row matched, which it does not pass on.
func matched(row Row) []Parameter {
	_, _, query := splitPattern(row.Pattern)
	return parseQuery(query, MaxParameters)
}

// mergeQuery appends a request's query to a target's own: without parameters
// that the target names itself, without the matched ones, and for the rest in
// the bytes and the order of the request.
func mergeQuery(own, request string, matched []Parameter) string {
	if own == "" && len(matched) == 0 {
		return request
	}
	names := parseQuery(own, -1)
	matched = slices.Clone(matched)
	merged := []byte(own)
	for piece := range strings.SplitSeq(request, "&") {
		if piece == "" {
			continue
		}
		p := parseParameter(piece)
		if slices.ContainsFunc(names, func(o Parameter) bool { return o.Name == p.Name }) {
			continue
		}
		if i := slices.Index(matched, p); i >= 0 {
			matched = slices.Delete(matched, i, i+1)
			continue
		}
		if len(merged) > 0 {
			merged = append(merged, '&')
		}
		merged = append(merged, piece...)
	}
	return string(merged)
}

// location puts a Location header together.
func location(path, query, fragment string) string {
	if query != "" {
		path += "?" + query
	}
	if fragment != "" {
		path += "#" + fragment
	}
	return escapeURL(path)
}

// ChainError refuses a redirect that would never end; it is ErrBadRow.
type ChainError struct {
	Row   Row      // the redirect
	Long  bool     // the chain is longer than MaxHops; else it comes back to itself
	Chain []string // the patterns of the redirects on the way, in their order
}

// Error names the target, the chain and the way out.
func (e *ChainError) Error() string {
	return (&RowError{"source", e.Row.Source, e.Problem()}).Error()
}

// Problem is the error without the row that it is about.
func (e *ChainError) Problem() string {
	problem := "is a loop"
	if e.Long {
		problem = fmt.Sprintf("is a chain of more than %d redirects", MaxHops)
	}
	return fmt.Sprintf("%s: %s: write a target that ends it", problem, strings.Join(e.Chain, " -> "))
}

// Unwrap is ErrBadRow.
func (e *ChainError) Unwrap() error { return ErrBadRow }

// CheckRedirect follows a redirect row from its own path through r.Rows, which
// has the row already, and refuses it with a *ChainError where it comes back to
// itself or is longer than MaxHops. A prefix row is
// followed from its path itself and from a path below it that has no row of its
// own. Without r.Files, other spellings of a path are not looked for, since the
// tree may have it in its own. A loop that needs a query which only some requests
// bring, and the row's path does not name, is found when it is met: a 404.
func (r *Resolver) CheckRedirect(row Row) error {
	if row.Status != 301 && row.Status != 302 {
		return nil
	}
	path, prefix, query := splitPattern(row.Pattern)
	from := []Target{{Path: path, Query: query, HasQuery: query != "", Clean: true}}
	if prefix {
		// Requests for "%2F" do not reach a site behind Apache, so hardly a row has it.
		from = []Target{{Path: path + "/", Clean: true}, {Path: path + "/%2F", Clean: true}}
		if path != "" {
			from = append(from, Target{Path: path, Clean: true})
		}
	}
	for _, t := range from {
		w := walk{Resolver: r, rowsOnly: r.Files == nil}
		flag := w.resolve(t).Flag
		if flag != FlagLoop && flag != FlagTooDeep {
			continue
		}
		w = walk{Resolver: r, rowsOnly: r.Files == nil, traced: true}
		w.resolve(t)
		bad := &ChainError{Row: row, Long: flag == FlagTooDeep}
		for _, step := range w.steps {
			if step.Rule == "redirect" && (len(bad.Chain) == 0 || bad.Chain[len(bad.Chain)-1] != step.Row) {
				bad.Chain = append(bad.Chain, step.Row)
			}
		}
		return bad
	}
	return nil
}
